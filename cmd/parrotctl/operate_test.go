package main

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot/internal/doctor"
	"parrot/internal/fakes/cloud"
	state "parrot/internal/status"
)

// operator is somebody on call for dev, in Parrot's directory.
type operator struct {
	*cloud.World
	t *testing.T
	// bin is first in PATH.
	bin string
}

func onCall(t *testing.T) *operator {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(filepath.Join(dir, "config"), os.DirFS("../../config")))
	release := `{"tag": "` + cloud.Tag + `"}`
	require.NoError(t, os.WriteFile(filepath.Join(dir, "config", "images.json"), []byte(`{"dev": {"backend": `+release+`, "frontend": `+release+`}}`), 0o644))
	t.Chdir(dir)
	o := &operator{cloud.New(t, environments()[0]), t, t.TempDir()}
	t.Setenv("PATH", o.bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	return o
}

func (o *operator) run(args ...string) result {
	o.t.Helper()
	return o.runIn(o.t.Context(), args...)
}

func (o *operator) runIn(ctx context.Context, args ...string) result {
	o.t.Helper()
	var stdout, stderr strings.Builder
	p := &app{stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr, environments: environments(), delegation: o.Delegation}
	code := p.run(ctx, args)
	return result{code, stdout.String(), stderr.String()}
}

// installs makes a program that prints its command line, a word each line, and
// ends with a status.
func (o *operator) installs(name, exit string) {
	o.t.Helper()
	script := "#!/bin/sh\nfor word; do echo \"[$word]\"; done\nexit " + exit + "\n"
	require.NoError(o.t, os.WriteFile(filepath.Join(o.bin, name), []byte(script), 0o755))
}

func TestStatusIsShownAndHasItsExitStatus(t *testing.T) {
	o := onCall(t)
	r := o.run("status", "dev")
	assert.Zero(t, r.code, r.stderr)
	assert.Contains(t, r.stdout, "Everything is healthy.")

	o.StackStatus["ParrotDevData"] = "UPDATE_ROLLBACK_COMPLETE"
	r = o.run("status", "dev")
	assert.Equal(t, exitFound, r.code)
	shows(t, r.stdout, "!              ParrotDevData        UPDATE_ROLLBACK_COMPLETE", "doctor dev")

	o.Denied["DescribeAlarms"] = true
	r = o.run("status", "dev", "--json")
	assert.Equal(t, exitFailed, r.code)
	var report state.Status
	require.NoError(t, json.Unmarshal([]byte(r.stdout), &report))
	assert.Equal(t, []string{"stack ParrotDevData is UPDATE_ROLLBACK_COMPLETE"}, report.Wrong)
	assert.Equal(t, []string{"alarms"}, report.Unread)
	assert.Equal(t, "parrot-dev-backend",
		report.Services[0].Service.Value.TaskDefinition[strings.LastIndex(report.Services[0].Service.Value.TaskDefinition, "/")+1:][:18])
}

func TestTheDoctorShowsEachLinkAndHasItsExitStatus(t *testing.T) {
	o := onCall(t)
	r := o.run("doctor", "dev")
	assert.Zero(t, r.code, r.stderr)
	shows(t, r.stdout, "ok      credentials  account 123456789012\n", "ok      database     parrot-dev-db available\n", "No link is broken.")

	o.DatabaseIs("stopped")
	r = o.run("doctor", "dev")
	assert.Equal(t, exitFound, r.code)
	shows(t, r.stdout, "ok      secrets", "broken  database     stopped\n", "Cause: ", "Next:\n  aws rds start-db-instance")

	r = o.run("doctor", "dev", "--json")
	assert.Equal(t, exitFound, r.code)
	var found doctor.Diagnosis
	require.NoError(t, json.Unmarshal([]byte(r.stdout), &found))
	assert.Equal(t, "database-stopped", found.Finding.Cause)

	o.Denied["DescribeServices"] = true
	r = o.run("doctor", "dev")
	assert.Equal(t, exitFailed, r.code, "nothing is known")
	assert.Contains(t, r.stdout, "you may not ecs:DescribeServices;")
}

func TestTheDoctorSaysThatNobodyIsSignedInToTheAccount(t *testing.T) {
	o := onCall(t)
	r := o.run("doctor", "dev", "--profile", "nobody")
	assert.Equal(t, exitFound, r.code)
	shows(t, r.stdout, "broken  credentials", "Cause: you are not signed in", "nobody", "aws sso login")
	assert.NotContains(t, r.stdout, "bootstrap", "it stops there")
}

func TestLogsAreShownAndFollowedUntilCtrlC(t *testing.T) {
	o := onCall(t)
	o.Log("backend", "1", time.Now().Add(-time.Minute), "hello")
	o.Log("backend", "2", time.Now().Add(-time.Hour), "an hour ago")
	r := o.run("logs", "dev", "backend")
	assert.Zero(t, r.code, r.stderr)
	shows(t, r.stdout, "hello")
	assert.NotContains(t, r.stdout, "an hour ago")
	assert.Contains(t, o.run("logs", "dev", "backend", "--since", "2h").stdout, "an hour ago")
	assert.Empty(t, o.run("logs", "dev", "frontend").stdout)

	ctx, interrupt := context.WithTimeout(t.Context(), 3*time.Second)
	defer interrupt()
	r = o.runIn(ctx, "logs", "dev", "backend", "--follow", "--filter", "hello")
	assert.Zero(t, r.code, r.stderr)
	assert.Contains(t, r.stdout, "hello")
	assert.Empty(t, r.stderr)
	assert.Contains(t, o.Filters, "hello")

	for _, line := range [][]string{{"logs", "dev", "worker"}, {"logs", "dev"}, {"logs", "dev", "backend", "--since", "-1h"},
		{"logs", "qa", "backend"}} {
		assert.Equal(t, exitUsage, o.run(line...).code, line)
	}
}

func TestExecRunsWhatItPrints(t *testing.T) {
	o := onCall(t)
	o.installs("aws", "0")
	o.installs("session-manager-plugin", "0")
	r := o.run("exec", "dev", "backend", "--profile", "", "--", "node", "-e", "1 + 1")
	require.Zero(t, r.code, r.stderr)
	assert.Contains(t, r.stderr, `+ aws ecs execute-command --region us-east-1 --cluster parrot-dev-backend --task 0123456789abcdef0123456789abcdef --container backend --interactive --command 'node -e '\''1 + 1'\'''`)
	shows(t, r.stdout, "[ecs]\n[execute-command]\n", "[--interactive]\n[--command]\n[node -e '1 + 1']\n")
	assert.Contains(t, o.run("exec", "dev", "frontend").stdout, "[--container]\n[frontend]\n[--interactive]\n[--command]\n[/bin/sh]\n")

	o.installs("aws", "254")
	r = o.run("exec", "dev", "backend")
	assert.Equal(t, exitFailed, r.code)
	assert.Contains(t, r.stderr, "aws ended with status 254")
	for _, line := range [][]string{{"exec", "dev", "backend", "ls", "-la"}, {"exec", "dev", "backend", "ls"}} {
		r = o.run(line...)
		assert.Equal(t, exitUsage, r.code)
		assert.Contains(t, r.stderr, "exec ENV SERVICE -- ls -la")
	}
	for _, line := range [][]string{{"exec", "dev", "worker"}, {"exec", "dev"}, {"exec", "dev", "--", "backend"}} {
		assert.Equal(t, exitUsage, o.run(line...).code, line)
	}
}

// A supervisor's, or that of kill, is for parrotctl alone: what it started would go on.
func TestSIGTERMEndsTheSessionToo(t *testing.T) {
	o := onCall(t)
	o.installs("session-manager-plugin", "0")
	began := filepath.Join(o.bin, "began")
	require.NoError(t, os.WriteFile(filepath.Join(o.bin, "aws"), []byte("#!/bin/sh\n: > "+began+"\nexec sleep 60\n"), 0o755))
	go func() {
		for {
			if _, err := os.Stat(began); err == nil {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		_ = syscall.Kill(os.Getpid(), syscall.SIGTERM)
	}()
	start := time.Now()
	assert.Equal(t, exitFailed, o.run("db", "dev").code)
	assert.Less(t, time.Since(start), 30*time.Second)
}

func TestExecAndDbSayHowToInstallWhatTheyNeed(t *testing.T) {
	o := onCall(t)
	t.Setenv("PATH", o.bin)
	for _, line := range [][]string{{"exec", "dev", "backend"}, {"db", "dev"}} {
		require.NoError(t, os.RemoveAll(filepath.Join(o.bin, "aws")))
		r := o.run(line...)
		assert.Equal(t, exitUsage, r.code)
		shows(t, r.stderr, "the AWS CLI is not installed", "install it: https://")
		o.installs("aws", "0")
		shows(t, o.run(line...).stderr, "Session Manager plugin is not installed", "install it: https://")
	}
}

func TestDbOpensAWayAndShowsHowToConnectWithoutAPassword(t *testing.T) {
	o := onCall(t)
	o.installs("aws", "0")
	o.installs("session-manager-plugin", "0")
	r := o.run("db", "dev", "--local-port", "15433")
	assert.NotContains(t, r.stdout, "--profile")
	require.Zero(t, r.code, r.stderr)
	shows(t, r.stdout, "PGPASSWORD=\"$(aws secretsmanager get-secret-value", "psql \"host=127.0.0.1 port=15433 dbname=parrot",
		"[ssm]\n[start-session]\n")
	assert.NotContains(t, r.stdout+r.stderr, "hush")

	listener, err := net.Listen("tcp", "127.0.0.1:15433")
	require.NoError(t, err)
	defer listener.Close()
	r = o.run("db", "dev", "--local-port", "15433")
	assert.Equal(t, exitUsage, r.code)
	assert.Contains(t, r.stderr, "--local-port")
}
