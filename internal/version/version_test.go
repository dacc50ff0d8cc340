package version

import (
	"os"
	"regexp"
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheChangelogsNewestVersionIsParrots(t *testing.T) {
	text, err := os.ReadFile("../../CHANGELOG.md")
	require.NoError(t, err)
	sections := regexp.MustCompile(`(?m)^## \[(.+?)\](?: - \d{4}-\d{2}-\d{2})?$`).FindAllStringSubmatch(string(text), -1)
	require.GreaterOrEqual(t, len(sections), 2)
	assert.Equal(t, "Unreleased", sections[0][1])
	assert.Equal(t, Parrot, "v"+sections[1][1])
}

func TestTextNamesTheCommit(t *testing.T) {
	built := func(settings ...debug.BuildSetting) *debug.BuildInfo { return &debug.BuildInfo{Settings: settings} }
	revision := debug.BuildSetting{Key: "vcs.revision", Value: "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"}
	assert.Equal(t, Parrot+" (commit 0a1b2c3)", Text(built(revision, debug.BuildSetting{Key: "vcs.modified", Value: "false"})))
	assert.Equal(t, Parrot+" (commit 0a1b2c3, with uncommitted changes)",
		Text(built(revision, debug.BuildSetting{Key: "vcs.modified", Value: "true"})))
	for _, info := range []*debug.BuildInfo{nil, built()} {
		assert.Contains(t, Text(info), Parrot+" (commit unknown: ")
	}
}
