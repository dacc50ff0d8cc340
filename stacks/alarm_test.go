package stacks_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot/config"
	"parrot/internal/assembly"
	. "parrot/internal/synthtest"
)

// This file has the alarms judge made-up months: each fires when it should, and
// only then.

// values are one period's metrics by their id; what is not there is missing.
type values map[string]float64

// told is what the alarms are told, by their id: an ordinary period, one that is
// not beyond the threshold yet, and one that just is. All are of the production
// fixture: two tasks each, db.t3.micro with 20 GiB, Redis.
var told = map[string]struct{ ordinary, edge, beyond values }{
	"backend-down":       {v(2), v(1), v(0)},
	"frontend-down":      {v(2), v(1), v(0)},
	"backend-unhealthy":  {v(0), v(0), v(1)},
	"frontend-unhealthy": {v(0), v(0), v(1)},
	"backend-tasks":      {v(4), v(2), v(1)}, // four during a deploy
	"frontend-tasks":     {v(2), v(2), v(1)},
	"backend-cpu":        {v(12), v(85), v(85.1)},
	"frontend-cpu":       {v(3), v(85), v(85.1)},
	"backend-memory":     {v(40), v(85), v(85.1)},
	"frontend-memory":    {v(40), v(85), v(85.1)},
	"errors-5xx":         {values{"requests": 1000}, values{"requests": 95, "balancer": 5}, values{"requests": 94, "balancer": 5}},
	"errors-4xx": {values{"requests": 1000, "targets": 60}, values{"requests": 200, "targets": 80},
		values{"requests": 199, "targets": 80}},
	"response-time": {values{"seconds": 0.08, "requests": 900}, values{"seconds": 1, "requests": 20},
		values{"seconds": 1.01, "requests": 20}},
	"rejected-connections":   {values{}, v(0), v(1)},
	"database-cpu":           {v(9), v(80), v(80.1)},
	"database-connections":   {v(10), v(62), v(63)}, // of some 80
	"database-storage":       {values{"bytes": 15 << 30}, values{"bytes": 1 << 30}, values{"bytes": 1<<30 - 1}},
	"database-memory":        {values{"bytes": 150 << 20}, values{"bytes": 51 << 20}, values{"bytes": 51<<20 - 1}},
	"database-iops":          {values{"reads": 2, "writes": 9}, values{"reads": 40, "writes": 60}, values{"reads": 40, "writes": 61}},
	"database-read-latency":  {values{"seconds": 0.001}, values{"seconds": 0.05}, values{"seconds": 0.051}},
	"database-write-latency": {values{"seconds": 0.002}, values{"seconds": 0.05}, values{"seconds": 0.051}},
	// a new one has none
	"database-credits":        {values{"credits": 0, "cpu": 5}, values{"credits": 0, "cpu": 10}, values{"credits": 27, "cpu": 11}},
	"redis-cpu":               {v(4), v(45), v(46)},
	"redis-memory":            {v(30), v(80), v(81)},
	"redis-evictions":         {v(0), v(0), v(1)},
	"rotation":                {values{}, v(0), v(1)},
	"api-errors":              {v(1), v(10), v(11)},
	"authentication-failures": {values{}, v(50), v(51)},
	"api-latency": {values{"milliseconds": 90, "lines": 900}, values{"milliseconds": 1000, "lines": 20},
		values{"milliseconds": 1001, "lines": 20}},
	"certificate":       {v(300), v(30), v(29)},
	"backend-rollback":  {values{"requests": 500}, values{"requests": 30, "errors": 3}, values{"requests": 29, "errors": 3}},
	"frontend-rollback": {values{"requests": 500}, values{"requests": 30, "errors": 3}, values{"requests": 29, "errors": 3}},
}

func v(value float64) values { return values{"value": value} }

// alarmsOf returns an environment's alarms by their id, wherever they stand: at least one.
func alarmsOf(t *testing.T, a *assembly.Assembly, env config.Environment) map[string]*assembly.Resource {
	t.Helper()
	found := map[string]*assembly.Resource{}
	for _, part := range config.Parts {
		for _, alarm := range StackOf(t, a, env, part).OfType("AWS::CloudWatch::Alarm") {
			id, ok := strings.CutPrefix(alarm.Text("AlarmName"), env.PhysicalName(""))
			require.True(t, ok, alarm.Text("AlarmName"))
			found[id] = alarm
		}
	}
	require.NotEmpty(t, found, "alarms of %s", env.Name)
	return found
}

func TestEveryAlarmFiresWhenItShouldAndOnlyThen(t *testing.T) {
	t.Parallel()
	alarms := alarmsOf(t, Direct(t), Production())
	for id := range told {
		assert.Contains(t, alarms, id, "there is no such alarm any more")
	}
	for id, alarm := range alarms {
		periods := number(t, alarm.Text("EvaluationPeriods"))
		is, known := told[id]
		if !assert.True(t, known, "%s: say when it fires", id) {
			continue
		}
		times := func(n int, period values) []values { return slices.Repeat([]values{period}, n) }
		assert.Equal(t, "OK", judge(t, alarm, times(periods, is.ordinary)), "%s in an ordinary time", id)
		assert.Equal(t, "OK", judge(t, alarm, times(periods, is.edge)), "%s at its threshold", id)
		assert.Equal(t, "ALARM", judge(t, alarm, times(periods, is.beyond)), "%s beyond its threshold", id)
		if periods > 1 {
			brief := append(times(periods-1, is.beyond), is.ordinary)
			assert.Equal(t, "OK", judge(t, alarm, brief), "%s after a short while", id)
		}
		nothing := map[string]string{"breaching": "ALARM", "notBreaching": "OK", "ignore": "as before"}[alarm.Text("TreatMissingData")]
		assert.Equal(t, nothing, judge(t, alarm, times(periods, values{})), "%s without data", id)
	}
}

func TestFewRequestsRaiseNoRate(t *testing.T) {
	t.Parallel()
	alarms := alarmsOf(t, Direct(t), Production())
	night := values{"requests": 2, "targets": 2, "errors": 2, "seconds": 9, "lines": 2, "milliseconds": 9000}
	for _, id := range []string{"errors-5xx", "errors-4xx", "backend-rollback", "response-time", "api-latency"} {
		assert.Equal(t, "OK", judge(t, alarms[id], slices.Repeat([]values{night}, 3)), "%s: two of two", id)
	}
	// With no healthy target the load balancer answers, and counts no request.
	gone := values{"balancer": 40}
	assert.Equal(t, "ALARM", judge(t, alarms["errors-5xx"], slices.Repeat([]values{gone}, 2)))
}

// The newest minutes of a load balancer's metrics come late. As good ones they would
// keep the alarm from ever firing; as missing ones CloudWatch looks further back.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
func TestAMinuteThatIsLateIsNoGoodOne(t *testing.T) {
	t.Parallel()
	alarms := alarmsOf(t, Direct(t), Production())
	for _, id := range []string{"backend-rollback", "frontend-rollback"} {
		for _, late := range []values{{}, {"requests": 40}} {
			_, there := reading(t, alarms[id], late)
			assert.False(t, there, id)
		}
	}
}

// judge returns the state of an alarm after periods, as CloudWatch would have it.
func judge(t *testing.T, alarm *assembly.Resource, periods []values) string {
	t.Helper()
	require.Equal(t, alarm.Text("EvaluationPeriods"), alarm.Text("DatapointsToAlarm"), "in a row")
	threshold, err := strconv.ParseFloat(alarm.Text("Threshold"), 64)
	require.NoError(t, err)
	state := "as before"
	for _, period := range periods[len(periods)-number(t, alarm.Text("EvaluationPeriods")):] {
		value, there := reading(t, alarm, period)
		var beyond bool
		switch alarm.Text("ComparisonOperator") {
		case "GreaterThanThreshold":
			beyond = value > threshold
		case "LessThanThreshold":
			beyond = value < threshold
		default:
			require.Fail(t, "unknown comparison", alarm.Text("ComparisonOperator"))
		}
		switch {
		case !there && alarm.Text("TreatMissingData") == "ignore":
			continue
		case !there:
			beyond = alarm.Text("TreatMissingData") == "breaching"
		}
		if !beyond {
			return "OK"
		}
		state = "ALARM"
	}
	return state
}

// reading is the value that an alarm compares in one period.
func reading(t *testing.T, alarm *assembly.Resource, period values) (float64, bool) {
	t.Helper()
	if alarm.Text("MetricName") != "" {
		value, there := period["value"]
		return value, there
	}
	for i := 0; alarm.Text("Metrics", i, "Id") != ""; i++ {
		if alarm.Text("Metrics", i, "ReturnData") == "true" {
			expression, err := parser.ParseExpr(alarm.Text("Metrics", i, "Expression"))
			require.NoError(t, err)
			value := evaluate(t, expression, period)
			return value, !math.IsNaN(value)
		}
	}
	require.Fail(t, "nothing to compare", alarm.LogicalID)
	return 0, false
}

// evaluate returns the value of an expression of metric math; NaN is a missing one.
// Comparisons are 1 or 0. What we use of it reads as Go does.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
func evaluate(t *testing.T, expression ast.Expr, period values) float64 {
	t.Helper()
	switch e := expression.(type) {
	case *ast.ParenExpr:
		return evaluate(t, e.X, period)
	case *ast.BasicLit:
		value, err := strconv.ParseFloat(e.Value, 64)
		require.NoError(t, err)
		return value
	case *ast.Ident:
		if value, there := period[e.Name]; there {
			return value
		}
		return math.NaN()
	case *ast.CallExpr:
		arguments := make([]float64, len(e.Args))
		for i, argument := range e.Args {
			arguments[i] = evaluate(t, argument, period)
		}
		return call(t, e.Fun.(*ast.Ident).Name, arguments)
	case *ast.BinaryExpr:
		return compute(t, e.Op, evaluate(t, e.X, period), evaluate(t, e.Y, period))
	}
	require.Fail(t, "not metric math that is known here", "%T", expression)
	return 0
}

func call(t *testing.T, function string, arguments []float64) float64 {
	t.Helper()
	switch {
	case function == "FILL" && math.IsNaN(arguments[0]):
		return arguments[1]
	case function == "FILL":
		return arguments[0]
	case function == "IF" && math.IsNaN(arguments[0]):
		return math.NaN()
	case function == "IF" && arguments[0] != 0:
		return arguments[1]
	case function == "IF":
		return arguments[2]
	}
	require.Fail(t, "unknown function", function)
	return 0
}

func compute(t *testing.T, operator token.Token, x, y float64) float64 {
	t.Helper()
	truth := func(holds bool) float64 {
		switch {
		case math.IsNaN(x) || math.IsNaN(y):
			return math.NaN()
		case holds:
			return 1
		default:
			return 0
		}
	}
	switch operator.String() {
	case "+":
		return x + y
	case "*":
		return x * y
	case "/": // nothing of nothing is no value
		return x / y
	case ">=":
		return truth(x >= y)
	case ">":
		return truth(x > y)
	}
	require.Fail(t, "unknown operator", operator.String())
	return 0
}
