package stacks

import (
	"cmp"
	"encoding/json"
	"fmt"

	"parrot/config"
)

// The dashboard is rows of graphs, 24 columns wide: what users notice first, then
// the reasons, then the costs.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
const (
	dashboardColumns = 24
	graphRows        = 6
)

// widget is one rectangle of the dashboard.
type widget struct {
	Type       string         `json:"type"`
	X          int            `json:"x"`
	Y          int            `json:"y"`
	Width      int            `json:"width"`
	Height     int            `json:"height"`
	Properties map[string]any `json:"properties"`
}

// line is one metric of a graph.
type line struct {
	label, namespace, name, statistic string
	// dimensions are names and values in turn.
	dimensions []string
	right      bool // on the axis at the right
}

// graph shows some lines over time.
type graph struct {
	title, unit, rightUnit string
	lines                  []line
	// limits are thresholds worth seeing, by label.
	limits map[string]float64
	// periodSeconds is a point's; 0 is a minute.
	periodSeconds int
}

func (m *monitoring) dashboard() *string {
	env := m.env
	var widgets []widget
	y := 0
	row := func(height int, of ...widget) {
		for i, w := range of {
			w.Width, w.Height, w.X, w.Y = dashboardColumns/len(of), height, i*dashboardColumns/len(of), y
			widgets = append(widgets, w)
		}
		y += height
	}
	row(2, m.note(fmt.Sprintf("# %s\nhttps://%s · runbook: %s", env.DashboardName(), env.Domain, env.Monitoring.RunbookURL)))
	if firing := env.Alarms(); len(firing) > 0 {
		row(5, m.alarmStates(firing))
	}

	balancer := []string{"LoadBalancer", *m.alarms.value(env.ParameterName(config.LoadBalancerParameter))}
	request := func(label, name, statistic string) line {
		return line{label, "AWS/ApplicationELB", name, statistic, balancer, false}
	}
	row(1, m.note("## What users notice"))
	row(graphRows,
		m.graph(graph{title: "Traffic", unit: "requests a minute", lines: []line{request("requests", "RequestCount", "Sum")}}),
		m.graph(graph{title: "Errors", unit: "answers a minute", lines: []line{
			request("5xx of the services", "HTTPCode_Target_5XX_Count", "Sum"), request("5xx of the load balancer", "HTTPCode_ELB_5XX_Count", "Sum"),
			request("4xx of the services", "HTTPCode_Target_4XX_Count", "Sum"),
		}}),
		m.graph(graph{title: "Response times", unit: "seconds", lines: []line{
			request("half are below", "TargetResponseTime", "p50"), request("95 % are below", "TargetResponseTime", "p95"),
			request("99 % are below", "TargetResponseTime", "p99"),
		}}),
	)

	row(1, m.note("## Services and deployments"))
	cpu, memory := graph{title: "CPU", unit: "%"}, graph{title: "Memory", unit: "%"}
	tasks := graph{title: "Tasks (more during a deploy)", unit: "tasks"}
	targets := graph{title: "Healthy and unhealthy targets", unit: "targets"}
	for _, w := range env.Services() {
		service := []string{"ClusterName", w.PhysicalName(), "ServiceName", w.PhysicalName()}
		cpu.lines = append(cpu.lines, line{w.Name, "AWS/ECS", "CPUUtilization", "Average", service, false})
		memory.lines = append(memory.lines, line{w.Name, "AWS/ECS", "MemoryUtilization", "Average", service, false})
		tasks.lines = append(tasks.lines, line{w.Name, "AWS/ECS", "CPUUtilization", "SampleCount", service, false})
		if w.Web == nil {
			continue
		}
		group := append([]string{"TargetGroup", *m.alarms.value(env.ParameterName(w.TargetGroupParameter()))}, balancer...)
		targets.lines = append(targets.lines,
			line{w.Name, "AWS/ApplicationELB", "HealthyHostCount", "Maximum", group, false},
			line{w.Name + ", not healthy", "AWS/ApplicationELB", "UnHealthyHostCount", "Maximum", group, false})
	}
	row(graphRows, m.graph(cpu), m.graph(memory), m.graph(tasks), m.graph(targets))

	row(1, m.note("## The database"))
	instance := []string{"DBInstanceIdentifier", env.Database.Identifier}
	database := func(label, name string, right bool) line {
		return line{label, "AWS/RDS", name, "Average", instance, right}
	}
	cpuOfDatabase := graph{title: "CPU", unit: "%", lines: []line{database("CPU", "CPUUtilization", false)}}
	if env.Database.Burstable() {
		cpuOfDatabase.title, cpuOfDatabase.rightUnit = "CPU and CPU credits", "credits"
		cpuOfDatabase.lines = append(cpuOfDatabase.lines, database("credits", "CPUCreditBalance", true))
	}
	row(graphRows,
		m.graph(cpuOfDatabase),
		m.graph(graph{title: "Connections", unit: "connections", lines: []line{database("connections", "DatabaseConnections", false)},
			limits: m.limit("database-connections", "too many")}),
		m.graph(graph{title: "Free storage and memory", unit: "bytes of storage", rightUnit: "bytes of memory",
			lines: []line{database("storage", "FreeStorageSpace", false), database("memory", "FreeableMemory", true)}}),
		m.graph(graph{title: "The database's volume", unit: "a second", rightUnit: "seconds each", lines: []line{
			database("reads", "ReadIOPS", false), database("writes", "WriteIOPS", false), database("a read takes", "ReadLatency", true),
			database("a write takes", "WriteLatency", true),
		}}),
	)

	if env.Redis.Enabled {
		node := []string{"CacheClusterId", env.RedisNodeName()}
		redis := func(label, name, statistic string) []line {
			return []line{{label, "AWS/ElastiCache", name, statistic, node, false}}
		}
		row(1, m.note("## Redis"))
		row(graphRows,
			m.graph(graph{title: "CPU", unit: "%", lines: redis("CPU", "CPUUtilization", "Average")}),
			m.graph(graph{title: "Memory", unit: "%", lines: redis("memory", "DatabaseMemoryUsagePercentage", "Average")}),
			m.graph(graph{title: "Evicted because memory was full", unit: "keys a minute", lines: redis("keys", "Evictions", "Sum")}),
		)
	}

	row(1, m.note("## Costs that depend on use (parrotctl cost shows the others)"))
	logs := graph{title: "Logs written: $0.50 a GB", unit: "bytes an hour", periodSeconds: 3600}
	for _, w := range env.Services() {
		logs.lines = append(logs.lines, line{w.Name, "AWS/Logs", "IncomingBytes", "Sum", []string{"LogGroupName", w.LogGroupName()}, false})
	}
	row(graphRows,
		m.graph(graph{title: "Load balancer's capacity units: $0.008 each", unit: "units an hour", periodSeconds: 3600,
			lines: []line{request("units", "ConsumedLCUs", "Average")}}),
		m.graph(graph{title: "Traffic in and out: $0.09 a GB out", unit: "bytes an hour", periodSeconds: 3600,
			lines: []line{request("bytes", "ProcessedBytes", "Sum")}}),
		m.graph(logs),
	)
	// or tasks, counted as samples a minute, would be five in five
	body, err := json.Marshal(map[string]any{"widgets": widgets, "periodOverride": "inherit"})
	if err != nil {
		panic(err) // texts and numbers always marshal
	}
	text := string(body)
	return &text
}

func (m *monitoring) note(markdown string) widget {
	return widget{Type: "text", Properties: map[string]any{"markdown": markdown, "background": "transparent"}}
}

func (m *monitoring) alarmStates(of []config.Alarm) widget {
	var arns []string
	for _, alarm := range of {
		arns = append(arns, m.arn("cloudwatch", "alarm:"+m.env.AlarmName(alarm.ID)))
	}
	return widget{Type: "alarm", Properties: map[string]any{"title": "Alarms", "alarms": arns, "sortBy": "stateUpdatedTimestamp"}}
}

// limit returns an alarm's threshold, as it is set.
func (m *monitoring) limit(id, label string) map[string]float64 {
	for _, alarm := range m.env.Alarms() {
		if alarm.ID == id {
			return map[string]float64{label: alarm.Threshold}
		}
	}
	return nil
}

func (m *monitoring) graph(g graph) widget {
	metrics := make([][]any, len(g.lines))
	for i, l := range g.lines {
		metric := []any{l.namespace, l.name}
		for _, text := range l.dimensions {
			metric = append(metric, text)
		}
		options := map[string]any{"label": l.label, "stat": l.statistic}
		if l.right {
			options["yAxis"] = "right"
		}
		metrics[i] = append(metric, options)
	}
	axis := map[string]any{"left": map[string]any{"label": g.unit, "showUnits": false, "min": 0}}
	if g.rightUnit != "" {
		axis["right"] = map[string]any{"label": g.rightUnit, "showUnits": false, "min": 0}
	}
	properties := map[string]any{
		"title": g.title, "region": m.env.Region, "view": "timeSeries", "period": cmp.Or(g.periodSeconds, 60), "metrics": metrics, "yAxis": axis,
	}
	var limits []any
	for label, value := range g.limits {
		limits = append(limits, map[string]any{"label": label, "value": value})
	}
	if limits != nil {
		properties["annotations"] = map[string]any{"horizontal": limits}
	}
	return widget{Type: "metric", Properties: properties}
}
