package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot/config"
	"parrot/internal/drift"
	"parrot/internal/fakes/cloudformation"
)

func runDrift(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs strings.Builder
	p := &app{stdin: strings.NewReader(""), stdout: &out, stderr: &errs, environments: environments()}
	code = p.run(t.Context(), append([]string{"drift"}, args...))
	return code, out.String(), errs.String()
}

// deploy deploys all stacks of an environment.
func deploy(server *cloudformation.Server, env config.Environment) {
	for _, name := range env.StackNames() {
		server.Stacks[name] = cloudformation.Stack{}
	}
}

func TestDriftOfWhatRunsAsDeployedIsNone(t *testing.T) {
	server := cloudformation.New(t)
	deploy(server, environments()[0])
	code, stdout, stderr := runDrift(t)
	assert.Zero(t, code, stderr)
	assert.Contains(t, stdout, fmt.Sprintf("all %d deployed stacks run as they were deployed", len(config.Parts)))
	for _, name := range environments()[1].StackNames() {
		assert.Contains(t, stdout, name, "not deployed, and named")
	}
	assert.Contains(t, stderr, fmt.Sprintf("%[1]d/%[1]d", 2*len(config.Parts)))
}

func TestDriftIsFoundAndShownAndHasItsExitStatus(t *testing.T) {
	server := cloudformation.New(t)
	deploy(server, environments()[0])
	server.Stacks["ParrotDevNetwork"] = cloudformation.Stack{Drift: "DRIFTED", Drifts: []string{cloudformation.OpenedGroup}}
	code, stdout, stderr := runDrift(t, "dev")
	assert.Equal(t, exitFound, code)
	assert.Contains(t, stdout, "## ParrotDevNetwork (us-east-1)")
	assert.Contains(t, stdout, "0.0.0.0/0")
	assert.Contains(t, stderr, fmt.Sprintf("1 of %d deployed stacks have drifted", len(config.Parts)))
	assert.NotContains(t, stdout, "Stage", "only dev is asked for")
}

func TestDriftIsWrittenAsJSON(t *testing.T) {
	server := cloudformation.New(t)
	deploy(server, environments()[0])
	server.Stacks["ParrotDevData"] = cloudformation.Stack{Drift: "DRIFTED", Drifts: []string{cloudformation.OpenedGroup}}
	code, stdout, _ := runDrift(t, "dev", "--json")
	assert.Equal(t, exitFound, code)
	var report drift.Report
	require.NoError(t, json.Unmarshal([]byte(stdout), &report))
	require.Len(t, report.Stacks, len(config.Parts))
	i := slices.IndexFunc(report.Stacks, func(s drift.Stack) bool { return s.Name == "ParrotDevData" })
	assert.Equal(t, "/SecurityGroupIngress/0", report.Stacks[i].Resources[0].Properties[1].Path)
	assert.Contains(t, stdout, `"logicalId": "DatabaseSecurityGroup"`)
}

func TestDriftReadsWithTheLookupRole(t *testing.T) {
	server := cloudformation.New(t)
	_, _, _ = runDrift(t, "dev")
	assert.Equal(t, []string{"arn:aws:iam::111111111111:role/cdk-hnb659fds-lookup-role-111111111111-us-east-1"}, server.Roles())
}

func TestDriftThatCouldNotBeCheckedIsAFailure(t *testing.T) {
	server := cloudformation.New(t)
	deploy(server, environments()[0])
	server.Stacks["ParrotDevNetwork"] = cloudformation.Stack{Drift: "DRIFTED", Drifts: []string{cloudformation.OpenedGroup}}
	server.Stacks["ParrotDevData"] = cloudformation.Stack{Polls: 1 << 30}
	code, stdout, _ := runDrift(t, "dev", "--timeout", "300ms")
	assert.Equal(t, exitFailed, code)
	assert.Contains(t, stdout, "- ParrotDevData: AWS did not finish within 300ms")
	assert.Contains(t, stdout, "## ParrotDevNetwork", "what was found is shown nevertheless")
}

func TestDriftWithoutTheLookupRoleSaysWhatToDo(t *testing.T) {
	server := cloudformation.New(t)
	server.Deny = "AssumeRole"
	code, stdout, _ := runDrift(t, "dev")
	assert.Equal(t, exitFailed, code)
	assert.Contains(t, stdout, "**No stack could be checked.**")
	assert.Equal(t, 1, strings.Count(stdout, "cdk bootstrap"), "one reason is said once")
}

func TestAResourceThatTheRoleMayNotReadIsNamedAndIsNoFailure(t *testing.T) {
	server := cloudformation.New(t)
	deploy(server, environments()[0])
	server.Stacks["ParrotDevData"] = cloudformation.Stack{Drift: "UNKNOWN", Failure: "not authorized to perform secretsmanager:GetSecretValue"}
	code, stdout, _ := runDrift(t, "dev")
	assert.Zero(t, code)
	assert.Contains(t, stdout, "1 could not be checked, or not as a whole.")
	assert.Contains(t, stdout, "- ParrotDevData: detection failed: not authorized to perform secretsmanager:GetSecretValue")
}

func TestDriftOfAnUnknownEnvironmentNamesTheKnownOnes(t *testing.T) {
	t.Parallel()
	code, _, stderr := runDrift(t, "production")
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, stderr, `there is no environment "production": want one of dev, stage`)
}
