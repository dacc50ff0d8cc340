package assembly

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// function is one of CloudFormation's functions in a template: {name: argument}.
type function struct {
	name     string
	argument any
}

// asFunction reads an object with the single key Ref or Fn::….
func asFunction(value any) (function, bool) {
	object, ok := value.(map[string]any)
	if !ok || len(object) != 1 {
		return function{}, false
	}
	for name, argument := range object {
		if name == "Ref" || strings.HasPrefix(name, "Fn::") {
			return function{name, argument}, true
		}
	}
	return function{}, false
}

// walk calls visit for each function in a value, outer ones first, with the path
// of names and indexes that leads to it. The path ends where the first function
// is: its arguments are no properties.
func walk(value any, path string, visit func(path string, fn function)) {
	if fn, ok := asFunction(value); ok {
		visit(path, fn)
		walk(fn.argument, "", func(_ string, inner function) { visit(path, inner) })
		return
	}
	switch v := value.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			walk(v[name], joinPath(path, name), visit)
		}
	case []any:
		for i, element := range v {
			walk(element, joinPath(path, strconv.Itoa(i)), visit)
		}
	}
}

func joinPath(path, step string) string {
	if path == "" {
		return step
	}
	return path + "." + step
}

// substitution reads the argument of Fn::Sub: a text, or a text and variables.
func substitution(argument any) (text string, variables map[string]any, ok bool) {
	switch v := argument.(type) {
	case string:
		return v, nil, true
	case []any:
		if len(v) == 2 {
			text, isText := v[0].(string)
			variables, isMap := v[1].(map[string]any)
			return text, variables, isText && isMap
		}
	}
	return "", nil, false
}

var placeholder = regexp.MustCompile(`\$\{[^}]+\}`)

// substitute replaces each ${name} of the text of Fn::Sub. ${!name} is how it
// writes the text ${name}.
func substitute(text string, with func(name string) string) string {
	return placeholder.ReplaceAllStringFunc(text, func(match string) string {
		name := strings.TrimSpace(match[len("${") : len(match)-len("}")])
		if literal, ok := strings.CutPrefix(name, "!"); ok {
			return "${" + literal + "}"
		}
		return with(name)
	})
}
