// Package operate reads how a deployed environment is, for the person on call.
// It finds everything through the outputs of the environment's stacks, and
// changes nothing.
package operate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/acm"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"

	"parrot/config"
	"parrot/internal/awsclient"
)

// Services are the services of every environment, in the order they are shown.
var Services = []string{"backend", "frontend"}

// Environment is a deployed environment, as AWS tells of it.
type Environment struct {
	config  config.Environment
	session *awsclient.Session
	dns     Delegation
	now     func() time.Time

	stacks       *cloudformation.Client
	ecs          *ecs.Client
	elb          *elb.Client
	ec2          *ec2.Client
	rds          *rds.Client
	acm          *acm.Client
	route53      *route53.Client
	alarms       *cloudwatch.Client
	logs         *cloudwatchlogs.Client
	secrets      *secretsmanager.Client
	logsInterval time.Duration
}

// New reads an environment with a session. DNS is asked through dns.
func New(env config.Environment, session *awsclient.Session, dns Delegation) *Environment {
	cfg := session.Config.Copy()
	cfg.APIOptions = append(slices.Clone(cfg.APIOptions), nameThePermission)
	named := *session
	named.Config = cfg
	return &Environment{
		config: env, session: &named, dns: dns, now: time.Now,
		stacks:       cloudformation.NewFromConfig(cfg),
		ecs:          ecs.NewFromConfig(cfg),
		elb:          elb.NewFromConfig(cfg),
		ec2:          ec2.NewFromConfig(cfg),
		rds:          rds.NewFromConfig(cfg),
		acm:          acm.NewFromConfig(cfg),
		route53:      route53.NewFromConfig(cfg),
		alarms:       cloudwatch.NewFromConfig(cfg),
		logs:         cloudwatchlogs.NewFromConfig(cfg),
		secrets:      secretsmanager.NewFromConfig(cfg),
		logsInterval: logsInterval,
	}
}

// Denied is the error that the caller may not do a call.
type Denied struct {
	// Permission is the IAM action that is missing, as a policy names it.
	Permission string
	err        error
}

func (d *Denied) Error() string {
	return fmt.Sprintf("you may not %s; ask for this permission, or sign in as somebody who has it (--profile)", d.Permission)
}

func (d *Denied) Unwrap() error { return d.err }

// prefixes are IAM's names of services, where they are not the SDK's in lower
// case without spaces.
var prefixes = map[string]string{
	"Elastic Load Balancing v2": "elasticloadbalancing",
	"CloudWatch Logs":           "logs",
}

// nameThePermission makes every call that AWS denies say what it lacked.
func nameThePermission(stack *middleware.Stack) error {
	return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("NameThePermission", func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
		out, metadata, err := next.HandleInitialize(ctx, in)
		var refused smithy.APIError
		if errors.As(err, &refused) && (strings.Contains(refused.ErrorCode(), "AccessDenied") || strings.Contains(refused.ErrorCode(), "UnauthorizedOperation")) {
			service := awsmiddleware.GetServiceID(ctx)
			prefix := prefixes[service]
			if prefix == "" {
				prefix = strings.ToLower(strings.ReplaceAll(service, " ", ""))
			}
			err = &Denied{prefix + ":" + awsmiddleware.GetOperationName(ctx), err}
		}
		return out, metadata, err
	}), middleware.After)
}

// plain is an error of AWS in the fewest words that still say what it is.
func plain(err error) string {
	var denied *Denied
	if errors.As(err, &denied) {
		return denied.Error()
	}
	var refused smithy.APIError
	if errors.As(err, &refused) {
		return fmt.Sprintf("%s: %s", refused.ErrorCode(), refused.ErrorMessage())
	}
	return err.Error()
}

// service is the settings of a service.
func (e *Environment) service(name string) config.Service {
	if name == "frontend" {
		return e.config.Frontend.Service
	}
	return e.config.Backend.Service
}

// parrotctl is how a command of Parrot's is pasted.
func parrotctl(args ...string) string {
	return strings.Join(append([]string{"go run ./cmd/parrotctl"}, args...), " ")
}
