package parrot

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot/config"
	"parrot/internal/assembly"
)

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	return string(text)
}

// mentions are the places in a text that an expression matches, each with its groups: at
// least one.
func mentions(t *testing.T, expression, text string) [][]string {
	t.Helper()
	found := regexp.MustCompile(expression).FindAllStringSubmatch(text, -1)
	require.NotEmpty(t, found, "the text has nothing like %s", expression)
	return found
}

func TestREADMEsPictureShowsWhoCallsWhom(t *testing.T) {
	t.Parallel()
	env := production()
	node := strings.NewReplacer("internet", "0.0.0.0/0", "load_balancer", env.PhysicalName("load-balancer"),
		"backend", env.PhysicalName("backend"), "frontend", env.PhysicalName("frontend"),
		"db", env.PhysicalName("db"), "redis", env.PhysicalName("redis"))
	var drawn []string
	for _, arrow := range mentions(t, `(\w+) -->\|(\d+)\| (\w+)`, read(t, "README.md")) {
		drawn = append(drawn, node.Replace(arrow[1])+" → "+node.Replace(arrow[3])+" tcp "+arrow[2])
	}
	slices.Sort(drawn)
	assert.Equal(t, callers(t, direct(t), env), drawn)
}

func TestREADMEsPictureShowsWhichStackNeedsWhich(t *testing.T) {
	t.Parallel()
	drawn := map[string][]string{}
	for _, arrow := range mentions(t, `(\w+) ==> (\w+)`, read(t, "README.md")) {
		drawn[arrow[1]] = append(drawn[arrow[1]], arrow[2])
	}
	for _, part := range parts {
		for _, needed := range dev(t, part).Needs() {
			assert.Contains(t, drawn[string(part)], strings.TrimPrefix(needed.Name, described().StackName("")), part)
		}
		assert.Len(t, drawn[string(part)], len(dev(t, part).Needs()), part)
	}
}

func TestThePipelinesPictureShowsWhatRunsAfterWhat(t *testing.T) {
	t.Parallel()
	text := read(t, filepath.Join("docs", "pipeline.md"))
	var drawn []string
	for _, arrow := range mentions(t, `(\w+) ==> (\w+)`, text) {
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
	for _, arrow := range mentions(t, `(\w+)(?:\[.*\])? --> (\w+)`, text) {
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
	for _, secret := range resources(t, stackOf(t, direct(t), production(), "Data"), "AWS::SecretsManager::Secret") {
		if isKeptSource(secret) {
			assert.Regexp(t, `"`+secret.LogicalID+`": +\{"Id": "\$\(arn `+secret.Text("Name")+`\)"\}`, text)
		}
	}
}

// wayBack is a part of docs/way-back.md, from a heading to the next one of its rank.
func wayBack(t *testing.T, heading string) string {
	t.Helper()
	_, text, found := strings.Cut(read(t, filepath.Join("docs", "way-back.md")), "\n"+heading+"\n")
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
	env := production()
	names := stackNames(t, direct(t), env)
	text := wayBack(t, "## Destroy stage or prod")
	gone := stacksOf(text, "npx cdk destroy")
	assert.ElementsMatch(t, names, gone)
	for _, name := range names {
		for _, needed := range direct(t).Stack(name).Needs() {
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

func TestTheWayBackTakesUpEveryStackAfterThoseThatItNeeds(t *testing.T) {
	t.Parallel()
	names := stackNames(t, direct(t), production())
	back := stacksOf(wayBack(t, "## Take up again"), "npx cdk deploy")
	assert.ElementsMatch(t, names, back)
	for _, name := range names {
		for _, needed := range direct(t).Stack(name).Needs() {
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
	for _, p := range protections(t, direct(t), production()) {
		if name := regexp.MustCompile("`(.+)`").FindStringSubmatch(p.what); p.how == keptByName && !strings.Contains(p.what, "DOMAIN") {
			names = append(names, strings.ReplaceAll(name[1], "parrot-ENV", "parrot-prod"))
		}
	}
	require.NotEmpty(t, names)
	for _, name := range names {
		assert.Regexp(t, `[\s\x60]`+regexp.QuoteMeta(name)+`[\s;\x60]`, text)
	}
	balancer := only(t, stackOf(t, direct(t), production(), "Edge"), "AWS::ElasticLoadBalancingV2::LoadBalancer").Text("Name")
	names = append(names, balancer, "parrot-prod-db-last") // the snapshot's
	for _, name := range regexp.MustCompile(`(?:/[\w/]+/)?parrot-prod[\w/-]*`).FindAllString(read(t, filepath.Join("docs", "way-back.md")), -1) {
		assert.Contains(t, names, name, "nothing has the name")
	}
}

func TestCommandsOfTheWayBackCanBePasted(t *testing.T) {
	t.Parallel()
	for _, document := range []string{"docs/way-back.md", failedFirstDeploy} {
		blocks := regexp.MustCompile("(?sm)^( *)```sh\n(.*?)^ *```").FindAllStringSubmatch(read(t, document), -1)
		require.NotEmpty(t, blocks)
		for _, block := range blocks {
			command := exec.Command("bash", "-n")
			command.Stdin = strings.NewReader(strings.ReplaceAll("\n"+block[2], "\n"+block[1], "\n"))
			output, err := command.CombinedOutput()
			assert.NoError(t, err, "%s: %s\n%s", document, output, block[2])
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
	require.NotEmpty(t, documents)
	require.NotEmpty(t, more)
	mentions(t, `\]\(([^)#:]+)\)`, read(t, "README.md")) // others may have none
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
