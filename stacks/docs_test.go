package stacks_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot/config"
	"parrot/internal/assembly"
	"parrot/internal/documents"
	. "parrot/internal/synthtest"
)

func TestREADMEsPictureShowsWhoCallsWhom(t *testing.T) {
	t.Parallel()
	env := Production()
	node := strings.NewReplacer("internet", "0.0.0.0/0", "load_balancer", env.PhysicalName("load-balancer"),
		"backend", env.PhysicalName("backend"), "frontend", env.PhysicalName("frontend"),
		"db", env.PhysicalName("db"), "redis", env.PhysicalName("redis"))
	var drawn []string
	for _, arrow := range documents.Mentions(t, `(\w+) -->\|(\d+)\| (\w+)`, documents.Read(t, "README.md")) {
		drawn = append(drawn, node.Replace(arrow[1])+" → "+node.Replace(arrow[3])+" tcp "+arrow[2])
	}
	slices.Sort(drawn)
	assert.Equal(t, Callers(t, Direct(t), env), drawn)
}

// Samples show what the commands print, which other documents and tests have in full.
func TestSamplesAreLinesOfWhatTheCommandsPrint(t *testing.T) {
	t.Parallel()
	for _, document := range []string{"README.md", "docs/review.md"} {
		for _, sample := range documents.Mentions(t, "<!-- from: (\\S+) -->\n```\\w+\n((?s:.*?))```", documents.Read(t, document)) {
			source := "\n" + documents.Read(t, sample[1])
			for _, line := range strings.Split(sample[2], "\n") {
				assert.Contains(t, source, "\n"+line+"\n", "a sample of %s: %s has changed", document, sample[1])
			}
		}
	}
}

func TestThePipelinesPictureShowsWhatRunsAfterWhat(t *testing.T) {
	t.Parallel()
	text := documents.Read(t, "docs/pipeline.md")
	var drawn []string
	for _, arrow := range documents.Mentions(t, `(\w+) ==> (\w+)`, text) {
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
	for _, arrow := range documents.Mentions(t, `(\w+)(?:\[.*\])? --> (\w+)`, text) {
		require.Contains(t, order, arrow[1])
		require.Contains(t, order, arrow[2])
		assert.Less(t, order[arrow[1]], order[arrow[2]], arrow[0])
		shown[arrow[1]], shown[arrow[2]] = true, true
	}
	assert.Len(t, shown, len(order), "every action is drawn")
}

func TestTheWayBackNamesTheSecretsAsTheTemplatesDo(t *testing.T) {
	t.Parallel()
	text := documents.Read(t, "docs/way-back.md")
	for _, secret := range Resources(t, StackOf(t, Direct(t), Production(), "Data"), "AWS::SecretsManager::Secret") {
		if isKeptSource(secret) {
			assert.Regexp(t, `"`+secret.LogicalID+`": +\{"Id": "\$\(arn `+secret.Text("Name")+`\)"\}`, text)
		}
	}
}

// wayBack returns a part of docs/way-back.md, from a heading to the next one of its rank.
func wayBack(t *testing.T, heading string) string {
	t.Helper()
	_, text, found := strings.Cut(documents.Read(t, "docs/way-back.md"), "\n"+heading+"\n")
	require.True(t, found, heading)
	rank, _, _ := strings.Cut(heading, " ")
	text, _, _ = strings.Cut(text, "\n"+rank+" ")
	return text
}

// stacksOf are the stacks of prod that the commands of a text name after a
// command, in their order.
func stacksOf(text, command string) (names []string) {
	for _, line := range regexp.MustCompile(regexp.QuoteMeta(command)+` ([^\n]*)`).FindAllStringSubmatch(text, -1) {
		names = append(names, regexp.MustCompile(`\bParrotProd\w+`).FindAllString(line[1], -1)...)
	}
	return names
}

// stackNames are the names of all the stacks that there are of an environment.
func stackNames(t *testing.T, a *assembly.Assembly, env config.Environment) (names []string) {
	t.Helper()
	for _, stack := range a.Stacks {
		if strings.HasPrefix(stack.Name, env.StackName("")) {
			names = append(names, stack.Name)
		}
	}
	require.NotEmpty(t, names)
	return names
}

func TestTheWayBackDestroysEveryStackAfterThoseThatNeedIt(t *testing.T) {
	t.Parallel()
	env := Production()
	names := stackNames(t, Direct(t), env)
	text := wayBack(t, "## Destroy stage or prod")
	gone := stacksOf(text, "npx cdk destroy")
	assert.ElementsMatch(t, names, gone)
	for _, name := range names {
		for _, needed := range Direct(t).Stack(name).Needs() {
			assert.Less(t, slices.Index(gone, name), slices.Index(gone, needed.Name), "%s needs %s", name, needed.Name)
		}
	}
	unprotected := regexp.MustCompile(`for part in ([\w ]+); do`).FindStringSubmatch(text)
	require.NotNil(t, unprotected)
	for i, part := range strings.Fields(unprotected[1]) {
		assert.Equal(t, gone[i], env.StackName(config.Part(part)), "the termination protection of each goes first")
	}
	assert.Len(t, strings.Fields(unprotected[1]), len(gone))
	assert.Contains(t, wayBack(t, "## Destroy dev"), "npx cdk destroy 'ParrotDev*'\n")
}

func TestTheWayBackRestoresEveryStackAfterThoseThatItNeeds(t *testing.T) {
	t.Parallel()
	names := stackNames(t, Direct(t), Production())
	back := stacksOf(wayBack(t, "## Restore"), "npx cdk deploy")
	assert.ElementsMatch(t, names, back)
	for _, name := range names {
		for _, needed := range Direct(t).Stack(name).Needs() {
			assert.Greater(t, slices.Index(back, name), slices.Index(back, needed.Name), "%s needs %s", name, needed.Name)
		}
	}
}

// What is destroyed at the end is what outlives its stack, by the names that the
// templates give it.
func TestTheWayBackNamesWhatIsKeptAsTheTemplatesDo(t *testing.T) {
	t.Parallel()
	text := wayBack(t, "## Destroy stage or prod")
	var names []string
	for _, p := range protections(t, Direct(t), Production()) {
		if name := regexp.MustCompile("`(.+)`").FindStringSubmatch(p.what); p.how == keptByName && !strings.Contains(p.what, "DOMAIN") {
			names = append(names, strings.ReplaceAll(name[1], "parrot-ENV", "parrot-prod"))
		}
	}
	require.NotEmpty(t, names)
	for _, name := range names {
		assert.Regexp(t, `[\s\x60]`+regexp.QuoteMeta(name)+`[\s;\x60]`, text)
	}
	balancer := Only(t, StackOf(t, Direct(t), Production(), "Edge"), "AWS::ElasticLoadBalancingV2::LoadBalancer").Text("Name")
	names = append(names, balancer, "parrot-prod-db-last") // the snapshot's
	for _, name := range regexp.MustCompile(`(?:/[\w/]+/)?parrot-prod[\w/-]*`).FindAllString(documents.Read(t, "docs/way-back.md"), -1) {
		assert.Contains(t, names, name, "nothing has the name")
	}
}
