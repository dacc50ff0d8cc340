package stacks

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/jsii-runtime-go"

	"parrot/config"
)

// alarms makes alarms in a stack.
type alarms struct {
	stack awscdk.Stack
	env   config.Environment
	// shared are the values of parameters that the stack reads already.
	shared map[string]*string
}

func newAlarms(stack awscdk.Stack, env config.Environment) *alarms {
	return &alarms{stack, env, map[string]*string{}}
}

// add makes an alarm that mails through a topic when it fires; nil mails nobody.
// An event rule mails that it is over (alarmsOver): an OK action would also mail for
// each new alarm that has its first data.
func (a *alarms) add(alarm config.Alarm, topic *string) awscloudwatch.CfnAlarm {
	props := &awscloudwatch.CfnAlarmProps{
		AlarmName:          jsii.String(a.env.AlarmName(alarm.ID)),
		AlarmDescription:   jsii.String(alarm.When() + ". What to do: " + a.env.Monitoring.RunbookURL + "#" + alarm.Section),
		ComparisonOperator: jsii.String("GreaterThanThreshold"),
		Threshold:          &alarm.Threshold,
		EvaluationPeriods:  jsii.Number(alarm.Periods),
		DatapointsToAlarm:  jsii.Number(alarm.Periods),
		TreatMissingData:   jsii.String(string(alarm.Missing)),
	}
	if alarm.Below {
		props.ComparisonOperator = jsii.String("LessThanThreshold")
	}
	if topic != nil {
		props.AlarmActions = &[]any{topic}
	}
	if alarm.Expression == "" {
		a.readMetric(props, alarm)
	} else {
		a.readExpression(props, alarm)
	}
	return awscloudwatch.NewCfnAlarm(a.stack, jsii.String(config.LogicalID(alarm.ID)), props)
}

func (a *alarms) readMetric(props *awscloudwatch.CfnAlarmProps, alarm config.Alarm) {
	metric := alarm.Metrics[0]
	props.Namespace, props.MetricName, props.Dimensions = &metric.Namespace, &metric.Name, a.dimensions(metric)
	props.Period = jsii.Number(alarm.PeriodSeconds)
	if strings.HasPrefix(metric.Statistic, "p") { // a percentile
		props.ExtendedStatistic = &metric.Statistic
	} else {
		props.Statistic = &metric.Statistic
	}
}

func (a *alarms) readExpression(props *awscloudwatch.CfnAlarmProps, alarm config.Alarm) {
	queries := []any{&awscloudwatch.CfnAlarm_MetricDataQueryProperty{
		Id: jsii.String("value"), Expression: &alarm.Expression, Label: jsii.String(cmp.Or(alarm.Label, alarm.Subject)),
		ReturnData: jsii.Bool(true),
	}}
	for _, metric := range alarm.Metrics {
		queries = append(queries, &awscloudwatch.CfnAlarm_MetricDataQueryProperty{
			Id: &metric.ID, ReturnData: jsii.Bool(false),
			MetricStat: &awscloudwatch.CfnAlarm_MetricStatProperty{
				Metric: &awscloudwatch.CfnAlarm_MetricProperty{
					Namespace: &metric.Namespace, MetricName: &metric.Name, Dimensions: a.dimensions(metric),
				},
				Period: jsii.Number(alarm.PeriodSeconds),
				Stat:   &metric.Statistic,
			},
		})
	}
	props.Metrics = queries
}

func (a *alarms) dimensions(metric config.Metric) []any {
	var dimensions []any
	for _, name := range slices.Sorted(maps.Keys(metric.Dimensions)) {
		dimensions = append(dimensions, &awscloudwatch.CfnAlarm_DimensionProperty{
			Name: &name, Value: a.value(metric.Dimensions[name]),
		})
	}
	return dimensions
}

// value returns a dimension's value: that of a parameter, or the text itself.
func (a *alarms) value(dimension string) *string {
	if !strings.HasPrefix(dimension, "/") {
		return &dimension
	}
	if a.shared[dimension] == nil {
		a.shared[dimension] = shared(a.stack, dimension)
	}
	return a.shared[dimension]
}
