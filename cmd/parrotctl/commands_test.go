package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cfntypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot/config"
	"parrot/internal/fakes"
	"parrot/internal/fakes/moto"
)

func TestPlanPrintsTheStepsAndDoesNone(t *testing.T) {
	fakes.Slow(t)
	w, releases := threeReleases(t)
	w.write("backend/Dockerfile", "FROM scratch AS production\n# new\n")
	w.commit("New")
	for _, args := range [][]string{
		{"release", "dev"}, {"promote", "dev", "stage"}, {"rollback", "dev"}, {"bootstrap", "dev"},
	} {
		minutes := w.minutes
		plan := w.succeeds(append(args, "--plan")...)
		assert.Contains(t, plan.stdout, "1. ", args)
		assert.Contains(t, plan.stdout, "npx cdk ", args)
		w.minutes = minutes // the same images
		asJSON := w.succeeds(append(args, "--plan", "--json")...)
		var read struct {
			Steps []struct {
				Name, Command string
				Done          bool
			}
		}
		require.NoError(t, json.Unmarshal([]byte(asJSON.stdout), &read))
		// The two plans are made at different seconds, which are in the tags.
		timeless := func(text string) string { return regexp.MustCompile(`\b\d{14}-`).ReplaceAllString(text, "TIME-") }
		for _, step := range read.Steps {
			assert.Contains(t, timeless(plan.stdout), timeless(step.Name))
			assert.Contains(t, timeless(plan.stdout), timeless(step.Command))
			assert.False(t, step.Done)
		}
	}
	assert.Empty(t, w.asked())
	assert.Equal(t, releases[2], w.recorded()["dev"])
	assert.Empty(t, w.images("parrot-stage-backend"))
}

func TestJSONTellsWhatWasDone(t *testing.T) {
	w := newWorld(t)
	r := w.succeeds("release", "dev", "--yes", "--json")
	var read struct {
		Environment string
		Steps       []struct{ Done bool }
		Images      map[string]struct{ Tag, Digest string }
	}
	require.NoError(t, json.Unmarshal([]byte(r.stdout), &read), r.stdout)
	assert.Equal(t, "dev", read.Environment)
	assert.Equal(t, w.recorded()["dev"]["backend"].Digest, read.Images["backend"].Digest)
	require.NotEmpty(t, read.Steps)
	for _, step := range read.Steps {
		assert.True(t, step.Done)
	}
}

func TestReleaseDeploysNothingWithoutAYes(t *testing.T) {
	for _, answer := range []string{"", "\n", "n\n", "yesterday\n"} {
		w := newWorld(t)
		before := w.recorded()
		r := w.run(answer, "release", "dev")
		assert.Equal(t, exitDeclined, r.code)
		assert.Zero(t, count(w.asked(), "npx cdk deploy"), "answer %q", answer)
		assert.Equal(t, before, w.recorded(), "answer %q", answer)
	}
}

func TestWhatCannotBeDoneIsSaidBeforeAnythingIs(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(*world)
		args    []string
		code    int
		says    string
	}{
		"an unknown environment": {nil, []string{"release", "nowhere"}, exitUsage, `there is no environment "nowhere": want one of `},
		"no environment":         {nil, []string{"release"}, exitUsage, "release takes [ENV]"},
		"an unknown flag":        {nil, []string{"release", "dev", "--force"}, exitUsage, "unknown flag: --force"},
		"an unknown command":     {nil, []string{"relaese", "dev"}, exitUsage, `unknown command "relaese"`},
		"the same environment":   {nil, []string{"promote", "dev", "dev"}, exitUsage, "cannot be promoted to itself"},
		"an unknown service":     {nil, []string{"rollback", "dev", "worker"}, exitUsage, `there is no service "worker": want one of backend, frontend`},
		"nothing to go back to":  {nil, []string{"rollback", "dev"}, exitFailed, "there is nothing to go back to"},
		"a tag that nothing has": {nil, []string{"rollback", "dev", "--to", "v1"}, exitFailed, "no image has tag v1"},
		"no Dockerfile": {nil, []string{"release", "dev", "--backend", "nowhere"}, exitFailed,
			"name the directory of its Dockerfile with --backend"},
		"work that is not committed": {func(w *world) { w.write("backend/main.ts", "") }, []string{"release", "dev"}, exitFailed,
			"commit or stash them\n?? backend/main.ts"},
		"other names": {func(w *world) { w.write("infra/config/names.go", "package config\n") },
			[]string{"release", "dev"}, exitUsage, "this command was built with other settings"},
		"other settings": {func(w *world) { w.write("infra/config/environments.go", "package config\n") },
			[]string{"release", "dev"}, exitUsage, "this command was built with other settings"},
		"broken images": {func(w *world) { w.write("infra/config/images.json", "{") },
			[]string{"release", "dev"}, exitUsage, "config/images.json: line 1"},
		"another account": {func(w *world) { w.environments[0].Account = "999999999999" },
			[]string{"release", "dev"}, exitFailed, "you are signed in to account 123456789012, and dev is in 999999999999"},
		"no registry": {func(w *world) { w.environments[0].Backend.Repository = "elsewhere" },
			[]string{"release", "dev"}, exitFailed, "the environment's registry is not deployed; run npx cdk deploy ParrotDevRegistry"},
		"no CDK CLI": {func(w *world) { require.NoError(w.t, os.RemoveAll("node_modules")) },
			[]string{"release", "dev"}, exitUsage, "the CDK CLI is not installed"},
		"nobody signed in": {func(w *world) {
			w.t.Setenv("AWS_ACCESS_KEY_ID", "")
			w.t.Setenv("AWS_SECRET_ACCESS_KEY", "")
			w.t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
		}, []string{"release", "dev"}, exitFailed, "sign in (aws sso login, AWS_PROFILE or --profile)"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if c.prepare != nil {
				c.prepare(w)
			}
			r := w.run("y\n", c.args...)
			assert.Equal(t, c.code, r.code)
			assert.Contains(t, r.stderr, c.says)
			assert.Empty(t, w.asked())
			assert.Empty(t, w.images("parrot-backend"))
		})
	}
}

func TestCommandsWorkBelowParrotsDirectoryAndNowhereElse(t *testing.T) {
	w := newWorld(t)
	t.Chdir("config")
	w.succeeds("release", "dev", "--plan")
	t.Chdir(t.TempDir())
	r := w.run("", "release", "dev", "--plan")
	assert.Equal(t, exitUsage, r.code)
	assert.Contains(t, r.stderr, "is not in Parrot's directory")
}

func TestCtrlCLeavesNothingHalfWritten(t *testing.T) {
	fakes.Slow(t)
	for _, program := range []string{"docker build", "docker push", "npx cdk deploy"} {
		t.Run(program, func(t *testing.T) {
			w := newWorld(t)
			before := must(os.ReadFile("config/images.json"))
			t.Setenv(stubHang, program)
			ctx, stop := context.WithCancel(t.Context())
			go func() { // until it hangs
				for line := ""; !strings.Contains(line, "\n"+program); time.Sleep(10 * time.Millisecond) {
					text, _ := os.ReadFile(w.log)
					line = "\n" + string(text)
				}
				stop()
			}()

			r := w.runIn(ctx, "", "release", "dev", "--yes")

			assert.Equal(t, exitSignal, r.code)
			shows(t, r.stderr, "Interrupted: ", "\n  failed: ", "Run the same command again")
			if program == "npx cdk deploy" {
				assert.Contains(t, r.stderr, "CloudFormation continues in AWS what it has begun")
			} else {
				assert.Equal(t, before, must(os.ReadFile("config/images.json")))
			}
			for _, file := range must(os.ReadDir("config")) {
				assert.Contains(t, []string{".go", ".json"}, filepath.Ext(file.Name()), "no temporary file is left")
			}
			t.Setenv(stubHang, "")
			w.succeeds("release", "dev", "--yes")
			assert.NotEmpty(t, w.recorded()["dev"]["frontend"].Digest)
		})
	}
}

func TestImagesSaysWhatIsMissing(t *testing.T) {
	w := newWorld(t)
	r := w.succeeds("images", "dev")
	assert.Equal(t, "backend: nothing is released\nfrontend: nothing is released\n", r.stdout)

	inDev(w)
	dev := w.recorded()["dev"]
	for _, way := range [][]string{nil, {"--lookup-role"}} {
		r = w.succeeds(append([]string{"images", "dev"}, way...)...)
		shows(t, r.stdout, "backend: "+dev["backend"].Tag+" "+dev["backend"].Digest, "frontend: "+dev["frontend"].Tag)
	}

	w.expire("parrot-frontend", dev["frontend"].Digest)
	r = w.run("", "images", "dev")
	assert.Equal(t, exitFound, r.code)
	assert.Contains(t, r.stdout, "backend: "+dev["backend"].Tag)
	assert.Contains(t, r.stderr, "the released frontend of dev, "+dev["frontend"].Digest+", is not in repository parrot-frontend")
}

func TestBootstrapMakesWhatIsMissingAndThenNothing(t *testing.T) {
	w := newWorld(t)
	cfg, err := awsconfig.LoadDefaultConfig(t.Context(), awsconfig.WithRegion("us-east-1"))
	require.NoError(t, err)
	roles := func() (paths []string) {
		out, err := iam.NewFromConfig(cfg).ListRoles(t.Context(), &iam.ListRolesInput{})
		require.NoError(t, err)
		for _, role := range out.Roles {
			paths = append(paths, *role.Path)
		}
		return paths
	}

	r := w.run("n\n", "bootstrap", "dev")
	assert.Equal(t, exitDeclined, r.code)
	shows(t, r.stderr, "service-linked role of ecs.amazonaws.com",
		"npx cdk bootstrap aws://"+moto.Account+"/us-east-1 --termination-protection")
	assert.Empty(t, roles())
	assert.Empty(t, w.asked())

	w.succeeds("bootstrap", "dev", "--yes")
	made := roles()
	assert.ElementsMatch(t, []string{
		"/aws-service-role/ecs.amazonaws.com/", "/aws-service-role/ecs.application-autoscaling.amazonaws.com/",
		"/aws-service-role/elasticache.amazonaws.com/", "/aws-service-role/elasticloadbalancing.amazonaws.com/",
		"/aws-service-role/rds.amazonaws.com/",
	}, made)
	first := w.asked()
	assert.Equal(t, []string{"npx cdk bootstrap aws://" + moto.Account + "/us-east-1 --termination-protection"}, first)

	r = w.succeeds("bootstrap", "dev", "--yes", "--json")
	assert.True(t, json.Valid([]byte(r.stdout)), r.stdout)
	assert.Equal(t, made, roles())
	assert.Equal(t, first, w.asked(), "which changes nothing where it is done")
	assert.NotContains(t, r.stderr, "service-linked role")
}

func TestBootstrapRefusesZonesThatTheAccountDoesNotHave(t *testing.T) {
	w := newWorld(t)
	w.environments[0].Region, w.environments[0].Network.AvailabilityZones = "us-west-1", []string{"us-west-1a", "us-west-1c"}
	r := w.run("", "bootstrap", "dev", "--yes")
	assert.Equal(t, exitFailed, r.code)
	shows(t, r.stderr, "Network.AvailabilityZones of dev cannot be used: the account has no us-west-1c. Choose two of us-west-1a, "+
		"us-west-1b in config/environments.go")
	assert.Empty(t, w.asked())
}

func TestBootstrapTrustsThePipelinesAccount(t *testing.T) {
	w := newWorld(t)
	w.pipeline = config.Pipeline{Account: "999999999999"}
	assert.NotContains(t, w.succeeds("bootstrap", "dev", "--plan").stdout, "--trust", "there is no pipeline without a connection")

	w.pipeline.ConnectionARN = "arn:aws:codeconnections:us-east-1:999999999999:connection/01234567-89ab-cdef-0123-456789abcdef"
	shows(t, w.succeeds("bootstrap", "dev", "--plan").stdout, "account 999999999999, which has the pipeline, may then deploy anything",
		"--trust 999999999999 --trust-for-lookup 999999999999", "--cloudformation-execution-policies")

	cfg, err := awsconfig.LoadDefaultConfig(t.Context(), awsconfig.WithRegion("us-east-1"))
	require.NoError(t, err)
	parameter := func(key, value string) cfntypes.Parameter {
		return cfntypes.Parameter{ParameterKey: &key, ParameterValue: &value}
	}
	template := `{"Parameters": {"TrustedAccounts": {"Type": "String"}, "TrustedAccountsForLookup": {"Type": "String"},
		"CloudFormationExecutionPolicies": {"Type": "String"}}, "Resources": {"T": {"Type": "AWS::SNS::Topic"}}}`
	name := "CDKToolkit"
	_, err = cloudformation.NewFromConfig(cfg).CreateStack(t.Context(), &cloudformation.CreateStackInput{
		StackName: &name, TemplateBody: &template, Parameters: []cfntypes.Parameter{
			parameter("TrustedAccounts", ""), parameter("TrustedAccountsForLookup", "888888888888"),
			parameter("CloudFormationExecutionPolicies", "arn:aws:iam::aws:policy/PowerUserAccess"),
		},
	})
	require.NoError(t, err)
	again := w.succeeds("bootstrap", "dev", "--plan").stdout
	shows(t, again, "--trust 999999999999 --trust-for-lookup 888888888888,999999999999 --cloudformation-execution-policies "+
		"arn:aws:iam::aws:policy/PowerUserAccess")

	w.pipeline.Account = moto.Account
	assert.NotContains(t, w.succeeds("bootstrap", "dev", "--plan").stdout, "--trust", "an account trusts itself")
}

func TestHelpIsThereForEveryCommand(t *testing.T) {
	for _, command := range (&app{}).command().Commands() {
		assert.NotEmpty(t, command.Short, command.Name())
		if name := command.Name(); name != "help" && name != "completion" {
			assert.NotEmpty(t, command.Long, name)
			assert.True(t, strings.HasPrefix(strings.TrimSpace(command.Example), "parrotctl "+name), name)
		}
	}
}
