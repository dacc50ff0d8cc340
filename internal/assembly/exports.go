package assembly

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Export returns the output that exports a name, or nil. Names are unique in an
// account and region: Load refuses a second one. Where several accounts or
// regions have the name, it is the first stack's; Exports has all.
func (a *Assembly) Export(name string) *Output {
	if exports := a.exports[name]; len(exports) > 0 {
		return exports[0]
	}
	return nil
}

// Exports returns the outputs that are exports, by name.
func (a *Assembly) Exports() []*Output {
	var exports []*Output
	for _, name := range slices.Sorted(maps.Keys(a.exports)) {
		exports = append(exports, a.exports[name]...)
	}
	return exports
}

func (a *Assembly) indexExports() error {
	for _, stack := range a.Stacks {
		for _, output := range stack.Outputs {
			name := output.ExportName
			if name == "" {
				continue
			}
			other := stack.export(name)
			if other != nil && (other.Condition == "" || output.Condition == "") { // two conditions may exclude each other
				return fmt.Errorf("cloud assembly %s: export %q is made twice, by %s.%s and %s.%s; give one of them another name",
					a.Dir, name, other.Stack.Name, other.ID, stack.Name, output.ID)
			}
			a.exports[name] = append(a.exports[name], output)
		}
	}
	for _, output := range a.Exports() {
		output.circular = output.madeOf(output, map[*Output]bool{})
	}
	return nil
}

// madeOf reports whether the output imports another, however many imports away.
func (o *Output) madeOf(other *Output, seen map[*Output]bool) bool {
	for _, name := range o.Stack.importsIn(o.Value) {
		export := o.Stack.export(name)
		if export == nil || seen[export] {
			continue
		}
		seen[export] = true
		if export == other || export.madeOf(other, seen) {
			return true
		}
	}
	return false
}

// export returns what exports a name to the stack: CloudFormation looks in its account
// and region. A name that only a deployment knows leads nowhere.
func (s *Stack) export(name string) *Output {
	if strings.Contains(name, "{") { // no letter of a name, but of each function as Text shows it
		return nil
	}
	for _, output := range s.assembly.exports[name] {
		if output.Stack.Account == s.Account && output.Stack.Region == s.Region {
			return output
		}
	}
	return nil
}

// imported returns the export that Fn::ImportValue leads to, or nil. So that whoever
// follows it arrives, there is none that is made of itself.
func (s *Stack) imported(argument any) *Output {
	if export := s.export(s.exportName(argument)); export != nil && !export.circular {
		return export
	}
	return nil
}

// importsIn returns the names that a value imports, sorted.
func (s *Stack) importsIn(value any) []string {
	names := map[string]bool{}
	walk(value, "", func(_ string, fn function) {
		if fn.name == "Fn::ImportValue" {
			names[s.exportName(fn.argument)] = true
		}
	})
	delete(names, "")
	return slices.Sorted(maps.Keys(names))
}

// exportName returns the name that a template gives to an export or an import, with
// all that is known before deployment filled in. CloudFormation takes no import
// in it, nor is one followed here: "".
func (s *Stack) exportName(value any) string {
	imports := false
	walk(value, "", func(_ string, fn function) { imports = imports || fn.name == "Fn::ImportValue" })
	if imports {
		return ""
	}
	known := strings.NewReplacer("${AWS::StackName}", s.Name, "${AWS::AccountId}", s.Account, "${AWS::Region}", s.Region)
	return known.Replace(s.Text(value))
}
