package stacks_test

import (
	"fmt"
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

// This file is about what stacks owe each other: what CloudFormation refuses at
// two in the morning is refused here.

func TestEveryImportHasItsExport(t *testing.T) {
	t.Parallel()
	for _, a := range everything(t) {
		imports := 0
		for _, stack := range a.Stacks {
			for _, name := range stack.Imports() {
				assert.NotNil(t, a.Export(name), "%s imports %s", stack.Name, name)
				imports++
			}
		}
		assert.NotZero(t, imports, a.Dir)
	}
}

func TestStacksAreDeployedInTheirOrder(t *testing.T) {
	t.Parallel()
	for _, a := range everything(t) {
		_, err := a.DeployOrder()
		require.NoError(t, err, "no cycle")
	}
	needs := map[string][]string{
		"Network":    nil,
		"Registry":   nil,
		"Data":       {"Network"},
		"Edge":       {"Network"},
		"Compute":    {"Data", "Edge", "Network", "Registry"},
		"Monitoring": {"Compute", "Edge"},
	}
	for _, env := range Fixtures() {
		for part, want := range needs {
			var got []string
			for _, stack := range StackOf(t, Direct(t), env, part).Needs() {
				got = append(got, strings.TrimPrefix(stack.Name, env.StackName("")))
			}
			assert.Equal(t, want, got, "what %s of %s needs", part, env.Name)
		}
	}
}

// TestEverySettingDeploysInOnePass goes from dev to each variant, back, and
// between all of them, as CloudFormation would: producers first, while their
// consumers still are as they were.
func TestEverySettingDeploysInOnePass(t *testing.T) {
	t.Parallel()
	all := map[string]*assembly.Assembly{"dev": Direct(t)}
	for _, v := range variants() {
		if v.name != "Account" { // another account is another environment
			all[v.name] = nested(t, v.name)
		}
	}
	for from, before := range all {
		for to, after := range all {
			for _, refusal := range refusals(before, after) {
				t.Errorf("from %s to %s: %s", from, to, refusal)
			}
		}
	}
}

// refusals returns CloudFormation's reasons not to take a change: exports that are
// in use, and would go or change their value.
func refusals(before, after *assembly.Assembly) []string {
	var reasons []string
	for _, consumer := range before.Stacks {
		if !strings.HasPrefix(consumer.Name, "ParrotDev") {
			continue
		}
		for _, name := range consumer.Imports() {
			old, now := before.Export(name), after.Export(name)
			if now == nil {
				reasons = append(reasons, fmt.Sprintf("%s imports %s, which would go", consumer.Name, name))
				continue
			}
			was, _ := old.Stack.Target(old.Value)
			is, ok := now.Stack.Target(now.Value)
			if !ok || was.String() != is.String() {
				reasons = append(reasons, fmt.Sprintf("%s imports %s, which would be of another resource", consumer.Name, name))
				continue
			}
			for _, property := range createOnly[is.Resource.Type] {
				if was.Resource.Text(property) != is.Resource.Text(property) {
					reasons = append(reasons,
						fmt.Sprintf("%s imports %s, which would change: %s is replaced for its %s", consumer.Name, name, is, property))
				}
			}
		}
	}
	return reasons
}

// createOnly are the properties whose change replaces a resource, of the types
// whose replacement hurts: those that are exported and those that hold data.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-template-resource-type-ref.html
var createOnly = map[string][]string{
	"AWS::EC2::VPC":                             {"CidrBlock", "InstanceTenancy"},
	"AWS::EC2::Subnet":                          {"AvailabilityZone", "CidrBlock", "VpcId"},
	"AWS::EC2::SecurityGroup":                   {"GroupDescription", "GroupName", "VpcId"},
	"AWS::ECR::Repository":                      {"EncryptionConfiguration", "RepositoryName"},
	"AWS::ElasticLoadBalancingV2::Listener":     {"LoadBalancerArn"},
	"AWS::ElasticLoadBalancingV2::LoadBalancer": {"Name", "Scheme", "Type"},
	"AWS::Logs::LogGroup":                       {"LogGroupName"},
	"AWS::RDS::DBInstance": {
		"DBInstanceIdentifier", "DBName", "DBSubnetGroupName", "KmsKeyId", "MasterUsername", "StorageEncrypted",
	},
	"AWS::RDS::DBSubnetGroup":                  {"DBSubnetGroupName"},
	"AWS::RDS::DBParameterGroup":               {"Family", "Description"},
	"AWS::ECS::Cluster":                        {"ClusterName"},
	"AWS::ElasticLoadBalancingV2::TargetGroup": {"Name", "Port", "Protocol", "TargetType", "VpcId"},
	"AWS::ECS::Service":                        {"Cluster", "LaunchType", "SchedulingStrategy", "ServiceName"},
	"AWS::ElastiCache::ReplicationGroup": {
		"AtRestEncryptionEnabled", "CacheSubnetGroupName", "Port", "ReplicationGroupId",
	},
	"AWS::SecretsManager::Secret": {"Name"},
}

// A deploy that changes a port keeps the old one open until the new tasks serve,
// and keeps it when they never do: all of it is in the stack with the service, and
// the target group has the old tasks and the new ones.
func TestAPortChangesInOneStackWithoutANewTargetGroup(t *testing.T) {
	t.Parallel()
	for _, part := range config.Parts {
		was, is := Dev(t, part), changed(t, "Ports", part)
		if part != "Compute" && part != "Monitoring" {
			for _, resource := range was.Resources {
				assert.Equal(t, resource.Properties, is.Resource(resource.LogicalID).Properties, "%s in %s", resource.LogicalID, part)
			}
		}
	}
	for _, kind := range []string{"AWS::ElasticLoadBalancingV2::TargetGroup", "AWS::ElasticLoadBalancingV2::ListenerRule"} {
		groups := Dev(t, "Compute").OfType(kind)
		require.Len(t, groups, 2)
		for _, group := range groups {
			assert.Equal(t, group.Properties, changed(t, "Ports", "Compute").Resource(group.LogicalID).Properties)
		}
	}
	assert.Equal(t, []string{"8081", "8080"}, []string{
		With(t, changed(t, "Ports", "Compute"), "AWS::EC2::SecurityGroupIngress", "Description", "BackendFromLoadBalancer").Text("FromPort"),
		With(t, changed(t, "Ports", "Compute"), "AWS::EC2::SecurityGroupIngress", "Description", "FrontendFromLoadBalancer").Text("FromPort"),
	})
}

func TestExportsAreTheSameForEverySetting(t *testing.T) {
	t.Parallel()
	exports := func(a *assembly.Assembly) []string {
		var lines []string
		for _, export := range a.Exports() {
			if strings.HasPrefix(export.Stack.Name, "ParrotDev") {
				lines = append(lines, export.ExportName+" = "+export.Stack.Text(export.Value))
			}
		}
		return lines
	}
	want := exports(Direct(t))
	require.NotEmpty(t, want)
	for _, v := range variants() {
		assert.Equal(t, want, exports(nested(t, v.name)), v.name)
	}
}

// holdsData are the types that hold what cannot be made again, and the one whose
// replacement replaces the database.
var holdsData = []string{
	"AWS::RDS::DBInstance", "AWS::RDS::DBSubnetGroup", "AWS::SecretsManager::Secret", "AWS::ECR::Repository",
	"AWS::Route53::HostedZone", "AWS::Logs::LogGroup",
}

func TestWhatHoldsDataKeepsItsLogicalID(t *testing.T) {
	t.Parallel()
	// Another id means a new, empty resource.
	ids := func(a *assembly.Assembly) []string {
		var lines []string
		for _, part := range config.Parts {
			for _, resource := range a.Stack(Described().StackName(part)).Resources {
				if slices.Contains(holdsData, resource.Type) {
					lines = append(lines, fmt.Sprintf("%s %s %s", part, resource.LogicalID, resource.Type))
				}
			}
		}
		return lines
	}
	want := ids(Direct(t))
	documents.Golden(t, "stacks/testdata/data.golden", strings.Join(want, "\n")+"\n")
	for _, v := range variants() {
		got := ids(nested(t, v.name))
		for _, line := range want {
			if strings.HasPrefix(v.env.HostedZoneID, "Z") && strings.HasSuffix(line, "AWS::Route53::HostedZone") {
				continue // an imported zone is not the stack's
			}
			assert.Contains(t, got, line, v.name)
		}
	}
}

func TestNoSettingReplacesWhatHoldsData(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	updates(t, func(variant string, was, is *assembly.Resource) {
		if !slices.Contains(holdsData, was.Type) {
			return
		}
		seen[was.Type] = true
		for _, property := range createOnly[was.Type] {
			assert.Equal(t, was.Text(property), is.Text(property), "%s of %s with %s", property, was.LogicalID, variant)
		}
	})
	assert.Len(t, seen, len(holdsData))
}

// updates calls visit for each resource of dev that a variant has, too.
func updates(t *testing.T, visit func(variant string, was, is *assembly.Resource)) {
	t.Helper()
	for _, v := range variants() {
		visited := 0
		for _, part := range config.Parts {
			for _, was := range Dev(t, part).Resources {
				if is := changed(t, v.name, part).Resource(was.LogicalID); is != nil {
					visit(v.name, was, is)
					visited++
				}
			}
		}
		require.NotZero(t, visited, "%s has nothing of dev", v.name)
	}
}

// AWS leaves many things as they are when their property goes from the template
// (aws/aws-cdk#14044): off has to be said as plainly as on.
func TestNoSettingIsSwitchedOffByLeavingItOut(t *testing.T) {
	t.Parallel()
	revised := "AWS::ECS::TaskDefinition" // each change is a new revision of the whole
	details := []string{                  // of what is switched off by another property
		".LoadBalancerAttributes[access_logs.s3.bucket]", ".LoadBalancerAttributes[access_logs.s3.prefix]",
		".DeploymentConfiguration.Alarms.AlarmNames[]",
		".MaxAllocatedStorage", // RDS takes what is left out as the volume's own size
	}
	names := func(resource *assembly.Resource) []string {
		return slices.DeleteFunc(propertyNames(resource), func(name string) bool { return slices.Contains(details, name) })
	}
	updates(t, func(variant string, was, is *assembly.Resource) {
		if was.Type != revised {
			assert.Equal(t, names(was), names(is), "%s %s with %s", was.Type, was.LogicalID, variant)
		}
	})
}

// propertyNames returns the paths of a resource's properties, without their values;
// lists of {Key, Value} count as properties.
func propertyNames(resource *assembly.Resource) []string {
	var names []string
	var walk func(path string, value any)
	walk = func(path string, value any) {
		switch v := value.(type) {
		case map[string]any:
			for name, member := range v {
				if strings.HasPrefix(name, "Fn::") || name == "Ref" {
					names = append(names, path)
					return
				}
				walk(path+"."+name, member)
			}
		case []any:
			for _, element := range v {
				if pair, ok := element.(map[string]any); ok && pair["Key"] != nil {
					names = append(names, fmt.Sprintf("%s[%v]", path, pair["Key"]))
					continue
				}
				walk(path+"[]", element)
			}
		default:
			names = append(names, path)
		}
	}
	walk("", resource.Properties)
	slices.Sort(names)
	return slices.Compact(names)
}

// A replacement is made before the old one goes: under the same name it fails.
func TestNoSettingReplacesWhatHasAFixedName(t *testing.T) {
	t.Parallel()
	names := []string{"DBParameterGroupName", "ClusterName", "ServiceName", "ReplicationGroupId", "Name", "RepositoryName",
		"DBInstanceIdentifier"}
	kept := map[string]bool{}
	updates(t, func(variant string, was, is *assembly.Resource) {
		for _, name := range names {
			if was.Text(name) == "" || was.Text(name) != is.Text(name) {
				continue
			}
			kept[name] = true
			for _, property := range createOnly[was.Type] {
				assert.Equal(t, was.Text(property), is.Text(property), "%s of %s with %s", property, was.Text(name), variant)
			}
		}
	})
	assert.NotEmpty(t, kept)
}
