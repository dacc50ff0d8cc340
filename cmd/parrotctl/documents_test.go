package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// mention is a command line of parrotctl in a document, a workflow, the proof or the
// pipeline's steps, up to what ends it.
var mention = regexp.MustCompile("(?:cmd/parrotctl|/parrotctl\"|`parrotctl|(?:run|fails) parrotctl) ([a-z]+[^`|<>&;#(]*)")

var variable = regexp.MustCompile(`"\$[A-Za-z_]+"`)

func TestWhatDocumentsAndWorkflowsRunIsThere(t *testing.T) {
	var files []string
	for _, pattern := range []string{"README.md", "CONTRIBUTING.md", "SECURITY.md", "Makefile", "docs/*.md", ".github/ISSUE_TEMPLATE/*.yml",
		"proof/run", ".github/workflows/*.yml", "stacks/pipeline_test.go"} {
		found := must(filepath.Glob("../../" + pattern))
		require.NotEmpty(t, found, pattern)
		files = append(files, found...)
	}
	seen := map[string]bool{}
	for _, path := range files {
		text := strings.ReplaceAll(string(must(os.ReadFile(path))), "\\\n", " ")
		text = variable.ReplaceAllString(text, "1")
		for line := range strings.Lines(text) {
			for _, found := range mention.FindAllStringSubmatch(line, -1) {
				words := strings.Fields(strings.TrimRight(strings.TrimSpace(found[1]), `".'),:`))
				command, args, err := (&app{environments: environments()}).command().Find(words)
				require.NoError(t, err, "%s: %s", path, words)
				assert.NoError(t, command.ParseFlags(args), "%s: %s", path, words)
				for ; command != nil; command = command.Parent() {
					seen[command.Name()] = true
				}
			}
		}
	}
	for _, command := range (&app{environments: environments()}).command().Commands() {
		if name := command.Name(); name != "help" && name != "completion" {
			assert.True(t, seen[name], "no document, workflow or pipeline mentions %s", name)
		}
	}
}
