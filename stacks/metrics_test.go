package stacks_test

import (
	"encoding/json"
	"fmt"
	"maps"
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

// This file is about what alarms and dashboard read. CloudWatch refuses no metric
// that does not exist, and no dimension that is missing: there is no data then.

// metric is what AWS documents of one, as far as it is read here.
type metric struct {
	// dimensions are the sets of dimensions that there is data for, each sorted and
	// joined by a comma.
	dimensions []string
	// alarms and graphs are the statistics that say what an alarm asks, and those
	// that a graph may show beside them.
	alarms, graphs []string
}

const (
	ofBalancer = "LoadBalancer"
	ofGroup    = "LoadBalancer,TargetGroup"
	ofService  = "ClusterName,ServiceName"
	ofDatabase = "DBInstanceIdentifier"
	ofCache    = "CacheClusterId"
	ofOwn      = "" // a metric filter without dimensions
)

var (
	sum     = []string{"Sum"}
	average = []string{"Average"}
	maximum = []string{"Maximum"}
)

// metrics are those that alarms and dashboard may read, by namespace and name. Own is
// the namespace of the log's.
//
// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html
// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/available-metrics.html
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-metrics.html
// https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/CacheMetrics.Redis.html
var metrics = map[string]metric{
	"AWS/ApplicationELB RequestCount":              {[]string{ofBalancer, ofGroup}, sum, nil},
	"AWS/ApplicationELB HTTPCode_Target_5XX_Count": {[]string{ofBalancer, ofGroup}, sum, nil},
	"AWS/ApplicationELB HTTPCode_Target_4XX_Count": {[]string{ofBalancer, ofGroup}, sum, nil},
	"AWS/ApplicationELB HTTPCode_ELB_5XX_Count":    {[]string{ofBalancer}, sum, nil},
	"AWS/ApplicationELB HTTPCode_ELB_4XX_Count":    {[]string{ofBalancer}, sum, nil},
	"AWS/ApplicationELB RejectedConnectionCount":   {[]string{ofBalancer}, sum, nil},
	"AWS/ApplicationELB TargetResponseTime":        {[]string{ofBalancer, ofGroup}, []string{"p95"}, []string{"p50", "p95", "p99"}},
	// The highest count: a node may see the targets of its own zone alone.
	"AWS/ApplicationELB HealthyHostCount":   {[]string{ofGroup}, maximum, nil},
	"AWS/ApplicationELB UnHealthyHostCount": {[]string{ofGroup}, maximum, nil},
	// Each task sends one sample a minute: the samples are the tasks.
	"AWS/ECS CPUUtilization":    {[]string{ofService}, []string{"Average", "SampleCount"}, nil},
	"AWS/ECS MemoryUtilization": {[]string{ofService}, average, nil},

	"AWS/RDS CPUUtilization":      {[]string{ofDatabase}, average, nil},
	"AWS/RDS CPUCreditBalance":    {[]string{ofDatabase}, average, nil},
	"AWS/RDS DatabaseConnections": {[]string{ofDatabase}, maximum, average}, // one that is refused is enough
	"AWS/RDS FreeStorageSpace":    {[]string{ofDatabase}, []string{"Minimum"}, average},
	"AWS/RDS FreeableMemory":      {[]string{ofDatabase}, average, nil},
	"AWS/RDS ReadIOPS":            {[]string{ofDatabase}, average, nil},
	"AWS/RDS WriteIOPS":           {[]string{ofDatabase}, average, nil},
	"AWS/RDS ReadLatency":         {[]string{ofDatabase}, average, nil},
	"AWS/RDS WriteLatency":        {[]string{ofDatabase}, average, nil},

	"AWS/ElastiCache CPUUtilization":                {[]string{ofCache}, average, nil},
	"AWS/ElastiCache EngineCPUUtilization":          {[]string{ofCache}, average, nil},
	"AWS/ElastiCache DatabaseMemoryUsagePercentage": {[]string{ofCache}, average, nil},
	"AWS/ElastiCache Evictions":                     {[]string{ofCache}, sum, nil},

	"AWS/Lambda Errors":                   {[]string{"FunctionName"}, sum, nil},
	"AWS/CertificateManager DaysToExpiry": {[]string{"CertificateArn"}, []string{"Minimum"}, nil},
	"AWS/ApplicationELB ConsumedLCUs":     {[]string{ofBalancer}, nil, average},
	"AWS/ApplicationELB ProcessedBytes":   {[]string{ofBalancer}, nil, sum},
	"AWS/Logs IncomingBytes":              {[]string{"LogGroupName"}, nil, sum},
	"own Errors":                          {[]string{ofOwn}, sum, nil},
	"own AuthenticationFailures":          {[]string{ofOwn}, sum, nil},
	"own Latency":                         {[]string{ofOwn}, []string{"p95", "SampleCount"}, []string{"p50", "p95", "p99"}},
}

// asked is a metric as an alarm or a graph asks for it.
type asked struct {
	namespace, name, statistic, unit string
	dimensions                       map[string]string
	periodSeconds                    int
}

// assertThereIsData checks that a metric is known with these dimensions, and that its
// statistic is one of those that make sense.
func assertThereIsData(t *testing.T, env config.Environment, a asked, statistics func(metric) []string, where string) {
	t.Helper()
	namespace := a.namespace
	if namespace == env.MetricNamespace() {
		namespace = "own"
	}
	known, ok := metrics[namespace+" "+a.name]
	if !assert.True(t, ok, "%s reads %s %s, which AWS does not document", where, a.namespace, a.name) {
		return
	}
	assert.Contains(t, known.dimensions, strings.Join(slices.Sorted(maps.Keys(a.dimensions)), ","), "%s: dimensions of %s", where, a.name)
	assert.Contains(t, statistics(known), a.statistic, "%s: statistic of %s", where, a.name)
	assert.Empty(t, a.unit, "%s: of another unit there is no data, and nobody says so", where)
}

// askedBy returns the metrics of an alarm.
func askedBy(t *testing.T, alarm *assembly.Resource) []asked {
	t.Helper()
	period := func(text string) int { return number(t, text) }
	if alarm.Text("MetricName") != "" {
		return []asked{{
			alarm.Text("Namespace"), alarm.Text("MetricName"), alarm.Text("Statistic") + alarm.Text("ExtendedStatistic"), alarm.Text("Unit"),
			Pairs(alarm, "Name", "Value", "Dimensions"), period(alarm.Text("Period")),
		}}
	}
	var all []asked
	for i := range Lookup(t, alarm, "Metrics").([]any) {
		if alarm.Text("Metrics", i, "MetricStat") == "" {
			continue
		}
		of := func(path ...any) string { return alarm.Text(append([]any{"Metrics", i, "MetricStat"}, path...)...) }
		all = append(all, asked{
			of("Metric", "Namespace"), of("Metric", "MetricName"), of("Stat"), of("Unit"),
			Pairs(alarm, "Name", "Value", "Metrics", i, "MetricStat", "Metric", "Dimensions"), period(of("Period")),
		})
	}
	require.NotEmpty(t, all, alarm.LogicalID)
	return all
}

func TestAlarmsReadMetricsThatThereAreByAllTheirDimensions(t *testing.T) {
	t.Parallel()
	env := Production()
	alarms := alarmsOf(t, Direct(t), env)
	require.NotEmpty(t, alarms)
	for id, alarm := range alarms {
		all := askedBy(t, alarm)
		for _, a := range all {
			assertThereIsData(t, env, a, func(m metric) []string { return m.alarms }, id)
			assert.Equal(t, all[0].dimensions, a.dimensions, "%s compares one thing with another", id)
			assert.Equal(t, all[0].periodSeconds, a.periodSeconds, "%s compares one time with another", id)
			assertOfService(t, a, id)
		}
	}
}

// assertOfService checks that what is named after a service reads that service's
// metrics, and not the other's or both's.
func assertOfService(t *testing.T, a asked, name string) {
	t.Helper()
	for _, service := range []string{"backend", "frontend"} {
		if !strings.HasPrefix(name, service) {
			continue
		}
		if a.namespace == "AWS/ApplicationELB" {
			assert.Contains(t, a.dimensions, "TargetGroup", "%s is of one service", name)
		}
		for dimension, value := range a.dimensions {
			if dimension != "LoadBalancer" { // which both have
				assert.Contains(t, strings.ToLower(value), service, "%s: %s", name, dimension)
			}
		}
	}
}

// The runbook's table has for how long; this is how it is put together. ACM sends one
// value a day, all others send one a minute.
func TestAlarmsLookAtMinutesWhereTheyHurryAndAtFiveOfThemElsewhere(t *testing.T) {
	t.Parallel()
	for id, alarm := range alarmsOf(t, Direct(t), Production()) {
		seconds := askedBy(t, alarm)[0].periodSeconds
		switch {
		case id == "certificate":
			assert.Equal(t, 24*3600, seconds, id)
		case strings.HasSuffix(id, "-down"), strings.HasSuffix(id, "-unhealthy"), strings.HasSuffix(id, "-tasks"), strings.HasSuffix(id,
			"-rollback"):
			assert.Equal(t, 60, seconds, id)
		default:
			assert.Equal(t, 300, seconds, id)
		}
	}
}

// A deploy that answers with errors has to be found before it is over.
func TestWhatUsersNoticeIsKnownWithinTenMinutes(t *testing.T) {
	t.Parallel()
	env := Production()
	severities := map[string]config.Severity{}
	for _, alarm := range env.Alarms() {
		severities[alarm.ID] = alarm.Severity
	}
	for id, alarm := range alarmsOf(t, Direct(t), env) {
		minutes := askedBy(t, alarm)[0].periodSeconds * number(t, alarm.Text("EvaluationPeriods")) / 60
		switch {
		case strings.HasSuffix(id, "-rollback"):
			assert.LessOrEqual(t, minutes, 2, id)
		case strings.HasSuffix(id, "-down"):
			assert.LessOrEqual(t, minutes, 3, id)
		case id == "database-storage": // RDS grows the volume first
			assert.LessOrEqual(t, minutes, 15, id)
		case severities[id] == config.Page:
			assert.LessOrEqual(t, minutes, 10, id)
		case id == "certificate":
			assert.LessOrEqual(t, minutes, 24*60, id)
		default:
			assert.LessOrEqual(t, minutes, 60, id)
		}
	}
}

// What pages is what the description's users notice. A page that became a ticket
// would wait for the morning.
func TestWhatUsersNoticePages(t *testing.T) {
	t.Parallel()
	var page []string
	for id, alarm := range alarmsOf(t, Direct(t), Production()) {
		if actions, _ := alarm.Lookup("AlarmActions"); actions != nil && Follow(t, alarm, "AlarmActions", 0).LogicalID == "PageTopic" {
			page = append(page, id)
		}
	}
	assert.ElementsMatch(t, []string{"backend-down", "frontend-down", "errors-5xx", "database-connections", "database-storage", "rotation"},
		page)
}

func TestMetricFiltersCountWhatTheyFindAndNothingElse(t *testing.T) {
	t.Parallel()
	filters := Resources(t, StackOf(t, Direct(t), Production(), "Monitoring"), "AWS::Logs::MetricFilter")
	units := map[string]string{}
	for _, filter := range filters {
		transformations := Lookup(t, filter, "MetricTransformations").([]any)
		require.Len(t, transformations, 1, "%s counts a line once", filter.LogicalID)
		transformation := transformations[0].(map[string]any)
		assert.NotContains(t, transformation, "DefaultValue", "%s: a value for lines that do not match hides that there are none",
			filter.LogicalID)
		assert.NotContains(t, transformation, "Dimensions", "%s: each value of a dimension is a metric of its own, which the alarm does not read",
			filter.LogicalID)
		assert.Equal(t, Production().MetricNamespace(), transformation["MetricNamespace"])
		units[transformation["MetricName"].(string)] = transformation["Unit"].(string)
	}
	assert.Equal(t, map[string]string{"Errors": "Count", "AuthenticationFailures": "Count", "Latency": "Milliseconds"}, units)
}

// graphed is a widget of the dashboard.
type graphed struct {
	Properties struct {
		Title   string
		Period  int
		Metrics [][]any
		Alarms  []string
		YAxis   struct{ Left struct{ Label string } }
	}
}

func graphsOf(t *testing.T, env config.Environment) []graphed {
	t.Helper()
	var body struct{ Widgets []graphed }
	dashboard := Only(t, StackOf(t, Direct(t), env, "Monitoring"), "AWS::CloudWatch::Dashboard")
	require.NoError(t, json.Unmarshal([]byte(dashboard.Text("DashboardBody")), &body))
	require.NotEmpty(t, body.Widgets)
	return body.Widgets
}

func TestTheDashboardReadsMetricsThatThereAre(t *testing.T) {
	t.Parallel()
	for _, env := range Fixtures() {
		read := 0
		for _, graph := range graphsOf(t, env) {
			for i, line := range graph.Properties.Metrics {
				options, ok := line[len(line)-1].(map[string]any)
				require.True(t, ok, graph.Properties.Title)
				texts := line[:len(line)-1]
				require.True(t, len(texts) >= 2 && len(texts)%2 == 0, "%s: namespace, name, and pairs of a dimension and its value",
					graph.Properties.Title)
				a := asked{namespace: texts[0].(string), name: texts[1].(string), statistic: fmt.Sprint(options["stat"]),
					dimensions: map[string]string{}}
				for j := 2; j < len(texts); j += 2 {
					a.dimensions[texts[j].(string)] = texts[j+1].(string)
				}
				where := fmt.Sprintf("line %d of %q", i, graph.Properties.Title)
				assertThereIsData(t, env, a, func(m metric) []string { return slices.Concat(m.alarms, m.graphs) }, where)
				for name, value := range a.dimensions {
					assertSameAsInAlarms(t, env, name, value, where)
				}
				assert.NotEmpty(t, options["label"], where)
				assertOfService(t, a, fmt.Sprint(options["label"]))
				assert.NotEqual(t, false, options["visible"], where)
				read++
			}
		}
		assert.NotZero(t, read)
	}
}

// assertSameAsInAlarms checks that a dimension has a value that one of all alarms of
// the environment has, too: TestAlarmsWatchWhatIsThere is about these.
func assertSameAsInAlarms(t *testing.T, env config.Environment, name, value, where string) {
	t.Helper()
	if name == "LogGroupName" {
		With(t, StackOf(t, Direct(t), env, "Compute"), "AWS::Logs::LogGroup", name, value)
		return
	}
	env.Monitoring.Alarms = config.AlarmsAll
	monitoring := StackOf(t, Direct(t), env, "Monitoring")
	for _, alarm := range env.Alarms() {
		for _, m := range alarm.Metrics {
			known := m.Dimensions[name]
			if parameter, ok := strings.CutPrefix(value, "${"); ok && strings.HasPrefix(known, "/") {
				value = fmt.Sprint(monitoring.Parameters[strings.TrimSuffix(parameter, "}")]["Default"])
			}
			if known == value {
				return
			}
		}
	}
	assert.Fail(t, "no alarm reads such a thing", "%s: %s %s", where, name, value)
}

func TestTheDashboardsPointsAreWhatItsAxesSay(t *testing.T) {
	t.Parallel()
	for _, env := range Fixtures() {
		for _, graph := range graphsOf(t, env) {
			if len(graph.Properties.Metrics) == 0 {
				continue
			}
			want := 60
			if strings.HasSuffix(graph.Properties.YAxis.Left.Label, "an hour") {
				want = 3600
			}
			assert.Equal(t, want, graph.Properties.Period, graph.Properties.Title)
			assert.NotEmpty(t, graph.Properties.YAxis.Left.Label, graph.Properties.Title)
		}
	}
}

func TestTheDashboardShowsEveryAlarmAndDrawsTheirThresholds(t *testing.T) {
	t.Parallel()
	for _, env := range Fixtures() {
		var want, got []string
		for _, alarm := range env.Alarms() {
			want = append(want, env.PhysicalName(alarm.ID))
		}
		for _, graph := range graphsOf(t, env) {
			for _, arn := range graph.Properties.Alarms {
				_, name, _ := strings.Cut(arn, ":alarm:")
				got = append(got, name)
			}
		}
		require.NotEmpty(t, got)
		assert.ElementsMatch(t, want, got, env.Name)
		body := Only(t, StackOf(t, Direct(t), env, "Monitoring"), "AWS::CloudWatch::Dashboard").Text("DashboardBody")
		connections := alarmsOf(t, Direct(t), env)["database-connections"].Text("Threshold")
		assert.Contains(t, body, `"value":`+connections)
		_, err := strconv.Atoi(connections)
		assert.NoError(t, err)
	}
}
