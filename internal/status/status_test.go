package status

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot/config"
	"parrot/internal/awsclient"
	"parrot/internal/fakes/cloud"
	"parrot/internal/operate"
)

func TestAnEnvironmentThatIsWellIsSaidToBeWell(t *testing.T) {
	w, e := deployed(t)
	w.Alarms["parrot-stage-backend-cpu"] = "another environment's"
	status := Read(t.Context(), e)
	assert.Empty(t, status.Wrong)
	assert.Empty(t, status.Unread)
	text := status.Text()
	assert.NotContains(t, text, "!")
	assert.Contains(t, text, "Everything is healthy.")
	assert.LessOrEqual(t, strings.Count(text, "\n"), 24, "one screen")
	for line := range strings.Lines(text) {
		assert.Equal(t, strings.TrimRight(line, " \n")+"\n", line, "no blanks at the end")
	}
}

func TestAServiceWithoutAReleaseRunsNothingAsItShould(t *testing.T) {
	w, _ := deployed(t)
	w.Env.Backend.Image = config.Image{}
	w.Services["backend"]["desiredCount"], w.Services["backend"]["runningCount"] = 0, 0
	w.Targets["backend"] = nil
	session, err := awsclient.SignIn(t.Context(), "", w.Env.Region)
	require.NoError(t, err)
	assert.Empty(t, Read(t.Context(), operate.New(w.Env, session, w.Delegation)).Wrong)
}

func TestStatusSaysWhereNobodyGetsTheAlarmsMails(t *testing.T) {
	w, _ := deployed(t)
	session, err := awsclient.SignIn(t.Context(), "", w.Env.Region)
	require.NoError(t, err)
	for _, test := range []struct {
		alarms config.AlarmSet
		emails []string
		says   bool
	}{
		{config.AlarmsPage, nil, true}, {config.AlarmsPage, []string{"oncall@acme.example"}, false}, {config.AlarmsNone, nil, false},
	} {
		w.Env.Monitoring.Alarms, w.Env.Monitoring.PageEmails = test.alarms, test.emails
		text := Read(t.Context(), operate.New(w.Env, session, w.Delegation)).Text()
		assert.Equal(t, test.says, strings.Contains(text, "nobody gets their mails"), test)
		assert.Contains(t, text, "Everything is healthy.")
	}
}

func TestStatusShowsWhatIsWrongInItsPlaceAndAtTheEnd(t *testing.T) {
	w, e := deployed(t)
	for name, test := range map[string]struct {
		breaks func(w *cloud.World)
		line   string // in its place
		wrong  string // at the end
	}{
		"a stack that is being deployed": {
			func(w *cloud.World) { w.StackStatus["ParrotDevData"] = "UPDATE_IN_PROGRESS" },
			"!              ParrotDevData        UPDATE_IN_PROGRESS", "stack ParrotDevData is UPDATE_IN_PROGRESS",
		},
		"a stack that is gone": {
			func(w *cloud.World) { w.Undeploy("ParrotDevRegistry") },
			"!              ParrotDevRegistry    NOT_DEPLOYED", "stack ParrotDevRegistry is not deployed",
		},
		"tasks that stop": {
			func(w *cloud.World) { w.Stop("backend", "EssentialContainerExited", "x", "", 1) },
			"! backend      running 0, desired 1, pending 0; deployment IN_PROGRESS (ECS deployment ecs-svc/1 in progress.)",
			"backend: 0 of 1 tasks run",
		},
		"a service that was scaled down": {
			func(w *cloud.World) {
				w.Services["backend"]["desiredCount"], w.Services["backend"]["runningCount"] = 0, 0
			},
			"  backend      running 0, desired 0", "backend: the desired count is 0",
		},
		"tasks that the load balancer does not know": {
			func(w *cloud.World) { w.Targets["frontend"] = nil },
			"               no targets", "frontend: no task is registered at the load balancer",
		},
		"a target that is not well": {
			func(w *cloud.World) {
				w.Targets["frontend"] = []cloud.Target{{Address: "10.0.0.9", Port: 3000, State: "unhealthy", Reason: "Target.Timeout",
					Description: "Request timed out"}}
			},
			"!              target 10.0.0.9:3000 unhealthy Target.Timeout: Request timed out", "frontend: target 10.0.0.9 is unhealthy",
		},
		"a database that is gone": {
			func(w *cloud.World) { w.DropDatabase() },
			"! database     parrot-dev-db is missing", "the database is missing",
		},
		"a certificate that ends soon": {
			func(w *cloud.World) {
				w.Attach(w.Issue(time.Now().Add(20*24*time.Hour), w.Env.Domain, "www."+w.Env.Domain))
			},
			"! certificate  ISSUED", "the certificate ends on ",
		},
		"a domain that another name server serves": {
			func(w *cloud.World) { w.Parent = []string{"ns1.other.example."} },
			"! delegation   bkgstock.com is delegated to ns1.other.example; its zone: ns-", "bkgstock.com is not delegated to its zone",
		},
		"a domain that nobody serves": {
			func(w *cloud.World) { w.Parent = nil },
			"! delegation   bkgstock.com is not delegated; its zone: ns-", "bkgstock.com is not delegated to its zone",
		},
		"an alarm": {
			func(w *cloud.World) { w.Alarms["parrot-dev-backend-cpu"] = "Threshold Crossed" },
			"! alarms       parrot-dev-backend-cpu since 2026-01-02 03:04Z: Threshold Crossed", "alarm parrot-dev-backend-cpu fires",
		},
	} {
		if !w.Recover() {
			w, e = deployed(t)
		}
		t.Run(name, func(t *testing.T) {
			test.breaks(w)
			status := Read(t.Context(), e)
			text := status.Text()
			assert.Contains(t, text, test.line)
			assert.Contains(t, strings.Join(status.Wrong, "\n"), test.wrong)
			assert.Contains(t, text, "\n! "+test.wrong)
			assert.Contains(t, text, "go run ./cmd/parrotctl doctor dev")
			assert.Empty(t, status.Unread)
		})
	}
}

func TestWhatCannotBeReadSaysWhichPermissionIsMissingAndTheRestIsShown(t *testing.T) {
	w, e := deployed(t)
	for action, test := range map[string]struct{ permission, unread string }{
		"DescribeStacks":         {"cloudformation:DescribeStacks", "stacks"},
		"DescribeServices":       {"ecs:DescribeServices", "backend"},
		"DescribeTaskDefinition": {"ecs:DescribeTaskDefinition", "frontend"},
		"DescribeTargetHealth":   {"elasticloadbalancing:DescribeTargetHealth", "targets of the backend"},
		"DescribeDBInstances":    {"rds:DescribeDBInstances", "database"},
		"DescribeCertificate":    {"acm:DescribeCertificate", "certificate"},
		"DescribeListeners":      {"elasticloadbalancing:DescribeListeners", "certificate"},
		"GetHostedZone":          {"route53:GetHostedZone", "delegation"},
		"DescribeAlarms":         {"cloudwatch:DescribeAlarms", "alarms"},
	} {
		t.Run(action, func(t *testing.T) {
			w.Recover()
			w.Denied[action] = true
			status := Read(t.Context(), e)
			assert.Contains(t, status.Unread, test.unread)
			text := status.Text()
			assert.Contains(t, text, "not read: you may not "+test.permission+";")
			assert.Contains(t, text, "! not read: ")
			assert.Contains(t, text, "parrot-dev", "the rest is there")
		})
	}
}
