package main

import (
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot/internal/fakes"
)

// keys is dev's secrets with keys, as the data stack makes them, and its backend.
type keys struct {
	*world
	secrets *secretsmanager.Client
	ecs     *ecs.Client
}

var firstEnv = map[string]string{
	"JWT_SECRET": "access", "JWT_REFRESH_SECRET": "refresh", "JWT_EXPIRES_IN": "15m", "JWT_REFRESH_EXPIRES_IN": "7d", "REDIS_URL": "disabled",
}

func withKeys(t *testing.T) keys {
	t.Helper()
	w := newWorld(t)
	cfg, err := awsconfig.LoadDefaultConfig(t.Context(), awsconfig.WithRegion("us-east-1"))
	require.NoError(t, err)
	k := keys{w, secretsmanager.NewFromConfig(cfg), ecs.NewFromConfig(cfg)}
	for name, values := range map[string]map[string]string{
		"parrot-dev-jwt-access-key":  {"key": "access"},
		"parrot-dev-jwt-refresh-key": {"key": "refresh"},
		"parrot-dev-app-env":         firstEnv,
	} {
		document := must(json.Marshal(values))
		_, err := k.secrets.CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: &name, SecretString: aws.String(string(document))})
		require.NoError(t, err)
	}
	return k
}

func (k keys) runBackend() {
	k.t.Helper()
	name := aws.String("parrot-dev-backend")
	_, err := k.ecs.CreateCluster(k.t.Context(), &ecs.CreateClusterInput{ClusterName: name})
	require.NoError(k.t, err)
	_, err = k.ecs.RegisterTaskDefinition(k.t.Context(), &ecs.RegisterTaskDefinitionInput{
		Family: name, ContainerDefinitions: []ecstypes.ContainerDefinition{{Name: name, Image: name, Memory: aws.Int32(512)}},
	})
	require.NoError(k.t, err)
	_, err = k.ecs.CreateService(k.t.Context(),
		&ecs.CreateServiceInput{Cluster: name, ServiceName: name, TaskDefinition: name, DesiredCount: aws.Int32(1)})
	require.NoError(k.t, err)
}

// deployment returns the backend's newest.
func (k keys) deployment() string {
	k.t.Helper()
	out, err := k.ecs.DescribeServices(k.t.Context(),
		&ecs.DescribeServicesInput{Cluster: aws.String("parrot-dev-backend"), Services: []string{"parrot-dev-backend"}})
	require.NoError(k.t, err)
	require.Len(k.t, out.Services, 1)
	return aws.ToString(out.Services[0].Deployments[0].Id)
}

func (k keys) value(secret string) map[string]string {
	k.t.Helper()
	out, err := k.secrets.GetSecretValue(k.t.Context(), &secretsmanager.GetSecretValueInput{SecretId: &secret})
	require.NoError(k.t, err)
	var values map[string]string
	require.NoError(k.t, json.Unmarshal([]byte(aws.ToString(out.SecretString)), &values))
	return values
}

// assertNewKeys checks that sources and projection have the same, new keys, and
// the projection what else it had.
func (k keys) assertNewKeys() {
	k.t.Helper()
	env := k.value("parrot-dev-app-env")
	for name, key := range map[string]string{"parrot-dev-jwt-access-key": "JWT_SECRET", "parrot-dev-jwt-refresh-key": "JWT_REFRESH_SECRET"} {
		assert.Regexp(k.t, "^[A-Za-z0-9]{64}$", env[key])
		assert.Equal(k.t, map[string]string{"key": env[key]}, k.value(name))
	}
	assert.NotEqual(k.t, env["JWT_SECRET"], env["JWT_REFRESH_SECRET"])
	env["JWT_SECRET"], env["JWT_REFRESH_SECRET"] = "access", "refresh"
	assert.Equal(k.t, firstEnv, env)
}

func TestRotateJWTReplacesTheKeysAndTheTasks(t *testing.T) {
	k := withKeys(t)
	k.runBackend()
	before := k.deployment()
	r := k.run("y\n", "rotate", "jwt", "dev")
	require.Zero(t, r.code, r.stderr)
	shows(t, r.stderr, "New keys for dev in account 123456789012 sign everybody out. Replace them? [y/N]", "dev has new keys",
		"aws ecs wait services-stable --region us-east-1 --cluster parrot-dev-backend --services parrot-dev-backend")
	k.assertNewKeys()
	assert.NotEqual(t, before, k.deployment())
	for _, key := range k.value("parrot-dev-app-env") {
		if len(key) == 64 {
			assert.NotContains(t, r.stdout+r.stderr, key)
		}
	}
}

func TestRotateJWTWithoutAYesReplacesNothing(t *testing.T) {
	k := withKeys(t)
	r := k.run("no\n", "rotate", "jwt", "dev")
	assert.Equal(t, exitDeclined, r.code)
	assert.Equal(t, firstEnv, k.value("parrot-dev-app-env"))
	assert.Equal(t, map[string]string{"key": "access"}, k.value("parrot-dev-jwt-access-key"))
}

func TestRotateJWTWhereNothingIsDeployedDoesNotAsk(t *testing.T) {
	w := newWorld(t)
	r := w.run("", "rotate", "jwt", "dev")
	assert.Equal(t, exitFailed, r.code)
	assert.Contains(t, r.stderr, "dev has no keys to replace: stack ParrotDevData is not deployed; deploy it: npx cdk deploy 'ParrotDev*'")
	assert.NotContains(t, r.stderr, "[y/N]")
}

func TestRotateOfSomethingElseIsAnError(t *testing.T) {
	var errs strings.Builder
	p := &app{stdout: io.Discard, stderr: &errs}
	assert.Equal(t, exitUsage, p.run(t.Context(), []string{"rotate", "jtw", "dev"}))
	assert.Contains(t, errs.String(), `unknown command "jtw"`)
}

func TestRotateJWTBeforeTheFirstDeployOfTheBackend(t *testing.T) {
	k := withKeys(t)
	r := k.run("", "rotate", "jwt", "dev", "--yes")
	require.Zero(t, r.code, r.stderr)
	assert.Contains(t, r.stderr, "No service reads them yet")
	k.assertNewKeys()
}

func TestRotateJWTThatFailsAnywhereIsHealedByTheNext(t *testing.T) {
	k := withKeys(t)
	k.runBackend()
	for call := 1; ; call += fakes.Every(4) {
		k.faults.failAt(call)
		r := k.run("", "rotate", "jwt", "dev", "--yes")
		if k.faults.calls < call {
			require.Zero(t, r.code, r.stderr)
			require.Greater(t, call, 9, "every call has failed once")
			return
		}
		require.Equal(t, exitFailed, r.code, "call %d: %s", call, r.stderr)
		k.faults.failAt(0)
		before := k.deployment()
		r = k.run("", "rotate", "jwt", "dev", "--yes")
		require.Zero(t, r.code, r.stderr)
		k.assertNewKeys()
		assert.NotEqual(t, before, k.deployment())
	}
}
