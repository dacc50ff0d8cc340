package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	return string(text)
}

func TestREADMEsPictureShowsWhoCallsWhom(t *testing.T) {
	t.Parallel()
	env := production()
	node := strings.NewReplacer("internet", "0.0.0.0/0", "load_balancer", env.PhysicalName("load-balancer"),
		"backend", env.PhysicalName("backend"), "frontend", env.PhysicalName("frontend"),
		"db", env.PhysicalName("db"), "redis", env.PhysicalName("redis"))
	var drawn []string
	for _, arrow := range regexp.MustCompile(`(\w+) -->\|(\d+)\| (\w+)`).FindAllStringSubmatch(read(t, "README.md"), -1) {
		drawn = append(drawn, node.Replace(arrow[1])+" → "+node.Replace(arrow[3])+" tcp "+arrow[2])
	}
	slices.Sort(drawn)
	assert.Equal(t, callers(t, direct(t), env), drawn)
}

func TestREADMEsPictureShowsWhichStackNeedsWhich(t *testing.T) {
	t.Parallel()
	drawn := map[string][]string{}
	for _, arrow := range regexp.MustCompile(`(\w+) ==> (\w+)`).FindAllStringSubmatch(read(t, "README.md"), -1) {
		drawn[arrow[1]] = append(drawn[arrow[1]], arrow[2])
	}
	for _, part := range parts {
		for _, needed := range dev(t, part).Needs() {
			assert.Contains(t, drawn[part], strings.TrimPrefix(needed.Name, described().StackName("")), part)
		}
		assert.Len(t, drawn[part], len(dev(t, part).Needs()), part)
	}
}

func TestThePipelinesPictureShowsWhatRunsAfterWhat(t *testing.T) {
	t.Parallel()
	text := read(t, filepath.Join("docs", "pipeline.md"))
	var drawn []string
	for _, arrow := range regexp.MustCompile(`(\w+) ==> (\w+)`).FindAllStringSubmatch(text, -1) {
		drawn = append(drawn, arrow[1]+" "+arrow[2])
	}
	var want []string
	all := stages(t, across(t).stack)
	for i := range all[1:] {
		want = append(want, all[i].Name+" "+all[i+1].Name)
	}
	assert.Equal(t, want, drawn)

	env := across(t).environments[1]
	order := map[string]int{}
	for _, a := range stageOf(t, across(t).stack, env).Actions {
		name := strings.TrimSuffix(strings.TrimPrefix(a.Name, env.StackName("")), ".Deploy")
		order[strings.TrimPrefix(name, "Compute.")] = a.RunOrder
	}
	shown := map[string]bool{}
	for _, arrow := range regexp.MustCompile(`(\w+)(?:\[.*\])? --> (\w+)`).FindAllStringSubmatch(text, -1) {
		require.Contains(t, order, arrow[1])
		require.Contains(t, order, arrow[2])
		assert.Less(t, order[arrow[1]], order[arrow[2]], arrow[0])
		shown[arrow[1]], shown[arrow[2]] = true, true
	}
	assert.Len(t, shown, len(order), "every action is drawn")
}

func TestTheWayBackNamesTheSecretsAsTheTemplatesDo(t *testing.T) {
	t.Parallel()
	text := read(t, filepath.Join("docs", "way-back.md"))
	for _, secret := range stackOf(t, direct(t), production(), "Data").OfType("AWS::SecretsManager::Secret") {
		if isKeptSource(secret) {
			assert.Regexp(t, `"`+secret.LogicalID+`": +\{"Id": "\$\(arn `+secret.Text("Name")+`\)"\}`, text)
		}
	}
}

// Paths in texts go stale in silence.
func TestDocumentsLinkToFilesThatExist(t *testing.T) {
	t.Parallel()
	documents, err := filepath.Glob("docs/*/*.md")
	require.NoError(t, err)
	more, err := filepath.Glob("docs/*.md")
	require.NoError(t, err)
	for _, document := range slices.Concat(documents, more, []string{"README.md", "CONTRIBUTING.md"}) {
		for _, link := range regexp.MustCompile(`\]\(([^)#:]+)\)`).FindAllStringSubmatch(read(t, document), -1) {
			_, err := os.Stat(filepath.Join(filepath.Dir(document), link[1]))
			assert.NoError(t, err, "a link of %s", document)
		}
	}
}

func TestTheCLIIsPinned(t *testing.T) {
	t.Parallel()
	version := regexp.MustCompile(`"aws-cdk": "(\d+\.\d+\.\d+)"`).FindStringSubmatch(read(t, "package.json"))
	require.NotNil(t, version, "an exact version")
	assert.Contains(t, read(t, "package-lock.json"), `"version": "`+version[1]+`"`)
}
