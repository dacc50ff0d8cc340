package assembly

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Text returns a property as a reader would write it: texts and numbers as they are,
// joins joined, and each reference as ${Stack.LogicalID} or
// ${Stack.LogicalID.Attribute} of the resource that it leads to, through
// exports. A parameter is ${Parameter}, a list has commas, and what has no
// shorter form is JSON. The path is the property's names and indexes. A value
// that is not there is "".
func (r *Resource) Text(path ...any) string {
	value, ok := r.Lookup(path...)
	if !ok {
		return ""
	}
	return r.Stack.Text(value)
}

// Lookup returns the property at a path of names and indexes, as it is in the
// template: functions are not evaluated.
func (r *Resource) Lookup(path ...any) (value any, ok bool) {
	value = r.Properties
	for _, step := range path {
		switch container := value.(type) {
		case map[string]any:
			name, isName := step.(string)
			if value, ok = container[name]; !isName || !ok {
				return nil, false
			}
		case []any:
			index, isIndex := step.(int)
			if !isIndex || index < 0 || index >= len(container) {
				return nil, false
			}
			value = container[index]
		default:
			return nil, false
		}
	}
	return value, true
}

// Text returns any value of the stack's template as Resource.Text shows it.
func (s *Stack) Text(value any) string { return show(s.Resolve(value)) }

// Resolve returns any value of the stack's template in which each function that has a
// text, as Text shows it, is that text. The value itself is not changed.
func (s *Stack) Resolve(value any) any {
	switch v := value.(type) {
	case []any:
		list := make([]any, len(v))
		for i, element := range v {
			list[i] = s.Resolve(element)
		}
		return list
	case map[string]any:
		if fn, ok := asFunction(v); ok {
			if text, ok := s.evaluate(fn); ok {
				return text
			}
		}
		object := make(map[string]any, len(v))
		for name, member := range v {
			object[name] = s.Resolve(member)
		}
		return object
	}
	return value
}

// evaluate is the text of a function; ok is false where it has none before
// deployment, or is written as CloudFormation would not take it.
func (s *Stack) evaluate(fn function) (text string, ok bool) {
	if target, ok := s.follow(fn); ok {
		return target.String(), true
	}
	switch fn.name {
	case "Ref":
		name, ok := fn.argument.(string)
		return "${" + name + "}", ok
	case "Fn::ImportValue":
		if export := s.imported(fn.argument); export != nil {
			return export.Stack.Text(export.Value), true
		}
	case "Fn::Join":
		if arguments, ok := fn.argument.([]any); ok && len(arguments) == 2 {
			return s.joined(arguments[0], arguments[1])
		}
	case "Fn::Sub":
		if text, variables, ok := substitution(fn.argument); ok {
			return s.substituted(text, variables), true
		}
	}
	return "", false
}

func (s *Stack) joined(separator, list any) (text string, ok bool) {
	elements, ok := list.([]any) // else a function: its elements are not known
	texts := make([]string, len(elements))
	for i, element := range elements {
		texts[i] = s.Text(element)
	}
	return strings.Join(texts, s.Text(separator)), ok
}

func (s *Stack) substituted(text string, variables map[string]any) string {
	return substitute(text, func(name string) string {
		if value, own := variables[name]; own {
			return s.Text(value)
		}
		if target, ok := s.named(name); ok {
			return target.String()
		}
		return "${" + name + "}"
	})
}

// show writes a resolved value.
func show(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case []any:
		texts := make([]string, len(v))
		for i, element := range v {
			texts[i] = show(element)
		}
		return strings.Join(texts, ",")
	default:
		return compactJSON(v)
	}
}

// compactJSON writes < and & as they are, unlike json.Marshal.
func compactJSON(value any) string {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return fmt.Sprint(value) // not a value of a template, all of which are JSON
	}
	return strings.TrimSuffix(text.String(), "\n")
}
