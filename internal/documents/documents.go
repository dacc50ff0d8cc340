// Package documents gives tests the repository's documents, and rewrites what is
// generated in them. A file's name is its path from Parrot's directory, or an absolute one.
package documents

import (
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite golden files and what is generated in documents")

// root is Parrot's directory: tests run in that of their package.
var root = sync.OnceValue(func() string {
	dir, err := os.Getwd()
	if err != nil {
		panic(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		dir = filepath.Dir(dir)
	}
})

// Path returns the absolute path of a file.
func Path(file string) string {
	if filepath.IsAbs(file) {
		return file
	}
	return filepath.Join(root(), file)
}

// Read returns the text of a file.
func Read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(Path(file))
	require.NoError(t, err)
	return string(text)
}

// Files returns the names of the files that a pattern matches, at least one.
func Files(t *testing.T, pattern string) []string {
	t.Helper()
	found, err := fs.Glob(os.DirFS(root()), pattern)
	require.NoError(t, err)
	require.NotEmpty(t, found, pattern)
	return found
}

// Mentions returns the places in a text that an expression matches, each with its groups: at
// least one.
func Mentions(t *testing.T, expression, text string) [][]string {
	t.Helper()
	found := regexp.MustCompile(expression).FindAllStringSubmatch(text, -1)
	require.NotEmpty(t, found, "the text has nothing like %s", expression)
	return found
}

// Golden compares a text with a file, or rewrites the file with -update.
func Golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(Path(file)), 0o755))
		require.NoError(t, os.WriteFile(Path(file), []byte(got), 0o644))
	}
	assert.Equal(t, Read(t, file), got, "%s is out of date: run make update, and read what changes", file)
}

// Generated compares what a document has between its marks with what it should have, or
// rewrites it with -update.
func Generated(t *testing.T, document, name, want string) {
	t.Helper()
	start, end := "<!-- "+name+":start -->\n\n", "\n<!-- "+name+":end -->"
	before, rest, started := strings.Cut(Read(t, document), start)
	got, after, ended := strings.Cut(rest, end)
	require.True(t, started && ended, "%s has no marks of %s", document, name)
	if *update {
		got = want
		require.NoError(t, os.WriteFile(Path(document), []byte(before+start+want+end+after), 0o644))
	}
	assert.Equal(t, want, got, "%s is out of date: run make update, and read what changes", document)
}
