package delivery

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"

	"parrot/config"
	"parrot/internal/awsclient"
)

// linkedRoles are the service-linked roles that Parrot's stacks need, by
// service. AWS makes them on first use, and uses them before they are ready.
var linkedRoles = []struct{ service, role string }{
	{"ecs.amazonaws.com", "AWSServiceRoleForECS"},
	{"ecs.application-autoscaling.amazonaws.com", "AWSServiceRoleForApplicationAutoScaling_ECSService"},
	{"elasticache.amazonaws.com", "AWSServiceRoleForElastiCache"},
	{"elasticloadbalancing.amazonaws.com", "AWSServiceRoleForElasticLoadBalancing"},
	{"rds.amazonaws.com", "AWSServiceRoleForRDS"},
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
// CDK CLI. What is there already stays as it is.
func (d *Delivery) PlanBootstrap(ctx context.Context, ask Bootstrap) (*Plan, error) {
	env := ask.Environment
	session, err := awsclient.SignIn(ctx, ask.Profile, env.Region)
	if err != nil {
		return nil, err
	}
	if err := session.In(env.Name, env.Account); err != nil {
		return nil, err
	}
	p := &Plan{Environment: env.Name, goOn: "Run the same command again: what is there stays as it is."}
	roles := iam.NewFromConfig(session.Config)
	for _, linked := range linkedRoles {
		_, err := roles.GetRole(ctx, &iam.GetRoleInput{RoleName: &linked.role})
		if err == nil {
			continue
		}
		if absent := new(iamtypes.NoSuchEntityException); !errors.As(err, &absent) {
			return nil, fmt.Errorf("role %s cannot be looked up: %w", linked.role, err)
		}
		p.add("Make the service-linked role "+linked.role, func(ctx context.Context) error {
			_, err := roles.CreateServiceLinkedRole(ctx, &iam.CreateServiceLinkedRoleInput{AWSServiceName: aws.String(linked.service)})
			return err
		})
	}
	args := []string{"bootstrap", fmt.Sprintf("aws://%s/%s", session.Account, env.Region), "--termination-protection"}
	if ask.PipelineAccount != "" && ask.PipelineAccount != session.Account {
		args = append(args,
			"--trust", ask.PipelineAccount, "--trust-for-lookup", ask.PipelineAccount,
			// Trust is refused without naming what the trusted may do.
			"--cloudformation-execution-policies", fmt.Sprintf("arn:%s:iam::aws:policy/AdministratorAccess", session.Partition))
		p.Notes = append(p.Notes, fmt.Sprintf("account %s, which has the pipeline, may then deploy anything to account %s", ask.PipelineAccount, session.Account))
	}
	p.run(d, "Bootstrap the account and region", d.cdk(ask.Profile, args...))
	return p, nil
}
