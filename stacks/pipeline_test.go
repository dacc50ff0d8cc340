package stacks_test

import (
	"encoding/json"
	"fmt"
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
	"parrot/internal/documents"
	. "parrot/internal/synthtest"
)

// This file is about the pipeline: in one account with its environments, and
// apart from them, each in an account of its own.

// promotion is a pipeline with the app that it is in.
type promotion struct {
	app          *assembly.Assembly
	stack        *assembly.Stack
	environments []config.Environment
}

// together returns the pipeline whose environments share its account.
func together(t *testing.T) promotion {
	t.Helper()
	return promotion{Direct(t), Direct(t).Stack(config.PipelineStackName), Fixtures()}
}

// across returns the pipeline that crosses accounts.
func across(t *testing.T) promotion {
	t.Helper()
	environments, _ := apart()
	return promotion{promoted.Assembly(t), promoted.Assembly(t).Stack(config.PipelineStackName), environments}
}

func promotions(t *testing.T) []promotion {
	t.Helper()
	return []promotion{together(t), across(t)}
}

// action is one action of a pipeline.
type action struct {
	Name, Namespace string
	RunOrder        int
	ActionTypeID    struct{ Category, Provider string } `json:"ActionTypeId"`
	Configuration   map[string]any
}

// stage is one stage of a pipeline.
type stage struct {
	Name    string
	Actions []action
}

// stages returns a pipeline's, with their actions in the order that they run in.
func stages(t *testing.T, stack *assembly.Stack) []stage {
	t.Helper()
	text, err := json.Marshal(Lookup(t, Only(t, stack, "AWS::CodePipeline::Pipeline"), "Stages"))
	require.NoError(t, err)
	var all []stage
	require.NoError(t, json.Unmarshal(text, &all))
	require.NotEmpty(t, all, stack.Name)
	for _, s := range all {
		require.NotEmpty(t, s.Actions, s.Name)
		slices.SortStableFunc(s.Actions, func(a, b action) int { return a.RunOrder - b.RunOrder })
	}
	return all
}

// stageOf returns the stage that deploys an environment.
func stageOf(t *testing.T, stack *assembly.Stack, env config.Environment) stage {
	t.Helper()
	for _, s := range stages(t, stack) {
		if s.Name == env.StackName("") {
			return s
		}
	}
	require.Fail(t, "no stage deploys "+env.Name)
	return stage{}
}

// action returns the stage's action of a name.
func (s stage) action(t *testing.T, name string) action {
	t.Helper()
	i := slices.IndexFunc(s.Actions, func(a action) bool { return a.Name == name })
	require.GreaterOrEqual(t, i, 0, "%s in %s", name, s.Name)
	return s.Actions[i]
}

// projectOf returns the CodeBuild project that an action runs.
func projectOf(t *testing.T, stack *assembly.Stack, a action) *assembly.Resource {
	t.Helper()
	target, ok := stack.Target(a.Configuration["ProjectName"])
	require.True(t, ok, a.Name)
	return target.Resource
}

// buildspec is what a project runs.
type buildspec struct {
	Phases struct {
		Install struct {
			RuntimeVersions map[string]string `json:"runtime-versions"`
			Commands        []string
		}
		Build struct{ Commands []string }
	}
	Env struct {
		ExportedVariables []string `json:"exported-variables"`
		Variables         map[string]string
	}
	Cache     struct{ Paths []string }
	Artifacts struct {
		BaseDirectory string `json:"base-directory"`
	}
}

func specOf(t *testing.T, project *assembly.Resource) buildspec {
	t.Helper()
	var spec buildspec
	require.NoError(t, json.Unmarshal([]byte(project.Text("Source", "BuildSpec")), &spec))
	return spec
}

// A laptop and a pipeline deploy the same environment by turns: a difference
// would replace things with every turn.
func TestInThePipelineTheTemplatesAreTheSameToTheByte(t *testing.T) {
	t.Parallel()
	for _, p := range promotions(t) {
		for _, env := range p.environments {
			path := config.PipelineStackName + "/" + env.StackName("")
			require.NotNil(t, p.app.Nested[path], path)
			require.Len(t, p.app.Nested[path].Stacks, len(config.Parts), path)
			for _, part := range config.Parts {
				want, got := StackOf(t, p.app, env, part), StackOf(t, p.app.Nested[path], env, part)
				assertSameLines(t, want.Template, got.Template, want.Name)
				assert.Equal(t, want.TerminationProtection, got.TerminationProtection)
				assert.True(t, strings.HasPrefix(got.Path, path+"/"), "the CLI's 'ParrotDev*' means the direct ones, not %s", got.Path)
			}
		}
	}
}

// It is not parallel, because it speaks to jsii.
func TestThereIsNoPipelineWithoutAConnection(t *testing.T) {
	without := Delivery()
	without.ConnectionARN = ""
	app := NewApp(nil)
	App.DefineAll(app, nil, without)
	assert.Empty(t, *app.Node().Children())
}

func TestThePipelineGoesThroughTheEnvironmentsInTheirOrder(t *testing.T) {
	t.Parallel()
	for _, p := range promotions(t) {
		want := []string{"Source", "Build", "UpdatePipeline", "Assets"}
		for _, env := range p.environments {
			want = append(want, env.StackName(""))
		}
		var got []string
		for _, s := range stages(t, p.stack) {
			got = append(got, s.Name)
		}
		assert.Equal(t, want, got)
	}
}

func TestAStageDeploysEachStackAfterWhatItNeedsAndTestsLast(t *testing.T) {
	t.Parallel()
	for _, p := range promotions(t) {
		for _, env := range p.environments {
			s := stageOf(t, p.stack, env)
			order := func(part config.Part) int { return s.action(t, env.StackName(part)+".Deploy").RunOrder }
			for _, part := range config.Parts {
				for _, needed := range StackOf(t, p.app, env, part).Needs() {
					assert.Less(t, order(config.Part(strings.TrimPrefix(needed.Name, env.StackName("")))), order(part), "%s needs %s", part, needed.Name)
				}
			}
			images := s.action(t, env.StackName("Compute")+".Images").RunOrder
			assert.Less(t, order("Registry"), images, "a new environment's repositories are made before they are looked into")
			assert.Less(t, images, order("Compute"), "a missing image is found before services wait for it")
			smoke := s.action(t, "Smoke")
			for _, other := range s.Actions {
				if other.Name != smoke.Name {
					assert.Less(t, other.RunOrder, smoke.RunOrder, other.Name)
				}
			}
		}
	}
}

func TestEachEnvironmentButTheFirstWaitsForAnApprovalThatShowsTheSummary(t *testing.T) {
	t.Parallel()
	stack := across(t).stack
	topic := assembly.Target{Resource: Only(t, stack, "AWS::SNS::Topic")}.String()
	for i, env := range across(t).environments {
		s := stageOf(t, stack, env)
		var approvals []action
		for _, a := range s.Actions {
			if a.ActionTypeID.Category == "Approval" {
				approvals = append(approvals, a)
			}
		}
		if i == 0 {
			assert.Empty(t, approvals, "the first environment is where changes are tried")
			continue
		}
		require.Len(t, approvals, 1, env.Name)
		approval, summary := approvals[0], s.action(t, "Summary")
		assert.Equal(t, []string{"SUMMARY"}, specOf(t, projectOf(t, stack, summary)).Env.ExportedVariables)
		assert.Equal(t, "#{"+summary.Namespace+".SUMMARY}", approval.Configuration["CustomData"])
		assert.Equal(t, topic, stack.Text(approval.Configuration["NotificationArn"]))
		assert.Less(t, summary.RunOrder, approval.RunOrder)
		for _, other := range s.Actions {
			if other.Name != summary.Name && other.Name != approval.Name {
				assert.Less(t, approval.RunOrder, other.RunOrder, other.Name)
			}
		}
	}
}

// CodePipeline shows one line, and CodeBuild exports no second one.
func TestTheSummaryIsOneLineAndFailsWithItsCommand(t *testing.T) {
	t.Parallel()
	stack := together(t).stack
	commands := specOf(t, projectOf(t, stack, stageOf(t, stack, Production()).action(t, "Summary"))).Phases.Build.Commands
	require.Equal(t, "go run ./cmd/parrotctl review --deployed prod --lookup-role --summary cdk.out > summary.txt", commands[0])

	run := func(stub string) (string, error) {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, "go"), []byte("#!/bin/sh\n"+stub+"\n"), 0o700))
		// CodeBuild stops at the first command that fails, too.
		cmd := exec.Command("sh", "-ec", strings.Join(commands, "\n")+"\nprintf %s \"$SUMMARY\" > exported")
		cmd.Dir, cmd.Env = dir, []string{"PATH=" + dir + ":" + os.Getenv("PATH")}
		if err := cmd.Run(); err != nil {
			return "", err
		}
		return documents.Read(t, filepath.Join(dir, "exported")), nil
	}
	got, err := run(`printf 'replaced: "the" $database\nwidened: ` + "`role`" + `\n'`)
	require.NoError(t, err)
	assert.Equal(t, "replaced: \"the\" $database widened: `role` ", got)
	_, err = run("echo half; exit 1")
	assert.Error(t, err, "nobody approves what could not be compared")
}

func TestACommitIsTestedBeforeItsTemplatesAreMade(t *testing.T) {
	t.Parallel()
	stack := together(t).stack
	synth := projectOf(t, stack, stages(t, stack)[1].Actions[0])
	spec := specOf(t, synth)
	assert.Equal(t, []string{"npm ci"}, spec.Phases.Install.Commands)
	assert.Equal(t, []string{"go test ./...", "npx cdk synth --quiet"}, spec.Phases.Build.Commands)

	assert.Equal(t, "S3", synth.Text("Cache", "Type"), "a local cache would be gone by the next commit")
	require.Equal(t, []string{"/root/.cache/**/*"}, spec.Cache.Paths)
	for _, variable := range []string{"GOCACHE", "GOMODCACHE", "npm_config_cache"} {
		assert.True(t, strings.HasPrefix(spec.Env.Variables[variable], "/root/.cache/"), variable)
	}
}

func TestStepsWorkInParrotsDirectory(t *testing.T) {
	t.Parallel()
	stack := across(t).stack
	inside := 0
	for _, project := range Resources(t, stack, "AWS::CodeBuild::Project") {
		spec := specOf(t, project)
		for _, commands := range [][]string{spec.Phases.Install.Commands, spec.Phases.Build.Commands} {
			// Where inputs are put is said from above Parrot's directory.
			commands = slices.DeleteFunc(slices.Clone(commands), func(c string) bool { return strings.Contains(c, "additionalInputs") })
			if strings.Contains(strings.Join(commands, "\n"), "./cmd/parrotctl") || slices.Contains(commands, "npm ci") ||
				slices.Contains(commands, "go test ./...") {
				assert.Equal(t, `cd "$CODEBUILD_SRC_DIR/infra"`, commands[0], project.LogicalID)
				inside++
			}
		}
	}
	assert.NotZero(t, inside)
	synth := specOf(t, projectOf(t, stack, stages(t, stack)[1].Actions[0]))
	assert.Equal(t, "infra/cdk.out", synth.Artifacts.BaseDirectory)
	summary := specOf(t, projectOf(t, stack, stageOf(t, stack, Production()).action(t, "Summary")))
	assert.Contains(t, summary.Phases.Install.Commands[0], `"infra/cdk.out"`, "where the templates are put")
	assert.Contains(t, summary.Phases.Install.Commands, "npm ci", "review compares with a library of package.json")
}

func TestThePipelineRunsTheVersionsOfTheRepository(t *testing.T) {
	t.Parallel()
	goVersion := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(documents.Read(t, "go.mod"))[1]
	cliVersion := regexp.MustCompile(`"aws-cdk": "(.*)"`).FindStringSubmatch(documents.Read(t, "package.json"))[1]
	stack := together(t).stack
	for _, project := range Resources(t, stack, "AWS::CodeBuild::Project") {
		assert.Equal(t, "aws/codebuild/standard:8.0", project.Text("Environment", "Image"))
		spec := specOf(t, project)
		assert.Equal(t, map[string]string{"golang": goVersion, "nodejs": "22"}, spec.Phases.Install.RuntimeVersions, project.LogicalID)
		for _, command := range spec.Phases.Install.Commands {
			assert.NotRegexp(t, `npm install (-g )?\S+@(latest|\d+)$|npm install (-g )?[^@\s]+$`, command, "a version that moves")
		}
	}
	selfMutation := specOf(t, projectOf(t, stack, stages(t, stack)[2].Actions[0]))
	assert.Equal(t, []string{"npm install -g aws-cdk@" + cliVersion}, selfMutation.Phases.Install.Commands)
	assert.Contains(t, selfMutation.Phases.Build.Commands[0], "deploy "+config.PipelineStackName)
}

func TestOnlyThePushesOfOneBranchAreDeployed(t *testing.T) {
	t.Parallel()
	pipeline := Only(t, together(t).stack, "AWS::CodePipeline::Pipeline")
	assert.Equal(t, "V2", pipeline.Text("PipelineType"))
	assert.NotContains(t, pipeline.Properties, "Triggers", "they could name other branches")
	source := stages(t, together(t).stack)[0].Actions
	require.Len(t, source, 1)
	assert.Equal(t, "CodeStarSourceConnection", source[0].ActionTypeID.Provider)
	assert.Equal(t, map[string]any{
		"ConnectionArn": Delivery().ConnectionARN, "FullRepositoryId": "acme/shop", "BranchName": "main", "DetectChanges": true,
	}, source[0].Configuration)
}

func TestThePipelinesStepsMayDoOnlyWhatTheyAreFor(t *testing.T) {
	t.Parallel()
	for _, p := range promotions(t) {
		step := func(a action) map[string][]string {
			return Permissions(PolicyOf(t, Follow(t, projectOf(t, p.stack, a), "ServiceRole")))
		}
		for i, env := range p.environments {
			account := env.Account
			if account == "" {
				account = "${AWS::AccountId}"
			}
			lookup := []string{"arn:${AWS::Partition}:iam::" + account + ":role/cdk-hnb659fds-lookup-role-" + account + "-" + env.Region}
			s := stageOf(t, p.stack, env)
			readers := []string{env.StackName("Compute") + ".Images"}
			if i > 0 {
				readers = append(readers, "Summary")
			}
			for _, name := range readers {
				assert.Equal(t, lookup, step(s.action(t, name))["sts:AssumeRole"], "%s of %s", name, env.Name)
			}
			assert.NotContains(t, step(s.action(t, "Smoke")), "sts:AssumeRole", "it asks from outside")
		}
		assert.NotContains(t, step(stages(t, p.stack)[1].Actions[0]), "sts:AssumeRole", "a commit's tests run there")

		selfMutation := Follow(t, projectOf(t, p.stack, stages(t, p.stack)[2].Actions[0]), "ServiceRole")
		uploads := Follow(t, projectOf(t, p.stack, stages(t, p.stack)[3].Actions[0]), "ServiceRole")
		require.NotEmpty(t, Permissions(PolicyOf(t, uploads))["sts:AssumeRole"])
		for _, role := range Permissions(PolicyOf(t, uploads))["sts:AssumeRole"] {
			assert.Contains(t, role, ":role/cdk-hnb659fds-file-publishing-role-")
		}
		for _, policy := range Resources(t, p.stack, "AWS::IAM::Policy") {
			for allowed, on := range Permissions(policy) {
				assert.NotRegexp(t, `^(\*|[a-z0-9-]+:\*)$`, allowed, policy.LogicalID)
				if policy != PolicyOf(t, selfMutation) && policy != PolicyOf(t, uploads) { // CDK writes their policies
					assert.NotContains(t, on, "*", "%s of %s", allowed, policy.LogicalID)
				}
			}
		}
	}
}

func TestThePipelinesRolesTrustAWSsServicesAndEachOther(t *testing.T) {
	t.Parallel()
	for _, stack := range []*assembly.Stack{together(t).stack, across(t).stack} {
		for _, role := range Resources(t, stack, "AWS::IAM::Role") {
			statements := Lookup(t, role, "AssumeRolePolicyDocument", "Statement").([]any)
			for i := range statements {
				if who := role.Text("AssumeRolePolicyDocument", "Statement", i, "Principal", "Service"); who != "" {
					assert.Contains(t, []string{"codebuild.amazonaws.com", "codepipeline.amazonaws.com", "events.amazonaws.com"}, who)
					continue
				}
				trusted := Follow(t, role, "AssumeRolePolicyDocument", "Statement", i, "Principal", "AWS")
				assert.Equal(t, "codepipeline.amazonaws.com", trusted.Text("AssumeRolePolicyDocument", "Statement", 0, "Principal", "Service"))
			}
		}
	}
}

func TestTheConnectionMayBeUsedByBothItsNames(t *testing.T) {
	t.Parallel()
	allowed := map[string][]string{}
	for _, policy := range Resources(t, together(t).stack, "AWS::IAM::Policy") {
		for name, on := range Permissions(policy) {
			allowed[name] = append(allowed[name], on...)
		}
	}
	for _, name := range []string{"codeconnections:UseConnection", "codestar-connections:UseConnection"} {
		assert.Equal(t, []string{Delivery().ConnectionARN}, allowed[name], name)
	}
}

func TestArtifactsAreEncryptedClosedAndExpire(t *testing.T) {
	t.Parallel()
	for _, stack := range []*assembly.Stack{together(t).stack, across(t).stack} {
		bucket := Only(t, stack, "AWS::S3::Bucket")
		for _, way := range []string{"BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"} {
			assert.Equal(t, "true", bucket.Text("PublicAccessBlockConfiguration", way))
		}
		assert.Equal(t, "30", bucket.Text("LifecycleConfiguration", "Rules", 0, "ExpirationInDays"))
		policy := Only(t, stack, "AWS::S3::BucketPolicy")
		assert.Equal(t, "Deny", policy.Text("PolicyDocument", "Statement", 0, "Effect"))
		assert.Equal(t, "false", policy.Text("PolicyDocument", "Statement", 0, "Condition", "Bool", "aws:SecureTransport"))
	}
}

func TestThereIsAKeyOnlyWhereAccountsDiffer(t *testing.T) {
	t.Parallel()
	algorithm := func(stack *assembly.Stack) string {
		return Only(t, stack, "AWS::S3::Bucket").Text("BucketEncryption", "ServerSideEncryptionConfiguration", 0, "ServerSideEncryptionByDefault",
			"SSEAlgorithm")
	}
	assert.Equal(t, "AES256", algorithm(together(t).stack))
	assert.Empty(t, together(t).stack.OfType("AWS::KMS::Key"))

	assert.Equal(t, "aws:kms", algorithm(across(t).stack))
	key := Only(t, across(t).stack, "AWS::KMS::Key")
	assert.Equal(t, "true", key.Text("EnableKeyRotation"))
	assert.Equal(t, "arn:${AWS::Partition}:iam::999999999999:root", key.Text("KeyPolicy", "Statement", 0, "Principal", "AWS"),
		"its own account")
	var others []string
	for _, env := range across(t).environments {
		others = append(others,
			fmt.Sprintf("arn:${AWS::Partition}:iam::%[1]s:role/cdk-hnb659fds-deploy-role-%[1]s-%[2]s", env.Account, env.Region))
	}
	assert.Equal(t, strings.Join(others, ","), key.Text("KeyPolicy", "Statement", 1, "Principal", "AWS"))
	assert.Equal(t, "kms:Decrypt,kms:DescribeKey", key.Text("KeyPolicy", "Statement", 1, "Action"))
	statements, _ := key.Lookup("KeyPolicy", "Statement")
	assert.Len(t, statements, 2, "nobody else")
}

func TestTheTeamHearsOfAFailure(t *testing.T) {
	t.Parallel()
	stack := together(t).stack
	topic := assembly.Target{Resource: Only(t, stack, "AWS::SNS::Topic")}.String()
	rule := Only(t, stack, "AWS::Events::Rule")
	assert.Equal(t, "FAILED", rule.Text("EventPattern", "detail", "state"))
	assert.Equal(t, "CodePipeline Pipeline Execution State Change", rule.Text("EventPattern", "detail-type"))
	assert.Contains(t, rule.Text("EventPattern", "resources"),
		assembly.Target{Resource: Only(t, stack, "AWS::CodePipeline::Pipeline")}.String())
	assert.Equal(t, topic, rule.Text("Targets", 0, "Arn"))
	assert.Contains(t, rule.Text("Targets", 0, "InputTransformer", "InputTemplate"), "/pipelines/parrot-pipeline/executions/")
	publisher := Follow(t, rule, "Targets", 0, "RoleArn")
	assert.Equal(t, map[string][]string{"sns:Publish": {topic}}, Permissions(PolicyOf(t, publisher)))

	mail := Only(t, stack, "AWS::SNS::Subscription")
	assert.Equal(t, "email", mail.Text("Protocol"))
	assert.Equal(t, "team@acme.example", mail.Text("Endpoint"))
	policy := Only(t, stack, "AWS::SNS::TopicPolicy")
	statements, _ := policy.Lookup("PolicyDocument", "Statement")
	require.Len(t, statements, 1, "who publishes has a role")
	assert.Equal(t, "Deny", policy.Text("PolicyDocument", "Statement", 0, "Effect"), "of what comes without TLS")
}

func TestEveryStepHasATimeLimitAndLogsThatExpire(t *testing.T) {
	t.Parallel()
	for _, project := range Resources(t, together(t).stack, "AWS::CodeBuild::Project") {
		assert.LessOrEqual(t, number(t, project.Text("TimeoutInMinutes")), 45, project.LogicalID)
		assert.Equal(t, "90", Follow(t, project, "LogsConfig", "CloudWatchLogs", "GroupName").Text("RetentionInDays"))
	}
}

func TestThePipelinesStackCanBeDeleted(t *testing.T) {
	t.Parallel()
	for _, stack := range []*assembly.Stack{together(t).stack, across(t).stack} {
		assert.False(t, stack.TerminationProtection)
		for _, resource := range stack.Resources {
			if resource.Type == "AWS::S3::Bucket" {
				assert.Equal(t, "RetainExceptOnCreate", resource.DeletionPolicy, "AWS deletes no bucket with files in it")
				assert.NotContains(t, resource.Properties, "BucketName", "the next pipeline has another bucket")
			} else {
				assert.NotContains(t, kept, resource.DeletionPolicy, resource.LogicalID)
			}
		}
		assert.NotContains(t, string(stack.Template), `"Export"`, "nothing needs the pipeline")
	}
}

// apart are three environments and a pipeline, each in an account of its own.
func apart() ([]config.Environment, config.Pipeline) {
	stage := Production()
	stage.Name = "stage"
	environments := []config.Environment{Described(), stage, Production()}
	for i, account := range []string{"111111111111", "222222222222", "333333333333"} {
		environments[i].Account = account
	}
	pipeline := Delivery()
	pipeline.Account, pipeline.Directory = "999999999999", "infra"
	return environments, pipeline
}

func TestThePipelineUploadsTheProgramOnceForEachAccountThatRotates(t *testing.T) {
	t.Parallel()
	for _, p := range promotions(t) {
		assets := stages(t, p.stack)[3]
		require.Equal(t, "Assets", assets.Name)
		require.Len(t, assets.Actions, 1, "one program")
		spec := specOf(t, projectOf(t, p.stack, assets.Actions[0]))
		assert.Equal(t, []string{"npm install -g cdk-assets@4.7.3"}, spec.Phases.Install.Commands)
		accounts := map[string]bool{}
		for _, env := range p.environments {
			if env.Database.RotationDays > 0 {
				accounts[env.Account] = true
			}
		}
		assert.Len(t, slices.DeleteFunc(spec.Phases.Build.Commands, func(c string) bool { return !strings.Contains(c, " publish ") }),
			len(accounts))
	}
}

func TestEachStepOfThePipelineIsOfItsOwnEnvironment(t *testing.T) {
	t.Parallel()
	for _, p := range promotions(t) {
		for i, env := range p.environments {
			s := stageOf(t, p.stack, env)
			command := func(name string) string {
				commands := slices.DeleteFunc(specOf(t, projectOf(t, p.stack, s.action(t, name))).Phases.Build.Commands, func(c string) bool {
					return strings.HasPrefix(c, "cd ")
				})
				return commands[0]
			}
			assert.Equal(t, "go run ./cmd/parrotctl smoke "+env.Name, command("Smoke"))
			images := "go run ./cmd/parrotctl images " + env.Name + " --lookup-role"
			assert.Equal(t, images, command(env.StackName("Compute")+".Images"))
			names := []string{"Smoke", env.StackName("Compute") + ".Images"}
			if i > 0 {
				assert.Equal(t, "go run ./cmd/parrotctl review --deployed "+env.Name+" --lookup-role --summary cdk.out > summary.txt",
					command("Summary"))
				names = append(names, "Summary", "Approve")
			}
			for _, part := range config.Parts {
				name := env.StackName(part) + ".Deploy"
				deploy := s.action(t, name)
				names = append(names, name)
				assert.Equal(t, env.StackName(part), deploy.Configuration["StackName"])
				assert.Equal(t, "CREATE_UPDATE", deploy.Configuration["ActionMode"])
				assert.Contains(t, deploy.Configuration["TemplatePath"], "assembly-"+config.PipelineStackName+"-"+env.StackName("")+"/")
				account := env.Account
				if account == "" {
					account = "${AWS::AccountId}"
				}
				assert.Contains(t, p.stack.Text(deploy.Configuration["RoleArn"]), ":role/cdk-hnb659fds-cfn-exec-role-"+account+"-"+env.Region)
			}
			var all []string
			for _, a := range s.Actions {
				all = append(all, a.Name)
			}
			assert.ElementsMatch(t, names, all, "of %s", env.Name)
		}
	}
}

// A step that failed, and one that nobody may see, are no steps.
func TestStepsRunOnMachinesWithoutPrivileges(t *testing.T) {
	t.Parallel()
	for _, p := range promotions(t) {
		for _, project := range Resources(t, p.stack, "AWS::CodeBuild::Project") {
			assert.Equal(t, "false", project.Text("Environment", "PrivilegedMode"), project.LogicalID)
			assert.Equal(t, "LINUX_CONTAINER", project.Text("Environment", "Type"), project.LogicalID)
			assert.Contains(t, []string{"BUILD_GENERAL1_SMALL", "BUILD_GENERAL1_MEDIUM"}, project.Text("Environment", "ComputeType"),
				project.LogicalID)
			assert.Equal(t, "CODEPIPELINE", project.Text("Source", "Type"), project.LogicalID)
			assert.Equal(t, "ENABLED", project.Text("LogsConfig", "CloudWatchLogs", "Status"), project.LogicalID)
		}
	}
}
