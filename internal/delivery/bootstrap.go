package delivery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"

	"parrot/config"
	"parrot/internal/awsclient"
)

// linkedServices are the services that act in the account with a service-linked
// role. AWS makes such a role on first use, and uses it before it is ready.
var linkedServices = []string{
	"ecs.amazonaws.com",
	"ecs.application-autoscaling.amazonaws.com",
	"elasticache.amazonaws.com",
	"elasticloadbalancing.amazonaws.com",
	"rds.amazonaws.com",
}

// Bootstrap is what `parrotctl bootstrap` was asked for.
type Bootstrap struct {
	// Environment is whose account and region are prepared.
	Environment config.Environment
	// PipelineAccount is the account of the pipeline that deploys it; empty
	// where no pipeline does.
	PipelineAccount string
	// Profile is the AWS profile; empty is the default one.
	Profile string
}

// PlanBootstrap plans to prepare an environment's account and region for the
// CDK CLI. It does not change what exists. It refuses an environment with zones that
// the account or Fargate does not have: they cannot change later.
func (d *Delivery) PlanBootstrap(ctx context.Context, ask Bootstrap) (*Plan, error) {
	env := ask.Environment
	session, err := sessionIn(ctx, env, ask.Profile)
	if err != nil {
		return nil, err
	}
	zones, err := Zones(ctx, session)
	if err != nil {
		return nil, err
	}
	if err := env.CheckZones(zones); err != nil {
		return nil, err
	}
	p := &Plan{Environment: env.Name, next: "Run the same command again: it does not change what exists."}
	roles := iam.NewFromConfig(session.Config)
	for _, service := range linkedServices {
		path := "/aws-service-role/" + service + "/"
		existing, err := roles.ListRoles(ctx, &iam.ListRolesInput{PathPrefix: &path})
		if err != nil {
			return nil, fmt.Errorf("the service-linked role of %s cannot be looked up: %w", service, err)
		}
		if len(existing.Roles) > 0 {
			continue
		}
		p.add("Make the service-linked role of "+service, func(ctx context.Context) error {
			_, err := roles.CreateServiceLinkedRole(ctx, &iam.CreateServiceLinkedRoleInput{AWSServiceName: &service})
			// "has been taken": somebody, or a try whose answer was lost, made it.
			if taken := new(iamtypes.InvalidInputException); errors.As(err, &taken) && strings.Contains(taken.ErrorMessage(), "has been taken") {
				return nil
			}
			return err
		})
	}
	args := []string{"bootstrap", fmt.Sprintf("aws://%s/%s", session.Account, env.Region), "--termination-protection"}
	if ask.PipelineAccount != "" && ask.PipelineAccount != session.Account {
		// A flag replaces the old value: keep the other trusted accounts, and the
		// policies that somebody has set.
		now, err := bootstrapped(ctx, session)
		if err != nil {
			return nil, err
		}
		policies := now["CloudFormationExecutionPolicies"]
		if policies == "" { // trust is refused without naming what the trusted may do
			policies = fmt.Sprintf("arn:%s:iam::aws:policy/AdministratorAccess", session.Partition)
			p.Notes = append(p.Notes,
				fmt.Sprintf("account %s, which has the pipeline, may then deploy anything to account %s", ask.PipelineAccount, session.Account))
		}
		args = append(args,
			"--trust", with(now["TrustedAccounts"], ask.PipelineAccount),
			"--trust-for-lookup", with(now["TrustedAccountsForLookup"], ask.PipelineAccount),
			"--cloudformation-execution-policies", policies)
	}
	p.run(d, "Bootstrap the account and region", d.cdk(ask.Profile, args...))
	return p, nil
}

// bootstrapped returns the parameters with which an account and region were
// bootstrapped, or none.
func bootstrapped(ctx context.Context, session *awsclient.Session) (map[string]string, error) {
	const stack = "CDKToolkit"
	parameters := map[string]string{}
	out, err := cloudformation.NewFromConfig(session.Config).DescribeStacks(ctx,
		&cloudformation.DescribeStacksInput{StackName: aws.String(stack)})
	if awsclient.NoSuchStack(err) {
		return parameters, nil
	}
	if err != nil {
		return nil, fmt.Errorf("stack %s cannot be read: %w", stack, err)
	}
	for _, parameter := range out.Stacks[0].Parameters {
		parameters[aws.ToString(parameter.ParameterKey)] = aws.ToString(parameter.ParameterValue)
	}
	return parameters, nil
}

// with returns a list of accounts, separated by commas, with one more.
func with(list, account string) string {
	accounts := slices.DeleteFunc(strings.Split(list, ","), func(a string) bool { return a == "" || a == account })
	return strings.Join(append(accounts, account), ",")
}
