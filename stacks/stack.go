// Package stacks deploys: network, registry, data, edge, compute and monitoring. A stack
// takes the environment's settings and what it needs of other stacks, and returns
// what others need of it.
package stacks

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsssm"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"parrot/config"
)

// newStack makes one of the environment's stacks: Parrot{Environment}{part}. Its
// name is explicit, so that a copy inside a pipeline's stage has the same.
func newStack(scope constructs.Construct, env config.Environment, part config.Part, description string) awscdk.Stack {
	name := env.StackName(part)
	stack := awscdk.NewStack(scope, &name, &awscdk.StackProps{
		StackName:             &name,
		Description:           &description,
		Env:                   where(env.Account, env.Region),
		TerminationProtection: &env.TerminationProtection,
	})
	tags := awscdk.Tags_Of(stack)
	// CDK tags these, which CloudFormation does not take in every region yet.
	taggable := &awscdk.TagProps{ExcludeResourceTypes: jsii.Strings(
		"AWS::CloudWatch::Dashboard",
		"AWS::ElasticLoadBalancingV2::Listener",
		"AWS::ElasticLoadBalancingV2::ListenerRule",
	)}
	for _, tag := range []struct{ key, value string }{
		{config.TagProject, config.Project},
		{config.TagEnvironment, env.Name},
		{config.TagManagedBy, "cdk"},
		{config.TagCostCenter, env.CostCenter},
	} {
		tags.Add(&tag.key, &tag.value, taggable)
	}
	return stack
}

// where returns an account and a region. No account means the one that the CLI is
// signed in to.
func where(account, region string) *awscdk.Environment {
	environment := &awscdk.Environment{Region: &region}
	if account != "" {
		environment.Account = &account
	}
	return environment
}

// output shows a value to operators and to parrotctl. It is no export: other stacks
// share references, not outputs.
func output(stack awscdk.Stack, o config.Output, value *string, description string) {
	awscdk.NewCfnOutput(stack, &o.Name, &awscdk.CfnOutputProps{Value: value, Description: &description})
}

// share gives other stacks a value that a setting may change while they use it. The
// value of an export cannot change then:
// docs/decisions/0004-zone-id-in-a-parameter.md.
func share(stack awscdk.Stack, env config.Environment, id string, parameter config.Parameter, description string, value *string) {
	awsssm.NewStringParameter(stack, &id, &awsssm.StringParameterProps{
		ParameterName: jsii.String(env.ParameterName(parameter)),
		Description:   &description,
		StringValue:   value,
	})
}

// shared returns a value that another stack shares, as it is when this stack is
// deployed. The caller has to add the dependency on the other stack.
func shared(stack awscdk.Stack, parameter string) *string {
	return awsssm.StringParameter_ValueForStringParameter(stack, &parameter, nil)
}

// dataRemoval returns what happens to resources with data when their stack is
// deleted. A failed first deploy deletes them in any case: they hold no data yet, and
// their names would conflict with the next try.
func dataRemoval(env config.Environment) awscdk.RemovalPolicy {
	if env.RetainData {
		return awscdk.RemovalPolicy_RETAIN_ON_UPDATE_OR_DELETE
	}
	return awscdk.RemovalPolicy_DESTROY
}

// join joins values to one output.
func join(values *[]*string) *string {
	return awscdk.Fn_Join(jsii.String(","), values)
}
