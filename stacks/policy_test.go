package stacks_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot/config"
	"parrot/internal/assembly"
	"parrot/internal/fakes"
	. "parrot/internal/synthtest"
)

// checkedFixtures is the fixtures and their pipeline, checked against the policies.
var checkedFixtures = Once(func() awscdk.App { return checked(Fixtures(), Delivery()) })

// checked defines environments and their pipeline as the app does, and has cdk-nag look
// at their stacks.
func checked(environments []config.Environment, pipeline config.Pipeline) awscdk.App {
	app := NewApp(environments)
	awscdk.Aspects_Of(app).Add(cdknag.NewAwsSolutionsChecks(&cdknag.NagPackProps{
		Reports:       jsii.Bool(true),
		ReportFormats: &[]cdknag.NagReportFormat{cdknag.NagReportFormat_JSON},
	}), nil)
	App.DefineAll(app, environments, pipeline)
	return app
}

// accepted are the findings of cdk-nag's AwsSolutions that stand, by rule and by
// the end of the construct's path, each with the reason.
// https://github.com/cdklabs/cdk-nag/blob/main/RULES.md
var accepted = []struct{ rule, construct, reason string }{
	{"EC23", "FromAnywhere", "The load balancer is the site's entrance: ports 80 and 443 of this one group are open on purpose."},
	{"VPC7", "Network/Vpc/Resource", "Flow logs are a setting, off by default for their cost."},
	{"ELB2", "Edge/LoadBalancer/Resource", "Access logs are a setting, off by default for their cost."},
	{"S1", "AccessLogs/Resource", "The bucket is itself the log: logs of who reads the logs would need another bucket, and so on."},
	{"RDS3", "Data/Database/Resource", "Multi-AZ is a setting, off by default at half the price."},
	{"RDS10", "Data/Database/Resource", "An environment like dev is made to be destroyed and deployed again."},
	{"RDS11", "Database/Resource", "Another port hides nothing from who is inside the VPC, and the security group lets nobody else in."},
	{"SMG4", "DbPassword/Resource", "Rotation is a setting, off by default: new connections fail for minutes each time."},
	{"SMG4", "JwtAccessKey/Resource", "A new key signs every user out: when to do that is a person's decision."},
	{"SMG4", "JwtRefreshKey/Resource", "A new key signs every user out: when to do that is a person's decision."},
	{"SMG4", "RedisAuth/Resource", "A new token has to reach the running tasks together with the cache: it is an operator's decision."},
	{"SMG4", "DbCredentials/Resource", "A projection: it has nothing of its own to rotate."},
	{"SMG4", "AppEnv/Resource", "A projection: it has nothing of its own to rotate."},
	{"ECS2", "Task/Resource", "The plain variables are no secrets; those that are come from Secrets Manager."},
	{"ECS4", "Cluster/Resource", "Container Insights costs by the metric; CPU, memory and healthy hosts are measured without it."},
	{"IAM5", "Task/ExecutionRole/DefaultPolicy/Resource", "ecr:GetAuthorizationToken takes no resource; all other statements name theirs."},
	{"IAM5", "Task/TaskRole/DefaultPolicy/Resource", "The ssmmessages channels of execute command have no ARNs."},
	{"IAM5", "Data/RotationRole", "secretsmanager:GetRandomPassword takes no resource; all other statements name theirs."},
	{"S1", "ParrotPipeline/Artifacts/Resource",
		"Sources and templates, which expire after a month: logs of who reads them would need another bucket, and so on."},
	{"IAM5", "/Role/DefaultPolicy/Resource",
		"CDK's own roles of the pipeline and its steps: see TestThePipelinesStepsMayDoOnlyWhatTheyAreFor."},
	{"IAM5", "Pipeline/Assets/FileRole/DefaultPolicy/Resource",
		"CDK's own role of the step that uploads the rotation's program: it may take on each account's publishing role."},
	{"IAM5", "CodePipelineActionRole/DefaultPolicy/Resource", "CDK's own role of the source action, for the bucket that it writes to."},
	{"CB4", "/Resource", "Artifacts are encrypted with S3's own key, and with a customer's where accounts differ."},
	{"AEC4", "Redis", "A cache of one node, as the system has it: a second one would double its price."},
	{"AEC5", "Redis", "Another port hides nothing from who is inside the VPC, and the security group lets nobody else in."},
}

// notInProduction are the accepted findings that are a setting's: production has
// the setting on.
var notInProduction = []string{"VPC7", "ELB2", "RDS3", "RDS10"}

func TestNothingInTheTemplatesIsAgainstAwsSolutions(t *testing.T) {
	t.Parallel()
	used := map[int]bool{}
	for a, environments := range map[*assembly.Assembly][]config.Environment{shipped.Assembly(t): environments(),
		checkedFixtures.Assembly(t): Fixtures()} {
		var production []string // the names of its stacks
		for _, env := range environments {
			for _, part := range config.Parts {
				if env.Production {
					production = append(production, env.StackName(part))
				}
			}
		}
		for _, finding := range findings(t, a) {
			i := slices.IndexFunc(accepted, func(a struct{ rule, construct, reason string }) bool {
				return finding.RuleID == "AwsSolutions-"+a.rule && strings.HasSuffix(finding.ResourceID, a.construct)
			})
			stack, _, _ := strings.Cut(finding.ResourceID, "/")
			if i < 0 || slices.Contains(production, stack) && slices.Contains(notInProduction, accepted[i].rule) {
				assert.Fail(t, "against AwsSolutions", "%s at %s is %s: %s", finding.RuleID, finding.ResourceID, finding.Compliance, finding.RuleInfo)
			}
			used[i] = true
		}
	}
	for i, a := range accepted {
		assert.NotEmpty(t, a.reason, a.rule)
		assert.True(t, used[i], "%s at %s is no finding any more: remove it", a.rule, a.construct)
	}
}

type nagFinding struct {
	RuleID, ResourceID, Compliance, RuleInfo string
}

// findings returns what is not compliant in an assembly.
func findings(t *testing.T, a *assembly.Assembly) []nagFinding {
	t.Helper()
	reports, err := filepath.Glob(filepath.Join(a.Dir, "AwsSolutions-*-NagReport.json"))
	require.NoError(t, err)
	require.Len(t, reports, len(a.Stacks), "a report of each stack")
	var all []nagFinding
	for _, report := range reports {
		all = append(all, readNagReport(t, report)...)
	}
	return slices.DeleteFunc(all, func(f nagFinding) bool { return f.Compliance == "Compliant" })
}

func readNagReport(t *testing.T, file string) []nagFinding {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var report struct{ Lines []nagFinding }
	require.NoError(t, json.Unmarshal(text, &report))
	require.NotEmpty(t, report.Lines, file)
	return report.Lines
}

// validated defines environments and their pipeline with CDK's own validation.
func validated(environments []config.Environment, pipeline config.Pipeline) awscdk.App {
	app := NewApp(environments)
	awscdk.Validations_Of(app).AddPlugins(awscdk.NewCloudFormationValidatePlugin(nil))
	App.DefineAll(app, environments, pipeline)
	return app
}

// Every synth for a deploy validates the shipped templates. This validates the options
// that only the fixtures have.
func TestNothingInTheTemplatesIsAgainstCDKsValidation(t *testing.T) {
	fakes.Slow(t)
	t.Parallel()
	fixtures := Once(func() awscdk.App { return validated(Fixtures(), Delivery()) })
	for _, synthesis := range []Synthesis{shippedValidated, fixtures} {
		a := synthesis.Assembly(t)
		text, err := os.ReadFile(filepath.Join(a.Dir, "validation-report.json"))
		require.NoError(t, err)
		var report struct {
			PluginReports []struct {
				PluginName, Conclusion string
				Violations             []struct{ RuleName, Description string }
			}
		}
		require.NoError(t, json.Unmarshal(text, &report))
		require.Len(t, report.PluginReports, 1)
		assert.Equal(t, "CloudFormation Validate", report.PluginReports[0].PluginName)
		assert.Equal(t, "success", report.PluginReports[0].Conclusion)
		assert.Empty(t, report.PluginReports[0].Violations)
	}
}
