package repository

import (
	"path"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// versions returns the versions of .tool-versions by tool.
func versions(t *testing.T) map[string]string {
	t.Helper()
	of := map[string]string{}
	for _, line := range find(t, `(?m)^([^#\s]\S*) (\S+)$`, read(t, ".tool-versions")) {
		of[line[1]] = line[2]
	}
	return of
}

func TestToolsHaveTheirVersionsFromOneFile(t *testing.T) {
	of := versions(t)
	ci := read(t, ".ci/run")
	assert.NotRegexp(t, `\d+\.\d+\.\d+`, ci, ".ci/run repeats no version")
	for _, call := range find(t, `\$\(version '?([^"$')\s]+)'?\)`, ci) {
		assert.Contains(t, of, call[1])
	}
	for _, module := range find(t, `(?m)^\w+=(github\.com/\S+)$`, ci) {
		assert.Contains(t, of, "go:"+module[1])
	}
	workflows, err := filepath.Glob(filepath.Join(root, ".github/workflows/*.yml"))
	require.NoError(t, err)
	require.NotEmpty(t, workflows)
	for _, workflow := range workflows {
		name, err := filepath.Rel(root, workflow)
		require.NoError(t, err)
		assert.NotRegexp(t, `(go|node)-version:`, read(t, name), "%s names the file of the version", name)
	}
}

func TestWhatCannotReadToolVersionsRepeatsThem(t *testing.T) {
	of := versions(t)
	assert.Equal(t, of["go"], find(t, `(?m)^go (\d+\.\d+)`, read(t, "go.mod"))[0][1])
	pipeline := read(t, "stacks/pipeline.go")
	assert.Equal(t, of["go"], find(t, `\bgoVersion += "(.+)"`, pipeline)[0][1])
	assert.Equal(t, of["node"], find(t, `\bnodeVersion += "(.+)"`, pipeline)[0][1])
}

func TestDependabotUpdatesEachManifest(t *testing.T) {
	var dependabot struct {
		Updates []struct {
			Ecosystem   string `yaml:"package-ecosystem"`
			Directories []string
		}
	}
	require.NoError(t, yaml.Unmarshal([]byte(read(t, ".github/dependabot.yml")), &dependabot))
	manifests := map[string]string{"gomod": "go.mod", "npm": "package.json"}
	var updated []string
	for _, update := range dependabot.Updates {
		if manifest, ok := manifests[update.Ecosystem]; ok {
			for _, directory := range update.Directories {
				updated = append(updated, path.Join(directory, manifest)[1:])
			}
		}
	}
	assert.ElementsMatch(t, updated, files(t, func(name string) bool { return name == "package.json" || name == "go.mod" }))
}
