package review

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"parrot/internal/assembly"
)

// pair is one stack in both assemblies; base is nil for a new one, and head for
// one that is gone. Without Old and New nothing changes.
type pair struct {
	key        string
	base, head *assembly.Stack
	// old and new are the resources with functions resolved, metadata left out.
	old, new map[string]map[string]any
	// parameters says that the stack reads an SSM parameter whose value changes,
	// which is a change even where the template stays the same.
	parameters bool
}

// Key returns what makes a stack in one assembly the same as in another: its name
// and region. The account is not in it, since it may be known in only one.
func Key(stack *assembly.Stack) string { return stack.Name + " in " + stack.Region }

// match pairs the stacks of two assemblies, by name. Stacks of stages, a
// pipeline's copies, are not among them.
func match(base, head *assembly.Assembly, only func(stack string) bool) []*pair {
	pairs := map[string]*pair{}
	of := func(stack *assembly.Stack) *pair {
		key := Key(stack)
		if pairs[key] == nil {
			pairs[key] = &pair{key: key}
		}
		return pairs[key]
	}
	for _, stack := range base.Stacks {
		if only == nil || only(stack.Name) {
			of(stack).base = stack
		}
	}
	for _, stack := range head.Stacks {
		if only == nil || only(stack.Name) {
			of(stack).head = stack
		}
	}
	all := slices.SortedFunc(maps.Values(pairs), func(a, b *pair) int { return cmp.Compare(a.key, b.key) })
	for _, p := range all {
		oldParameters, newParameters := ssmParameters(p.base), ssmParameters(p.head)
		p.parameters = !maps.Equal(oldParameters, newParameters)
		if p.changed() {
			p.old, p.new = resources(p.base, oldParameters), resources(p.head, newParameters)
		}
	}
	return all
}

// any returns the stack in either assembly.
func (p *pair) any() *assembly.Stack {
	if p.head != nil {
		return p.head
	}
	return p.base
}

func (p *pair) name() string { return p.any().Name }

// changed reports whether the templates, or what is set beside them, differ.
func (p *pair) changed() bool {
	return p.base == nil || p.head == nil || !bytes.Equal(p.base.Template, p.head.Template) ||
		p.base.TerminationProtection != p.head.TerminationProtection || p.parameters
}

// resource is a resource in either assembly.
func (p *pair) resource(id string) (before, after *assembly.Resource) {
	if p.base != nil {
		before = p.base.Resource(id)
	}
	if p.head != nil {
		after = p.head.Resource(id)
	}
	return before, after
}

// ssmParameters returns the values of the template's parameters that are read from
// SSM and written by the same app, by how a resolved text names them. They cross
// from stack to stack without an export.
func ssmParameters(stack *assembly.Stack) map[string]string {
	values := map[string]string{}
	if stack == nil {
		return values
	}
	for name, parameter := range stack.Parameters {
		kind, _ := parameter["Type"].(string)
		if !strings.HasPrefix(kind, "AWS::SSM::Parameter::Value<") {
			continue
		}
		for _, other := range stack.Assembly().Stacks {
			for _, written := range other.OfType("AWS::SSM::Parameter") {
				if written.Text("Name") == parameter["Default"] && other.Region == stack.Region {
					values["${"+name+"}"] = written.Text("Value")
				}
			}
		}
	}
	return values
}

// fill puts values in the place of names in all texts of a resolved value.
func fill(value any, names *strings.Replacer) any {
	switch v := value.(type) {
	case string:
		return names.Replace(v)
	case []any:
		for i := range v {
			v[i] = fill(v[i], names)
		}
	case map[string]any:
		for name := range v {
			v[name] = fill(v[name], names)
		}
	}
	return value
}

// resources returns a stack's resources with all functions resolved. Metadata says
// nothing to AWS.
func resources(stack *assembly.Stack, parameters map[string]string) map[string]map[string]any {
	found := map[string]map[string]any{}
	if stack == nil {
		return found
	}
	var template struct{ Resources map[string]map[string]any }
	if json.Unmarshal(stack.Template, &template) != nil {
		return found // Load read the same text
	}
	var pairs []string
	for name, value := range parameters {
		pairs = append(pairs, name, value)
	}
	for id, resource := range template.Resources {
		if resource["Type"] == "AWS::CDK::Metadata" {
			continue
		}
		delete(resource, "Metadata")
		resolved, _ := fill(stack.Resolve(resource), strings.NewReplacer(pairs...)).(map[string]any)
		if resolved != nil {
			found[id] = resolved
		}
	}
	return found
}
