package assembly

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
)

// manifest is what is read of an assembly's manifest.json.
// https://github.com/aws/aws-cdk-cli/tree/main/packages/%40aws-cdk/cloud-assembly-schema
type manifest struct {
	Missing   []json.RawMessage   `json:"missing"`
	Artifacts map[string]artifact `json:"artifacts"`
}

type artifact struct {
	Type         string   `json:"type"`
	Environment  string   `json:"environment"`
	DisplayName  string   `json:"displayName"`
	Dependencies []string `json:"dependencies"`
	Properties   struct {
		TemplateFile          string `json:"templateFile"`
		StackName             string `json:"stackName"`
		TerminationProtection bool   `json:"terminationProtection"`
		DirectoryName         string `json:"directoryName"`
		DisplayName           string `json:"displayName"` // of a nested assembly
	} `json:"properties"`
}

// template is what is read of a CloudFormation template.
type template struct {
	Parameters map[string]map[string]any
	Resources  map[string]struct {
		Type       string
		Condition  string
		Properties map[string]any
		DependsOn  oneOrMore
		// Texts, but for templates with language extensions.
		DeletionPolicy, UpdateReplacePolicy any
	}
	Outputs map[string]struct {
		Description string
		Condition   string
		Value       any
		Export      struct{ Name any }
	}
}

// oneOrMore is a list that may be written as its only element.
type oneOrMore []string

// UnmarshalJSON reads "a" as well as ["a", "b"].
func (o *oneOrMore) UnmarshalJSON(data []byte) error {
	if data[0] != '"' {
		return json.Unmarshal(data, (*[]string)(o))
	}
	*o = make(oneOrMore, 1)
	return json.Unmarshal(data, &(*o)[0])
}

var environment = regexp.MustCompile(`^aws://([^/]+)/([^/]+)$`)

func loadStack(a *Assembly, id string, artifact artifact, readFile func(string) ([]byte, error)) (*Stack, error) {
	env := environment.FindStringSubmatch(artifact.Environment)
	if env == nil {
		return nil, fmt.Errorf("stack %s: its environment in %s is %q, not aws://account/region; %s",
			id, filepath.Join(a.Dir, "manifest.json"), artifact.Environment, resynth)
	}
	var t template
	var whole any
	text, err := readJSON(readFile, filepath.Join(a.Dir, artifact.Properties.TemplateFile), &t, &whole)
	if err != nil {
		return nil, fmt.Errorf("stack %s: its template cannot be read: %w", id, err)
	}
	stack := &Stack{
		Name:                  cmp.Or(artifact.Properties.StackName, id), // the manifest leaves out what it would only repeat
		Path:                  cmp.Or(artifact.DisplayName, id),
		Account:               env[1],
		Region:                env[2],
		TerminationProtection: artifact.Properties.TerminationProtection,
		Parameters:            t.Parameters,
		Template:              text,
		assembly:              a,
		resources:             map[string]*Resource{},
	}
	for _, logicalID := range slices.Sorted(maps.Keys(t.Resources)) {
		r := t.Resources[logicalID]
		resource := &Resource{
			Stack: stack, LogicalID: logicalID, Type: r.Type, Properties: r.Properties, DependsOn: r.DependsOn, Condition: r.Condition,
			DeletionPolicy: stack.Text(r.DeletionPolicy), UpdateReplacePolicy: stack.Text(r.UpdateReplacePolicy),
		}
		stack.Resources = append(stack.Resources, resource)
		stack.resources[logicalID] = resource
	}
	for _, id := range slices.Sorted(maps.Keys(t.Outputs)) {
		o := t.Outputs[id]
		stack.Outputs = append(stack.Outputs, &Output{
			Stack: stack, ID: id, Description: o.Description, Value: o.Value, Condition: o.Condition,
			ExportName: stack.exportName(o.Export.Name),
		})
	}
	// Of the whole template: metadata and update policies may import too.
	stack.imports = stack.importsIn(whole)
	return stack, nil
}

// resynth is what to do about files that are not what synthesis writes.
const resynth = "run npx cdk synth to write it again"

func readJSON(readFile func(string) ([]byte, error), file string, into ...any) (text []byte, err error) {
	if text, err = readFile(file); err != nil {
		return nil, fmt.Errorf("%w; %s", err, resynth)
	}
	for _, value := range into {
		if err := json.Unmarshal(text, value); err != nil {
			return nil, fmt.Errorf("%s: %w; %s", file, err, resynth)
		}
	}
	return text, nil
}
