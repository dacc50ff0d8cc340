package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// AlarmSet is which alarms there are.
type AlarmSet string

// The values of AlarmSet.
const (
	AlarmsNone AlarmSet = "none"
	AlarmsPage AlarmSet = "page"
	AlarmsAll  AlarmSet = "all"
)

// Severity is how urgent an alarm is.
type Severity string

// The severities. Users notice what is worth a page; a ticket waits for the
// morning.
const (
	Page   Severity = "page"
	Ticket Severity = "ticket"
)

// Missing is what an alarm makes of a period without data.
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
	// Subject and Unit say what Threshold is of, for people.
	Subject, Unit string
	Metrics       []Metric
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
	// name of the parameter that holds it: see Environment.Parameter.
	Dimensions map[string]string
}

// When says in words when the alarm fires.
func (a Alarm) When() string {
	beyond := "over"
	if a.Below {
		beyond = "below"
	}
	return fmt.Sprintf("%s %s %g%s for %s", a.Subject, beyond, a.Threshold, a.Unit, minutes(a.PeriodSeconds*a.Periods))
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

// Alarms are the environment's alarms.
func (e Environment) Alarms() []Alarm {
	return slices.DeleteFunc(e.possibleAlarms(), func(a Alarm) bool {
		return e.Monitoring.Alarms == AlarmsNone || e.Monitoring.Alarms == AlarmsPage && a.Severity != Page
	})
}

// possibleAlarms are those that the environment would have with AlarmsAll. There
// are none of what does not run: they could not fire, or never stop.
func (e Environment) possibleAlarms() []Alarm {
	var all []Alarm
	services := e.runningServices()
	for _, s := range services {
		all = append(all, e.serviceAlarms(s.name, s.Service)...)
	}
	if len(services) == 2 { // otherwise the listener answers 503, as it should
		all = append(all, e.requestAlarms()...)
	}
	all = append(all, e.databaseAlarms()...)
	if e.Redis.Enabled {
		all = append(all, e.redisAlarms()...)
	}
	if e.Database.RotationDays > 0 {
		all = append(all, e.rotationAlarm())
	}
	if e.Backend.RunningCount() > 0 {
		all = append(all, e.applicationAlarms()...)
	}
	all = append(all, e.certificateAlarm())
	for i, alarm := range all {
		if threshold, set := e.Monitoring.Thresholds[alarm.ID]; set {
			all[i].Threshold = threshold
		}
	}
	return all
}

// runningServices are the services with tasks, by the name that AWS shows.
func (e Environment) runningServices() []namedService {
	var running []namedService
	for _, s := range e.services() {
		if s.RunningCount() > 0 {
			s.name = strings.ToLower(s.name)
			running = append(running, s)
		}
	}
	return running
}

const fiveMinutes = 300

// single is an alarm on one metric as it is.
func single(a Alarm, namespace, name, statistic string, dimensions map[string]string) Alarm {
	a.Metrics = []Metric{{ID: "value", Namespace: namespace, Name: name, Statistic: statistic, Dimensions: dimensions}}
	return a
}

func (e Environment) serviceAlarms(name string, s Service) []Alarm {
	inECS := map[string]string{"ClusterName": e.PhysicalName(name), "ServiceName": e.PhysicalName(name)}
	group := map[string]string{"LoadBalancer": e.Parameter(LoadBalancerParameter), "TargetGroup": e.Parameter(TargetGroupParameter(name))}
	who := "the " + spoken(name) + "'s tasks"
	return []Alarm{
		single(Alarm{
			ID: name + "-down", Section: "service-down", Severity: Page,
			Subject: "healthy targets of the " + spoken(name), PeriodSeconds: 60, Periods: 3,
			Below: true, Threshold: 1, Missing: MissingIsBad, // without registered targets there is no data
			// The highest count, since a node may see the targets of its zone alone.
		}, "AWS/ApplicationELB", "HealthyHostCount", "Maximum", group),
		single(Alarm{
			ID: name + "-unhealthy", Section: "service-unhealthy", Severity: Ticket,
			Subject: "unhealthy targets of the " + spoken(name), PeriodSeconds: 60, Periods: 10,
			Threshold: 0, Missing: MissingIsGood,
		}, "AWS/ApplicationELB", "UnHealthyHostCount", "Maximum", group),
		single(Alarm{
			// Each task sends its use of CPU once a minute: as many samples as tasks.
			// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/cloudwatch-metrics.html
			ID: name + "-tasks", Section: "service-tasks", Severity: Ticket,
			Subject: "running tasks of the " + spoken(name), PeriodSeconds: 60, Periods: 10,
			Below: true, Threshold: float64(s.DesiredCount), Missing: MissingIsBad, // no task, no data
		}, "AWS/ECS", "CPUUtilization", "SampleCount", inECS),
		single(Alarm{
			ID: name + "-cpu", Section: "service-cpu", Severity: Ticket,
			Subject: "CPU of " + who, Unit: " %", PeriodSeconds: fiveMinutes, Periods: 3,
			Threshold: 85, Missing: MissingIsGood,
		}, "AWS/ECS", "CPUUtilization", "Average", inECS),
		single(Alarm{
			ID: name + "-memory", Section: "service-memory", Severity: Ticket,
			Subject: "memory of " + who, Unit: " %", PeriodSeconds: fiveMinutes, Periods: 3,
			Threshold: 85, Missing: MissingIsGood,
		}, "AWS/ECS", "MemoryUtilization", "Average", inECS),
	}
}

// spoken is a service's name in a sentence.
func spoken(name string) string {
	return strings.Replace(name, "frontend", "front end", 1)
}

// failing is the share of requests that end in errors, in percent, where there
// are enough errors to speak of: one of two at night is none. Where the load
// balancer had no target to choose it counts no request; a 502 or 504 it counts
// twice here, which takes little from the share.
func failing(least int) string {
	return fmt.Sprintf("IF(FILL(balancer, 0) + FILL(targets, 0) >= %d, 100 * (FILL(balancer, 0) + FILL(targets, 0)) / (FILL(requests, 0) + FILL(balancer, 0)), 0)", least)
}

func (e Environment) requestAlarms() []Alarm {
	balancer := map[string]string{"LoadBalancer": e.Parameter(LoadBalancerParameter)}
	metric := func(id, name string) Metric {
		return Metric{id, "AWS/ApplicationELB", name, "Sum", balancer}
	}
	return []Alarm{
		{
			ID: "errors-5xx", Section: "errors-5xx", Severity: Page,
			Subject: "requests answered 5xx, of 3 or more in 5 minutes,", Unit: " %", PeriodSeconds: fiveMinutes, Periods: 2,
			Metrics: []Metric{
				metric("balancer", "HTTPCode_ELB_5XX_Count"), metric("targets", "HTTPCode_Target_5XX_Count"), metric("requests", "RequestCount"),
			},
			Expression: failing(3), Threshold: 5, Missing: MissingIsGood,
		},
		{
			ID: "errors-4xx", Section: "errors-4xx", Severity: Ticket,
			Subject: "requests answered 4xx, of 50 or more in 5 minutes,", Unit: " %", PeriodSeconds: fiveMinutes, Periods: 3,
			Metrics: []Metric{
				metric("balancer", "HTTPCode_ELB_4XX_Count"), metric("targets", "HTTPCode_Target_4XX_Count"), metric("requests", "RequestCount"),
			},
			Expression: failing(50), Threshold: 40, Missing: MissingIsGood,
		},
		{
			ID: "response-time", Section: "response-time", Severity: Ticket,
			Subject: "95th percentile of response times, of 20 or more in 5 minutes,", Unit: " ms", PeriodSeconds: fiveMinutes, Periods: 3,
			Metrics: []Metric{{"seconds", "AWS/ApplicationELB", "TargetResponseTime", "p95", balancer}, metric("requests", "RequestCount")},
			// Of a handful of requests the slowest one is the percentile.
			Expression: "IF(requests >= 20, 1000 * seconds, 0)", Threshold: 1000, Missing: MissingIsGood,
		},
		single(Alarm{
			ID: "rejected-connections", Section: "rejected-connections", Severity: Ticket,
			Subject: "connections that the load balancer rejected", PeriodSeconds: fiveMinutes, Periods: 1,
			Threshold: 0, Missing: MissingIsGood,
		}, "AWS/ApplicationELB", "RejectedConnectionCount", "Sum", balancer),
	}
}

func (e Environment) databaseAlarms() []Alarm {
	db := e.Database
	in := map[string]string{"DBInstanceIdentifier": db.Identifier}
	memoryGiB := memoryGiB(db.InstanceClass)
	alarms := []Alarm{
		single(Alarm{
			ID: "database-cpu", Section: "database-cpu", Severity: Ticket,
			Subject: "CPU of the database", Unit: " %", PeriodSeconds: fiveMinutes, Periods: 3,
			Threshold: 80, Missing: MissingIsGood,
		}, "AWS/RDS", "CPUUtilization", "Average", in),
		single(Alarm{
			ID: "database-connections", Section: "database-connections", Severity: Page,
			Subject: "connections to the database", PeriodSeconds: fiveMinutes, Periods: 1,
			Threshold: float64(maxConnections(memoryGiB) * 8 / 10), Missing: MissingIsGood,
		}, "AWS/RDS", "DatabaseConnections", "Maximum", in),
		{
			// RDS grows the volume below a tenth; it has not, or may not any more.
			ID: "database-storage", Section: "database-storage", Severity: Page,
			Subject: "free storage of the database", Unit: " GiB", PeriodSeconds: fiveMinutes, Periods: 3,
			Metrics:    []Metric{{"bytes", "AWS/RDS", "FreeStorageSpace", "Minimum", in}},
			Expression: "bytes / 1073741824", Below: true, Threshold: max(1, float64(db.AllocatedStorageGiB)/20), Missing: MissingIsOld,
		},
		{
			ID: "database-memory", Section: "database-memory", Severity: Ticket,
			Subject: "freeable memory of the database", Unit: " MiB", PeriodSeconds: fiveMinutes, Periods: 3,
			Metrics:    []Metric{{"bytes", "AWS/RDS", "FreeableMemory", "Average", in}},
			Expression: "bytes / 1048576", Below: true, Threshold: float64(int(memoryGiB * 1024 / 20)), Missing: MissingIsGood,
		},
		{
			ID: "database-iops", Section: "database-iops", Severity: Ticket,
			Subject: "reads and writes of the volume a second", PeriodSeconds: fiveMinutes, Periods: 12,
			Metrics:    []Metric{{"reads", "AWS/RDS", "ReadIOPS", "Average", in}, {"writes", "AWS/RDS", "WriteIOPS", "Average", in}},
			Expression: "reads + writes", Threshold: float64(baselineIOPS(db.AllocatedStorageGiB)), Missing: MissingIsGood,
		},
		{
			ID: "database-read-latency", Section: "database-latency", Severity: Ticket,
			Subject: "a read of the volume", Unit: " ms", PeriodSeconds: fiveMinutes, Periods: 3,
			Metrics:    []Metric{{"seconds", "AWS/RDS", "ReadLatency", "Average", in}},
			Expression: "1000 * seconds", Threshold: 50, Missing: MissingIsGood,
		},
		{
			ID: "database-write-latency", Section: "database-latency", Severity: Ticket,
			Subject: "a write of the volume", Unit: " ms", PeriodSeconds: fiveMinutes, Periods: 3,
			Metrics:    []Metric{{"seconds", "AWS/RDS", "WriteLatency", "Average", in}},
			Expression: "1000 * seconds", Threshold: 50, Missing: MissingIsGood,
		},
	}
	if db.Burstable() {
		credits := cpuCredits[db.InstanceClass[strings.LastIndex(db.InstanceClass, ".")+1:]]
		alarms = append(alarms, Alarm{
			ID: "database-credits", Section: "database-credits", Severity: Ticket,
			Subject: "CPU credits of the database, while it uses more than it earns,", PeriodSeconds: fiveMinutes, Periods: 12,
			Metrics: []Metric{{"credits", "AWS/RDS", "CPUCreditBalance", "Average", in}, {"cpu", "AWS/RDS", "CPUUtilization", "Average", in}},
			// A new instance starts without credits: an idle one is no trouble.
			Expression: fmt.Sprintf("IF(cpu > %d, credits, %d)", credits.baselinePercent, credits.most),
			Below:      true, Threshold: float64(credits.most / 10), Missing: MissingIsGood,
		})
	}
	return alarms
}

// Burstable says whether the instance class saves CPU credits up, and spends them.
func (d Database) Burstable() bool { return strings.HasPrefix(d.InstanceClass, "db.t") }

// cpuCredits are what a burstable class can save up, and the use of CPU that
// spends as much as is earned, by size; T3 and T4g are alike.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/burstable-credits-baseline-concepts.html
var cpuCredits = map[string]struct{ most, baselinePercent int }{
	"micro": {288, 10}, "small": {576, 20}, "medium": {576, 20}, "large": {864, 30}, "xlarge": {2304, 40}, "2xlarge": {4608, 40},
}

// memoryGiB is the memory of an RDS instance class, an ElastiCache node type, or
// any other instance type: that of its size, times that of its family.
// https://aws.amazon.com/rds/instance-types/
func memoryGiB(class string) float64 {
	parts := strings.Split(class, ".")
	family, size := parts[len(parts)-2], parts[len(parts)-1]
	sizes := map[string]float64{"micro": 1, "small": 2, "medium": 4, "large": 8, "xlarge": 16}
	gib, ok := sizes[size]
	if !ok {
		times, err := strconv.Atoi(strings.TrimSuffix(size, "xlarge"))
		if err != nil {
			panic(err) // the setting's syntax has been checked
		}
		gib = float64(times) * sizes["xlarge"]
	}
	switch {
	case strings.HasPrefix(family, "r"):
		return 2 * gib
	case strings.HasPrefix(family, "x2g"), strings.HasPrefix(family, "x2idn"):
		return 4 * gib
	case strings.HasPrefix(family, "x2iedn"):
		return 8 * gib
	default:
		return gib
	}
}

// maxConnections is PostgreSQL's limit as RDS sets it, of the memory that its own
// processes leave. How much they take is not documented: what people have read on
// instances is 181 of a db.t4g.small's 225, and about 80 of a micro's 112.
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Limits.html#RDS_Limits.MaxConnections
// https://github.com/kirill-markin/flashcards-open-source-app/pull/1657
func maxConnections(memoryGiB float64) int {
	left := memoryGiB - min(0.4, 0.3*memoryGiB)
	return min(5000, int(left*(1<<30)/9531392))
}

// baselineIOPS are what a gp2 volume gives for good; above it, it lives on
// credits.
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Storage.html#Concepts.Storage.GeneralSSD
func baselineIOPS(gib int) int {
	return min(16000, max(100, 3*gib))
}

func (e Environment) redisAlarms() []Alarm {
	in := map[string]string{"CacheClusterId": e.PhysicalName("redis") + "-001"}
	// With two CPUs AWS recommends the node's, of which Redis's thread has half.
	// https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/CacheMetrics.WhichShouldIMonitor.html
	metric, threshold := "CPUUtilization", 45.0
	if strings.HasSuffix(e.Redis.NodeType, "xlarge") {
		metric, threshold = "EngineCPUUtilization", 80
	}
	return []Alarm{
		single(Alarm{
			ID: "redis-cpu", Section: "redis-cpu", Severity: Ticket,
			Subject: "CPU of Redis", Unit: " %", PeriodSeconds: fiveMinutes, Periods: 3,
			Threshold: threshold, Missing: MissingIsGood,
		}, "AWS/ElastiCache", metric, "Average", in),
		single(Alarm{
			ID: "redis-memory", Section: "redis-memory", Severity: Ticket,
			Subject: "memory of Redis", Unit: " %", PeriodSeconds: fiveMinutes, Periods: 3,
			Threshold: 80, Missing: MissingIsGood,
		}, "AWS/ElastiCache", "DatabaseMemoryUsagePercentage", "Average", in),
		single(Alarm{
			ID: "redis-evictions", Section: "redis-memory", Severity: Ticket,
			Subject: "keys that Redis dropped for want of memory", PeriodSeconds: fiveMinutes, Periods: 3,
			Threshold: 0, Missing: MissingIsGood,
		}, "AWS/ElastiCache", "Evictions", "Sum", in),
	}
}

// rotationAlarm fires when a step of a rotation fails. Until the next try mends it,
// the database may have the new password already, and the tasks the old one.
func (e Environment) rotationAlarm() Alarm {
	return single(Alarm{
		ID: "rotation", Section: "rotation", Severity: Page,
		Subject: "failed steps of a password's rotation", PeriodSeconds: fiveMinutes, Periods: 1,
		Threshold: 0, Missing: MissingIsGood, // it runs on few days
	}, "AWS/Lambda", "Errors", "Sum", map[string]string{"FunctionName": e.PhysicalName("rotation")})
}

// certificateAlarm fires when ACM has not renewed what it should have 60 days
// before its end.
func (e Environment) certificateAlarm() Alarm {
	return single(Alarm{
		ID: "certificate", Section: "certificate", Severity: Ticket,
		Subject: "days until the certificate expires", PeriodSeconds: 24 * 3600, Periods: 1,
		Below: true, Threshold: 30, Missing: MissingIsOld,
	}, "AWS/CertificateManager", "DaysToExpiry", "Minimum", map[string]string{"CertificateArn": e.Parameter(CertificateParameter)})
}

// LogMetric is a metric that is read from the backend's log.
type LogMetric struct {
	// Name is the metric's, in the namespace of Environment.MetricNamespace.
	Name string
	// Pattern selects lines: CloudWatch Logs' filter pattern.
	Pattern string
	// Value is what a line counts.
	Value string
	// Unit is the metric's unit.
	Unit string
}

// LogMetrics are the metrics that the environment's alarms read from the log.
func (e Environment) LogMetrics() []LogMetric {
	if e.Monitoring.Alarms != AlarmsAll || e.Backend.RunningCount() == 0 {
		return nil
	}
	metrics := []LogMetric{
		{"Errors", e.Monitoring.ErrorPattern, "1", "Count"},
		{"AuthenticationFailures", e.Monitoring.AuthFailurePattern, "1", "Count"},
	}
	if field := e.Monitoring.LatencyField; field != "" {
		metrics = append(metrics, LogMetric{"Latency", "{ $." + field + " = * }", "$." + field, "Milliseconds"})
	}
	return metrics
}

// MetricNamespace is where the metrics of the environment's logs are.
func (e Environment) MetricNamespace() string { return title(Project) + "/" + e.Name }

func (e Environment) applicationAlarms() []Alarm {
	alarms := []Alarm{
		single(Alarm{
			ID: "api-errors", Section: "api-errors", Severity: Ticket,
			Subject: "errors in the backend's log in 5 minutes", PeriodSeconds: fiveMinutes, Periods: 1,
			Threshold: 10, Missing: MissingIsGood,
		}, e.MetricNamespace(), "Errors", "Sum", nil),
		single(Alarm{
			ID: "authentication-failures", Section: "authentication-failures", Severity: Ticket,
			Subject: "refused sign-ins and tokens in 5 minutes", PeriodSeconds: fiveMinutes, Periods: 3,
			Threshold: 50, Missing: MissingIsGood,
		}, e.MetricNamespace(), "AuthenticationFailures", "Sum", nil),
	}
	if e.Monitoring.LatencyField != "" {
		alarms = append(alarms, Alarm{
			ID: "api-latency", Section: "response-time", Severity: Ticket,
			Subject: "95th percentile of the API's times, of 20 or more that it logs in 5 minutes,", Unit: " ms", PeriodSeconds: fiveMinutes, Periods: 3,
			Metrics:    []Metric{{"milliseconds", e.MetricNamespace(), "Latency", "p95", nil}, {"lines", e.MetricNamespace(), "Latency", "SampleCount", nil}},
			Expression: "IF(lines >= 20, milliseconds, 0)", Threshold: 1000, Missing: MissingIsGood,
		})
	}
	return alarms
}

// RollbackAlarm is the alarm that makes ECS take a release of a service back. It
// tells nobody else: ECS does.
func (e Environment) RollbackAlarm(service string) Alarm {
	group := map[string]string{"LoadBalancer": e.Parameter(LoadBalancerParameter), "TargetGroup": e.Parameter(TargetGroupParameter(service))}
	return Alarm{
		ID: service + "-rollback", Section: "rollback", Severity: Ticket,
		Subject: "requests that the " + spoken(service) + " answered 5xx, of 3 or more in a minute,", Unit: " %", PeriodSeconds: 60, Periods: 2,
		Metrics: []Metric{
			{"errors", "AWS/ApplicationELB", "HTTPCode_Target_5XX_Count", "Sum", group},
			{"requests", "AWS/ApplicationELB", "RequestCount", "Sum", group},
		},
		// No error is no value, and that is good. FILL would make a good minute of one
		// whose metrics are late, as the newest always are.
		Expression: "IF(errors >= 3, 100 * errors / requests, 0)", Threshold: 10, Missing: MissingIsGood,
	}
}
