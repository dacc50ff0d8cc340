// Package terminal writes texts for a terminal: commands that can be pasted, and
// texts from elsewhere that must not control it.
package terminal

import (
	"fmt"
	"strings"
	"time"
	"unicode"
)

// Shell returns a command line as a shell reads it: words with other characters than
// plain ones are quoted.
func Shell(words []string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = word
		if word == "" || strings.ContainsFunc(word, func(r rune) bool {
			return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=,@%+", r)
		}) {
			quoted[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
	}
	return strings.Join(quoted, " ")
}

// Parrotctl returns a command of parrotctl as it can be pasted.
func Parrotctl(args ...string) string {
	return strings.Join(append([]string{"go run ./cmd/parrotctl"}, args...), " ")
}

// Printable returns a text with its control characters as escapes: they could move the
// cursor or set the terminal's title.
func Printable(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '\t' || unicode.IsGraphic(r):
			b.WriteRune(r)
		default:
			escaped := fmt.Sprintf("%q", string(r))
			b.WriteString(escaped[1 : len(escaped)-1])
		}
	}
	return b.String()
}

// Minute returns a time in UTC to the minute, or "-" where there is none.
func Minute(at *time.Time) string {
	if at == nil || at.IsZero() {
		return "-"
	}
	return at.UTC().Format("2006-01-02 15:04") + "Z"
}

// Day returns the date of a time in UTC, or "-" where there is none.
func Day(at *time.Time) string {
	if at == nil {
		return "-"
	}
	return at.UTC().Format(time.DateOnly)
}
