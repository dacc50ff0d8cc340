package stacks_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot"
	"parrot/config"
	"parrot/config/keys"
	"parrot/internal/assembly"
	"parrot/internal/documents"
	. "parrot/internal/synthtest"
)

// rotating returns the data stack of production, whose password is rotated.
func rotating(t *testing.T) *assembly.Stack {
	t.Helper()
	return StackOf(t, Direct(t), Production(), "Data")
}

// rotationTypes are what only a rotation needs.
var rotationTypes = []string{"AWS::Lambda::Function", "AWS::Lambda::Permission", "AWS::SecretsManager::RotationSchedule"}

func TestTheRotationIsThereOnlyWhereItIsSwitchedOn(t *testing.T) {
	t.Parallel()
	for _, env := range Fixtures() {
		for _, name := range rotationTypes {
			assert.Len(t, StackOf(t, Direct(t), env, "Data").OfType(name), min(1, env.Database.RotationDays), "%s of %s", name, env.Name)
		}
	}
	assert.Zero(t, Described().Database.RotationDays)
}

func TestTheRotationRunsAlone(t *testing.T) {
	t.Parallel()
	function := Only(t, rotating(t), "AWS::Lambda::Function")
	assert.Equal(t, "parrot-prod-rotation", function.Text("FunctionName"))
	assert.Equal(t, "provided.al2023 arm64 bootstrap",
		strings.Join([]string{function.Text("Runtime"), function.Text("Architectures"), function.Text("Handler")}, " "))
	assert.Equal(t, "900", function.Text("Timeout"), "RDS takes its time")
	assert.NotContains(t, function.Properties, "VpcConfig", "it speaks to AWS's APIs, and dev has no way out of a private subnet")
	assert.NotContains(t, function.Properties, "ReservedConcurrentExecutions", "a new account has none to reserve")
	logs := Follow(t, function, "LoggingConfig", "LogGroup")
	assert.Equal(t, "30", logs.Text("RetentionInDays"))
	assert.Empty(t, logs.Text("LogGroupName"), "a kept group's name would be in the way when the setting is switched on again")
	assert.Equal(t, map[string]any{
		"DB_INSTANCE": "parrot-prod-db",
		"PROJECTION":  ref(With(t, rotating(t), "AWS::SecretsManager::Secret", "Name", "parrot-prod-db-credentials")),
		"CLUSTER":     "parrot-prod-backend",
		"SERVICE":     "parrot-prod-backend",
	}, Lookup(t, function, "Environment", "Variables"))
	service := With(t, StackOf(t, Direct(t), Production(), "Compute"), "AWS::ECS::Service", "ServiceName", "parrot-prod-backend")
	assert.Equal(t, "parrot-prod-backend", Follow(t, service, "Cluster").Text("ClusterName"), "it knows the service by its name")
}

func ref(resource *assembly.Resource) map[string]any {
	return map[string]any{"Ref": resource.LogicalID}
}

func TestTheRotationIsAScheduleThatWaitsForItsFirstTime(t *testing.T) {
	t.Parallel()
	schedule := Only(t, rotating(t), "AWS::SecretsManager::RotationSchedule")
	assert.Equal(t, "parrot-prod-db-password", Follow(t, schedule, "SecretId").Text("Name"), "the source, not the projection")
	assert.Equal(t, "30", schedule.Text("RotationRules", "AutomaticallyAfterDays"))
	assert.Equal(t, "false", schedule.Text("RotateImmediatelyOnUpdate"), "a deploy changes no password")
	assert.Contains(t, schedule.DependsOn, Only(t, rotating(t), "AWS::Lambda::Permission").LogicalID,
		"Secrets Manager tries the function at once")
}

func TestOnlySecretsManagerCallsTheRotationAndOnlyForItsSecret(t *testing.T) {
	t.Parallel()
	permission := Only(t, rotating(t), "AWS::Lambda::Permission")
	assert.Equal(t, "secretsmanager.amazonaws.com", permission.Text("Principal"))
	assert.Equal(t, "lambda:InvokeFunction", permission.Text("Action"))
	assert.Equal(t, "${AWS::AccountId}", permission.Text("SourceAccount"))
	assert.Equal(t, "parrot-prod-db-password", Follow(t, permission, "SourceArn").Text("Name"))
	role := Follow(t, Only(t, rotating(t), "AWS::Lambda::Function"), "Role")
	assert.Equal(t, "lambda.amazonaws.com", role.Text("AssumeRolePolicyDocument", "Statement", 0, "Principal", "Service"))
}

func TestTheRotationMayDoOnlyWhatItsStepsDo(t *testing.T) {
	t.Parallel()
	stack := rotating(t)
	function := Only(t, stack, "AWS::Lambda::Function")
	role := Follow(t, function, "Role")
	allowed := map[string][]string{}
	for i := range Lookup(t, role, "Policies", 0, "PolicyDocument", "Statement").([]any) {
		for _, action := range texts(t, role, "Policies", 0, "PolicyDocument", "Statement", i, "Action") {
			allowed[action] = append(allowed[action], role.Text("Policies", 0, "PolicyDocument", "Statement", i, "Resource"))
			if action == "ecs:ListTasks" {
				assert.Equal(t, "arn:${AWS::Partition}:ecs:us-east-1:${AWS::AccountId}:cluster/parrot-prod-backend",
					role.Text("Policies", 0, "PolicyDocument", "Statement", i, "Condition", "ArnEquals", "ecs:cluster"))
			}
		}
	}
	arn := func(name string) string {
		return assembly.Target{Resource: With(t, stack, "AWS::SecretsManager::Secret", "Name", name)}.String()
	}
	source, projection := arn("parrot-prod-db-password"), arn("parrot-prod-db-credentials")
	here := func(service, resource string) []string {
		return []string{"arn:${AWS::Partition}:" + service + ":us-east-1:${AWS::AccountId}:" + resource}
	}
	logs := []string{assembly.Target{Resource: Follow(t, function, "LoggingConfig", "LogGroup"), Attribute: "Arn"}.String()}
	assert.Equal(t, map[string][]string{
		"secretsmanager:DescribeSecret":           {source},
		"secretsmanager:GetSecretValue":           {source, projection},
		"secretsmanager:PutSecretValue":           {source, projection},
		"secretsmanager:UpdateSecretVersionStage": {source},
		"secretsmanager:GetRandomPassword":        {"*"}, // it takes no resource
		"rds:DescribeDBInstances":                 here("rds", "db:parrot-prod-db"),
		"rds:ModifyDBInstance":                    here("rds", "db:parrot-prod-db"),
		"ecs:DescribeServices":                    here("ecs", "service/parrot-prod-backend/parrot-prod-backend"),
		"ecs:DescribeTasks":                       here("ecs", "task/parrot-prod-backend/*"),
		"ecs:ListTasks":                           {"*"}, // of its cluster, as its condition says
		"ecs:UpdateService":                       here("ecs", "service/parrot-prod-backend/parrot-prod-backend"),
		"logs:CreateLogStream":                    logs,
		"logs:PutLogEvents":                       logs,
	}, allowed)
	assert.Empty(t, role.Text("ManagedPolicyArns"))
}

func TestTheProgramReadsTheVariablesThatItsFunctionHas(t *testing.T) {
	t.Parallel()
	named := map[string]string{"DBInstance": keys.DBInstance, "Projection": keys.Projection, "Clusters": keys.Clusters,
		"Services": keys.Services}
	var got, want []string
	for _, found := range documents.Mentions(t, `setting\(keys\.(\w+)\)`, documents.Read(t, "cmd/rotate/main.go")) {
		got = append(got, named[found[1]])
	}
	for name := range Lookup(t, Only(t, rotating(t), "AWS::Lambda::Function"), "Environment", "Variables").(map[string]any) {
		want = append(want, name)
	}
	assert.ElementsMatch(t, want, got)
}

// CloudFormation reads a reference again only when what holds it is updated, and
// then takes AWSCURRENT where no version and no stage is named: a rotation's value,
// which the database has already. A version in a reference, or a value in the
// template, would bring an old one back.
func TestAnUpdateAfterARotationTakesTheNewSecrets(t *testing.T) {
	t.Parallel()
	for _, env := range Fixtures() {
		stack := StackOf(t, Direct(t), env, "Data")
		current := func(name, key string) string {
			source := With(t, stack, "AWS::SecretsManager::Secret", "Name", env.PhysicalName(name))
			assert.NotContains(t, source.Properties, "SecretString", "an update generates no new value, and writes none")
			return "{{resolve:secretsmanager:" + assembly.Target{Resource: source}.String() + ":SecretString:" + key + "::}}"
		}
		password := current("db-password", "password")
		assert.Equal(t, password, Only(t, stack, "AWS::RDS::DBInstance").Text("MasterUserPassword"))
		credentials := Projected(t, With(t, stack, "AWS::SecretsManager::Secret", "Name", env.PhysicalName("db-credentials")))
		assert.Equal(t, password, credentials["password"])
		assert.Contains(t, credentials["url"], ":"+password+"@")
		appEnv := Projected(t, With(t, stack, "AWS::SecretsManager::Secret", "Name", env.PhysicalName("app-env")))
		assert.Equal(t, current("jwt-access-key", "key"), appEnv["JWT_SECRET"])
		assert.Equal(t, current("jwt-refresh-key", "key"), appEnv["JWT_REFRESH_SECRET"])
	}
}

// The rotation composes the projection, too: the same keys, and the user's name.
func TestTheRotationAndTheTemplateAgreeOnTheProjection(t *testing.T) {
	t.Parallel()
	source := With(t, rotating(t), "AWS::SecretsManager::Secret", "Name", "parrot-prod-db-password")
	credentials := Projected(t, With(t, rotating(t), "AWS::SecretsManager::Secret", "Name", "parrot-prod-db-credentials"))
	assert.Equal(t, `{"username":"`+credentials["username"]+`"}`, source.Text("GenerateSecretString", "SecretStringTemplate"))
	assert.Equal(t, "24", source.Text("GenerateSecretString", "PasswordLength"))
	assert.Equal(t, "true", source.Text("GenerateSecretString", "ExcludePunctuation"))
	var keys []string
	for key := range credentials {
		keys = append(keys, key)
	}
	assert.ElementsMatch(t, []string{"username", "password", "host", "port", "dbname", "url"}, keys)
}

// It is not parallel, because it speaks to jsii.
func TestTheProgramsHashIsOfItsContentAlone(t *testing.T) {
	key := func(text string, mode os.FileMode, at time.Time) string {
		dir := t.TempDir()
		file := filepath.Join(dir, "bootstrap")
		require.NoError(t, os.WriteFile(file, []byte(text), mode))
		require.NoError(t, os.Chtimes(file, at, at))
		env := Described()
		env.Database.RotationDays = 1
		app := NewApp([]config.Environment{env})
		parrot.App{RotationCode: dir}.Define(app, env)
		a, err := assembly.Load(*app.Synth(nil).Directory())
		require.NoError(t, err)
		return Only(t, StackOf(t, a, env, "Data"), "AWS::Lambda::Function").Text("Code", "S3Key")
	}
	one := key("program", 0o755, time.Unix(1, 0))
	assert.Equal(t, one, key("program", 0o644, time.Unix(1e9, 0)))
	assert.NotEqual(t, one, key("another program", 0o755, time.Unix(1, 0)))
}

func TestTheRotationIsSmallAndWaitsForItsDays(t *testing.T) {
	t.Parallel()
	function := Only(t, rotating(t), "AWS::Lambda::Function")
	assert.Equal(t, "128", function.Text("MemorySize"), "it waits for AWS, and AWS counts memory by the second")
	assert.NotContains(t, function.Properties, "TracingConfig", "its role may not write traces")
	assert.NotContains(t, Lookup(t, Only(t, rotating(t), "AWS::SecretsManager::RotationSchedule"), "RotationRules"), "ScheduleExpression",
		"days are enough")
}
