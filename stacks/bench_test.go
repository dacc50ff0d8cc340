package stacks_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot"
	"parrot/config"
	"parrot/internal/fakes"
	. "parrot/internal/synthtest"
)

// measuredApp is the variable that makes the test binary synthesize an app and
// leave, so that a measurement has a process of its own, as npx cdk synth has.
const measuredApp = "PARROT_MEASURED_APP"

// measured are the apps by name: the environments in them.
var measured = map[string][]config.Environment{
	"empty": {}, // one stack with nothing in it, as cdk init writes it
	"dev":   {Described()},
	"two":   Fixtures(),
}

func synthesizeMeasured(name string) {
	StartJSII()
	defer jsii.Close()
	if len(measured[name]) == 0 {
		app := awscdk.NewApp(nil)
		awscdk.NewStack(app, jsii.String("Empty"), nil)
		app.Synth(nil)
		return
	}
	app := parrot.NewApp(measured[name])
	App.DefineAll(app, measured[name], config.Pipeline{})
	app.Synth(nil)
}

// synthesizeElsewhere synthesizes one of the apps in a process of its own.
func synthesizeElsewhere(tb testing.TB, app string, environment ...string) {
	tb.Helper()
	binary, err := os.Executable()
	require.NoError(tb, err)
	cmd := exec.Command(binary)
	cmd.Env = slices.Concat(os.Environ(), []string{measuredApp + "=" + app}, environment)
	output, err := cmd.CombinedOutput()
	require.NoError(tb, err, string(output))
}

// BenchmarkSynth measures a synth against that of an empty app, by turns, so
// that the machine's noise falls on all alike. Validation is off in all.
func BenchmarkSynth(b *testing.B) {
	times := map[string][]time.Duration{}
	for b.Loop() {
		for app := range measured {
			start := time.Now()
			synthesizeElsewhere(b, app)
			times[app] = append(times[app], time.Since(start))
		}
	}
	median := func(app string) float64 {
		slices.Sort(times[app])
		return times[app][len(times[app])/2].Seconds()
	}
	for app := range measured {
		b.ReportMetric(median(app), app+"-s")
	}
	b.ReportMetric(median("dev")/median("empty"), "dev/empty")
	b.ReportMetric(median("two")/median("empty"), "two/empty")
}

// Each message is a round trip between Go and Node.js; a callback is one more,
// and takes the app's speed with it.
func TestAnEnvironmentTakesFewMessages(t *testing.T) {
	fakes.Slow(t)
	dir := t.TempDir()
	log, node := filepath.Join(dir, "messages"), filepath.Join(dir, "node")
	require.NoError(t, os.WriteFile(node, []byte(fmt.Sprintf("#!/bin/sh\ntee %q | node \"$@\"\n", log)), 0o700))
	synthesizeElsewhere(t, "two", "JSII_NODE="+node)

	text, err := os.ReadFile(log)
	require.NoError(t, err)
	counts := map[string]int{}
	var stack string
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		var message struct {
			API, FQN string
			Args     []any
			Complete any
		}
		require.NoError(t, json.Unmarshal(lines.Bytes(), &message))
		assert.Nil(t, message.Complete, "an answer to a callback")
		if message.FQN == "aws-cdk-lib.Stack" {
			stack = message.Args[1].(string)
		}
		counts[stack]++
	}
	for _, env := range Fixtures() {
		monitoring := counts[env.StackName("Monitoring")] // an alarm each
		sum := 0
		for _, name := range env.StackNames() {
			assert.Positive(t, counts[name], "the messages of %s were counted", name)
			sum += counts[name]
		}
		assert.LessOrEqual(t, sum-monitoring, 290, "%s without monitoring", env.Name)
		assert.LessOrEqual(t, monitoring, 80, "monitoring of %s", env.Name)
		t.Logf("%s: %d messages, %d of them for monitoring", env.Name, sum, monitoring)
	}
}
