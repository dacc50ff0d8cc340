// Package assembly reads a synthesized cloud assembly (the folder cdk.out) as a
// graph: stacks, their resources, and the references between them, followed
// through exports. It needs no CDK and no AWS.
//
//	out, err := assembly.Load("cdk.out")
//	database := out.Stack("ParrotDevData").OfType("AWS::RDS::DBInstance")[0]
//	database.Text("DBSubnetGroupName")     // "${ParrotDevData.DatabaseSubnets}"
//	database.References()                  // …, the security group in ParrotDevNetwork
//
// It evaluates no conditions: what a template may leave out is there, and says
// so in its Condition. The template of a nested stack (AWS::CloudFormation::Stack)
// is an asset and is not read; the nested stack is a resource like any other.
// From stack to stack it follows exports, not SSM parameters and not
// Fn::GetStackOutput.
//
// An assembly is read only, and may be read by many goroutines.
package assembly

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// Assembly is one synthesized app, or one stage inside it.
type Assembly struct {
	// Dir is the folder that it was read from.
	Dir string
	// Stacks are the app's own stacks, by name. Those of stages are in Nested.
	Stacks []*Stack
	// Nested are the stages, by construct path. A stage inside a stage is in
	// the outer one's Nested.
	Nested map[string]*Assembly
	// Missing are the lookups that synthesis wants the CLI to make, as JSON.
	Missing []json.RawMessage

	exports map[string][]*Output
	uses    func() map[*Resource][]Reference
}

// Stack is a synthesized stack.
type Stack struct {
	// Name is the stack's name in CloudFormation.
	Name string
	// Path is the stack's construct path, what the CDK CLI's patterns match.
	Path string
	// Account is the twelve-digit account, or "unknown-account".
	Account string
	// Region is the region's name, like eu-west-1, or "unknown-region".
	Region string
	// TerminationProtection says whether CloudFormation refuses to delete it.
	TerminationProtection bool
	// Resources are the stack's resources, by logical id.
	Resources []*Resource
	// Outputs are the stack's outputs, exports among them, by id.
	Outputs []*Output
	// Parameters are the template's parameters by name: their JSON.
	Parameters map[string]map[string]any
	// DependsOn are the stacks that the CLI deploys before this one.
	DependsOn []*Stack
	// Template is the template's text.
	Template []byte

	assembly  *Assembly
	resources map[string]*Resource
	imports   []string
}

// Resource is a resource of a stack.
type Resource struct {
	Stack     *Stack
	LogicalID string
	Type      string
	// Properties are the resource's properties as they stand in the template.
	Properties map[string]any
	// DependsOn are the logical ids that stand under DependsOn.
	DependsOn []string
	// Condition is the condition under which there is such a resource; empty
	// where there always is.
	Condition string
	// DeletionPolicy and UpdateReplacePolicy are empty where the template has
	// none.
	DeletionPolicy, UpdateReplacePolicy string
}

// Output is an output of a stack.
type Output struct {
	Stack       *Stack
	ID          string
	Description string
	// Value is the output's value as it is in the template.
	Value any
	// Condition is the condition under which there is such an output; empty
	// where there always is.
	Condition string
	// ExportName is the name of an export, and empty for any other output. The
	// stack's name, account and region are filled in; what is known only to a
	// deployment is in it as Text shows it.
	ExportName string

	circular bool
}

// Load reads a cloud assembly with all its stages.
func Load(dir string) (*Assembly, error) { return load(dir, os.ReadFile) }

// LoadFS reads a cloud assembly with all its stages from the root of a file
// system: one in memory takes microseconds, where a folder takes milliseconds.
func LoadFS(files fs.FS) (*Assembly, error) {
	return load(".", func(name string) ([]byte, error) { return fs.ReadFile(files, filepath.ToSlash(name)) })
}

// load reads a cloud assembly with a function that reads files.
func load(dir string, readFile func(name string) ([]byte, error)) (*Assembly, error) {
	var file manifest
	if _, err := readJSON(readFile, filepath.Join(dir, "manifest.json"), &file); err != nil {
		return nil, fmt.Errorf("cloud assembly cannot be read: %w", err)
	}
	a := &Assembly{Dir: dir, Nested: map[string]*Assembly{}, Missing: file.Missing, exports: map[string][]*Output{}}
	a.uses = sync.OnceValue(a.indexUses)
	stacks := map[string]*Stack{}
	for _, id := range slices.Sorted(maps.Keys(file.Artifacts)) {
		artifact := file.Artifacts[id]
		switch artifact.Type {
		case "aws:cloudformation:stack":
			stack, err := loadStack(a, id, artifact, readFile)
			if err != nil {
				return nil, err
			}
			stacks[id] = stack
			a.Stacks = append(a.Stacks, stack)
		case "cdk:cloud-assembly":
			nested, err := load(filepath.Join(dir, artifact.Properties.DirectoryName), readFile)
			if err != nil {
				return nil, err
			}
			a.Nested[cmp.Or(artifact.Properties.DisplayName, id)] = nested
		}
	}
	for id, stack := range stacks {
		for _, dependency := range file.Artifacts[id].Dependencies {
			if other, ok := stacks[dependency]; ok {
				stack.DependsOn = append(stack.DependsOn, other)
			}
		}
		slices.SortFunc(stack.DependsOn, byName)
	}
	slices.SortFunc(a.Stacks, byName)
	if err := a.indexExports(); err != nil {
		return nil, err
	}
	return a, nil
}

// Stack returns the stack of a name, or nil. Stacks of several accounts or
// regions may share a name: it is the first by path then, and Stacks has all.
func (a *Assembly) Stack(name string) *Stack {
	for _, stack := range a.Stacks {
		if stack.Name == name {
			return stack
		}
	}
	return nil
}

// DeployOrder is the stacks in an order in which each comes after all that it
// needs. A cycle is an error.
func (a *Assembly) DeployOrder() ([]*Stack, error) {
	var order []*Stack
	var visit func(stack *Stack, path []*Stack) error
	visit = func(stack *Stack, path []*Stack) error {
		if slices.Contains(order, stack) {
			return nil
		}
		if i := slices.Index(path, stack); i >= 0 {
			return cycle(append(path[i:], stack))
		}
		for _, before := range stack.Needs() {
			if err := visit(before, append(path, stack)); err != nil {
				return err
			}
		}
		order = append(order, stack)
		return nil
	}
	for _, stack := range a.Stacks {
		if err := visit(stack, nil); err != nil {
			return nil, err
		}
	}
	return order, nil
}

func cycle(stacks []*Stack) error {
	names := make([]string, len(stacks))
	for i, stack := range stacks {
		names[i] = stack.Name
	}
	return fmt.Errorf("no stack can be deployed first: %s; break the cycle", strings.Join(names, " → "))
}

// Needs returns the stacks that have to be deployed before this one: those that the
// manifest names and those that it imports from, by name. Dependencies of
// dependencies are not among them.
func (s *Stack) Needs() []*Stack {
	needed := slices.Clone(s.DependsOn)
	for _, name := range s.imports {
		if export := s.export(name); export != nil && !slices.Contains(needed, export.Stack) {
			needed = append(needed, export.Stack)
		}
	}
	slices.SortFunc(needed, byName)
	return needed
}

// Assembly returns the assembly that the stack is in.
func (s *Stack) Assembly() *Assembly { return s.assembly }

// Resource returns the resource of a logical id, or nil.
func (s *Stack) Resource(logicalID string) *Resource { return s.resources[logicalID] }

// OfType returns the resources of a type, by logical id.
func (s *Stack) OfType(resourceType string) []*Resource {
	var found []*Resource
	for _, resource := range s.Resources {
		if resource.Type == resourceType {
			found = append(found, resource)
		}
	}
	return found
}

// Output returns the output of an id, or nil.
func (s *Stack) Output(id string) *Output {
	for _, output := range s.Outputs {
		if output.ID == id {
			return output
		}
	}
	return nil
}

// Imports returns the names that the stack's template imports, sorted. They are
// filled in as ExportName is.
func (s *Stack) Imports() []string { return slices.Clone(s.imports) }

func byName(a, b *Stack) int {
	return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Path, b.Path))
}
