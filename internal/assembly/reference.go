package assembly

import (
	"slices"
	"strings"
)

// Target is what a value of a template refers to: a resource, or one of its
// attributes.
type Target struct {
	Resource *Resource
	// Attribute is the attribute of Fn::GetAtt, dots and all; empty for Ref.
	Attribute string
}

// String returns the target as Text shows it: ${Stack.LogicalID} or
// ${Stack.LogicalID.Attribute}. The zero Target is "".
func (t Target) String() string {
	if t.Resource == nil {
		return ""
	}
	name := t.Resource.Stack.Name + "." + t.Resource.LogicalID
	if t.Attribute != "" {
		name += "." + t.Attribute
	}
	return "${" + name + "}"
}

// Reference is a property of a resource that refers to another.
type Reference struct {
	// From is the resource that refers to the other, and Path its property:
	// names and indexes, joined by dots. It ends at a function,
	// whatever is inside that.
	From *Resource
	Path string
	// To is what it refers to.
	To Target
	// Export is the name of the export that the property imports, empty for a
	// reference inside a stack.
	Export string
}

// References returns what the resource's properties refer to, by property; a
// property that refers twice to the same is one reference. Parameters, pseudo
// parameters and imports that nothing exports are none, and DependsOn is not a
// property.
func (r *Resource) References() []Reference {
	var references []Reference
	walk(r.Properties, "", func(path string, fn function) {
		var export string
		if fn.name == "Fn::ImportValue" {
			export = r.Stack.exportName(fn.argument)
		}
		for _, target := range r.Stack.targets(fn) {
			reference := Reference{From: r, Path: path, To: target, Export: export}
			if !slices.Contains(references, reference) {
				references = append(references, reference)
			}
		}
	})
	return references
}

// UsedBy returns the references to the resource from anywhere in its assembly, by
// stack, resource and property.
func (r *Resource) UsedBy() []Reference {
	return slices.Clone(r.Stack.assembly.uses()[r])
}

func (a *Assembly) indexUses() map[*Resource][]Reference {
	uses := map[*Resource][]Reference{}
	for _, stack := range a.Stacks {
		for _, resource := range stack.Resources {
			for _, reference := range resource.References() {
				uses[reference.To.Resource] = append(uses[reference.To.Resource], reference)
			}
		}
	}
	return uses
}

// Target follows a value ({"Ref": …}, {"Fn::GetAtt": …} or {"Fn::ImportValue":
// …}) to the resource it refers to, through exports. ok is false for any other
// value, for a parameter, and for an import that nothing exports.
func (s *Stack) Target(value any) (target Target, ok bool) {
	fn, _ := asFunction(value)
	return s.follow(fn)
}

// Targets returns all that a value refers to, through exports, each once.
func (s *Stack) Targets(value any) []Target {
	var targets []Target
	walk(value, "", func(_ string, fn function) {
		for _, target := range s.targets(fn) {
			if !slices.Contains(targets, target) {
				targets = append(targets, target)
			}
		}
	})
	return targets
}

func (s *Stack) follow(fn function) (target Target, ok bool) {
	switch fn.name {
	case "Ref":
		logicalID, _ := fn.argument.(string)
		return s.target(logicalID, "")
	case "Fn::GetAtt":
		if logicalID, attribute := s.getAtt(fn.argument); attribute != "" {
			return s.target(logicalID, attribute)
		}
	case "Fn::ImportValue":
		if export := s.imported(fn.argument); export != nil {
			return export.Stack.Target(export.Value)
		}
	}
	return Target{}, false
}

// getAtt reads the argument of Fn::GetAtt: ["Id", "Attribute"] or "Id.Attribute".
func (s *Stack) getAtt(argument any) (logicalID, attribute string) {
	switch v := argument.(type) {
	case []any:
		if len(v) == 2 {
			logicalID, _ = v[0].(string)
			attribute = s.Text(v[1]) // a parameter may name it
		}
	case string:
		logicalID, attribute, _ = strings.Cut(v, ".")
	}
	return logicalID, attribute
}

// named is what a name in the text of Fn::Sub refers to: "Id" or "Id.Attribute".
func (s *Stack) named(name string) (Target, bool) {
	logicalID, attribute, _ := strings.Cut(name, ".")
	return s.target(logicalID, attribute)
}

func (s *Stack) target(logicalID, attribute string) (Target, bool) {
	if resource := s.Resource(logicalID); resource != nil {
		return Target{resource, attribute}, true
	}
	return Target{}, false
}

// targets returns all that one function refers to, the functions in its argument
// aside.
func (s *Stack) targets(fn function) []Target {
	var targets []Target
	switch fn.name {
	case "Fn::ImportValue":
		if export := s.imported(fn.argument); export != nil {
			walk(export.Value, "", func(_ string, inner function) {
				targets = append(targets, export.Stack.targets(inner)...)
			})
		}
	case "Fn::Sub":
		text, variables, _ := substitution(fn.argument)
		substitute(text, func(name string) string {
			_, own := variables[name]
			if target, ok := s.named(name); ok && !own {
				targets = append(targets, target)
			}
			return name // only the names are wanted
		})
	default:
		if target, ok := s.follow(fn); ok {
			targets = append(targets, target)
		}
	}
	return targets
}
