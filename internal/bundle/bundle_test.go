package bundle_test

import (
	"bytes"
	"debug/elf"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot/internal/bundle"
)

// copied returns the rotation's source in a directory of another name.
func copied(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, part := range []string{"cmd/rotate", "config/keys", "internal/ecsservice", "internal/rotation"} {
		require.NoError(t, os.CopyFS(filepath.Join(dir, part), os.DirFS(filepath.Join("../..", part))))
	}
	for _, file := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join("../..", file))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, file), text, 0o644))
	}
	return dir
}

func build(t *testing.T, dir string) (file string) {
	t.Helper()
	directory, err := bundle.Build(dir, "./cmd/rotate")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(directory) })
	entries, err := os.ReadDir(directory)
	require.NoError(t, err)
	require.Len(t, entries, 1)
	return filepath.Join(directory, entries[0].Name())
}

// Whoever deploys, a laptop or the pipeline, uploads the same program.
func TestTheSameSourceGivesTheSameBytesAnywhere(t *testing.T) {
	one := build(t, "../..")
	t.Setenv("GOFLAGS", "-gcflags=-N")
	t.Setenv("GOARCH", "amd64")
	t.Setenv("GOARM64", "v8.1")
	t.Setenv("CGO_ENABLED", "1")
	other := build(t, copied(t))
	a, err := os.ReadFile(one)
	require.NoError(t, err)
	b, err := os.ReadFile(other)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(a, b), "%d and %d bytes differ", len(a), len(b)) // which nobody wants to see
}

func TestTheProgramIsWhatLambdaStarts(t *testing.T) {
	file := build(t, "../..")
	assert.Equal(t, bundle.Bootstrap, filepath.Base(file))
	info, err := os.Stat(file)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o755), info.Mode())
	program, err := elf.Open(file)
	require.NoError(t, err)
	defer program.Close()
	assert.Equal(t, elf.EM_AARCH64, program.Machine)
	libraries, err := program.ImportedLibraries()
	require.NoError(t, err)
	assert.Empty(t, libraries, "Lambda's system has its own")
}

func TestWhatDoesNotCompileIsAnError(t *testing.T) {
	dir := copied(t)
	t.Setenv("TMPDIR", t.TempDir())
	require.NoError(t, os.WriteFile(filepath.Join(dir, "cmd/rotate/broken.go"), []byte("package main\n\nvar x = nothing\n"), 0o644))
	directory, err := bundle.Build(dir, "./cmd/rotate")
	require.ErrorContains(t, err, "./cmd/rotate is not built: exit status 1\n")
	require.ErrorContains(t, err, "undefined: nothing")
	assert.Empty(t, directory)
	left, err := filepath.Glob(filepath.Join(os.TempDir(), "parrot-bundle-*"))
	require.NoError(t, err)
	assert.Empty(t, left)
}
