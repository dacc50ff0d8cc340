package stacks_test

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
	"parrot/internal/documents"
	. "parrot/internal/synthtest"
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
		inDev, inProd := container(t, Described(), service), container(t, Production(), service)
		require.NotEmpty(t, inDev(variables))
		for _, list := range []string{variables, secrets} {
			names := maps.Clone(inProd(list))
			maps.Copy(names, inDev(list))
			for _, name := range slices.Sorted(maps.Keys(names)) {
				value := names[name]
				_, compiled := Described().Services()[1].Build.Arguments[name]
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
	documents.Generated(t, product, "variables", table.String())
}

// container returns the lists of the service's own container by name.
func container(t *testing.T, env config.Environment, service string) func(list string) map[string]string {
	t.Helper()
	for _, task := range StackOf(t, Direct(t), env, "Compute").OfType("AWS::ECS::TaskDefinition") {
		if task.Text("Family") == env.PhysicalName(strings.ToLower(service)) {
			return func(list string) map[string]string {
				value := "Value"
				if list == "Secrets" {
					value = "ValueFrom"
				}
				return Pairs(task, "Name", value, "ContainerDefinitions", 0, list)
			}
		}
	}
	require.Fail(t, "no task definition", "%s of %s", service, env.Name)
	return nil
}

func TestTheProductsPageSaysWhereServicesAnswer(t *testing.T) {
	t.Parallel()
	env := Described()
	for name, service := range map[string]config.Service{"backend": env.Backend.Service, "frontend": env.Frontend.Service} {
		paths := map[string]string{"backend": "`/" + env.Backend.APIPrefix + "`, `/" + env.Backend.APIPrefix + "/*`", "frontend": "`/*`"}[name]
		row := fmt.Sprintf("| %s | %d | %s | `%s` |", name, service.Port, paths, service.HealthCheck.Path)
		if !strings.Contains(documents.Read(t, product), row) { // assert.Contains would print the page
			t.Errorf("%s has no row %s", product, row)
		}
	}
}

// The proof asks AWS for what the templates name.
func TestTheProofNamesWhatThereIs(t *testing.T) {
	t.Parallel()
	env := Production()
	var templates strings.Builder
	for _, name := range env.StackNames() {
		stack, err := os.ReadFile(filepath.Join(Direct(t).Dir, name+".template.json"))
		require.NoError(t, err)
		templates.Write(stack)
	}
	script := documents.Read(t, "proof/run")
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
		assert.Contains(t, config.Parts, config.Part(stack[1]))
	}
}
