package stacks

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsbudgets"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"parrot/config"
)

// monitoring is the environment's stack while it is made.
type monitoring struct {
	stack awscdk.Stack
	env   config.Environment
	// topics are where mails come from, by severity.
	topics map[config.Severity]*string
	alarms *alarms
	// partition and account are references: one of each will do.
	partition, account string
}

// NewMonitoring makes the monitoring stack: alarms, events, dashboard and budget.
// Nothing needs it, and it is deployed last, so that no alarm watches what is not
// there yet. What the alarms mean is in package config, what to do in
// docs/runbook.md.
func NewMonitoring(scope constructs.Construct, env config.Environment, edge *Edge, compute *Compute) {
	stack := newStack(scope, env, config.MonitoringPart, "Alarms, events, dashboard and budget")
	// Names and parameters are no references between the stacks: say the order.
	stack.AddStackDependency(edge.Stack, nil)
	stack.AddStackDependency(compute.Stack, nil)

	m := &monitoring{
		stack: stack, env: env, topics: map[config.Severity]*string{}, alarms: newAlarms(stack, env),
		partition: *awscdk.Aws_PARTITION(), account: *awscdk.Aws_ACCOUNT_ID(),
	}
	m.addTopics()
	m.addLogMetrics()
	for _, alarm := range env.Alarms() {
		m.alarms.add(alarm, m.topics[alarm.Severity])
	}
	if env.Monitoring.Alarms != config.AlarmsNone {
		m.addEvents()
	}
	if env.Monitoring.Dashboard {
		m.addDashboard()
	}
	if env.Monitoring.BudgetUSD > 0 {
		m.addBudget()
	}
}

// addTopics makes a topic for each severity. They are always there: an empty one
// costs nothing.
func (m *monitoring) addTopics() {
	for _, topic := range []struct {
		severity config.Severity
		emails   []string
	}{
		{config.Page, m.env.Monitoring.PageEmails},
		{config.Ticket, m.env.Monitoring.TicketEmails},
	} {
		name := m.env.TopicName(topic.severity)
		arn := awssns.NewCfnTopic(m.stack, jsii.String(config.LogicalID(string(topic.severity))+"Topic"), &awssns.CfnTopicProps{
			TopicName:   &name,
			DisplayName: jsii.String(fmt.Sprintf("%s %s: %s", config.Project, m.env.Name, topic.severity)),
		}).Ref()
		m.topics[topic.severity] = arn
		// One for each: SNS wants a policy's statements to be of a single topic.
		awssns.NewCfnTopicPolicy(m.stack, jsii.String(config.LogicalID(string(topic.severity))+"TopicPolicy"), &awssns.CfnTopicPolicyProps{
			Topics:         &[]*string{arn},
			PolicyDocument: m.publishers(arn),
		})
		// Under a construct, a logical id ends in a hash: addresses may differ in a dot.
		subscriptions := constructs.NewConstruct(m.stack, jsii.String(config.LogicalID(string(topic.severity))+"Mails"))
		for _, email := range topic.emails {
			awssns.NewCfnSubscription(subscriptions, jsii.String("Mail to "+email), &awssns.CfnSubscriptionProps{
				TopicArn: arn, Protocol: jsii.String("email"), Endpoint: &email,
			})
		}
		output(m.stack, topic.severity.TopicOutput(), arn, "Where mails of this severity come from; subscribe what else should know")
	}
}

// publishers allows CloudWatch and Budgets of this account to publish. EventBridge
// uses its own role.
func (m *monitoring) publishers(topic *string) map[string]any {
	return document(
		map[string]any{
			"Sid": "Alarms", "Effect": "Allow", "Action": "sns:Publish", "Resource": topic, "Condition": m.fromHere(),
			"Principal": map[string]any{"Service": []string{"cloudwatch.amazonaws.com", "budgets.amazonaws.com"}},
		},
		map[string]any{
			"Sid": "TLSOnly", "Effect": "Deny", "Action": "sns:Publish", "Resource": topic, "Principal": "*",
			"Condition": map[string]any{"Bool": map[string]any{"aws:SecureTransport": "false"}},
		},
	)
}

// fromHere returns the condition that a service of AWS acts for this account.
func (m *monitoring) fromHere() map[string]any {
	return map[string]any{"StringEquals": map[string]any{"aws:SourceAccount": m.account}}
}

// arn returns that of a thing of this account and region.
func (m *monitoring) arn(service, resource string) string {
	return fmt.Sprintf("arn:%s:%s:%s:%s:%s", m.partition, service, m.env.Region, m.account, resource)
}

// addLogMetrics counts lines of logs.
func (m *monitoring) addLogMetrics() {
	for _, metric := range m.env.LogMetrics() {
		transformation := &awslogs.CfnMetricFilter_MetricTransformationProperty{
			MetricNamespace: jsii.String(m.env.MetricNamespace()),
			MetricName:      &metric.Name,
			MetricValue:     &metric.Value,
			Unit:            &metric.Unit,
		}
		awslogs.NewCfnMetricFilter(m.stack, jsii.String(metric.Name+"Filter"), &awslogs.CfnMetricFilterProps{
			LogGroupName:          &metric.LogGroupName,
			FilterPattern:         &metric.Pattern,
			MetricTransformations: []any{transformation},
		})
	}
}

// addDashboard makes the page that an operator keeps open.
func (m *monitoring) addDashboard() {
	name := m.env.DashboardName()
	awscloudwatch.NewCfnDashboard(m.stack, jsii.String("Dashboard"), &awscloudwatch.CfnDashboardProps{
		DashboardName: &name,
		DashboardBody: m.dashboard(),
	})
	output(m.stack, config.DashboardOutput, jsii.String(fmt.Sprintf(
		"https://%[1]s.console.aws.amazon.com/cloudwatch/home?region=%[1]s#dashboards/dashboard/%[2]s", m.env.Region, name)), "The dashboard")
}

// addBudget makes the month's budget. It gets no name from here: AWS replaces a
// budget when its mails change, and could not do so under the same name.
func (m *monitoring) addBudget() {
	notification := func(kind string, percent float64) any {
		return &awsbudgets.CfnBudget_NotificationWithSubscribersProperty{
			Notification: &awsbudgets.CfnBudget_NotificationProperty{
				NotificationType: &kind, ComparisonOperator: jsii.String("GREATER_THAN"),
				Threshold: &percent, ThresholdType: jsii.String("PERCENTAGE"),
			},
			Subscribers: []any{&awsbudgets.CfnBudget_SubscriberProperty{
				SubscriptionType: jsii.String("SNS"), Address: m.topics[config.Ticket],
			}},
		}
	}
	awsbudgets.NewCfnBudget(m.stack, jsii.String("Budget"), &awsbudgets.CfnBudgetProps{
		Budget: &awsbudgets.CfnBudget_BudgetDataProperty{
			BudgetType:  jsii.String("COST"),
			TimeUnit:    jsii.String("MONTHLY"),
			BudgetLimit: &awsbudgets.CfnBudget_SpendProperty{Amount: jsii.Number(m.env.Monitoring.BudgetUSD), Unit: jsii.String("USD")},
			// What carries the environment's tag. https://docs.aws.amazon.com/cost-management/latest/userguide/budgets-create-filters.html
			CostFilters: map[string][]string{"TagKeyValue": {"user:" + config.TagEnvironment + "$" + m.env.Name}},
		},
		NotificationsWithSubscribers: []any{notification("ACTUAL", 80), notification("ACTUAL", 100), notification("FORECASTED", 100)},
	})
}
