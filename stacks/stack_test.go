package stacks_test

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot/config"
	"parrot/internal/assembly"
	. "parrot/internal/synthtest"
)

// kept are the policies of what outlives its stack. RetainExceptOnCreate lets a
// failed first deploy take away what it has made, so that the next try finds the
// names free.
var kept = []string{"Retain", "RetainExceptOnCreate"}

func TestAFailedFirstDeployLeavesNoNameBehind(t *testing.T) {
	t.Parallel()
	env := Production()
	for _, part := range config.Parts {
		for _, resource := range StackOf(t, Direct(t), env, part).Resources {
			if resource.DeletionPolicy == "Retain" {
				assert.Equal(t, "AWS::S3::Bucket", resource.Type, "%s has a name of AWS's choice", resource.LogicalID)
			}
		}
	}
}

// isKeptSource reports whether a secret is generated and outlives its stack: all
// that are generated but Redis's token, which goes with the cache it opens.
func isKeptSource(secret *assembly.Resource) bool {
	_, generated := secret.Properties["GenerateSecretString"]
	return generated && !strings.HasSuffix(secret.Text("Name"), "-redis-auth")
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	require.NoError(t, err)
	return n
}

func TestProductionCannotBeDeletedByMistake(t *testing.T) {
	t.Parallel()
	env := Production()
	for _, part := range config.Parts {
		assert.True(t, StackOf(t, Direct(t), env, part).TerminationProtection, env.StackName(part))
	}
	db := Only(t, StackOf(t, Direct(t), env, "Data"), "AWS::RDS::DBInstance")
	assert.Equal(t, "true", db.Text("DeletionProtection"))
	balancer := Only(t, StackOf(t, Direct(t), env, "Edge"), "AWS::ElasticLoadBalancingV2::LoadBalancer")
	assert.Equal(t, "true", Attributes(balancer, "LoadBalancerAttributes")["deletion_protection.enabled"])
}

func TestProductionKeepsItsDataWhenAStackGoes(t *testing.T) {
	t.Parallel()
	env := Production()
	held := map[string]bool{}
	for _, part := range config.Parts {
		for _, resource := range StackOf(t, Direct(t), env, part).Resources {
			held[resource.Type] = true
			switch resource.Type {
			case "AWS::RDS::DBInstance", "AWS::RDS::DBSubnetGroup", "AWS::RDS::DBParameterGroup", "AWS::ECR::Repository",
				"AWS::Logs::LogGroup", "AWS::Route53::HostedZone", "AWS::S3::Bucket":
				assert.Contains(t, kept, resource.DeletionPolicy, resource.LogicalID)
				assert.Equal(t, "Retain", resource.UpdateReplacePolicy, resource.LogicalID)
			case "AWS::SecretsManager::Secret":
				if isKeptSource(resource) {
					assert.Contains(t, kept, resource.DeletionPolicy, resource.LogicalID)
				} else {
					assert.Equal(t, "Delete", resource.DeletionPolicy, "%s can be composed again", resource.LogicalID)
				}
			}
			if resource.Type == "AWS::ECR::Repository" {
				assert.Equal(t, "false", resource.Text("EmptyOnDelete"))
			}
		}
	}
	for _, name := range append(slices.Clone(holdsData), "AWS::RDS::DBParameterGroup", "AWS::S3::Bucket") {
		assert.True(t, held[name], name)
	}
}

// byName are the types that npx cdk deploy --import-existing-resources takes up
// again, with the property that is their identifier: it has to be a literal.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/import-resources-automatically.html
var byName = map[string]string{
	"AWS::ECR::Repository":       "RepositoryName",
	"AWS::Logs::LogGroup":        "LogGroupName",
	"AWS::RDS::DBInstance":       "DBInstanceIdentifier",
	"AWS::RDS::DBParameterGroup": "DBParameterGroupName",
	"AWS::RDS::DBSubnetGroup":    "DBSubnetGroupName",
}

// docs/way-back.md tells how each is taken up again, or that it is left behind.
func TestWhatIsKeptIsTakenUpAgainByName(t *testing.T) {
	t.Parallel()
	otherwise := map[string]string{
		"AWS::Route53::HostedZone":    "by the setting HostedZoneID",
		"AWS::SecretsManager::Secret": "by its ARN, with cdk import",
		"AWS::S3::Bucket":             "left behind: its files expire",
	}
	again := 0
	env := Production()
	for _, part := range config.Parts {
		for _, resource := range StackOf(t, Direct(t), env, part).Resources {
			if !slices.Contains(kept, resource.DeletionPolicy) || otherwise[resource.Type] != "" {
				continue
			}
			switch resource {
			case Follow(t, Only(t, StackOf(t, Direct(t), env, "Network"), "AWS::EC2::FlowLog"), "LogGroupName"),
				Follow(t, Only(t, StackOf(t, Direct(t), env, "Data"), "AWS::Lambda::Function"), "LoggingConfig", "LogGroup"):
				continue // left behind: it has no name of its own
			}
			again++
			name := resource.Text(byName[resource.Type])
			assert.NotEmpty(t, name, "%s of %s has a name", resource.LogicalID, resource.Stack.Name)
			assert.NotContains(t, name, "${", "%s of %s has a literal name", resource.LogicalID, resource.Stack.Name)
		}
	}
	assert.NotZero(t, again)
}

func TestProductionSurvivesTheLossOfATaskOrAZone(t *testing.T) {
	t.Parallel()
	env := Production()
	for _, svc := range Resources(t, StackOf(t, Direct(t), env, "Compute"), "AWS::ECS::Service") {
		assert.GreaterOrEqual(t, number(t, svc.Text("DesiredCount")), 2, svc.Text("ServiceName"))
	}
	db := Only(t, StackOf(t, Direct(t), env, "Data"), "AWS::RDS::DBInstance")
	assert.Equal(t, "true", db.Text("MultiAZ"))
	assert.GreaterOrEqual(t, number(t, db.Text("BackupRetentionPeriod")), 7)
}

func TestEnvironmentsShareNoName(t *testing.T) {
	t.Parallel()
	taken := map[string]string{}
	for _, stack := range shipped.Assembly(t).Stacks {
		for _, resource := range stack.Resources {
			for _, property := range []string{"RepositoryName", "DBInstanceIdentifier", "ClusterName", "LogGroupName", "CidrBlock"} {
				name := resource.Text(property)
				if name == "" || strings.Contains(name, "${") || resource.Type == "AWS::Logs::MetricFilter" {
					continue // a filter names a group of another stack
				}
				key := strings.Join([]string{stack.Account, stack.Region, resource.Type, name}, " ")
				assert.Empty(t, taken[key], "%s of %s", key, stack.Name)
				taken[key] = stack.Name
			}
		}
	}
	assert.NotEmpty(t, taken)
}

func TestSynthAsksAWSNothing(t *testing.T) {
	t.Parallel()
	for _, a := range everything(t) {
		assert.Empty(t, a.Missing, a.Dir)
	}
	account := changed(t, "Account", "Network")
	assert.Equal(t, "123456789012", account.Account)
	assertSameLines(t, Dev(t, "Network").Template, account.Template, "an account's template is any account's")
}

func TestAnEnvironmentWithoutAnAccountIsForTheSignedInOne(t *testing.T) {
	t.Parallel()
	for _, env := range Fixtures() {
		for _, part := range config.Parts {
			stack := StackOf(t, Direct(t), env, part)
			assert.Equal(t, cmp.Or(env.Account, "unknown-account"), stack.Account, stack.Name)
			assert.Equal(t, env.Region, stack.Region, stack.Name)
		}
	}
}

func TestPartsAreTheStacksThatAnEnvironmentHas(t *testing.T) {
	t.Parallel()
	var defined []string
	named := []string{config.PipelineStackName}
	for _, stack := range Direct(t).Stacks {
		defined = append(defined, stack.Name)
	}
	for _, env := range Fixtures() {
		named = append(named, env.StackNames()...)
	}
	assert.ElementsMatch(t, named, defined)
}
