package operate

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot/internal/fakes/cloud"
	"parrot/internal/terminal"
)

func TestTheNewestTaskOfTheCurrentDeploymentThatTakesCommandsIsChosen(t *testing.T) {
	w, e := deployed(t)
	at := func(minutes int) int64 { return cloud.Deployed.Add(time.Duration(minutes) * time.Minute).Unix() }
	agent := func(status string) []map[string]any {
		return []map[string]any{{"name": "migration"},
			{"name": "backend", "runtimeId": "r", "managedAgents": []map[string]any{{"name": "ExecuteCommandAgent", "lastStatus": status}}}}
	}
	w.Tasks["backend"] = []map[string]any{
		w.Task("backend", "old", nil),
		w.Task("backend", "new", map[string]any{"createdAt": at(1)}),
		w.Task("backend", "not-ready", map[string]any{"createdAt": at(2), "containers": agent("PENDING")}),
		w.Task("backend", "starting", map[string]any{"createdAt": at(3), "lastStatus": "PENDING"}),
		w.Task("backend", "of-before", map[string]any{"createdAt": at(4), "startedBy": "ecs-svc/0"}),
		w.Task("backend", "stopped", map[string]any{"createdAt": at(5), "desiredStatus": "STOPPED"}),
	}
	task, line, err := e.Exec(t.Context(), "backend", nil)
	require.NoError(t, err)
	assert.Equal(t, "new", task.ID)
	assert.True(t, task.Current)
	assert.Equal(t, "aws ecs execute-command --region us-east-1 --cluster parrot-dev-backend --task new --container backend --interactive "+
		"--command /bin/sh", terminal.Shell(line))

	w.Tasks["backend"] = w.Tasks["backend"][2:]
	task, _, err = e.Exec(t.Context(), "backend", nil)
	require.NoError(t, err)
	assert.Equal(t, "of-before", task.ID)
	assert.False(t, task.Current)

	w.Tasks["backend"] = w.Tasks["backend"][:1]
	_, _, err = e.Exec(t.Context(), "backend", nil)
	require.ErrorContains(t, err, "its agent is PENDING")
	require.ErrorContains(t, err, "--force-new-deployment")

	w.Tasks["backend"][0]["containers"] = []map[string]any{{"name": "backend", "runtimeId": "r"}}
	_, _, err = e.Exec(t.Context(), "backend", nil)
	require.ErrorContains(t, err, "they run without the agent")
	require.ErrorContains(t, err, "--force-new-deployment")

	w.Tasks["backend"] = nil
	_, _, err = e.Exec(t.Context(), "backend", nil)
	require.ErrorContains(t, err, "no task of the backend runs")
	require.ErrorContains(t, err, "parrotctl doctor dev")
}

func TestACommandIsTheSameInTheTask(t *testing.T) {
	_, e := deployed(t)
	for want, command := range map[string][]string{
		"ls -l /app":                      {"ls -l /app"},
		"npx prisma status":               {"npx", "prisma", "status"},
		`echo 'a b' '$HOME' '' 'it'\''s'`: {"echo", "a b", "$HOME", "", "it's"},
	} {
		_, line, err := e.Exec(t.Context(), "frontend", command)
		require.NoError(t, err)
		assert.Equal(t, want, line[len(line)-1])
	}
}

func TestTheWayToTheDatabaseGoesThroughATaskAndHoldsNoPassword(t *testing.T) {
	w, e := deployed(t)
	way, err := e.Forward(t.Context(), 15432, "our prod")
	require.NoError(t, err)
	assert.Equal(t, []string{"aws", "ssm", "start-session", "--region", "us-east-1",
		"--target", "ecs:parrot-dev-backend_0123456789abcdef0123456789abcdef_0123456789abcdef0123456789abcdef-1234567890",
		"--document-name", "AWS-StartPortForwardingSessionToRemoteHost",
		"--parameters", `{"host":["` + w.Endpoint() + `"],"localPortNumber":["15432"],"portNumber":["5432"]}`}, way.Command)
	assert.Contains(t, way.Client, `psql "host=127.0.0.1 port=15432 dbname=parrot user=parrot_admin sslmode=require"`)
	assert.Contains(t, way.Client, "get-secret-value --region us-east-1 --secret-id "+w.SecretARN+" --profile 'our prod' ")
	assert.NotContains(t, w.Calls, "GetSecretValue", "the secret is not even read")

	w.DatabaseIs("stopped")
	_, err = e.Forward(t.Context(), 15432, "")
	require.EqualError(t, err, "the database is stopped; find out why: go run ./cmd/parrotctl doctor dev")
}
