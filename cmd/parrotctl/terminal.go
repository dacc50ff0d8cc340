package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// ask asks a question on the terminal, and reports whether the answer is yes.
func (p *app) ask(ctx context.Context, question string) bool {
	fmt.Fprintf(p.stderr, "%s [y/N] ", question)
	answer := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(p.stdin).ReadString('\n')
		answer <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case <-ctx.Done():
		return false
	case text := <-answer:
		if text == "" {
			fmt.Fprintln(p.stderr)
		}
		return text == "y" || text == "yes"
	}
}

func writeJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

// addProfile adds the flag for an AWS profile.
func addProfile(command *cobra.Command, value *string, name, of string) {
	command.Flags().StringVar(value, name, "", "AWS profile of "+of)
}

// arguments checks the number of arguments; those in brackets are optional.
func arguments(names ...string) cobra.PositionalArgs {
	least := 0
	for _, name := range names {
		if name[0] != '[' {
			least++
		}
	}
	return func(command *cobra.Command, args []string) error {
		if len(args) < least || len(args) > len(names) {
			return status{exitUsage, fmt.Errorf("%s takes %v, and got %q: see %s --help", command.Name(), names, args, command.CommandPath())}
		}
		return nil
	}
}
