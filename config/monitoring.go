package config

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
)

// Monitoring is the settings of alarms, their mails, the dashboard and the
// budget. docs/runbook.md says what each alarm means.
type Monitoring struct {
	// Alarms is which alarms there are. "none" has no alarms, and no mails about
	// events. "page" has those that users notice, so that somebody should get up. "all"
	// adds those that can wait until the morning. $0.10 a month for each metric that an
	// alarm reads.
	Alarms AlarmSet `oneof:"none, page, all"`
	// Thresholds replace the alarms' own thresholds, by the alarm's name, such as
	// {"errors-5xx": 10}. A threshold of an alarm that Alarms leaves out has no effect.
	Thresholds map[string]float64
	// PageEmails get a mail when an alarm of severity page fires, and when it is
	// over. AWS asks each address once to confirm.
	PageEmails []string
	// TicketEmails get the other alarms' mails, those of events and the budget's.
	TicketEmails []string
	// RunbookURL is the link in the mails: the address at which people read
	// docs/runbook.md.
	RunbookURL string `characters:"400"`
	// Dashboard makes the CloudWatch dashboard. Three are free in an account; each
	// further one costs $3 a month.
	Dashboard bool
	// RollbackOnErrors makes ECS roll a deployment back when the new tasks answer with
	// errors, not only when they never become healthy.
	RollbackOnErrors bool
	// BudgetUSD is the month's budget in US dollars: a mail at 80 % and 100 % of it,
	// and when AWS expects more. 0 has no budget. It must be 0 in regions where
	// CloudFormation makes no budgets, such as eu-north-1. The budget counts what has
	// the tag Environment, once that tag is activated in the billing console.
	BudgetUSD int `range:"0 to 1000000"`
	// ErrorPattern selects the lines of the backend's log that are errors: CloudWatch
	// Logs' filter pattern, with at most two regular expressions.
	// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
	ErrorPattern string `characters:"1024"`
	// AuthFailurePattern selects the lines that say that somebody was refused, in
	// the same form.
	AuthFailurePattern string `characters:"1024"`
	// LatencyField is the field of the backend's JSON log lines with the time that
	// an answer took, in milliseconds. Empty where logs have none.
	LatencyField string `characters:"98"`
}

// AlarmSet is which alarms there are.
type AlarmSet string

// The values of AlarmSet.
const (
	AlarmsNone AlarmSet = "none"
	AlarmsPage AlarmSet = "page"
	AlarmsAll  AlarmSet = "all"
)

var (
	emailSyntax = regexp.MustCompile(`^[^@\s]+@[^@\s]+\.[^@\s]+$`)
	fieldSyntax = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*)?$`)
)

func (v *validator) monitoring(e Environment) {
	m := e.Monitoring
	v.thresholds(e)
	v.emails("Monitoring.PageEmails", m.PageEmails)
	v.emails("Monitoring.TicketEmails", m.TicketEmails)
	if !isPlainText(m.RunbookURL) || m.RunbookURL == "" || strings.ContainsAny(m.RunbookURL, " #\"\\<>") {
		v.reject("Monitoring.RunbookURL", m.RunbookURL, `an address, or a path such as docs/runbook.md, without spaces, #, ", \, < and >`)
	}
	if m.BudgetUSD > 0 && lacks(e.Region, budgetType) {
		v.reject("Monitoring.BudgetUSD", m.BudgetUSD, "0 in %s, where CloudFormation makes no budgets. Make one by hand, in the console of AWS "+
			"Budgets, with the filter Tag Environment = %s", e.Region, e.Name)
	}
	v.pattern("Monitoring.ErrorPattern", m.ErrorPattern)
	v.pattern("Monitoring.AuthFailurePattern", m.AuthFailurePattern)
	// CloudWatch Logs takes a metric's value, $.{field}, of at most 100 characters.
	v.matches("Monitoring.LatencyField", m.LatencyField, fieldSyntax,
		"the name of a field in the JSON of a log line, such as responseTime or res.time, or nothing")
}

func (v *validator) emails(setting string, addresses []string) {
	for i, address := range addresses {
		if !emailSyntax.MatchString(address) || !isPlainText(address) {
			v.reject(setting, address, "addresses such as team@example.com")
		}
		if slices.Contains(addresses[:i], address) {
			v.reject(setting, address, "each address once")
		}
	}
}

func (v *validator) pattern(setting, pattern string) {
	if !isPlainText(pattern) {
		v.reject(setting, pattern, "a filter pattern: %s", plainText)
	} else if err := checkLogPattern(pattern); err != nil {
		v.reject(setting, pattern, "a filter pattern that CloudWatch Logs accepts: %v", err)
	}
}

// thresholds checks that each threshold is of an alarm that there can be: a typing
// error must not leave an alarm unchanged without a word.
func (v *validator) thresholds(e Environment) {
	var names []string
	rows := map[string]alarmRow{}
	for _, row := range e.alarmRows() {
		names = append(names, row.ID)
		rows[row.ID] = row
	}
	set := e.Monitoring.Thresholds
	for _, name := range slices.Sorted(maps.Keys(set)) {
		row, known := rows[name]
		if !known {
			v.reject("Monitoring.Thresholds", name, "the name of an alarm: %s", list(names))
		}
		value := fmt.Sprintf("%s: %g", name, set[name])
		if threshold := set[name]; !(threshold >= 0) || math.IsInf(threshold, 0) { // NaN is not, either
			v.reject("Monitoring.Thresholds", value, "a number that is not negative")
		} else if row.Below && threshold == 0 {
			v.reject("Monitoring.Thresholds", value, "more than 0: the alarm fires below it, and would never fire")
		} else if strings.HasPrefix(row.Unit, " %") && threshold >= 100 {
			v.reject("Monitoring.Thresholds", value, "a percentage below 100: the alarm would never fire")
		}
	}
}

// Severity is how urgent an alarm is.
type Severity string

// The severities. Users notice what is worth a page; a ticket waits until the
// morning.
const (
	Page   Severity = "page"
	Ticket Severity = "ticket"
)

// Missing is how an alarm treats a period without data.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
type Missing string

// The values of Missing that alarms use.
const (
	MissingIsBad  Missing = "breaching"
	MissingIsGood Missing = "notBreaching"
	MissingIsOld  Missing = "ignore"
)

// Alarm is a CloudWatch alarm. It fires when its value has been beyond
// Threshold for Periods in a row.
type Alarm struct {
	// ID is the alarm's name after parrot-{environment}-, and its key in
	// Monitoring.Thresholds.
	ID string
	// Section is the heading in docs/runbook.md that says what to do.
	Section  string
	Severity Severity
	// Subject and Unit say what Threshold is of, and Note under which condition, for
	// people.
	Subject, Unit, Note string
	// Label is the name of the alarm's line in the console; empty is Subject.
	Label   string
	Metrics []Metric
	// Expression is metric math over the metrics' ids. Empty is the only metric.
	Expression    string
	PeriodSeconds int
	Periods       int
	// Below makes the alarm fire below Threshold instead of above it.
	Below     bool
	Threshold float64
	Missing   Missing
}

// Metric is one that an alarm reads.
type Metric struct {
	// ID is the metric's name in an expression.
	ID              string
	Namespace, Name string
	Statistic       string
	// Dimensions are those of the metric. A value that starts with a slash is the
	// name of the parameter that holds it: see Environment.ParameterName.
	Dimensions map[string]string
}

// single makes the alarm read one metric as it is.
func (a *Alarm) single(namespace, name, statistic string, dimensions map[string]string) {
	a.Metrics = []Metric{{ID: "value", Namespace: namespace, Name: name, Statistic: statistic, Dimensions: dimensions}}
}

// When says in words when the alarm fires: "5xx responses above 5 % of requests for
// 10 minutes (at least 3 in 5 minutes)".
func (a Alarm) When() string {
	beyond := "above"
	if a.Below {
		beyond = "below"
	}
	text := fmt.Sprintf("%s %s %g%s for %s", a.Subject, beyond, a.Threshold, a.Unit, minutes(a.PeriodSeconds*a.Periods))
	if a.Note != "" {
		text += " (" + a.Note + ")"
	}
	return text
}

func minutes(seconds int) string {
	switch seconds {
	case 24 * 3600:
		return "a day"
	case 3600:
		return "an hour"
	default:
		return fmt.Sprintf("%d minutes", seconds/60)
	}
}

const fiveMinutes = 300

// alarmRow is an alarm in the table of alarms: what is the same in every
// environment, and how the rest follows from the settings.
type alarmRow struct {
	Alarm
	// wanted reports whether what the alarm watches is running. Otherwise the alarm
	// could not fire, or would never stop. Nil is always.
	wanted func(Environment) bool
	// fit adds the metrics, and a threshold that depends on settings.
	fit func(Environment, *Alarm)
}

// alarmRows returns the table of the environment's alarms.
func (e Environment) alarmRows() []alarmRow {
	var rows []alarmRow
	for _, w := range e.Services() {
		rows = append(rows, w.alarms()...)
	}
	return slices.Concat(rows, edgeAlarms, databaseAlarms, redisAlarms, []alarmRow{rotationAlarm}, logAlarms, []alarmRow{certificateAlarm})
}

// Alarms returns the environment's alarms.
func (e Environment) Alarms() []Alarm {
	var alarms []Alarm
	for _, row := range e.alarmRows() {
		if e.Monitoring.Alarms == AlarmsNone || e.Monitoring.Alarms == AlarmsPage && row.Severity != Page {
			continue
		}
		if row.wanted != nil && !row.wanted(e) {
			continue
		}
		alarm := row.Alarm
		row.fit(e, &alarm)
		if threshold, set := e.Monitoring.Thresholds[alarm.ID]; set {
			alarm.Threshold = threshold
		}
		alarms = append(alarms, alarm)
	}
	return alarms
}

// failing returns the expression for the share of requests that end in errors, in
// percent. With fewer errors than least it is 0: one of two at night is no alarm.
// Where the load balancer had no target to choose it counts no request; a 502 or 504
// it counts twice here, which takes little from the share.
func failing(least int) string {
	return fmt.Sprintf("IF(FILL(balancer, 0) + FILL(targets, 0) >= %d, 100 * (FILL(balancer, 0) + FILL(targets, 0)) / (FILL(requests, 0) + "+
		"FILL(balancer, 0)), 0)", least)
}

// LogMetric is a metric that CloudWatch Logs makes of a service's log.
type LogMetric struct {
	// Name is the metric's name, in the namespace of Environment.MetricNamespace.
	Name string
	// Pattern selects lines: CloudWatch Logs' filter pattern.
	Pattern string
	// Value is what a line counts.
	Value string
	// Unit is the metric's unit.
	Unit string
	// LogGroupName is the log group of the lines.
	LogGroupName string
}

// LogMetrics returns the metrics that the environment's alarms read from the log.
func (e Environment) LogMetrics() []LogMetric {
	if e.Monitoring.Alarms != AlarmsAll {
		return nil
	}
	var metrics []LogMetric
	for _, w := range e.Services() {
		if !w.LogMetrics || w.RunningCount() == 0 {
			continue
		}
		metrics = append(metrics,
			LogMetric{"Errors", e.Monitoring.ErrorPattern, "1", "Count", w.LogGroupName()},
			LogMetric{"AuthenticationFailures", e.Monitoring.AuthFailurePattern, "1", "Count", w.LogGroupName()})
		if field := e.Monitoring.LatencyField; field != "" {
			metrics = append(metrics, LogMetric{"Latency", "{ $." + field + " = * }", "$." + field, "Milliseconds", w.LogGroupName()})
		}
	}
	return metrics
}

// logs reports whether a service runs whose log lines are counted.
func (e Environment) logs() bool {
	return slices.ContainsFunc(e.Services(), func(w Workload) bool { return w.LogMetrics && w.RunningCount() > 0 })
}

// logAlarms are the alarms that read LogMetrics.
var logAlarms = []alarmRow{
	{
		Alarm: Alarm{
			ID: "api-errors", Section: "api-errors", Severity: Ticket, Subject: "errors in the backend's log",
			PeriodSeconds: fiveMinutes, Periods: 1, Threshold: 10, Missing: MissingIsGood,
		},
		wanted: Environment.logs,
		fit:    func(e Environment, a *Alarm) { a.single(e.MetricNamespace(), "Errors", "Sum", nil) },
	},
	{
		Alarm: Alarm{
			ID: "authentication-failures", Section: "authentication-failures", Severity: Ticket,
			Subject: "refused sign-ins and tokens", Unit: " in 5 minutes",
			PeriodSeconds: fiveMinutes, Periods: 3, Threshold: 50, Missing: MissingIsGood,
		},
		wanted: Environment.logs,
		fit:    func(e Environment, a *Alarm) { a.single(e.MetricNamespace(), "AuthenticationFailures", "Sum", nil) },
	},
	{
		Alarm: Alarm{
			ID: "api-latency", Section: "response-time", Severity: Ticket,
			Subject: "95th percentile of the response times in the backend's log", Unit: " ms", Note: "at least 20 lines in 5 minutes",
			Label:         "95th percentile of the API's times, of 20 or more that it logs in 5 minutes,",
			PeriodSeconds: fiveMinutes, Periods: 3, Threshold: 1000, Missing: MissingIsGood,
			Expression: "IF(lines >= 20, milliseconds, 0)",
		},
		wanted: func(e Environment) bool { return e.logs() && e.Monitoring.LatencyField != "" },
		fit: func(e Environment, a *Alarm) {
			a.Metrics = []Metric{
				{"milliseconds", e.MetricNamespace(), "Latency", "p95", nil},
				{"lines", e.MetricNamespace(), "Latency", "SampleCount", nil},
			}
		},
	},
}
