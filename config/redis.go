package config

import "strings"

// Redis is the settings of the cache.
type Redis struct {
	// Enabled runs one Redis node and gives the backend REDIS_URL. Switching
	// it off deletes the cache and, without RetainData, its data.
	Enabled bool
	// NodeType is the ElastiCache node type.
	// https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/CacheNodes.SupportedTypes.html
	NodeType string
}

func (v *validator) redis(e Environment) {
	v.offeredClass("Redis.NodeType", e.Redis.NodeType, e.Region, offers.NodeTypes,
		"an ElastiCache node type, such as cache.t3.micro or cache.m7g.large")
}

func (e Environment) hasRedis() bool { return e.Redis.Enabled }

var redisAlarms = []alarmRow{
	{
		Alarm: Alarm{
			ID: "redis-cpu", Section: "redis-cpu", Severity: Ticket, Subject: "CPU of Redis", Unit: " %",
			PeriodSeconds: fiveMinutes, Periods: 3, Missing: MissingIsGood,
		},
		wanted: Environment.hasRedis,
		fit: func(e Environment, a *Alarm) {
			// With two CPUs AWS recommends the node's CPU, of which Redis's thread has half.
			// https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/CacheMetrics.WhichShouldIMonitor.html
			metric := "CPUUtilization"
			a.Threshold = 45
			if strings.HasSuffix(e.Redis.NodeType, "xlarge") {
				metric, a.Threshold = "EngineCPUUtilization", 80
			}
			e.redisMetric(a, metric, "Average")
		},
	},
	{
		Alarm: Alarm{
			ID: "redis-memory", Section: "redis-memory", Severity: Ticket, Subject: "memory of Redis", Unit: " %",
			PeriodSeconds: fiveMinutes, Periods: 3, Threshold: 80, Missing: MissingIsGood,
		},
		wanted: Environment.hasRedis,
		fit:    func(e Environment, a *Alarm) { e.redisMetric(a, "DatabaseMemoryUsagePercentage", "Average") },
	},
	{
		Alarm: Alarm{
			ID: "redis-evictions", Section: "redis-memory", Severity: Ticket, Subject: "keys that Redis evicted because its memory was full",
			PeriodSeconds: fiveMinutes, Periods: 3, Threshold: 0, Missing: MissingIsGood,
		},
		wanted: Environment.hasRedis,
		fit:    func(e Environment, a *Alarm) { e.redisMetric(a, "Evictions", "Sum") },
	},
}

func (e Environment) redisMetric(a *Alarm, name, statistic string) {
	a.single("AWS/ElastiCache", name, statistic, map[string]string{"CacheClusterId": e.RedisNodeName()})
}
