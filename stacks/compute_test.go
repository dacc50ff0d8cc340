package stacks_test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot/config"
	"parrot/internal/assembly"
	. "parrot/internal/synthtest"
)

// caBundle returns the variables of each container of a task that name the file with
// RDS's certificates.
func caBundle(t *testing.T, task *assembly.Resource) map[string]string {
	t.Helper()
	found := map[string]string{}
	for i := range Lookup(t, task, "ContainerDefinitions").([]any) {
		for name, value := range Pairs(task, "Name", "Value", "ContainerDefinitions", i, "Environment") {
			if value == Production().Backend.CABundle {
				found[task.Text("ContainerDefinitions", i, "Name")] = name
			}
		}
	}
	return found
}

func TestTheBackendAndItsMigrationTrustRDSsCertificates(t *testing.T) {
	t.Parallel()
	compute := StackOf(t, Direct(t), Production(), "Compute")
	backend := With(t, compute, "AWS::ECS::TaskDefinition", "Family", "parrot-prod-backend")
	assert.Equal(t, map[string]string{"backend": "NODE_EXTRA_CA_CERTS", "migration": "NODE_EXTRA_CA_CERTS"}, caBundle(t, backend))
	frontend := With(t, compute, "AWS::ECS::TaskDefinition", "Family", "parrot-prod-frontend")
	assert.Empty(t, caBundle(t, frontend), "it has no database")
	assert.NotContains(t, Variables(t, "backend"), "NODE_EXTRA_CA_CERTS", "an empty setting sets none")
}

func TestProductionIsNotSeeded(t *testing.T) {
	t.Parallel()
	env := Production()
	assert.NotContains(t, string(StackOf(t, Direct(t), env, "Compute").Template), "SEED_DB")
}

// What each setting does, on the templates.

func TestNothingRunsBeforeAnImageIsReleased(t *testing.T) {
	t.Parallel()
	compute := changed(t, "Unreleased", "Compute")
	for _, svc := range Resources(t, compute, "AWS::ECS::Service") {
		assert.Equal(t, "0", svc.Text("DesiredCount"), "a task without an image would never become stable")
	}
}

func TestPrivateTasksHaveNoPublicAddress(t *testing.T) {
	t.Parallel()
	for _, svc := range Resources(t, changed(t, "PrivateTasks", "Compute"), "AWS::ECS::Service") {
		assert.Equal(t, "DISABLED", svc.Text("NetworkConfiguration", "AwsvpcConfiguration", "AssignPublicIp"))
		assert.Contains(t, svc.Text("NetworkConfiguration", "AwsvpcConfiguration", "Subnets"), "Private")
		assert.NotContains(t, svc.Text("NetworkConfiguration", "AwsvpcConfiguration", "Subnets"), "Public")
	}
}

func TestMigrationHasToSucceedBeforeTheBackendStarts(t *testing.T) {
	t.Parallel()
	task := With(t, changed(t, "Start", "Compute"), "AWS::ECS::TaskDefinition", "Family", "parrot-dev-backend")
	assert.Equal(t, "backend", task.Text("ContainerDefinitions", 0, "Name"))
	assert.Equal(t, "migration", task.Text("ContainerDefinitions", 0, "DependsOn", 0, "ContainerName"))
	assert.Equal(t, "SUCCESS", task.Text("ContainerDefinitions", 0, "DependsOn", 0, "Condition"))
	assert.Equal(t, "migration", task.Text("ContainerDefinitions", 1, "Name"))
	assert.Equal(t, "npx,prisma,migrate,deploy", task.Text("ContainerDefinitions", 1, "Command"))
	assert.Equal(t, "false", task.Text("ContainerDefinitions", 1, "Essential"))
	assert.Equal(t, task.Text("ContainerDefinitions", 0, "Image"), task.Text("ContainerDefinitions", 1, "Image"))
	assert.Equal(t, task.Text("ContainerDefinitions", 0, "Secrets"), task.Text("ContainerDefinitions", 1, "Secrets"))
	assert.Empty(t, TaskDefinition(t, "backend").Text("ContainerDefinitions", 1), "off in dev")
}

func TestServicesListenWhereTheirPortSays(t *testing.T) {
	t.Parallel()
	assert.Subset(t, Callers(t, nested(t, "Ports"), Described()), []string{
		"parrot-dev-load-balancer → parrot-dev-backend tcp 8081",
		"parrot-dev-load-balancer → parrot-dev-frontend tcp 8080",
	})
	for _, task := range Resources(t, changed(t, "Ports", "Compute"), "AWS::ECS::TaskDefinition") {
		port := Pairs(task, "Name", "Value", "ContainerDefinitions", 0, "Environment")["PORT"]
		assert.Equal(t, port, task.Text("ContainerDefinitions", 0, "PortMappings", 0, "ContainerPort"))
	}
}

// Otherwise a variable would override, or be overridden, in silence.
func TestNoVariableOfTheSettingsCanShadowOneThatParrotSets(t *testing.T) {
	t.Parallel()
	for _, v := range variants() {
		for _, name := range []string{"backend", "frontend"} {
			task := With(t, changed(t, v.name, "Compute"), "AWS::ECS::TaskDefinition", "Family", "parrot-dev-"+name)
			set := Pairs(task, "Name", "Value", "ContainerDefinitions", 0, "Environment")
			maps.Copy(set, SecretVariables(task))
			require.NotEmpty(t, set)
			for variable := range set {
				env := v.env // some are set only with a setting
				own := map[string]string{variable: "mine"}
				if name == "backend" {
					env.Backend.Variables = own
				} else {
					env.Frontend.Variables = own
				}
				if v.env.Backend.Variables[variable] == "" {
					assert.ErrorContains(t, config.Validate([]config.Environment{env}), "Parrot does not set itself", variable)
				}
			}
		}
	}
}

// The settings are checked against what is left of ECS's limit for variables: the
// rest of a definition has to fit into what is set aside for it.
func TestATaskDefinitionWithoutItsVariablesIsSmall(t *testing.T) {
	t.Parallel()
	const setAside = 12 * 1024 // config's otherDefinitionBytes
	definitions := 0
	for _, resource := range everyResource(Direct(t)) {
		if resource.Type != "AWS::ECS::TaskDefinition" {
			continue
		}
		definitions++
		text, err := json.Marshal(resource.Properties)
		require.NoError(t, err)
		var definition struct{ ContainerDefinitions []map[string]any }
		require.NoError(t, json.Unmarshal(text, &definition))
		require.NotEmpty(t, definition.ContainerDefinitions)
		rest := len(text)
		for _, container := range definition.ContainerDefinitions {
			require.NotEmpty(t, container["Environment"])
			variables, err := json.Marshal(container["Environment"])
			require.NoError(t, err)
			rest -= len(variables)
		}
		assert.Less(t, rest, setAside*3/4, "%s of %s: secrets of one's own need room, too", resource.LogicalID, resource.Stack.Name)
	}
	assert.Equal(t, 8, definitions, "from a laptop and by the pipeline")
}

// The image says what runs, and as whom: a product's Dockerfile ends in its CMD.
func TestTheImageSaysWhatRunsAndAsWhom(t *testing.T) {
	t.Parallel()
	for _, env := range Fixtures() {
		for _, task := range Resources(t, StackOf(t, Direct(t), env, "Compute"), "AWS::ECS::TaskDefinition") {
			service := strings.TrimPrefix(task.Text("Family"), env.PhysicalName(""))
			containers := Lookup(t, task, "ContainerDefinitions").([]any)
			var names []string
			for i := range containers {
				container := containers[i].(map[string]any)
				name := container["Name"].(string)
				names = append(names, name)
				if name != "migration" {
					assert.NotContains(t, container, "Command", name)
					assert.Equal(t, true, container["Essential"], "%s: ECS replaces a task whose container ended", name)
					assert.Len(t, container["PortMappings"], 1, name)
					assert.Equal(t, "tcp", task.Text("ContainerDefinitions", i, "PortMappings", 0, "Protocol"), name)
				} else {
					assert.NotContains(t, container, "PortMappings", "nobody calls it")
				}
				for _, property := range []string{
					"EntryPoint", "User", "WorkingDirectory", "Privileged", "ReadonlyRootFilesystem", "HealthCheck", "StartTimeout", "StopTimeout",
					"Cpu", "Memory", "MemoryReservation", "Ulimits", "EnvironmentFiles", "RepositoryCredentials",
				} {
					assert.NotContains(t, container, property, "%s of %s", property, name)
				}
				assert.Equal(t, "awslogs", task.Text("ContainerDefinitions", i, "LogConfiguration", "LogDriver"), name)
				assert.Equal(t, name, task.Text("ContainerDefinitions", i, "LogConfiguration", "Options", "awslogs-stream-prefix"),
					"parrotctl logs finds it by this")
				assert.Equal(t, env.Region, strings.ReplaceAll(task.Text("ContainerDefinitions", i, "LogConfiguration", "Options", "awslogs-region"),
					"${AWS::Region}", env.Region))
				assert.NotContains(t, Lookup(t, task, "ContainerDefinitions", i, "LogConfiguration", "Options"), "mode", name)
			}
			want := []string{service}
			if service == "backend" && len(env.Backend.MigrationCommand) > 0 {
				want = append(want, "migration")
			}
			assert.Equal(t, want, names, "no other container beside it")
			assert.Equal(t, "awsvpc", task.Text("NetworkMode"))
			assert.Equal(t, "FARGATE", task.Text("RequiresCompatibilities"))
			assert.Contains(t, []string{"", "X86_64"}, task.Text("RuntimePlatform", "CpuArchitecture"), "what release builds for")
			for _, property := range []string{"Volumes", "EphemeralStorage", "PidMode", "IpcMode", "ProxyConfiguration"} {
				assert.NotContains(t, task.Properties, property)
			}
		}
	}
}

// The load balancer speaks to the container's one port, by HTTP/1.1, and asks that
// port for health.
func TestTargetsAreAskedWhereTheyAnswer(t *testing.T) {
	t.Parallel()
	for _, env := range Fixtures() {
		for _, group := range Resources(t, StackOf(t, Direct(t), env, "Compute"), "AWS::ElasticLoadBalancingV2::TargetGroup") {
			assert.Contains(t, []string{"", "traffic-port"}, group.Text("HealthCheckPort"), group.LogicalID)
			assert.Contains(t, []string{"", "HTTP"}, group.Text("HealthCheckProtocol"), group.LogicalID)
			assert.Contains(t, []string{"", "true"}, group.Text("HealthCheckEnabled"), group.LogicalID)
			assert.Contains(t, []string{"", "HTTP1"}, group.Text("ProtocolVersion"), "%s: containers do not speak HTTP/2 without TLS",
				group.LogicalID)
			assert.Equal(t, map[string]string{"deregistration_delay.timeout_seconds": "30", "stickiness.enabled": "false"},
				Attributes(group, "TargetGroupAttributes"), group.LogicalID)
			assert.NotContains(t, group.Properties, "Targets", "ECS registers them")
		}
	}
}
