package synthtest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"parrot/config"
	"parrot/internal/assembly"
)

// Resources returns the stack's resources of a type, at least one: a loop over none
// asserts nothing.
func Resources(t *testing.T, stack *assembly.Stack, resourceType string) []*assembly.Resource {
	t.Helper()
	found := stack.OfType(resourceType)
	require.NotEmpty(t, found, "%s in %s", resourceType, stack.Name)
	return found
}

// Only returns the stack's one resource of a type.
func Only(t *testing.T, stack *assembly.Stack, resourceType string) *assembly.Resource {
	t.Helper()
	found := stack.OfType(resourceType)
	require.Len(t, found, 1, "%s in %s", resourceType, stack.Name)
	return found[0]
}

// With returns the stack's one resource of a type whose property has a value.
func With(t *testing.T, stack *assembly.Stack, resourceType, property, value string) *assembly.Resource {
	t.Helper()
	var found []*assembly.Resource
	for _, resource := range stack.OfType(resourceType) {
		if resource.Text(property) == value {
			found = append(found, resource)
		}
	}
	require.Len(t, found, 1, "%s with %s %s in %s", resourceType, property, value, stack.Name)
	return found[0]
}

// Tag returns the value of a resource's tag.
func Tag(resource *assembly.Resource, key string) string {
	if tags, ok := resource.Properties["Tags"].(map[string]any); ok {
		return resource.Stack.Text(tags[key]) // some types take an object
	}
	if _, ok := resource.Properties["HostedZoneTags"]; ok {
		return Attributes(resource, "HostedZoneTags")[key]
	}
	return Attributes(resource, "Tags")[key]
}

// Attributes returns a list of {Key, Value} as a map.
func Attributes(resource *assembly.Resource, property string) map[string]string {
	return Pairs(resource, "Key", "Value", property)
}

// Pairs returns a list of objects with a name and a value as a map.
func Pairs(resource *assembly.Resource, name, value string, path ...any) map[string]string {
	found := map[string]string{}
	list, _ := resource.Lookup(path...)
	elements, _ := list.([]any)
	for i := range elements {
		found[resource.Text(append(slices.Clone(path), i, name)...)] = resource.Text(append(slices.Clone(path), i, value)...)
	}
	return found
}

// Lookup returns a property that has to be there.
func Lookup(t *testing.T, resource *assembly.Resource, path ...any) any {
	t.Helper()
	value, ok := resource.Lookup(path...)
	require.True(t, ok, "%v of %s", path, resource.LogicalID)
	return value
}

// WaysOut returns the targets of a subnet's default routes.
func WaysOut(t *testing.T, subnet *assembly.Resource) []string {
	t.Helper()
	this := assembly.Target{Resource: subnet}.String()
	association := With(t, subnet.Stack, "AWS::EC2::SubnetRouteTableAssociation", "SubnetId", this)
	var ways []string
	for _, route := range subnet.Stack.OfType("AWS::EC2::Route") {
		if route.Text("RouteTableId") == association.Text("RouteTableId") && route.Text("DestinationCidrBlock") == "0.0.0.0/0" {
			ways = append(ways, route.Text("GatewayId")+route.Text("NatGatewayId"))
		}
	}
	return ways
}

// Callers returns who may call whom in an environment: a sorted line for each rule of
// its security groups, in whichever stack the rule is.
func Callers(t *testing.T, a *assembly.Assembly, env config.Environment) []string {
	t.Helper()
	var lines []string
	for _, part := range config.Parts {
		stack := StackOf(t, a, env, part)
		name := func(value any) string {
			target, ok := stack.Target(value)
			require.True(t, ok)
			return Tag(target.Resource, "Name")
		}
		for _, group := range stack.OfType("AWS::EC2::SecurityGroup") {
			require.NotContains(t, group.Properties, "SecurityGroupIngress", "rules stand on their own")
		}
		for _, rule := range stack.OfType("AWS::EC2::SecurityGroupIngress") {
			// What is not the network's lets the load balancer reach a service.
			require.True(t, part == "Network" || part == "Compute" && rule.Properties["SourceSecurityGroupId"] != nil, "%s in %s", rule.LogicalID,
				stack.Name)
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

// Service returns dev's backend or frontend.
func Service(t *testing.T, name string) *assembly.Resource {
	t.Helper()
	return With(t, Dev(t, "Compute"), "AWS::ECS::Service", "ServiceName", "parrot-dev-"+name)
}

// TaskDefinition returns that of dev's backend or frontend.
func TaskDefinition(t *testing.T, name string) *assembly.Resource {
	t.Helper()
	return Follow(t, Service(t, name), "TaskDefinition")
}

// Follow returns the resource that a property refers to.
func Follow(t *testing.T, resource *assembly.Resource, path ...any) *assembly.Resource {
	t.Helper()
	target, ok := resource.Stack.Target(Lookup(t, resource, path...))
	require.True(t, ok, "%v of %s refers to a resource", path, resource.LogicalID)
	return target.Resource
}

// PolicyOf returns the one policy of a role.
func PolicyOf(t *testing.T, role *assembly.Resource) *assembly.Resource {
	t.Helper()
	return With(t, role.Stack, "AWS::IAM::Policy", "Roles", assembly.Target{Resource: role}.String())
}

// Permissions returns a policy's actions and the resources they are allowed on.
func Permissions(policy *assembly.Resource) map[string][]string {
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

// Variables returns the plain environment variables of dev's backend or frontend.
func Variables(t *testing.T, name string) map[string]string {
	t.Helper()
	return Pairs(TaskDefinition(t, name), "Name", "Value", "ContainerDefinitions", 0, "Environment")
}

// SecretVariables returns a task's variables that ECS reads from Secrets Manager.
func SecretVariables(task *assembly.Resource) map[string]string {
	return Pairs(task, "Name", "ValueFrom", "ContainerDefinitions", 0, "Secrets")
}

// Secret returns dev's secret of a name.
func Secret(t *testing.T, name string) *assembly.Resource {
	t.Helper()
	return With(t, Dev(t, "Data"), "AWS::SecretsManager::Secret", "Name", name)
}

// SecretARN returns the ARN of dev's secret of a name.
func SecretARN(t *testing.T, name string) string {
	t.Helper()
	return assembly.Target{Resource: Secret(t, name)}.String()
}

// GeneratedValue returns how templates refer to a key of a generated secret.
func GeneratedValue(t *testing.T, name, key string) string {
	t.Helper()
	require.Equal(t, key, Secret(t, name).Text("GenerateSecretString", "GenerateStringKey"), "the key that AWS fills")
	return "{{resolve:secretsmanager:" + SecretARN(t, name) + ":SecretString:" + key + "::}}"
}

// DBPassword returns how dev's templates refer to the database's password.
func DBPassword(t *testing.T) string {
	t.Helper()
	return GeneratedValue(t, "parrot-dev-db-password", "password")
}

// Projected returns what a composed secret holds, by key.
func Projected(t *testing.T, secret *assembly.Resource) map[string]string {
	t.Helper()
	var values map[string]string
	require.NoError(t, json.Unmarshal([]byte(secret.Text("SecretString")), &values), secret.Text("SecretString"))
	return values
}

// DatabaseAttribute returns how dev's templates refer to an attribute of the database.
func DatabaseAttribute(t *testing.T, attribute string) string {
	t.Helper()
	return assembly.Target{Resource: Only(t, Dev(t, "Data"), "AWS::RDS::DBInstance"), Attribute: attribute}.String()
}
