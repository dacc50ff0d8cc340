package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot/internal/fakes"
)

// standIn replaces the CDK app: it writes its one template where the CDK
// would.
const standIn = `package main

import (
	"os"
	"path/filepath"
)

func main() {
	out := os.Getenv("CDK_OUTDIR")
	template, err := os.ReadFile("template.json")
	if err != nil || os.Getenv("CDK_VALIDATION") != "false" {
		panic("nothing to synthesize")
	}
	manifest := ` + "`" + `{"artifacts": {"ParrotDevData": {"type": "aws:cloudformation:stack", "environment": "aws://unknown-account/us-east-1",
		"properties": {"templateFile": "t.json"}}}}` + "`" + `
	os.MkdirAll(out, 0o755)
	os.WriteFile(filepath.Join(out, "t.json"), template, 0o644)
	os.WriteFile(filepath.Join(out, "manifest.json"), []byte(manifest), 0o644)
}
`

const (
	withQueue    = `{"Resources": {"Q": {"Type": "AWS::SQS::Queue", "Properties": {"DelaySeconds": 1}}, "T": {"Type": "AWS::SNS::Topic"}}}`
	slowerQueue  = `{"Resources": {"Q": {"Type": "AWS::SQS::Queue", "Properties": {"DelaySeconds": 9}}, "T": {"Type": "AWS::SNS::Topic"}}}`
	withoutQueue = `{"Resources": {"T": {"Type": "AWS::SNS::Topic"}}}`
)

// reviewable returns a world whose app can be synthesized at its commits: main has
// the queue, slower has another one, and without has none.
func reviewable(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	modules, err := filepath.Abs(filepath.Join(filepath.Dir(environmentsGo), "..", "node_modules"))
	require.NoError(t, err)
	require.NoError(t, os.RemoveAll("node_modules"))
	require.NoError(t, os.Symlink(modules, filepath.Join(w.repo, "infra", "node_modules")))
	w.write("infra/go.mod", "module shop\n\ngo 1.26\n")
	w.write("infra/cdk.json", `{"app": "go run ."}`)
	w.write("infra/main.go", standIn)
	for _, state := range []struct{ tag, template string }{{"base", withQueue}, {"slower", slowerQueue}, {"without", withoutQueue}} {
		w.write("infra/template.json", state.template)
		w.commit(state.tag)
		w.git("tag", state.tag)
	}
	w.git("checkout", "--quiet", "base")
	t.Setenv("TMPDIR", t.TempDir())
	return w
}

// cleanedUp checks that no checkout and no temporary file is left.
func cleanedUp(t *testing.T, w *world) {
	t.Helper()
	assert.NotContains(t, w.git("worktree", "list"), "checkout")
	left, err := os.ReadDir(os.Getenv("TMPDIR"))
	require.NoError(t, err)
	for _, entry := range left {
		assert.NotContains(t, entry.Name(), "parrot-review-")
	}
}

func TestReviewComparesRevisions(t *testing.T) {
	w := reviewable(t)
	r := w.succeeds("review", "base", "slower")
	assert.Contains(t, r.stdout, "**1 stack changes in dev: no resource is replaced, no data is at risk**")
	assert.Contains(t, r.stdout, "- changed `Q` (SQS::Queue): `DelaySeconds` `1` → `9`")
	assert.Empty(t, w.git("status", "--porcelain"), "the working tree is not touched")
	cleanedUp(t, w)

	assert.Equal(t, "No template changes.\n", w.succeeds("review", "base", "HEAD").stdout)

	var report struct {
		Findings []struct{ Category, Stack, Resource string }
	}
	require.NoError(t, json.Unmarshal([]byte(w.succeeds("review", "base", "without", "--json").stdout), &report))
	require.Len(t, report.Findings, 1)
	assert.Equal(t, struct{ Category, Stack, Resource string }{"data-loss", "ParrotDevData", "Q"}, report.Findings[0])
}

func TestAGateFailsAfterTheReportIsWritten(t *testing.T) {
	fakes.Slow(t)
	w := reviewable(t)
	out := filepath.Join(t.TempDir(), "report.md")
	r := w.run("", "review", "base", "without", "--fail-on", "broadening,data-loss", "--out", out)
	assert.Equal(t, exitFound, r.code)
	assert.Contains(t, r.stderr, "the report has data-loss")
	report, err := os.ReadFile(out)
	require.NoError(t, err)
	assert.Contains(t, string(report), "## Read these first")

	assert.Contains(t, w.succeeds("review", "base", "without", "--fail-on", "broadening,deadlock", "--summary").stdout,
		"- Data: Q (SQS::Queue)")
}

func TestReviewSaysWhatIsWrong(t *testing.T) {
	w := reviewable(t)
	w.write("infra/template.json", withQueue)
	w.write("infra/main.go", "package main\n\nfunc main() { panic(`the settings are wrong`) }\n")
	w.commit("Broken")
	w.git("tag", "broken")
	w.git("checkout", "--quiet", "base")
	for _, test := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"review", "base"}, exitUsage, "BASE HEAD"},
		{[]string{"review", "base", "HEAD", "--fail-on", "everything"}, exitUsage, `--fail-on "everything" is no category: want one of data-loss, deadlock`},
		{[]string{"review", "base", "HEAD", "--lookup-role"}, exitUsage, "--deployed"},
		{[]string{"review", "nowhere", "HEAD"}, exitFailed, `"nowhere" is neither a git revision`},
		{[]string{"review", ".", "HEAD"}, exitFailed, "npx cdk synth"},
		{[]string{"review", "broken", "HEAD"}, exitFailed, "the settings are wrong"},
		{[]string{"review", "--deployed", "nowhere", "HEAD"}, exitUsage, `no environment "nowhere"`},
	} {
		r := w.run("", test.args...)
		assert.Equal(t, test.code, r.code, test.args)
		assert.Contains(t, r.stderr, test.says, test.args)
	}
	cleanedUp(t, w)
}

func TestAnInterruptedReviewLeavesNothingBehind(t *testing.T) {
	fakes.Slow(t)
	w := reviewable(t)
	w.write("infra/main.go", "package main\n\nimport \"time\"\n\nfunc main() { time.Sleep(3 * time.Second) }\n")
	w.commit("Slow")
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for { // until the checkout is there
			if entries, _ := filepath.Glob(filepath.Join(os.Getenv("TMPDIR"), "parrot-*", "source", "infra", "main.go")); len(entries) > 0 {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(500 * time.Millisecond)
		cancel()
	}()
	assert.Equal(t, exitSignal, w.runIn(ctx, "", "review", "HEAD", "base").code)
	cleanedUp(t, w)
}

func TestReviewComparesWithWhatRuns(t *testing.T) {
	fakes.Slow(t)
	w := reviewable(t)
	r := w.succeeds("review", "--deployed", "dev", "slower")
	assert.Contains(t, r.stdout, "1 stack is added in dev", "nothing runs yet")

	cfg, err := awsconfig.LoadDefaultConfig(t.Context(), awsconfig.WithRegion("us-east-1"))
	require.NoError(t, err)
	name, template := "ParrotDevData", withQueue
	_, err = cloudformation.NewFromConfig(cfg).CreateStack(t.Context(),
		&cloudformation.CreateStackInput{StackName: &name, TemplateBody: &template})
	require.NoError(t, err)

	for _, flags := range [][]string{nil, {"--lookup-role"}} {
		r = w.succeeds(append([]string{"review", "--deployed", "dev", "slower"}, flags...)...)
		assert.Contains(t, r.stdout, "- changed `Q` (SQS::Queue): `DelaySeconds` `1` → `9`")
	}
	assert.Equal(t, "No template changes.\n", w.succeeds("review", "--deployed", "stage", "slower").stdout, "another environment")
	cleanedUp(t, w)
}
