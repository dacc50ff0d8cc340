package drift_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot/internal/awsclient"
	"parrot/internal/drift"
	"parrot/internal/fakes/cloudformation"
)

// check checks the stack Shop.
func check(ctx context.Context, t *testing.T) drift.Stack {
	t.Helper()
	session, err := awsclient.SignIn(t.Context(), "", "eu-west-1")
	require.NoError(t, err)
	return drift.NewChecker(session.Config, time.Millisecond).Check(ctx, "Shop")
}

func TestAStackThatRunsAsDeployedIsInSync(t *testing.T) {
	server := cloudformation.New(t)
	server.Stacks["Shop"] = cloudformation.Stack{}
	assert.Equal(t, drift.Stack{Name: "Shop", Region: "eu-west-1", Status: drift.InSync}, check(t.Context(), t))
}

func TestWhatWasChangedByHandIsNamedPropertyByProperty(t *testing.T) {
	server := cloudformation.New(t)
	server.Stacks["Shop"] = cloudformation.Stack{Drift: "DRIFTED", Drifts: []string{cloudformation.OpenedGroup, cloudformation.DeletedRecord}}
	stack := check(t.Context(), t)
	assert.Equal(t, drift.Drifted, stack.Status)
	require.Len(t, stack.Resources, 2, "of two pages")
	assert.Equal(t, "Apex", stack.Resources[0].LogicalID)
	assert.Equal(t, types.StackResourceDriftStatusDeleted, stack.Resources[0].Status)
	assert.Equal(t, []drift.Property{
		{Path: "/GroupDescription", Expected: "a|b", Actual: "<i>"},
		{Path: "/SecurityGroupIngress/0", Expected: "", Actual: `{"CidrIp":"0.0.0.0/0"}`},
	}, stack.Resources[1].Properties)
}

func TestAStackThatIsNotDeployedHasNoDrift(t *testing.T) {
	server := cloudformation.New(t)
	assert.Equal(t, drift.NotDeployed, check(t.Context(), t).Status)
	server.Stacks["Shop"] = cloudformation.Stack{Status: "REVIEW_IN_PROGRESS"}
	assert.Equal(t, drift.NotDeployed, check(t.Context(), t).Status, "a change set that was never executed")
}

func TestADetectionIsWaitedFor(t *testing.T) {
	server := cloudformation.New(t)
	server.Stacks["Shop"] = cloudformation.Stack{Polls: 3, Drift: "DRIFTED", Drifts: []string{cloudformation.DeletedRecord}}
	assert.Equal(t, drift.Drifted, check(t.Context(), t).Status)
}

func TestAThrottledCallIsRepeated(t *testing.T) {
	server := cloudformation.New(t)
	session, err := awsclient.SignIn(t.Context(), "", "eu-west-1")
	require.NoError(t, err)
	server.Stacks["Shop"] = cloudformation.Stack{}
	server.Throttle = 4 // the SDK itself gives up after 3
	assert.Equal(t, drift.InSync, drift.NewChecker(session.Config, time.Millisecond).Check(t.Context(), "Shop").Status)
}

func TestADetectionThatNeverEndsSaysWhyItWasGivenUp(t *testing.T) {
	server := cloudformation.New(t)
	server.Stacks["Shop"] = cloudformation.Stack{Polls: 1 << 30}
	ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, errors.New("that was long"))
	defer cancel()
	stack := check(ctx, t)
	assert.Equal(t, drift.NotChecked, stack.Status)
	assert.Equal(t, "that was long", stack.Reason)
}

func TestAFailedDetectionIsNotTakenForNoDrift(t *testing.T) {
	server := cloudformation.New(t)
	server.Stacks["Shop"] = cloudformation.Stack{Failure: "no permission to read the database", Drift: "UNKNOWN"}
	stack := check(t.Context(), t)
	assert.Equal(t, drift.PartlyChecked, stack.Status)
	assert.Contains(t, stack.Reason, "no permission to read the database")

	server.Stacks["Shop"] = cloudformation.Stack{Failure: "no permission", Drift: "DRIFTED", Drifts: []string{cloudformation.DeletedRecord}}
	stack = check(t.Context(), t)
	assert.Equal(t, drift.Drifted, stack.Status, "what could be read has drifted")
	assert.Len(t, stack.Resources, 1)
	assert.Contains(t, stack.Reason, "no permission")
}

func TestAResourceThatAWSCouldNotReadIsNotTakenForNoDrift(t *testing.T) {
	server := cloudformation.New(t)
	server.Stacks["Shop"] = cloudformation.Stack{Drift: "UNKNOWN"}
	stack := check(t.Context(), t)
	assert.Equal(t, drift.PartlyChecked, stack.Status)
	assert.NotEmpty(t, stack.Reason)
}

func TestAMissingPermissionIsNamed(t *testing.T) {
	server := cloudformation.New(t)
	server.Stacks["Shop"] = cloudformation.Stack{}
	for _, action := range []string{"DescribeStacks", "DetectStackDrift", "DescribeStackDriftDetectionStatus", "DescribeStackResourceDrifts"} {
		server.Deny = action
		stack := check(t.Context(), t)
		assert.Equal(t, drift.NotChecked, stack.Status)
		assert.Contains(t, stack.Reason, "not authorized to perform "+action)
	}
}

func TestTheReportSaysWhatDriftedWhatIsUnknownAndWhatIsNotThere(t *testing.T) {
	t.Parallel()
	group := drift.Resource{LogicalID: "Group", PhysicalID: "sg-1", Type: "AWS::EC2::SecurityGroup", Status: "MODIFIED",
		Properties: []drift.Property{
			{Path: "/Description", Expected: "a|b", Actual: "<i>\nc"},
			{Path: "/Ingress/0", Actual: strings.Repeat("é", 301)},
		}}
	report := drift.Report{Stacks: []drift.Stack{
		{Name: "Network", Region: "us-east-1", Status: drift.Drifted, Resources: []drift.Resource{group}},
		{Name: "Data", Status: drift.NotChecked, Reason: "no permission"},
		{Name: "Edge", Status: drift.NotDeployed},
		{Name: "Compute", Status: drift.InSync},
	}}
	assert.Equal(t, "1 of 3 deployed stacks have drifted: somebody changed them after the deploy; 1 could not be checked, or not as a whole.",
		report.Summary())
	text := report.Markdown()
	assert.Contains(t, text, "## Network (us-east-1)\n\n- **Group** AWS::EC2::SecurityGroup, <code>sg-1</code>: was changed\n")
	assert.Contains(t, text, "  | <code>/Description</code> | <code>a&#124;b</code> | <code>&lt;i&gt; c</code> |\n",
		"no value breaks the table")
	assert.Contains(t, text, "  | <code>/Ingress/0</code> | – | <code>"+strings.Repeat("é", 300)+"…</code> |\n", "an added value, cut")
	assert.Contains(t, text, "- Data: no permission\n")
	assert.Contains(t, text, "Not deployed: Edge.")
}

func TestTheReportNeverSaysThatAllIsWellWhenItDoesNotKnow(t *testing.T) {
	t.Parallel()
	inSync, unknown := drift.Stack{Name: "A", Status: drift.InSync}, drift.Stack{Name: "B", Status: drift.NotChecked, Reason: "x"}
	assert.Equal(t, "Nothing has drifted: all 1 deployed stacks run as they were deployed.",
		drift.Report{Stacks: []drift.Stack{inSync}}.Summary())
	assert.Equal(t, "No drift is known in 2 deployed stacks; 1 could not be checked, or not as a whole.",
		drift.Report{Stacks: []drift.Stack{inSync, unknown}}.Summary())
	assert.Equal(t, "No stack is deployed.", drift.Report{Stacks: []drift.Stack{{Status: drift.NotDeployed}}}.Summary())
}
