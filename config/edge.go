package config

// Edge is the settings of the load balancer.
type Edge struct {
	// AccessLogs writes every request to an S3 bucket. The bucket is always kept:
	// switching the setting off leaves it, and its files expire.
	AccessLogs bool
	// AccessLogRetentionDays is how long access log files are kept.
	AccessLogRetentionDays int `range:"1 to 3653"`
}

// edgeAlarms are the alarms of the load balancer. Until every service runs, the
// listener answers 503 for the others, as it should.
var edgeAlarms = []alarmRow{
	{
		Alarm: Alarm{
			ID: "errors-5xx", Section: "errors-5xx", Severity: Page,
			Subject: "5xx responses", Unit: " % of requests", Note: "at least 3 in 5 minutes",
			Label:         "requests answered 5xx, of 3 or more in 5 minutes,",
			PeriodSeconds: fiveMinutes, Periods: 2, Threshold: 5, Missing: MissingIsGood, Expression: failing(3),
		},
		wanted: Environment.allServicesRun,
		fit: func(e Environment, a *Alarm) {
			a.Metrics = []Metric{
				e.balancerMetric("balancer", "HTTPCode_ELB_5XX_Count", "Sum"),
				e.balancerMetric("targets", "HTTPCode_Target_5XX_Count", "Sum"),
				e.balancerMetric("requests", "RequestCount", "Sum"),
			}
		},
	},
	{
		Alarm: Alarm{
			ID: "errors-4xx", Section: "errors-4xx", Severity: Ticket,
			Subject: "4xx responses", Unit: " % of requests", Note: "at least 50 in 5 minutes",
			Label:         "requests answered 4xx, of 50 or more in 5 minutes,",
			PeriodSeconds: fiveMinutes, Periods: 3, Threshold: 40, Missing: MissingIsGood, Expression: failing(50),
		},
		wanted: Environment.allServicesRun,
		fit: func(e Environment, a *Alarm) {
			a.Metrics = []Metric{
				e.balancerMetric("balancer", "HTTPCode_ELB_4XX_Count", "Sum"),
				e.balancerMetric("targets", "HTTPCode_Target_4XX_Count", "Sum"),
				e.balancerMetric("requests", "RequestCount", "Sum"),
			}
		},
	},
	{
		Alarm: Alarm{
			ID: "response-time", Section: "response-time", Severity: Ticket,
			Subject: "95th percentile of response times", Unit: " ms", Note: "at least 20 requests in 5 minutes",
			Label:         "95th percentile of response times, of 20 or more in 5 minutes,",
			PeriodSeconds: fiveMinutes, Periods: 3, Threshold: 1000, Missing: MissingIsGood,
			// Of a handful of requests the slowest one is the percentile.
			Expression: "IF(requests >= 20, 1000 * seconds, 0)",
		},
		wanted: Environment.allServicesRun,
		fit: func(e Environment, a *Alarm) {
			a.Metrics = []Metric{
				e.balancerMetric("seconds", "TargetResponseTime", "p95"),
				e.balancerMetric("requests", "RequestCount", "Sum"),
			}
		},
	},
	{
		Alarm: Alarm{
			ID: "rejected-connections", Section: "rejected-connections", Severity: Ticket,
			Subject:       "connections that the load balancer rejected",
			PeriodSeconds: fiveMinutes, Periods: 1, Threshold: 0, Missing: MissingIsGood,
		},
		wanted: Environment.allServicesRun,
		fit: func(e Environment, a *Alarm) {
			a.Metrics = []Metric{e.balancerMetric("value", "RejectedConnectionCount", "Sum")}
		},
	},
}

// certificateAlarm fires when ACM has not renewed the certificate, which it does 60
// days before its end.
var certificateAlarm = alarmRow{
	Alarm: Alarm{
		ID: "certificate", Section: "certificate", Severity: Ticket,
		Subject:       "days until the certificate expires",
		PeriodSeconds: 24 * 3600, Periods: 1, Below: true, Threshold: 30, Missing: MissingIsOld,
	},
	fit: func(e Environment, a *Alarm) {
		a.single("AWS/CertificateManager", "DaysToExpiry", "Minimum", map[string]string{"CertificateArn": e.ParameterName(CertificateParameter)})
	},
}

// balancerMetric returns a metric of the load balancer.
func (e Environment) balancerMetric(id, name, statistic string) Metric {
	return Metric{id, "AWS/ApplicationELB", name, statistic, map[string]string{"LoadBalancer": e.ParameterName(LoadBalancerParameter)}}
}
