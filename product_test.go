package parrot

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot/config"
)

const product = "docs/product.md"

// The page says before a first deploy what the containers will get, so it is written
// from the task definitions.
func TestTheProductsPageListsEveryVariable(t *testing.T) {
	t.Parallel()
	var table strings.Builder
	table.WriteString("| Service | Name | Value in dev | What it is |\n| --- | --- | --- | --- |\n")
	for _, service := range []string{"Backend", "Frontend"} {
		const variables, secrets = "Environment", "Secrets"
		inDev, inProd := container(t, described(), service), container(t, production(), service)
		require.NotEmpty(t, inDev(variables))
		for _, list := range []string{variables, secrets} {
			names := maps.Clone(inProd(list))
			maps.Copy(names, inDev(list))
			for _, name := range slices.Sorted(maps.Keys(names)) {
				value := names[name]
				_, compiled := described().Services()[1].Build.Arguments[name]
				kind := "variable"
				switch {
				case compiled:
					kind = "variable and build argument"
				case list == secrets:
					kind, value = "secret", "in Secrets Manager"
				}
				if list == variables {
					value = "`" + value + "`"
				}
				if _, there := inDev(list)[name]; !there {
					value += ", if its setting asks for it"
				}
				fmt.Fprintf(&table, "| %s | `%s` | %s | %s |\n", strings.ToLower(service), name, value, kind)
			}
		}
	}
	generated(t, product, "variables", table.String())
}

// container is the lists of the service's own container by name.
func container(t *testing.T, env config.Environment, service string) func(list string) map[string]string {
	t.Helper()
	for _, task := range stackOf(t, direct(t), env, "Compute").OfType("AWS::ECS::TaskDefinition") {
		if task.Text("Family") == env.PhysicalName(strings.ToLower(service)) {
			return func(list string) map[string]string {
				value := "Value"
				if list == "Secrets" {
					value = "ValueFrom"
				}
				return pairs(task, "Name", value, "ContainerDefinitions", 0, list)
			}
		}
	}
	require.Fail(t, "no task definition", "%s of %s", service, env.Name)
	return nil
}

func TestTheProductsPageSaysWhereServicesAnswer(t *testing.T) {
	t.Parallel()
	env := described()
	for name, service := range map[string]config.Service{"backend": env.Backend.Service, "frontend": env.Frontend.Service} {
		paths := map[string]string{"backend": "`/" + env.Backend.APIPrefix + "`, `/" + env.Backend.APIPrefix + "/*`", "frontend": "`/*`"}[name]
		row := fmt.Sprintf("| %s | %d | %s | `%s` |", name, service.Port, paths, service.HealthCheck.Path)
		if !strings.Contains(read(t, product), row) { // assert.Contains would print the page
			t.Errorf("%s has no row %s", product, row)
		}
	}
}

func TestDocumentsAskForTheGoThatTheModuleNeeds(t *testing.T) {
	t.Parallel()
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(read(t, "go.mod"))
	require.NotNil(t, version)
	for document, text := range map[string]string{"README.md": "Go " + version[1] + " or newer", product: "| Go | " + version[1] + " or newer |"} {
		if !strings.Contains(read(t, document), text) {
			t.Errorf("%s does not say %s", document, text)
		}
	}
}

// The proof asks AWS for what the templates name.
func TestTheProofNamesWhatThereIs(t *testing.T) {
	t.Parallel()
	env := production()
	var templates strings.Builder
	for _, name := range env.StackNames() {
		stack, err := os.ReadFile(filepath.Join(direct(t).Dir, name+".template.json"))
		require.NoError(t, err)
		templates.Write(stack)
	}
	script := read(t, "proof/run")
	names := regexp.MustCompile(`[\w/-]*parrot-proof-[a-z]+(?:-[a-z]+)*`).FindAllString(script, -1)
	require.NotEmpty(t, names)
	for _, name := range names {
		if !strings.Contains(templates.String(), `"`+strings.ReplaceAll(name, "proof", env.Name)+`"`) {
			t.Errorf("no template names %s", name)
		}
	}
	stacks := regexp.MustCompile(`ParrotProof([A-Z]\w+)`).FindAllStringSubmatch(script, -1)
	require.NotEmpty(t, stacks)
	for _, stack := range stacks {
		assert.Contains(t, config.Parts, stack[1])
	}
}

// generated compares what a document has between its marks with what it should have, or
// rewrites it.
func generated(t *testing.T, document, name, want string) {
	t.Helper()
	start, end := "<!-- "+name+":start -->\n\n", "\n<!-- "+name+":end -->"
	before, rest, started := strings.Cut(read(t, document), start)
	got, after, ended := strings.Cut(rest, end)
	require.True(t, started && ended, "%s has no marks of %s", document, name)
	if *update {
		got = want
		require.NoError(t, os.WriteFile(document, []byte(before+start+want+end+after), 0o644))
	}
	assert.Equal(t, want, got, "%s is out of date: go test . -update", document)
}
