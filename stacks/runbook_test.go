package stacks_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot/config"
	"parrot/internal/documents"
	. "parrot/internal/synthtest"
)

const runbook = "docs/runbook.md"

// theFiveCases are the description's troubleshooting cases.
var theFiveCases = []string{"tasks-not-starting", "health-check-failures", "database-unreachable", "certificate-pending", "deploy-fails"}

// everyAlarm returns the alarms of the described environment with all of them.
func everyAlarm() []config.Alarm {
	env := Described()
	env.Monitoring.Alarms, env.Redis.Enabled, env.Database.RotationDays = config.AlarmsAll, true, 30
	alarms := env.Alarms()
	for _, service := range env.Services() {
		alarms = append(alarms, env.RollbackAlarm(service))
	}
	return alarms
}

func TestTheRunbookListsEveryAlarm(t *testing.T) {
	t.Parallel()
	silence := map[config.Missing]string{config.MissingIsBad: "fires", config.MissingIsGood: "does not fire",
		config.MissingIsOld: "keeps its state"}
	var table strings.Builder
	table.WriteString("| Alarm | Severity | Fires when | Without data |\n| --- | --- | --- | --- |\n")
	for _, alarm := range everyAlarm() {
		severity := string(alarm.Severity)
		if alarm.Section == "rollback" {
			severity = "none: ECS acts"
		}
		fmt.Fprintf(&table, "| [%s](#%s) | %s | %s | %s |\n", alarm.ID, alarm.Section, severity, alarm.When(), silence[alarm.Missing])
	}
	documents.Generated(t, runbook, "alarms", table.String())
}

// sections returns the runbook's sections by their heading.
func sections(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, part := range strings.Split(documents.Read(t, runbook), "\n### ")[1:] {
		heading, body, _ := strings.Cut(part, "\n")
		body, _, _ = strings.Cut(body, "\n## ")
		require.NotContains(t, found, heading)
		found[heading] = body
	}
	return found
}

func TestEveryAlarmEventAndCaseHasItsSectionAndEverySectionItsReason(t *testing.T) {
	t.Parallel()
	reasons := append(slices.Clone(theFiveCases), "budget", "migration-failed")
	for _, alarm := range everyAlarm() {
		reasons = append(reasons, alarm.Section)
	}
	for _, rule := range Resources(t, StackOf(t, Direct(t), Production(), "Monitoring"), "AWS::Events::Rule") {
		_, section, linked := strings.Cut(strings.TrimSuffix(rule.Text("Targets", 0, "InputTransformer", "InputTemplate"), `"`), runbook+"#")
		require.True(t, linked, rule.LogicalID)
		reasons = append(reasons, section)
	}
	for _, env := range Fixtures() {
		for id, alarm := range alarmsOf(t, Direct(t), env) {
			_, section, linked := strings.Cut(alarm.Text("AlarmDescription"), runbook+"#")
			assert.True(t, linked, id)
			assert.Contains(t, reasons, section, id)
		}
	}
	there := sections(t)
	for _, section := range reasons {
		body, written := there[section]
		assert.True(t, written, "%s has no section %q", runbook, section)
		for _, part := range []string{"\n**Means** ", "\n**See**", "\n```sh\n", "\n**Fix** "} {
			assert.Contains(t, body, part, "section %s", section)
		}
	}
	for section := range there {
		assert.Contains(t, reasons, section, "a section about nothing")
	}
	for _, link := range documents.Mentions(t, `\]\(#([^)]+)\)`, documents.Read(t, runbook)) {
		assert.True(t, there[link[1]] != "" || link[1] == "alarms" || link[1] == "events" || link[1] == "five-cases", "link to %s", link[1])
	}
}

// shellBlocks returns the runbook's commands.
func shellBlocks(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, block := range documents.Mentions(t, "(?s)```sh\n(.*?)```", documents.Read(t, runbook)) {
		all.WriteString(block[1])
	}
	return all.String()
}

func TestTheRunbooksCommandsUseOutputsAndParametersThatThereAre(t *testing.T) {
	t.Parallel()
	commands := shellBlocks(t)
	for _, use := range documents.Mentions(t, `output (\w+) (\w+|\$\{Service\}\w+)`, commands) {
		for _, service := range []string{"Backend", "Frontend"} {
			name := strings.ReplaceAll(use[2], "${Service}", service)
			assert.NotNil(t, Dev(t, use[1]).Output(name), "output %s of %s", name, use[1])
		}
	}
	var parameters []string
	for _, part := range config.Parts {
		for _, parameter := range Dev(t, part).OfType("AWS::SSM::Parameter") {
			parameters = append(parameters, parameter.Text("Name"))
		}
	}
	for _, use := range documents.Mentions(t, `/parrot/\$env/[a-z-]+`, commands) {
		assert.Contains(t, parameters, strings.ReplaceAll(use[0], "$env", "dev"))
	}
}

// The person on call pastes what the section says, and must not roll dev back
// because prod is ill.
func TestTheRunbooksCommandsAreForTheEnvironmentAtHand(t *testing.T) {
	t.Parallel()
	_, after, _ := strings.Cut(documents.Read(t, runbook), "\n```\n") // which is chosen above
	assert.NotRegexp(t, `parrotctl [a-z]+ (dev|stage|prod)\b|[Pp]arrot-?(Dev|Stage|Prod|dev|stage|prod)`, after)
}

func TestTheRunbooksCommandsCanBePasted(t *testing.T) {
	t.Parallel()
	script := filepath.Join(t.TempDir(), "runbook.sh")
	require.NoError(t, os.WriteFile(script, []byte(shellBlocks(t)), 0o600))
	output, err := exec.Command("bash", "-n", script).CombinedOutput()
	assert.NoError(t, err, string(output))
}
