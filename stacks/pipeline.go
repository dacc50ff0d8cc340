package stacks

import (
	"fmt"
	"path"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscodebuild"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscodepipeline"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awseventstargets"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssnssubscriptions"
	"github.com/aws/aws-cdk-go/awscdk/v2/pipelines"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"parrot/config"
	blocks "parrot/constructs"
)

// What the pipeline's machines run. A test compares the versions with go.mod and
// package.json.
const (
	buildImage    = "aws/codebuild/standard:8.0"
	goVersion     = "1.26"
	nodeVersion   = "22"
	cliVersion    = "2.1148.1" // of aws-cdk
	assetsVersion = "4.7.3"    // of cdk-assets, which uploads the rotation's program
)

const (
	// sourceID is CDK's name of the stage with the source, and the action's.
	sourceID = "Source"
	// artifactDays is how long an execution can be retried, and how long the
	// build cache lasts without a new commit.
	artifactDays = 30
	// pipelineLogDays is how long the output of every step is kept.
	pipelineLogDays = 90
	// stepMinutes is when a step is given up. The longest is the first synth,
	// which compiles CDK.
	stepMinutes = 45
	// summary is the variable that carries the diff summary to the approval.
	summary = "SUMMARY"
)

// NewPipeline makes the stack ParrotPipeline, which deploys each commit to one
// environment after the other: with a smoke test after each, and an approval
// before each but the first. The stages hold what define makes of an environment.
func NewPipeline(scope constructs.Construct, settings config.Pipeline, environments []config.Environment,
	define func(constructs.Construct, config.Environment) *Compute) {
	name := config.PipelineStackName
	stack := awscdk.NewStack(scope, &name, &awscdk.StackProps{
		StackName:   &name,
		Description: jsii.String("Promotes every commit through the environments"),
		Env:         where(settings.Account, environments[0].Region),
	})
	tags := awscdk.Tags_Of(stack)
	tags.Add(jsii.String("Project"), jsii.String(config.Project), nil)
	tags.Add(jsii.String("ManagedBy"), jsii.String("cdk"), nil)

	from := commit{directory: settings.Directory,
		source: pipelines.CodePipelineSource_Connection(&settings.Repository, &settings.Branch, &pipelines.ConnectionSourceOptions{
			ConnectionArn: &settings.ConnectionARN,
			ActionName:    jsii.String(sourceID),
			TriggerOnPush: jsii.Bool(true),
		})}
	artifacts := artifactBucket(stack, settings, environments)
	synth := from.synthStep(artifacts)
	pipeline := pipelines.NewCodePipeline(stack, jsii.String("Pipeline"), &pipelines.CodePipelineProps{
		PipelineName:        jsii.String(config.PipelineName),
		PipelineType:        awscodepipeline.PipelineType_V2,
		Synth:               synth,
		SelfMutation:        jsii.Bool(true),
		CliVersion:          jsii.String(cliVersion),
		CdkAssetsCliVersion: jsii.String(assetsVersion),
		ArtifactBucket:      artifacts,
		// One action a stack: somebody has read before what the change does.
		UseChangeSets:     jsii.Bool(false),
		CodeBuildDefaults: machines(stack),
	})

	topic := awssns.NewTopic(stack, jsii.String("Notifications"), &awssns.TopicProps{EnforceSSL: jsii.Bool(true)})
	for _, address := range settings.NotificationEmails {
		topic.AddSubscription(awssnssubscriptions.NewEmailSubscription(&address, nil))
	}
	for i, env := range environments {
		stage := awscdk.NewStage(stack, jsii.String(env.StackName("")), nil)
		compute := define(stage, env)
		options := &pipelines.AddStageOpts{
			StackSteps: &[]*pipelines.StackSteps{{
				Stack: compute.Stack,
				Pre:   &[]pipelines.Step{from.imagesStep(env)},
			}},
			Post: &[]pipelines.Step{from.toolStep("Smoke", "smoke "+env.Name, nil)},
		}
		if i > 0 {
			diff := from.summaryStep(synth, env)
			options.Pre = &[]pipelines.Step{diff, pipelines.NewManualApprovalStep(jsii.String("Approve"), &pipelines.ManualApprovalStepProps{
				// AWS takes 1000 characters here, and the summary may have as many.
				Comment:           diff.ExportedVariable(jsii.String(summary)),
				NotificationTopic: topic,
			})}
		}
		pipeline.AddStage(stage, options)
	}
	pipeline.BuildPipeline()
	allowConnection(pipeline.Pipeline(), settings.ConnectionARN)
	notifyOfFailures(pipeline.Pipeline(), topic)
}

// machines returns the build machines of all steps.
func machines(stack awscdk.Stack) *pipelines.CodeBuildOptions {
	return &pipelines.CodeBuildOptions{
		BuildEnvironment: &awscodebuild.BuildEnvironment{
			BuildImage:  awscodebuild.LinuxBuildImage_FromCodeBuildImageId(jsii.String(buildImage)),
			ComputeType: awscodebuild.ComputeType_SMALL,
		},
		PartialBuildSpec: awscodebuild.BuildSpec_FromObject(&map[string]any{
			"phases": map[string]any{"install": map[string]any{
				"runtime-versions": map[string]string{"golang": goVersion, "nodejs": nodeVersion},
			}},
		}),
		Logging: &awscodebuild.LoggingOptions{CloudWatch: &awscodebuild.CloudWatchLoggingOptions{
			LogGroup: blocks.NewLogGroup(stack, "Logs", blocks.LogGroupProps{
				Name:          "/aws/codebuild/" + config.PipelineName,
				RetentionDays: pipelineLogDays,
				RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
			}),
		}},
		Timeout: awscdk.Duration_Minutes(jsii.Number(stepMinutes)),
	}
}

// commit is what the steps work on.
type commit struct {
	source pipelines.CodePipelineSource
	// directory is Parrot's in the source; empty is its root.
	directory string
}

// run returns commands in Parrot's directory.
func (c commit) run(commands ...string) *[]*string {
	if c.directory != "" {
		commands = append([]string{`cd "$CODEBUILD_SRC_DIR/` + c.directory + `"`}, commands...)
	}
	return jsii.Strings(commands...)
}

// assembly returns where the CDK CLI writes the templates.
func (c commit) assembly() string { return path.Join(c.directory, "cdk.out") }

// synthStep tests the commit and makes its templates. What it downloads and
// compiles is kept for the next commit.
func (c commit) synthStep(artifacts awss3.IBucket) pipelines.CodeBuildStep {
	const cache = "/root/.cache"
	return pipelines.NewCodeBuildStep(jsii.String("Synth"), &pipelines.CodeBuildStepProps{
		Input:                  c.source,
		InstallCommands:        c.run("npm ci"),
		Commands:               c.run("go test ./...", "npx cdk synth --quiet"),
		PrimaryOutputDirectory: jsii.String(c.assembly()),
		BuildEnvironment: &awscodebuild.BuildEnvironment{
			ComputeType: awscodebuild.ComputeType_MEDIUM, // it compiles CDK and runs all tests
		},
		Cache: awscodebuild.Cache_Bucket(artifacts, &awscodebuild.BucketCacheOptions{Prefix: jsii.String("cache")}),
		PartialBuildSpec: awscodebuild.BuildSpec_FromObject(&map[string]any{
			"env": map[string]any{"variables": map[string]string{
				"GOCACHE": cache + "/go-build", "GOMODCACHE": cache + "/go-mod", "npm_config_cache": cache + "/npm",
			}},
			"cache": map[string]any{"paths": []string{cache + "/**/*"}},
		}),
	})
}

// toolStep runs a command of parrotctl on the commit's source.
func (c commit) toolStep(id, arguments string, statements *[]awsiam.PolicyStatement) pipelines.CodeBuildStep {
	return pipelines.NewCodeBuildStep(&id, &pipelines.CodeBuildStepProps{
		Input:                c.source,
		Commands:             c.run("go run ./cmd/parrotctl " + arguments),
		RolePolicyStatements: statements,
	})
}

// imagesStep fails when a released image is not in the registry: the services would
// wait for it, and roll back.
func (c commit) imagesStep(env config.Environment) pipelines.Step {
	return c.toolStep("Images", "images "+env.Name+" --lookup-role", mayLookUp(env))
}

// summaryStep compares what is deployed with what the commit would deploy, and
// exports the answer on one line.
func (c commit) summaryStep(synth pipelines.CodeBuildStep, env config.Environment) pipelines.CodeBuildStep {
	return pipelines.NewCodeBuildStep(jsii.String("Summary"), &pipelines.CodeBuildStepProps{
		Input:            c.source,
		AdditionalInputs: &map[string]pipelines.IFileSetProducer{c.assembly(): synth},
		InstallCommands:  c.run("npm ci"), // the library that review compares with
		Commands: c.run(
			// A file, because a pipe would hide that the command failed.
			"go run ./cmd/parrotctl review --deployed "+env.Name+" --lookup-role --summary cdk.out > summary.txt",
			"cat summary.txt",
			"export "+summary+`="$(tr '\n' ' ' < summary.txt)"`,
		),
		RolePolicyStatements: mayLookUp(env),
	})
}

// mayLookUp allows a step to read an environment's account through the role that
// cdk bootstrap makes for that.
func mayLookUp(env config.Environment) *[]awsiam.PolicyStatement {
	account := env.Account
	if account == "" {
		account = *awscdk.Aws_ACCOUNT_ID()
	}
	role := fmt.Sprintf("arn:%s:iam::%s:role/cdk-%s-lookup-role-%s-%s", *awscdk.Aws_PARTITION(), account, config.BootstrapQualifier, account,
		env.Region)
	return &[]awsiam.PolicyStatement{awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions:   jsii.Strings("sts:AssumeRole"),
		Resources: jsii.Strings(role),
	})}
}

// artifactBucket holds sources, templates and the build cache. It outlives the
// stack, because AWS deletes no bucket with files in it; the files expire.
func artifactBucket(stack awscdk.Stack, settings config.Pipeline, environments []config.Environment) awss3.Bucket {
	props := &awss3.BucketProps{
		Encryption:        awss3.BucketEncryption_S3_MANAGED,
		EnforceSSL:        jsii.Bool(true),
		BlockPublicAccess: awss3.BlockPublicAccess_BLOCK_ALL(),
		LifecycleRules: &[]*awss3.LifecycleRule{{
			Expiration:                          awscdk.Duration_Days(jsii.Number(artifactDays)),
			AbortIncompleteMultipartUploadAfter: awscdk.Duration_Days(jsii.Number(1)),
		}},
		RemovalPolicy: awscdk.RemovalPolicy_RETAIN_ON_UPDATE_OR_DELETE,
	}
	for _, env := range environments {
		if env.Account != settings.Account && props.EncryptionKey == nil {
			// Another account can be given a key, but not S3's own.
			props.Encryption = awss3.BucketEncryption_KMS
			props.EncryptionKey = awskms.NewKey(stack, jsii.String("Key"), &awskms.KeyProps{
				Description:       jsii.String("Artifacts of the pipeline"),
				EnableKeyRotation: jsii.Bool(true),
				RemovalPolicy:     awscdk.RemovalPolicy_DESTROY,
			})
		}
	}
	return awss3.NewBucket(stack, jsii.String("Artifacts"), props)
}

// allowConnection lets the source action use a connection by the service's new
// name, too: CDK knows only the old one, codestar-connections.
func allowConnection(pipeline awscodepipeline.Pipeline, connection string) {
	action := pipeline.Node().FindChild(jsii.String(sourceID)).Node().FindChild(jsii.String(sourceID))
	role := action.Node().FindChild(jsii.String("CodePipelineActionRole")).(awsiam.Role)
	role.AddToPolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions:   jsii.Strings("codeconnections:UseConnection"),
		Resources: &[]*string{&connection},
	}))
}

// notifyOfFailures sends a line that a person can read and click.
func notifyOfFailures(pipeline awscodepipeline.Pipeline, topic awssns.Topic) {
	field := func(path string) *string { return awsevents.EventField_FromPath(&path) }
	execution := *field("$.detail.execution-id")
	pipeline.OnStateChange(jsii.String("Failed"), &awsevents.OnEventOptions{
		EventPattern: &awsevents.EventPattern{Detail: &map[string]any{"state": []string{"FAILED"}}},
		Target: awseventstargets.NewSnsTopic(topic, &awseventstargets.SnsTopicProps{
			// Otherwise any rule of any account could publish.
			AuthorizeUsingRole: jsii.Bool(true),
			Message: awsevents.RuleTargetInput_FromText(jsii.String(fmt.Sprintf(
				"Execution %s of the pipeline %s failed: https://%s.console.aws.amazon.com/codesuite/codepipeline/pipelines/%s/executions/%s/timeline",
				execution, config.PipelineName, *field("$.region"), config.PipelineName, execution))),
		}),
	})
}
