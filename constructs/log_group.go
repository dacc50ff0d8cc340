// Package constructs holds pieces that would make sense in another company's
// app: plain Go values in, a resource or a few out. They assume valid input.
package constructs

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/constructs-go/constructs/v10"
)

// LogGroupProps are the properties of NewLogGroup.
type LogGroupProps struct {
	// Name is the group's name. Empty lets AWS choose one, for a group that
	// comes and goes with a setting: the name of a kept group could not be used
	// again.
	Name string
	// RetentionDays is one of the periods that CloudWatch Logs offers.
	RetentionDays int
	// RemovalPolicy says what happens to the logs when the group is removed.
	RemovalPolicy awscdk.RemovalPolicy
}

// NewLogGroup makes a log group whose retention is a number of days.
func NewLogGroup(scope constructs.Construct, id string, props LogGroupProps) awslogs.LogGroup {
	var name *string
	if props.Name != "" {
		name = &props.Name
	}
	return awslogs.NewLogGroup(scope, &id, &awslogs.LogGroupProps{
		LogGroupName:  name,
		Retention:     retentions[props.RetentionDays],
		RemovalPolicy: props.RemovalPolicy,
	})
}

var retentions = map[int]awslogs.RetentionDays{
	1:    awslogs.RetentionDays_ONE_DAY,
	3:    awslogs.RetentionDays_THREE_DAYS,
	5:    awslogs.RetentionDays_FIVE_DAYS,
	7:    awslogs.RetentionDays_ONE_WEEK,
	14:   awslogs.RetentionDays_TWO_WEEKS,
	30:   awslogs.RetentionDays_ONE_MONTH,
	60:   awslogs.RetentionDays_TWO_MONTHS,
	90:   awslogs.RetentionDays_THREE_MONTHS,
	120:  awslogs.RetentionDays_FOUR_MONTHS,
	150:  awslogs.RetentionDays_FIVE_MONTHS,
	180:  awslogs.RetentionDays_SIX_MONTHS,
	365:  awslogs.RetentionDays_ONE_YEAR,
	400:  awslogs.RetentionDays_THIRTEEN_MONTHS,
	545:  awslogs.RetentionDays_EIGHTEEN_MONTHS,
	731:  awslogs.RetentionDays_TWO_YEARS,
	1096: awslogs.RetentionDays_THREE_YEARS,
	1827: awslogs.RetentionDays_FIVE_YEARS,
	2192: awslogs.RetentionDays_SIX_YEARS,
	2557: awslogs.RetentionDays_SEVEN_YEARS,
	2922: awslogs.RetentionDays_EIGHT_YEARS,
	3288: awslogs.RetentionDays_NINE_YEARS,
	3653: awslogs.RetentionDays_TEN_YEARS,
}
