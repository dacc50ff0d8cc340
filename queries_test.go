package parrot

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot/config"
	"parrot/internal/assembly"
)

// This file asks the synthesized assemblies what the tests want to know.

// parts are an environment's stacks.
var parts = config.Parts

// everything is every assembly there is: the shipped one, the fixtures', and each stage's.
func everything(t *testing.T) []*assembly.Assembly {
	t.Helper()
	shipped, direct, changed := synthesize(t)
	all := []*assembly.Assembly{shipped, direct}
	for _, stage := range changed.Nested {
		all = append(all, stage)
	}
	for _, a := range all {
		require.NotEmpty(t, a.Stacks, "of %s", a.Dir)
	}
	return all
}

// assertSameLines compares two templates and shows the first line that differs.
func assertSameLines(t *testing.T, want, got []byte, message string) {
	t.Helper()
	wanted, gotten := strings.Split(string(want), "\n"), strings.Split(string(got), "\n")
	for i := range min(len(wanted), len(gotten)) {
		if wanted[i] != gotten[i] {
			t.Errorf("%s: line %d is %q: want %q", message, i+1, gotten[i], wanted[i])
			return
		}
	}
	assert.Len(t, gotten, len(wanted), message)
}

// tag is the value of a resource's tag.
func tag(resource *assembly.Resource, key string) string {
	if tags, ok := resource.Properties["Tags"].(map[string]any); ok {
		return resource.Stack.Text(tags[key]) // some types take an object
	}
	if _, ok := resource.Properties["HostedZoneTags"]; ok {
		return attributes(resource, "HostedZoneTags")[key]
	}
	return attributes(resource, "Tags")[key]
}

// attributes is a list of {Key, Value} as a map.
func attributes(resource *assembly.Resource, property string) map[string]string {
	return pairs(resource, "Key", "Value", property)
}

// pairs is a list of objects with a name and a value as a map.
func pairs(resource *assembly.Resource, name, value string, path ...any) map[string]string {
	found := map[string]string{}
	list, _ := resource.Lookup(path...)
	elements, _ := list.([]any)
	for i := range elements {
		found[resource.Text(append(slices.Clone(path), i, name)...)] = resource.Text(append(slices.Clone(path), i, value)...)
	}
	return found
}

// lookup is a property that has to be there.
func lookup(t *testing.T, resource *assembly.Resource, path ...any) any {
	t.Helper()
	value, ok := resource.Lookup(path...)
	require.True(t, ok, "%v of %s", path, resource.LogicalID)
	return value
}

// named is the stack's one resource of a type with a Name tag.
func named(t *testing.T, stack *assembly.Stack, resourceType, name string) *assembly.Resource {
	t.Helper()
	for _, resource := range stack.OfType(resourceType) {
		if tag(resource, "Name") == name {
			return resource
		}
	}
	require.Fail(t, "not found", "%s %s in %s", resourceType, name, stack.Name)
	return nil
}

// waysOut are the targets of a subnet's default routes.
func waysOut(t *testing.T, subnet *assembly.Resource) []string {
	t.Helper()
	this := assembly.Target{Resource: subnet}.String()
	association := with(t, subnet.Stack, "AWS::EC2::SubnetRouteTableAssociation", "SubnetId", this)
	var ways []string
	for _, route := range subnet.Stack.OfType("AWS::EC2::Route") {
		if route.Text("RouteTableId") == association.Text("RouteTableId") && route.Text("DestinationCidrBlock") == "0.0.0.0/0" {
			ways = append(ways, route.Text("GatewayId")+route.Text("NatGatewayId"))
		}
	}
	return ways
}

// callers is who may call whom in an environment: a sorted line for each rule of
// its security groups, wherever the rule stands.
func callers(t *testing.T, a *assembly.Assembly, env config.Environment) []string {
	t.Helper()
	var lines []string
	for _, part := range parts {
		stack := stackOf(t, a, env, part)
		name := func(value any) string {
			target, ok := stack.Target(value)
			require.True(t, ok)
			return tag(target.Resource, "Name")
		}
		for _, group := range stack.OfType("AWS::EC2::SecurityGroup") {
			require.NotContains(t, group.Properties, "SecurityGroupIngress", "rules stand on their own")
		}
		for _, rule := range stack.OfType("AWS::EC2::SecurityGroupIngress") {
			// What is not the network's lets the load balancer reach a service.
			require.True(t, part == "Network" || part == "Compute" && rule.Properties["SourceSecurityGroupId"] != nil, "%s in %s", rule.LogicalID, stack.Name)
			from := rule.Text("CidrIp")
			if source, ok := rule.Properties["SourceSecurityGroupId"]; ok {
				from += name(source)
			}
			ports := rule.Text("FromPort")
			if to := rule.Text("ToPort"); to != ports {
				ports += "-" + to
			}
			lines = append(lines, fmt.Sprintf("%s → %s %s %s", from, name(rule.Properties["GroupId"]), rule.Text("IpProtocol"), ports))
		}
	}
	slices.Sort(lines)
	return lines
}

// subnets are the ids of dev's public or private subnets, as texts show them.
func subnets(t *testing.T, kind string) string {
	t.Helper()
	var ids []string
	for _, n := range []string{"1", "2"} {
		subnet := named(t, dev(t, "Network"), "AWS::EC2::Subnet", "parrot-dev-"+kind+"-"+n)
		ids = append(ids, assembly.Target{Resource: subnet}.String())
	}
	return strings.Join(ids, ",")
}

// zoneID is how dev's edge refers to the zone: the parameter of the name that
// the network writes.
func zoneID(t *testing.T) string {
	t.Helper()
	parameter := only(t, dev(t, "Network"), "AWS::SSM::Parameter")
	zone := only(t, dev(t, "Network"), "AWS::Route53::HostedZone")
	require.Equal(t, assembly.Target{Resource: zone}.String(), parameter.Text("Value"))
	for name, p := range dev(t, "Edge").Parameters {
		if p["Default"] == parameter.Text("Name") {
			require.Equal(t, "AWS::SSM::Parameter::Value<String>", p["Type"])
			return "${" + name + "}"
		}
	}
	require.Fail(t, "the edge reads no parameter "+parameter.Text("Name"))
	return ""
}

func httpsListener(t *testing.T) *assembly.Resource {
	t.Helper()
	return with(t, dev(t, "Edge"), "AWS::ElasticLoadBalancingV2::Listener", "Port", "443")
}

// service is dev's backend or frontend.
func service(t *testing.T, name string) *assembly.Resource {
	t.Helper()
	return with(t, dev(t, "Compute"), "AWS::ECS::Service", "ServiceName", "parrot-dev-"+name)
}

func taskDefinition(t *testing.T, name string) *assembly.Resource {
	t.Helper()
	return follow(t, service(t, name), "TaskDefinition")
}

func targetGroup(t *testing.T, name string) *assembly.Resource {
	t.Helper()
	return follow(t, service(t, name), "LoadBalancers", 0, "TargetGroupArn")
}

func executionRole(t *testing.T, name string) *assembly.Resource {
	t.Helper()
	return follow(t, taskDefinition(t, name), "ExecutionRoleArn")
}

// follow is the resource that a property refers to.
func follow(t *testing.T, resource *assembly.Resource, path ...any) *assembly.Resource {
	t.Helper()
	target, ok := resource.Stack.Target(lookup(t, resource, path...))
	require.True(t, ok, "%v of %s refers to a resource", path, resource.LogicalID)
	return target.Resource
}

// policyOf is the one policy of a role.
func policyOf(t *testing.T, role *assembly.Resource) *assembly.Resource {
	t.Helper()
	return with(t, role.Stack, "AWS::IAM::Policy", "Roles", assembly.Target{Resource: role}.String())
}

// permissions is a policy's actions and the resources they are allowed on.
func permissions(policy *assembly.Resource) map[string][]string {
	allowed := map[string][]string{}
	statements, _ := policy.Lookup("PolicyDocument", "Statement")
	for i := range statements.([]any) {
		resources := strings.Split(policy.Text("PolicyDocument", "Statement", i, "Resource"), ",")
		for _, action := range strings.Split(policy.Text("PolicyDocument", "Statement", i, "Action"), ",") {
			allowed[action] = append(allowed[action], resources...)
			slices.Sort(allowed[action])
		}
	}
	return allowed
}

// variables are the plain environment variables of dev's backend or frontend.
func variables(t *testing.T, name string) map[string]string {
	t.Helper()
	return pairs(taskDefinition(t, name), "Name", "Value", "ContainerDefinitions", 0, "Environment")
}

// secretVariables are a task's variables that ECS reads from Secrets Manager.
func secretVariables(task *assembly.Resource) map[string]string {
	return pairs(task, "Name", "ValueFrom", "ContainerDefinitions", 0, "Secrets")
}

// secret is dev's secret of a name.
func secret(t *testing.T, name string) *assembly.Resource {
	t.Helper()
	return with(t, dev(t, "Data"), "AWS::SecretsManager::Secret", "Name", name)
}

func secretARN(t *testing.T, name string) string {
	t.Helper()
	return assembly.Target{Resource: secret(t, name)}.String()
}

// generatedValue is how templates refer to a key of a generated secret.
func generatedValue(t *testing.T, name, key string) string {
	t.Helper()
	require.Equal(t, key, secret(t, name).Text("GenerateSecretString", "GenerateStringKey"), "the key that AWS fills")
	return "{{resolve:secretsmanager:" + secretARN(t, name) + ":SecretString:" + key + "::}}"
}

func dbPassword(t *testing.T) string {
	t.Helper()
	return generatedValue(t, "parrot-dev-db-password", "password")
}

// projected is what a composed secret holds, by key.
func projected(t *testing.T, secret *assembly.Resource) map[string]string {
	t.Helper()
	var values map[string]string
	require.NoError(t, json.Unmarshal([]byte(secret.Text("SecretString")), &values), secret.Text("SecretString"))
	return values
}

func databaseAttribute(t *testing.T, attribute string) string {
	t.Helper()
	return assembly.Target{Resource: only(t, dev(t, "Data"), "AWS::RDS::DBInstance"), Attribute: attribute}.String()
}
