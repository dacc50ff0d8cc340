package stacks_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot/config"
	"parrot/internal/assembly"
	. "parrot/internal/synthtest"
)

func TestEveryMetricThatTheDescriptionListsHasAnAlarm(t *testing.T) {
	t.Parallel()
	env := Production()
	watched := map[string]bool{}
	for _, alarm := range alarmsOf(t, Direct(t), env) {
		watched[alarm.Text("MetricName")] = true
		for i := 0; alarm.Text("Metrics", i, "Id") != ""; i++ {
			watched[alarm.Text("Metrics", i, "MetricStat", "Metric", "MetricName")] = true
		}
	}
	for _, metric := range []string{
		"CPUUtilization", "MemoryUtilization", "HealthyHostCount", "UnHealthyHostCount", // ECS and its targets
		"RequestCount", "TargetResponseTime", "HTTPCode_Target_5XX_Count", "HTTPCode_ELB_5XX_Count", "HTTPCode_Target_4XX_Count",
		"RejectedConnectionCount",
		"DatabaseConnections", "FreeStorageSpace", "FreeableMemory", "ReadIOPS", "WriteIOPS", "ReadLatency", "WriteLatency", "CPUCreditBalance",
		"DatabaseMemoryUsagePercentage", "Evictions",
		"DaysToExpiry", "Errors", "AuthenticationFailures", "Latency",
	} {
		assert.True(t, watched[metric], metric)
	}
}

// An alarm names what it watches as the other stacks name it: otherwise it would
// wait for data for ever.
func TestAlarmsWatchWhatIsThere(t *testing.T) {
	t.Parallel()
	for _, a := range []*assembly.Assembly{Direct(t), nested(t, "AllAlarmsPorts")} {
		env := Described()
		if a == Direct(t) {
			env = Production()
		}
		edge, compute, data := StackOf(t, a, env, "Edge"), StackOf(t, a, env, "Compute"), StackOf(t, a, env, "Data")
		there := map[string][]string{
			"DBInstanceIdentifier": {Only(t, data, "AWS::RDS::DBInstance").Text("DBInstanceIdentifier")},
			"LoadBalancer": {assembly.Target{Resource: Only(t, edge, "AWS::ElasticLoadBalancingV2::LoadBalancer"),
				Attribute: "LoadBalancerFullName"}.String()},
			"CertificateArn": {assembly.Target{Resource: Only(t, edge, "AWS::CertificateManager::Certificate")}.String()},
		}
		for _, service := range Resources(t, compute, "AWS::ECS::Service") {
			there["ServiceName"] = append(there["ServiceName"], service.Text("ServiceName"))
			there["ClusterName"] = append(there["ClusterName"], Follow(t, service, "Cluster").Text("ClusterName"))
		}
		for _, group := range Resources(t, compute, "AWS::ElasticLoadBalancingV2::TargetGroup") {
			there["TargetGroup"] = append(there["TargetGroup"], assembly.Target{Resource: group, Attribute: "TargetGroupFullName"}.String())
		}
		for _, function := range data.OfType("AWS::Lambda::Function") {
			there["FunctionName"] = append(there["FunctionName"], function.Text("FunctionName"))
		}
		for _, redis := range data.OfType("AWS::ElastiCache::ReplicationGroup") {
			there["CacheClusterId"] = append(there["CacheClusterId"], redis.Text("ReplicationGroupId")+"-001")
		}
		for id, alarm := range alarmsOf(t, a, env) {
			dimensions := Pairs(alarm, "Name", "Value", "Dimensions")
			for i := 0; alarm.Text("Metrics", i, "Id") != ""; i++ {
				maps.Copy(dimensions, Pairs(alarm, "Name", "Value", "Metrics", i, "MetricStat", "Metric", "Dimensions"))
			}
			for name, value := range dimensions {
				assert.Contains(t, there[name], shared(t, a, env, alarm.Stack, value), "%s of %s", name, id)
			}
		}
	}
}

// shared returns a value that may be a parameter which another stack writes.
func shared(t *testing.T, a *assembly.Assembly, env config.Environment, stack *assembly.Stack, value string) string {
	t.Helper()
	name, isReference := strings.CutPrefix(strings.TrimSuffix(value, "}"), "${")
	if !isReference || stack.Parameters[name] == nil {
		return value
	}
	require.Equal(t, "AWS::SSM::Parameter::Value<String>", stack.Parameters[name]["Type"])
	for _, part := range config.Parts {
		for _, parameter := range StackOf(t, a, env, part).OfType("AWS::SSM::Parameter") {
			if parameter.Text("Name") == stack.Parameters[name]["Default"] {
				return parameter.Text("Value")
			}
		}
	}
	require.Fail(t, "nobody writes the parameter", name)
	return ""
}

func TestAlarmsAreOnlyOfWhatRuns(t *testing.T) {
	t.Parallel()
	for _, id := range slices.Sorted(maps.Keys(alarmsOf(t, nested(t, "Unreleased"), Described()))) {
		assert.True(t, strings.HasPrefix(id, "database-"), "%s without a task", id)
	}
	counts := alarmsOf(t, nested(t, "Counts"), Described()) // no task of the front end
	assert.Contains(t, counts, "backend-down")
	assert.NotContains(t, counts, "frontend-down")
	assert.NotContains(t, counts, "errors-5xx", "the listener answers 503 for what does not run")
	assert.NotContains(t, alarmsOf(t, nested(t, "AllAlarms"), Described()), "redis-cpu")
	assert.NotContains(t, alarmsOf(t, nested(t, "LogPatterns"), Described()), "api-latency", "logs carry none")
	assert.Contains(t, alarmsOf(t, nested(t, "AllAlarmsRedis"), Described()), "redis-cpu")
}

func TestAlarmsAreAsManyAsTheSettingSays(t *testing.T) {
	t.Parallel()
	for _, part := range config.Parts {
		assert.Empty(t, changed(t, "NoMonitoring", part).OfType("AWS::CloudWatch::Alarm"), part)
	}
	for id, alarm := range alarmsOf(t, devOnly(t), Described()) {
		assert.Equal(t, "PageTopic", Follow(t, alarm, "AlarmActions", 0).LogicalID, id)
	}
	all := alarmsOf(t, nested(t, "AllAlarms"), Described())
	for id := range alarmsOf(t, devOnly(t), Described()) {
		assert.Contains(t, all, id)
	}
}

func TestAnAlarmThatFiredMailsItsEndAndOneThatNeverFiredDoesNot(t *testing.T) {
	t.Parallel()
	rules := Resources(t, StackOf(t, Direct(t), Production(), "Monitoring"), "AWS::Events::Rule")
	alarms := alarmsOf(t, Direct(t), Production())
	require.NotEmpty(t, alarms)
	for id, alarm := range alarms {
		assert.Empty(t, alarm.Text("OKActions"), "%s would mail OK when it gets its first data", id)
		assert.Empty(t, alarm.Text("InsufficientDataActions"), id)
		assert.Equal(t, strings.HasSuffix(id, "-rollback"), alarm.Text("AlarmActions") == "", "%s tells ECS alone, or a topic", id)
		for before, mails := range map[string]bool{"ALARM": alarm.Text("AlarmActions") != "", "INSUFFICIENT_DATA": false, "OK": false} {
			over := map[string]any{"source": "aws.cloudwatch", "detail-type": "CloudWatch Alarm State Change", "detail": map[string]any{
				"alarmName": alarm.Text("AlarmName"), "state": map[string]any{"value": "OK"}, "previousState": map[string]any{"value": before},
			}}
			var topics []*assembly.Resource
			for _, rule := range rules {
				if matches(t, rule.Stack.Resolve(rule.Properties["EventPattern"]), over) {
					topics = append(topics, Follow(t, rule, "Targets", 0, "Arn"))
				}
			}
			if !mails {
				assert.Empty(t, topics, "%s from %s", id, before)
				continue
			}
			assert.Equal(t, []*assembly.Resource{Follow(t, alarm, "AlarmActions", 0)}, topics, "%s from %s", id, before)
		}
	}
}

// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
func TestEventPatternsFitEventBridge(t *testing.T) {
	t.Parallel()
	rules := Resources(t, StackOf(t, Direct(t), Production(), "Monitoring"), "AWS::Events::Rule")
	longest := Production()
	longest.Name = strings.Repeat("x", 32-len("Parrot"))
	more := len(longest.Name) - len(Production().Name)
	for _, rule := range rules {
		pattern, err := json.Marshal(rule.Stack.Resolve(rule.Properties["EventPattern"]))
		require.NoError(t, err)
		names := strings.Count(string(pattern), Production().PhysicalName(""))
		assert.LessOrEqual(t, len(pattern)+names*more, 2048, "%s with the longest name of an environment", rule.LogicalID)
	}
}

func TestMailsGoToTheAddressesOfTheirSeverity(t *testing.T) {
	t.Parallel()
	var mails []string
	for _, subscription := range Resources(t, changed(t, "Mails", "Monitoring"), "AWS::SNS::Subscription") {
		mails = append(mails, Follow(t, subscription, "TopicArn").LogicalID+" "+subscription.Text("Endpoint"))
	}
	assert.ElementsMatch(t, []string{"PageTopic on.call@acme.example", "PageTopic oncall@acme.example", "TicketTopic team@acme.example",
		"TicketTopic oncall@acme.example"}, mails)
	for _, alarm := range alarmsOf(t, nested(t, "Mails"), Described()) {
		assert.Contains(t, alarm.Text("AlarmDescription"), "https://acme.example/runbook#")
	}
}

func TestOnlyThisAccountsAlarmsAndBudgetsMayPublish(t *testing.T) {
	t.Parallel()
	for _, env := range Fixtures() {
		monitoring := StackOf(t, Direct(t), env, "Monitoring")
		policies := monitoring.OfType("AWS::SNS::TopicPolicy")
		require.Len(t, policies, 2)
		for _, policy := range policies {
			topic := Follow(t, policy, "Topics", 0)
			assert.Equal(t, topic.LogicalID+"Policy", policy.LogicalID)
			for i := range 2 {
				assert.Equal(t, topic, Follow(t, policy, "PolicyDocument", "Statement", i, "Resource"), "SNS takes statements of one topic")
			}
			assert.Equal(t, "cloudwatch.amazonaws.com,budgets.amazonaws.com", policy.Text("PolicyDocument", "Statement", 0, "Principal", "Service"))
			assert.Equal(t, "${AWS::AccountId}", policy.Text("PolicyDocument", "Statement", 0, "Condition", "StringEquals", "aws:SourceAccount"))
			assert.Equal(t, "Deny", policy.Text("PolicyDocument", "Statement", 1, "Effect"))
			assert.Equal(t, "false", policy.Text("PolicyDocument", "Statement", 1, "Condition", "Bool", "aws:SecureTransport"))
			assert.Empty(t, policy.Text("PolicyDocument", "Statement", 2), "nobody else")
		}
		role := Only(t, monitoring, "AWS::IAM::Role")
		assert.Equal(t, "${AWS::AccountId}",
			role.Text("AssumeRolePolicyDocument", "Statement", 0, "Condition", "StringEquals", "aws:SourceAccount"))
		assert.Equal(t, "sns:Publish", role.Text("Policies", 0, "PolicyDocument", "Statement", 0, "Action"))
	}
}

func TestThresholdsOfTheSettingsTakeTheAlarmsPlace(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "20", alarmsOf(t, nested(t, "Thresholds"), Described())["errors-5xx"].Text("Threshold"))
	assert.Equal(t, "5", alarmsOf(t, devOnly(t), Described())["errors-5xx"].Text("Threshold"))
}

// A threshold that stayed as it was would never fire, or always.
func TestThresholdsFollowTheSizes(t *testing.T) {
	t.Parallel()
	small, large := alarmsOf(t, nested(t, "AllAlarms"), Described()), alarmsOf(t, nested(t, "DatabaseSize"), Described())
	assert.Equal(t, "62", small["database-connections"].Text("Threshold"), "below what a micro has: about 80, five of them reserved")
	for node, metric := range map[string]string{"cache.t3.micro": "CPUUtilization", "cache.m7g.large": "CPUUtilization",
		"cache.m7g.2xlarge": "EngineCPUUtilization"} {
		cached := Described()
		cached.Monitoring.Alarms, cached.Redis.Enabled, cached.Redis.NodeType = config.AlarmsAll, true, node
		for _, alarm := range cached.Alarms() {
			if alarm.ID == "redis-cpu" {
				assert.Equal(t, metric, alarm.Metrics[0].Name, node)
			}
		}
	}
	middle := Described()
	middle.Database.InstanceClass = "db.t4g.small"
	for _, alarm := range middle.Alarms() {
		if alarm.ID == "database-connections" {
			assert.Less(t, alarm.Threshold, 181.0-5, "what somebody has read on one")
			assert.Greater(t, alarm.Threshold, 181.0/2, "and not in an ordinary time")
		}
	}
	assert.Equal(t, "684", large["database-connections"].Text("Threshold"), "of 8 GiB of memory")
	assert.Equal(t, "20", large["database-storage"].Text("Threshold"), "of 400 GiB")
	env := Described()
	env.Monitoring.Alarms, env.Database.InstanceClass, env.Database.AllocatedStorageGiB = config.AlarmsAll, "db.r7g.16xlarge", 4000
	for _, alarm := range env.Alarms() {
		switch alarm.ID {
		case "database-connections":
			assert.InDelta(t, 4000, alarm.Threshold, 0, "PostgreSQL on RDS takes 5000")
		case "database-memory":
			assert.InDelta(t, 512*1024/20, alarm.Threshold, 1)
		case "database-iops":
			assert.InDelta(t, 12000, alarm.Threshold, 0)
		case "database-credits":
			assert.Fail(t, "an r class has no credits")
		}
	}
}

func TestAReleaseThatAnswersWithErrorsIsTakenBack(t *testing.T) {
	t.Parallel()
	compute := StackOf(t, Direct(t), Production(), "Compute")
	for _, service := range Resources(t, compute, "AWS::ECS::Service") {
		alarm := Follow(t, service, "DeploymentConfiguration", "Alarms", "AlarmNames", 0)
		assert.Equal(t, "true", service.Text("DeploymentConfiguration", "Alarms", "Enable"))
		assert.Equal(t, "true", service.Text("DeploymentConfiguration", "Alarms", "Rollback"))
		group := Follow(t, service, "LoadBalancers", 0, "TargetGroupArn")
		assert.Equal(t, assembly.Target{Resource: group, Attribute: "TargetGroupFullName"}.String(),
			Pairs(alarm, "Name", "Value", "Metrics", 1, "MetricStat", "Metric", "Dimensions")["TargetGroup"], "it watches this service's requests")
	}
	for _, service := range Resources(t, Dev(t, "Compute"), "AWS::ECS::Service") {
		assert.Equal(t, "false", service.Text("DeploymentConfiguration", "Alarms", "Enable"), "off is said, not left out")
	}
}

// events are events as AWS's pages show them, shortened, and the rule that mails
// them, if one does.
var events = []struct{ rule, event string }{
	{"TaskFailed", `{"source": "aws.ecs", "detail-type": "ECS Task State Change", "detail": {"clusterArn": "arn:${AWS::Partition}:ecs:us-east-1:${AWS::AccountId}:cluster/parrot-prod-backend",
		"lastStatus": "STOPPED", "stopCode": "TaskFailedToStart", "group": "service:parrot-prod-backend", "stoppedReason": "CannotPullContainerError: pull image manifest has been retried 1 time(s)"}}`},
	{"TaskFailed", `{"source": "aws.ecs", "detail-type": "ECS Task State Change", "detail": {"clusterArn": "arn:${AWS::Partition}:ecs:us-east-1:${AWS::AccountId}:cluster/parrot-prod-frontend",
		"lastStatus": "STOPPED", "stopCode": "EssentialContainerExited", "group": "service:parrot-prod-frontend", "stoppedReason": "Essential container in task exited"}}`},
	{"", `{"source": "aws.ecs", "detail-type": "ECS Task State Change", "detail": {"clusterArn": "arn:${AWS::Partition}:ecs:us-east-1:${AWS::AccountId}:cluster/parrot-prod-backend",
		"lastStatus": "STOPPED", "stopCode": "ServiceSchedulerInitiated", "group": "service:parrot-prod-backend", "stoppedReason": "Scaling activity initiated by deployment"}}`},
	{"", `{"source": "aws.ecs", "detail-type": "ECS Task State Change", "detail": {"clusterArn": "arn:${AWS::Partition}:ecs:us-east-1:${AWS::AccountId}:cluster/parrot-dev-backend",
		"lastStatus": "STOPPED", "stopCode": "EssentialContainerExited"}}`},
	{"DeploymentFailed", `{"source": "aws.ecs", "detail-type": "ECS Deployment State Change", "resources": ["arn:${AWS::Partition}:ecs:us-east-1:${AWS::AccountId}:service/parrot-prod-backend/parrot-prod-backend"],
		"detail": {"eventType": "ERROR", "eventName": "SERVICE_DEPLOYMENT_FAILED", "reason": "ECS deployment circuit breaker: task failed to start."}}`},
	{"", `{"source": "aws.ecs", "detail-type": "ECS Deployment State Change", "resources": ["arn:${AWS::Partition}:ecs:us-east-1:${AWS::AccountId}:service/parrot-prod-backend/parrot-prod-backend"],
		"detail": {"eventType": "INFO", "eventName": "SERVICE_DEPLOYMENT_COMPLETED", "reason": "ECS deployment completed."}}`},
	{"ImageFinding", `{"source": "aws.ecr", "detail-type": "ECR Image Scan", "detail": {"scan-status": "COMPLETE", "repository-name": "parrot-prod-backend",
		"finding-severity-counts": {"CRITICAL": 10, "MEDIUM": 9}, "image-tags": ["20260102030405-0a1b2c3"]}}`},
	{"ImageFinding", `{"source": "aws.ecr", "detail-type": "ECR Image Scan", "detail": {"scan-status": "COMPLETE", "repository-name": "parrot-prod-frontend",
		"finding-severity-counts": {"HIGH": 1}, "image-tags": []}}`},
	{"", `{"source": "aws.ecr", "detail-type": "ECR Image Scan", "detail": {"scan-status": "COMPLETE", "repository-name": "parrot-prod-backend",
		"finding-severity-counts": {"CRITICAL": 0, "MEDIUM": 9}, "image-tags": []}}`},
	{"", `{"source": "aws.ecr", "detail-type": "ECR Image Scan", "detail": {"scan-status": "COMPLETE", "repository-name": "other", "finding-severity-counts": {"HIGH": 1}}}`},
	{"DatabaseEvent", `{"source": "aws.rds", "detail-type": "RDS DB Instance Event", "detail": {"EventCategories": ["failover"], "SourceType": "DB_INSTANCE",
		"SourceIdentifier": "parrot-prod-db", "Message": "Multi-AZ instance failover completed", "EventID": "RDS-EVENT-0049"}}`},
	{"PageOver", `{"source": "aws.cloudwatch", "detail-type": "CloudWatch Alarm State Change", "detail": {"alarmName": "parrot-prod-backend-down",
		"state": {"value": "OK", "reason": "Threshold Crossed: 1 out of the last 3 datapoints [2.0 (22/11/26 07:00:00)] was not less than the threshold (1.0)."}, "previousState": {"value": "ALARM"}}}`},
	{"TicketOver", `{"source": "aws.cloudwatch", "detail-type": "CloudWatch Alarm State Change", "detail": {"alarmName": "parrot-prod-backend-cpu",
		"state": {"value": "OK", "reason": "Threshold Crossed"}, "previousState": {"value": "ALARM"}}}`},
	{"", `{"source": "aws.cloudwatch", "detail-type": "CloudWatch Alarm State Change", "detail": {"alarmName": "parrot-dev-backend-down",
		"state": {"value": "OK"}, "previousState": {"value": "ALARM"}}}`},
	{"DatabaseFailed", `{"source": "aws.rds", "detail-type": "RDS DB Instance Event", "detail": {"EventCategories": ["low storage"], "SourceType": "DB_INSTANCE",
		"SourceIdentifier": "parrot-prod-db", "Message": "Allocated storage has been exhausted", "EventID": "RDS-EVENT-0007"}}`},
	{"", `{"source": "aws.rds", "detail-type": "RDS DB Instance Event", "detail": {"EventCategories": ["backup"], "SourceIdentifier": "parrot-prod-db", "Message": "Finished DB Instance backup"}}`},
	{"", `{"source": "aws.rds", "detail-type": "RDS DB Instance Event", "detail": {"EventCategories": ["failure"], "SourceIdentifier": "another"}}`},
}

// field returns what an input path leads to, or nil.
func field(event any, path string) any {
	for _, name := range strings.Split(strings.TrimPrefix(path, "$."), ".") {
		name, first := strings.CutSuffix(name, "[0]")
		object, _ := event.(map[string]any)
		event = object[name]
		if list, _ := event.([]any); first && len(list) > 0 {
			event = list[0]
		} else if first {
			event = nil
		}
	}
	return event
}

func TestEventsThatMatterAreMailedAndOthersAreNot(t *testing.T) {
	t.Parallel()
	rules := Resources(t, StackOf(t, Direct(t), Production(), "Monitoring"), "AWS::Events::Rule")
	mailed := map[string]bool{}
	for _, e := range events {
		var event any
		require.NoError(t, json.Unmarshal([]byte(e.event), &event))
		matched := ""
		for _, rule := range rules {
			if matches(t, rule.Stack.Resolve(rule.Properties["EventPattern"]), event) {
				matched += rule.LogicalID
				target := rule.Properties["Targets"].([]any)[0].(map[string]any)
				for name, path := range target["InputTransformer"].(map[string]any)["InputPathsMap"].(map[string]any) {
					assert.Contains(t, rule.Text("Targets", 0, "InputTransformer", "InputTemplate"), "<"+name+">")
					switch field(event, path.(string)).(type) {
					case []any, map[string]any:
						assert.Fail(t, "a list or an object breaks the quotes of the mail", "%s: %s", rule.LogicalID, path)
					}
				}
			}
		}
		assert.Equal(t, e.rule, matched, e.event)
		mailed[matched] = true
	}
	for _, rule := range rules {
		assert.True(t, mailed[rule.LogicalID], "%s mails nothing", rule.LogicalID)
		topic := "TicketTopic"
		if rule.LogicalID == "DatabaseFailed" || rule.LogicalID == "PageOver" { // users notice
			topic = "PageTopic"
		}
		assert.Equal(t, topic, Follow(t, rule, "Targets", 0, "Arn").LogicalID)
		for _, line := range strings.Split(rule.Text("Targets", 0, "InputTransformer", "InputTemplate"), "\n") {
			var text string
			require.NoError(t, json.Unmarshal([]byte(line), &text), "a line of a mail is a JSON text")
		}
	}
	assert.Empty(t, changed(t, "NoMonitoring", "Monitoring").OfType("AWS::Events::Rule"))
}

// matches reports whether EventBridge would take an event, for what our patterns use
// of its language: texts, numeric comparisons with 0, and $or.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
func matches(t *testing.T, pattern, event any) bool {
	t.Helper()
	switch p := pattern.(type) {
	case map[string]any:
		fields, ok := event.(map[string]any)
		for key, member := range p {
			if key == "$or" {
				if !slices.ContainsFunc(member.([]any), func(one any) bool { return matches(t, one, event) }) {
					return false
				}
				continue
			}
			if !ok || !matches(t, member, fields[key]) {
				return false
			}
		}
		return true
	case []any:
		if several, ok := event.([]any); ok {
			return slices.ContainsFunc(several, func(one any) bool { return matches(t, pattern, one) })
		}
		return slices.ContainsFunc(p, func(allowed any) bool {
			if condition, ok := allowed.(map[string]any); ok {
				require.Equal(t, []any{">", 0.0}, condition["numeric"])
				number, ok := event.(float64)
				return ok && number > 0
			}
			return allowed == event
		})
	}
	require.Fail(t, "no pattern", "%T", pattern)
	return false
}

func TestTheBudgetWarnsBeforeAndWhenItIsSpent(t *testing.T) {
	t.Parallel()
	env := Production()
	monitoring := StackOf(t, Direct(t), env, "Monitoring")
	budget := Only(t, monitoring, "AWS::Budgets::Budget")
	assert.Equal(t, "100", budget.Text("Budget", "BudgetLimit", "Amount"))
	assert.Equal(t, "user:Environment$prod", budget.Text("Budget", "CostFilters", "TagKeyValue", 0), "the tag that every resource has")
	assert.Empty(t, budget.Text("Budget", "BudgetName"), "a replacement could not take the name")
	var warnings []string
	for i := 0; budget.Text("NotificationsWithSubscribers", i, "Notification", "Threshold") != ""; i++ {
		warnings = append(warnings, budget.Text("NotificationsWithSubscribers", i, "Notification",
			"NotificationType")+" "+budget.Text("NotificationsWithSubscribers", i, "Notification", "Threshold"))
		assert.Equal(t, "TicketTopic", Follow(t, budget, "NotificationsWithSubscribers", i, "Subscribers", 0, "Address").LogicalID)
	}
	assert.Equal(t, []string{"ACTUAL 80", "ACTUAL 100", "FORECASTED 100"}, warnings)
	assert.Empty(t, changed(t, "NoMonitoring", "Monitoring").OfType("AWS::Budgets::Budget"))
}

// logLines are lines of a backend's log, and the metrics that count them.
var logLines = map[string][]string{
	`[Nest] 1  - 11/22/2026, 7:00:00 AM   ERROR [ExceptionsHandler] connect ECONNREFUSED`:                {"Errors"},
	`{"level":50,"time":1,"msg":"request errored","responseTime":12}`:                                    {"Errors", "Latency"},
	`{"level":"error","message":"boom"}`:                                                                 {"Errors"},
	`{"level":60,"time":1,"msg":"out of memory"}`:                                                        {"Errors"},
	`{"level":"fatal","message":"cannot start"}`:                                                         {"Errors"},
	`[Nest] 1  - 11/22/2026, 7:00:00 AM   FATAL [Bootstrap] no database`:                                 {"Errors"},
	`{"level":30,"req":{"url":"/api/me"},"res":{"statusCode":401},"responseTime":3}`:                     {"AuthenticationFailures", "Latency"},
	`[Nest] 1  - 11/22/2026, 7:00:00 AM    WARN [AuthGuard] Unauthorized`:                                {"AuthenticationFailures"},
	`[Nest] 1  - 11/22/2026, 7:00:00 AM     LOG [NestApplication] Nest application successfully started`: nil,
	`{"level":30,"res":{"statusCode":200},"responseTime":7}`:                                             {"Latency"},
}

func TestLogLinesAreCounted(t *testing.T) {
	t.Parallel()
	monitoring := StackOf(t, Direct(t), Production(), "Monitoring")
	filters := monitoring.OfType("AWS::Logs::MetricFilter")
	require.Len(t, filters, 3)
	compute := StackOf(t, Direct(t), Production(), "Compute")
	group, ok := compute.Target(compute.Output("BackendLogGroupName").Value)
	require.True(t, ok)
	counts := map[string]string{}
	for _, filter := range filters {
		counts[filter.Text("MetricTransformations", 0, "MetricName")] = filter.Text("MetricTransformations", 0, "MetricValue")
	}
	assert.Equal(t, map[string]string{"Errors": "1", "AuthenticationFailures": "1", "Latency": "$.responseTime"}, counts)
	for line, want := range logLines {
		var counted []string
		for _, filter := range filters {
			if selects(t, filter.Text("FilterPattern"), line) {
				counted = append(counted, filter.Text("MetricTransformations", 0, "MetricName"))
			}
			assert.Equal(t, group.Resource.Text("LogGroupName"), filter.Text("LogGroupName"), "the backend's log")
		}
		assert.ElementsMatch(t, want, counted, line)
	}
}

// selects reports whether a filter pattern takes a line, for what our patterns use:
// one of several terms, and a field that is there.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
func selects(t *testing.T, pattern, line string) bool {
	t.Helper()
	if field, ok := strings.CutPrefix(pattern, "{ $."); ok {
		var object map[string]any
		return json.Unmarshal([]byte(line), &object) == nil && object[strings.TrimSuffix(field, " = * }")] != nil
	}
	return slices.ContainsFunc(strings.Fields(pattern), func(term string) bool {
		term, ok := strings.CutPrefix(term, "?")
		require.True(t, ok, pattern)
		var quoted string
		if json.Unmarshal([]byte(term), &quoted) == nil {
			term = quoted
		}
		return strings.Contains(line, term)
	})
}

func TestTheDashboardIsOneOfTheFreeOnesAndNothingInItOverlaps(t *testing.T) {
	t.Parallel()
	for _, env := range Fixtures() {
		dashboard := Only(t, StackOf(t, Direct(t), env, "Monitoring"), "AWS::CloudWatch::Dashboard")
		var body struct {
			PeriodOverride string
			Widgets        []struct {
				Type                string
				X, Y, Width, Height int
				Properties          struct {
					Title   string
					Region  string
					Metrics [][]any
				}
			}
		}
		require.NoError(t, json.Unmarshal([]byte(dashboard.Text("DashboardBody")), &body))
		assert.Equal(t, "inherit", body.PeriodOverride, "a minute is a minute")
		taken := map[[2]int]string{}
		metrics := 0
		for _, w := range body.Widgets {
			for x := range w.Width {
				for y := range w.Height {
					at := [2]int{w.X + x, w.Y + y}
					assert.Less(t, at[0], 24)
					assert.Empty(t, taken[at], "%s lies over %s", w.Properties.Title, taken[at])
					taken[at] = w.Type + w.Properties.Title
				}
			}
			if w.Type == "metric" {
				assert.NotEmpty(t, w.Properties.Title)
				assert.Equal(t, env.Region, w.Properties.Region)
				assert.NotEmpty(t, w.Properties.Metrics, w.Properties.Title)
				metrics += len(w.Properties.Metrics)
			}
		}
		assert.LessOrEqual(t, metrics, 50, "more are no free dashboard")
		for _, title := range []string{"Traffic", "Errors", "Response times", "CPU", "Memory", "Connections"} {
			assert.Contains(t, slices.Collect(maps.Values(taken)), "metric"+title)
		}
	}
	assert.Empty(t, changed(t, "NoMonitoring", "Monitoring").OfType("AWS::CloudWatch::Dashboard"))
}

// A month's dollars, of what the environment's tag is on: of another time or another
// comparison the mails say something else, or never come.
func TestTheBudgetIsOfDollarsAMonth(t *testing.T) {
	t.Parallel()
	for _, env := range Fixtures() {
		budget := Only(t, StackOf(t, Direct(t), env, "Monitoring"), "AWS::Budgets::Budget")
		for property, want := range map[string]string{"BudgetType": "COST", "TimeUnit": "MONTHLY"} {
			assert.Equal(t, want, budget.Text("Budget", property), property)
		}
		assert.Equal(t, "USD", budget.Text("Budget", "BudgetLimit", "Unit"))
		assert.NotContains(t, Lookup(t, budget, "Budget"), "CostTypes", "AWS's default is what the bill says")
		for i := range Lookup(t, budget, "NotificationsWithSubscribers").([]any) {
			notification := func(path ...any) string {
				return budget.Text(append([]any{"NotificationsWithSubscribers", i}, path...)...)
			}
			assert.Equal(t, "GREATER_THAN", notification("Notification", "ComparisonOperator"))
			assert.Equal(t, "PERCENTAGE", notification("Notification", "ThresholdType"))
			assert.Equal(t, "SNS", notification("Subscribers", 0, "SubscriptionType"))
			assert.Len(t, Lookup(t, budget, "NotificationsWithSubscribers", i, "Subscribers"), 1)
		}
	}
}
