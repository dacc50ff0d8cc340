package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot/internal/version"
)

func TestVersionIsACommandAndAFlag(t *testing.T) {
	printed := func(arg string) string {
		var stdout, stderr bytes.Buffer
		require.Zero(t, (&app{stdout: &stdout, stderr: &stderr}).run(t.Context(), []string{arg}), stderr.String())
		return stdout.String()
	}
	require.Contains(t, printed("version"), version.Parrot+" (commit ")
	assert.Equal(t, "parrotctl version "+printed("version"), printed("--version"))
}
