package assembly_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"parrot/internal/assembly"
)

// files are a folder's files, by name.
type files map[string]string

// write puts the files into a folder of their own.
func (f files) write(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range f {
		file := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	}
	return dir
}

func (f files) load(t *testing.T) *assembly.Assembly {
	t.Helper()
	a, err := assembly.Load(f.write(t))
	require.NoError(t, err)
	return a
}

// manifest returns a manifest of artifacts.
func manifest(artifacts ...string) string {
	return fmt.Sprintf(`{"version": "54.0.0", "artifacts": {%s}}`, strings.Join(artifacts, ", "))
}

// here is where stacks are that may import from each other.
const here = "aws://111111111111/eu-west-1"

// artifact returns a stack in a manifest: its template is in the file of its id.
func artifact(id, environment string, dependencies ...string) string {
	if dependencies == nil {
		dependencies = []string{}
	}
	list, _ := json.Marshal(dependencies) // texts always marshal
	return fmt.Sprintf(`%q: {
		"type": "aws:cloudformation:stack",
		"environment": %q,
		"dependencies": %s,
		"properties": {"templateFile": "%s.json"}
	}`, id, environment, list, id)
}

// stacks returns templates by the name of their stack, as the files of an app whose
// stacks are all in one account and region.
func stacks(templates map[string]string) files {
	f := files{}
	var artifacts []string
	for name, template := range templates {
		f[name+".json"] = template
		artifacts = append(artifacts, artifact(name, here))
	}
	f["manifest.json"] = manifest(artifacts...)
	return f
}

// properties returns a template whose one resource, Thing, has the properties.
func properties(properties string) string {
	return fmt.Sprintf(`{"Resources": {"Thing": {"Type": "Test::Thing", "Properties": %s}}}`, properties)
}

// outputs returns a template of outputs.
func outputs(outputs string) string { return fmt.Sprintf(`{"Outputs": {%s}}`, outputs) }

// export returns an output of a template that exports a value.
func export(id, name, value string) string {
	return fmt.Sprintf(`%q: {"Value": %s, "Export": {"Name": %s}}`, id, value, name)
}

// parse is a value of a template.
func parse(t *testing.T, text string) (value any) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(text), &value), text)
	return value
}

func names(stacks []*assembly.Stack) []string {
	var names []string
	for _, stack := range stacks {
		names = append(names, stack.Name)
	}
	return names
}

// lines returns references as texts: property → target, and the export on the way.
func lines(references []assembly.Reference) []string {
	var lines []string
	for _, r := range references {
		line := r.Path + " → " + r.To.String()
		if r.Export != "" {
			line += " through " + r.Export
		}
		lines = append(lines, line)
	}
	return lines
}
