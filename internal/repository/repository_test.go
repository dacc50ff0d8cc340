// Package repository tests the files that tie the repository together: the
// Makefile and the versions of tools.
package repository

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const root = "../.."

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	require.NoError(t, err)
	return string(text)
}

// find returns what an expression matches in a text, each with its groups: at least one.
func find(t *testing.T, expression, text string) [][]string {
	t.Helper()
	found := regexp.MustCompile(expression).FindAllStringSubmatch(text, -1)
	require.NotEmpty(t, found, "nothing matches %s", expression)
	return found
}

// files returns the paths of the repository's files whose name is asked for: at least one.
func files(t *testing.T, wanted func(name string) bool) []string {
	t.Helper()
	var paths []string
	require.NoError(t, fs.WalkDir(os.DirFS(root), ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains([]string{".git", "cdk.out", "node_modules"}, entry.Name()):
			return fs.SkipDir
		case !entry.IsDir() && wanted(entry.Name()):
			paths = append(paths, path)
		}
		return nil
	}))
	require.NotEmpty(t, paths)
	return paths
}

func TestEachTargetOfTheMakefileIsOneCommandWithAHelpText(t *testing.T) {
	text := read(t, "Makefile")
	var targets []string
	for _, target := range find(t, `(?m)^([\w-]+):(.*)\n((?:\t.*\n)*)`, text) {
		targets = append(targets, target[1])
		assert.Regexp(t, `^ ## [A-Z]`, target[2], target[1])
		assert.Equal(t, 1, strings.Count(target[3], "\n"), "%s is one command", target[1])
	}
	assert.Equal(t, "help", targets[0], "make without a target lists the targets")
	assert.Equal(t, strings.Fields(find(t, `(?m)^\.PHONY: (.*)$`, text)[0][1]), targets)
}

func TestTheMakefileNamesFilesThatExist(t *testing.T) {
	for _, path := range find(t, `[ (](\.[\w./-]*\w)`, read(t, "Makefile")) {
		_, err := os.Stat(filepath.Join(root, path[1]))
		assert.NoError(t, err)
	}
}

func TestMakeUpdateRewritesWhateverIsGenerated(t *testing.T) {
	var packages []string
	for _, path := range files(t, func(name string) bool { return strings.HasSuffix(name, "_test.go") }) {
		text := read(t, path)
		if strings.Contains(text, "flag.Bool(\""+"update") || strings.Contains(text, "documents.G"+"olden(") ||
			strings.Contains(text, "documents.G"+"enerated(") {
			packages = append(packages, strings.Replace("./"+filepath.Dir(path), "./.", ".", 1))
		}
	}
	slices.Sort(packages)
	packages = slices.Compact(packages)
	update := find(t, `(?m)^update:.*\n\tgo test (.*) -update$`, read(t, "Makefile"))[0][1]
	assert.ElementsMatch(t, packages, strings.Fields(update))
}
