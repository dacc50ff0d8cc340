package review

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"slices"

	"parrot/internal/assembly"
)

// pair is one stack in both assemblies; base is nil for a new one, and head for
// one that is gone. Without Old and New it is what stands still.
type pair struct {
	key        string
	base, head *assembly.Stack
	// old and new are the resources with functions resolved, metadata left out.
	old, new map[string]map[string]any
}

// Key is what makes a stack in one assembly the same as in another: its name
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
		if p.changed() {
			p.old, p.new = resources(p.base), resources(p.head)
		}
	}
	return all
}

// any is the stack in either assembly.
func (p *pair) any() *assembly.Stack {
	if p.head != nil {
		return p.head
	}
	return p.base
}

func (p *pair) name() string { return p.any().Name }

// changed says whether the templates, or what is set beside them, differ.
func (p *pair) changed() bool {
	return p.base == nil || p.head == nil || !bytes.Equal(p.base.Template, p.head.Template) ||
		p.base.TerminationProtection != p.head.TerminationProtection
}

// resource is a resource in either assembly.
func (p *pair) resource(id string) (old, new *assembly.Resource) {
	if p.base != nil {
		old = p.base.Resource(id)
	}
	if p.head != nil {
		new = p.head.Resource(id)
	}
	return old, new
}

// resources are a stack's resources with all functions resolved. Metadata says
// nothing to AWS.
func resources(stack *assembly.Stack) map[string]map[string]any {
	found := map[string]map[string]any{}
	if stack == nil {
		return found
	}
	var template struct{ Resources map[string]map[string]any }
	if json.Unmarshal(stack.Template, &template) != nil {
		return found // Load read the same text
	}
	for id, resource := range template.Resources {
		if resource["Type"] == "AWS::CDK::Metadata" {
			continue
		}
		delete(resource, "Metadata")
		resolved, _ := stack.Resolve(resource).(map[string]any)
		if resolved != nil {
			found[id] = resolved
		}
	}
	return found
}
