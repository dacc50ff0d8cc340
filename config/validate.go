package config

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Validate returns every error of the settings, joined into one, or nil. Each
// names the environments, the setting, its value and what is allowed. Whatever
// passes can be synthesized.
func Validate(environments []Environment) error {
	v := validator{of: map[string][]string{}}
	for i, e := range environments {
		v.about(i, e)
		v.identity(e)
		v.network(e)
		v.database(e)
		v.redis(e)
		v.services(e)
		v.monitoring(e)
		v.tags("", reflect.ValueOf(e), e.Production)
		v.physicalNames(e)
	}
	v.unique(environments)
	return v.err()
}

// validator collects the errors of one environment after the other.
type validator struct {
	environment string
	rejected    []string            // in the order in which they were found
	of          map[string][]string // the environments of each
}

// err joins the errors. One that several environments share is reported once:
// "dev, stage: …".
func (v *validator) err() error {
	errs := make([]error, len(v.rejected))
	for i, text := range v.rejected {
		errs[i] = fmt.Errorf("%s: %s", list(v.of[text]), text)
	}
	return errors.Join(errs...)
}

// about sets the environment of the next errors.
func (v *validator) about(index int, e Environment) {
	v.environment = e.Name
	if e.Name == "" {
		v.environment = fmt.Sprintf("environment %d", index+1)
	}
}

// reject records a setting whose value is not allowed.
func (v *validator) reject(setting string, value any, allowed string, args ...any) {
	format := "%s is %q: want %s" // quoted, so that an empty text shows
	switch value.(type) {
	case int, bool:
		format = "%s is %v: want %s"
	}
	text := fmt.Sprintf(format, setting, value, fmt.Sprintf(allowed, args...))
	if len(v.of[text]) == 0 {
		v.rejected = append(v.rejected, text)
	}
	if !slices.Contains(v.of[text], v.environment) {
		v.of[text] = append(v.of[text], v.environment)
	}
}

// matches rejects a text that does not match the whole pattern.
func (v *validator) matches(setting, value string, pattern *regexp.Regexp, allowed string) {
	if !pattern.MatchString(value) {
		v.reject(setting, value, "%s", allowed)
	}
}

// oneOf rejects a value that is not in a list.
func oneOf[T comparable](v *validator, setting string, value T, allowed ...T) {
	if !slices.Contains(allowed, value) {
		v.reject(setting, value, "one of %s", list(allowed))
	}
}

func list[T any](values []T) string {
	texts := make([]string, len(values))
	for i, value := range values {
		texts[i] = fmt.Sprint(value)
	}
	return strings.Join(texts, ", ")
}

// The tags of a setting's field. A limit is written there and nowhere else:
// docs/environments.md shows it beside the field's comment.
const (
	rangeTag      = "range"      // "5 to 300": the lowest and the highest number
	oneOfTag      = "oneof"      // "17, 18": all values
	charactersTag = "characters" // "64": the longest text
	productionTag = "production" // a range, or "true" or "false", where Production is on; after a colon, why
)

// tags checks the settings of a struct, and of the structs in it, against their
// fields' tags.
func (v *validator) tags(path string, settings reflect.Value, production bool) {
	for field, value := range settings.Fields() {
		setting := path + field.Name
		switch {
		case field.Anonymous:
			v.tags(path, value, production)
			continue
		case value.Kind() == reflect.Struct:
			v.tags(setting+".", value, production)
			continue
		}
		if limits, ok := field.Tag.Lookup(rangeTag); ok {
			v.inRange(setting, int(value.Int()), limits, "")
		}
		if values, ok := field.Tag.Lookup(oneOfTag); ok && !slices.Contains(strings.Split(values, ", "), fmt.Sprint(value)) {
			v.reject(setting, value.Interface(), "one of %s", values)
		}
		if longest, ok := field.Tag.Lookup(charactersTag); ok && value.Len() > mustInt(longest) {
			v.reject(setting, value.String(), "at most %s characters", longest)
		}
		if rule, ok := field.Tag.Lookup(productionTag); ok && production {
			v.inProduction(setting, value, rule)
		}
	}
}

func (v *validator) inProduction(setting string, value reflect.Value, rule string) {
	allowed, why, explained := strings.Cut(rule, ": ")
	when := " while Production is true"
	if explained {
		when += ": " + why
	}
	if value.Kind() == reflect.Int {
		v.inRange(setting, int(value.Int()), allowed, when)
	} else if fmt.Sprint(value) != allowed {
		v.reject(setting, value.Bool(), "%s", allowed+when)
	}
}

// inRange rejects a number outside limits, which are such as "5 to 300".
func (v *validator) inRange(setting string, value int, limits, when string) {
	lowest, highest, _ := strings.Cut(limits, " to ")
	if value < mustInt(lowest) || value > mustInt(highest) {
		v.reject(setting, value, "%s", limits+when)
	}
}

func mustInt(text string) int {
	number, err := strconv.Atoi(text)
	if err != nil {
		panic(err) // a tag of this package: every validation would have failed
	}
	return number
}

// plainText is what isPlainText allows.
const plainText = "text without control characters, {{resolve: and {Token["

// isPlainText reports whether CDK and CloudFormation leave the text as it is. They
// would replace a reference, above all one to a secret.
func isPlainText(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl) &&
		!strings.Contains(s, "{{resolve:") && !strings.Contains(s, "{Token[")
}
