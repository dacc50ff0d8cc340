package stacks_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot/config"
	"parrot/internal/documents"
	"parrot/internal/operate"
	. "parrot/internal/synthtest"
)

// declared returns the values of the constants and variables of a type in config's
// names. An output's value is its name.
func declared(t *testing.T, typeName string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), documents.Path("config/names.go"), nil, 0)
	require.NoError(t, err)
	var values []string
	ast.Inspect(file, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if !ok || len(spec.Values) == 0 {
			return true
		}
		value := spec.Values[0]
		kind := spec.Type
		if composite, ok := value.(*ast.CompositeLit); ok {
			kind, value = composite.Type, composite.Elts[len(composite.Elts)-1]
		}
		name, isName := kind.(*ast.Ident)
		text, isText := value.(*ast.BasicLit)
		if isName && isText && name.Name == typeName {
			unquoted, err := strconv.Unquote(text.Value)
			require.NoError(t, err)
			values = append(values, unquoted)
		}
		return true
	})
	require.NotEmpty(t, values, typeName)
	return values
}

// named returns the values of a property of all resources of a type, where it is a text.
func named(t *testing.T, env config.Environment, resourceType, property string) []string {
	t.Helper()
	var names []string
	for _, part := range config.Parts {
		for _, resource := range StackOf(t, Direct(t), env, part).OfType(resourceType) {
			if name := resource.Text(property); name != "" {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// Tools find resources by these names. One that a template does not have, or that
// config does not know, is a name with two homes.
func TestTemplatesHaveTheNamesOfConfig(t *testing.T) {
	t.Parallel()
	env := Production() // with every option on
	var secrets, parameters, logGroups, services []string
	for _, secret := range declared(t, "Secret") {
		secrets = append(secrets, env.SecretName(config.Secret(secret)))
	}
	for _, parameter := range declared(t, "Parameter") {
		parameters = append(parameters, env.ParameterName(config.Parameter(parameter)))
	}
	for _, service := range env.Services() {
		services = append(services, service.PhysicalName())
		logGroups = append(logGroups, service.LogGroupName())
		if service.Web != nil {
			parameters = append(parameters, env.ParameterName(service.TargetGroupParameter()))
		}
	}
	logGroups = append(logGroups, env.Database.LogGroupName())
	for _, c := range []struct {
		resourceType, property string
		want                   []string
	}{
		{"AWS::SecretsManager::Secret", "Name", secrets},
		{"AWS::SSM::Parameter", "Name", parameters},
		{"AWS::Logs::LogGroup", "LogGroupName", logGroups},
		{"AWS::ECS::Cluster", "ClusterName", services},
		{"AWS::ECS::Service", "ServiceName", services},
		{"AWS::ECS::TaskDefinition", "Family", services},
		{"AWS::ElasticLoadBalancingV2::LoadBalancer", "Name", []string{env.LoadBalancerName()}},
		{"AWS::ElastiCache::ReplicationGroup", "ReplicationGroupId", []string{env.RedisName()}},
		{"AWS::Lambda::Function", "FunctionName", []string{env.RotationFunctionName()}},
		{"AWS::CloudWatch::Dashboard", "DashboardName", []string{env.DashboardName()}},
		{"AWS::SNS::Topic", "TopicName", []string{env.TopicName(config.Page), env.TopicName(config.Ticket)}},
	} {
		assert.ElementsMatch(t, c.want, named(t, env, c.resourceType, c.property), c.resourceType)
	}
}

// outputs returns the outputs of the environment that config names.
func outputs(t *testing.T, env config.Environment) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, name := range declared(t, "Output") {
		names[name] = true
	}
	for _, service := range env.Services() {
		names[service.ClusterOutput().Name], names[service.ServiceOutput().Name], names[service.LogGroupOutput().Name] = true, true, true
		if service.Web != nil {
			names[service.TargetGroupOutput().Name] = true
		}
	}
	for _, severity := range []config.Severity{config.Page, config.Ticket} {
		names[severity.TopicOutput().Name] = true
	}
	return names
}

func TestTemplatesHaveTheOutputsOfConfig(t *testing.T) {
	t.Parallel()
	env := Production()
	var written []string
	for _, part := range config.Parts {
		for _, output := range StackOf(t, Direct(t), env, part).Outputs {
			if output.ExportName == "" {
				written = append(written, output.ID)
			}
		}
	}
	assert.ElementsMatch(t, slices.Collect(maps.Keys(outputs(t, env))), written)
}

// An output without a reader is only a burden: it could never be removed.
func TestEachOutputHasAReader(t *testing.T) {
	t.Parallel()
	readers := documents.Read(t, "parrot_test.go") // has the list of the described system
	for _, document := range documents.Files(t, "docs/*.md") {
		readers += documents.Read(t, document)
	}
	for _, output := range operate.ReadOutputs(Production()) {
		readers += output.Name
	}
	for name := range outputs(t, Production()) {
		if !strings.Contains(readers, name) {
			t.Errorf("no document, tool or test of the described system names the output %s", name)
		}
	}
}

func TestTheOutputsThatToolsReadAreInTheTemplates(t *testing.T) {
	t.Parallel()
	env := Described()
	for _, output := range operate.ReadOutputs(env) {
		assert.NotNil(t, Dev(t, output.Part).Output(output.Name), "%s of %s", output.Name, output.Part)
	}
}
