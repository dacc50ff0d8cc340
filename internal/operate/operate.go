// Package operate reads the state of a deployed environment, for the person on call.
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
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"

	"parrot/config"
	"parrot/internal/awsclient"
)

// Environment is a deployed environment, as AWS describes it.
type Environment struct {
	config  config.Environment
	session *awsclient.Session
	dns     Delegation
	// Clock returns the time; tests set another one.
	Clock func() time.Time

	stacks       *cloudformation.Client
	ecs          *ecs.Client
	elb          *elb.Client
	rds          *rds.Client
	acm          *acm.Client
	route53      *route53.Client
	alarms       *cloudwatch.Client
	logs         *cloudwatchlogs.Client
	logsInterval time.Duration
}

// New returns an environment that is read with a session. dns asks DNS.
func New(env config.Environment, session *awsclient.Session, dns Delegation) *Environment {
	cfg := session.Config.Copy()
	cfg.APIOptions = append(slices.Clone(cfg.APIOptions), nameThePermission)
	named := *session
	named.Config = cfg
	return &Environment{
		config: env, session: &named, dns: dns, Clock: time.Now,
		stacks:       cloudformation.NewFromConfig(cfg),
		ecs:          ecs.NewFromConfig(cfg),
		elb:          elb.NewFromConfig(cfg),
		rds:          rds.NewFromConfig(cfg),
		acm:          acm.NewFromConfig(cfg),
		route53:      route53.NewFromConfig(cfg),
		alarms:       cloudwatch.NewFromConfig(cfg),
		logs:         cloudwatchlogs.NewFromConfig(cfg),
		logsInterval: logsInterval,
	}
}

// Denied is the error that the caller has no permission for a call.
type Denied struct {
	// Permission is the IAM action that is missing, as a policy names it.
	Permission string
	err        error
}

func (d *Denied) Error() string {
	return fmt.Sprintf("you may not %s; ask for this permission, or sign in as somebody who has it (--profile)", d.Permission)
}

func (d *Denied) Unwrap() error { return d.err }

// prefixes are IAM's names of services that are not the SDK's in lower case without
// spaces.
var prefixes = map[string]string{
	"Elastic Load Balancing v2": "elasticloadbalancing",
	"CloudWatch Logs":           "logs",
}

// nameThePermission adds the missing permission to the errors of calls that AWS denies.
func nameThePermission(stack *middleware.Stack) error {
	return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("NameThePermission", func(ctx context.Context,
		in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
		out, metadata, err := next.HandleInitialize(ctx, in)
		var refused smithy.APIError
		if errors.As(err, &refused) &&
			(strings.Contains(refused.ErrorCode(), "AccessDenied") || strings.Contains(refused.ErrorCode(), "UnauthorizedOperation")) {
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

// Plain returns an error of AWS in few words.
func Plain(err error) string {
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

// Settings returns the settings of the environment.
func (e *Environment) Settings() config.Environment { return e.config }

// Session returns the session that the environment is read with.
func (e *Environment) Session() *awsclient.Session { return e.session }

// DataService returns the first service whose tasks may call the database: the way to
// it leads through them, and its log says why they cannot reach it.
func (e *Environment) DataService() config.Workload {
	for _, service := range e.config.Services() {
		if service.ReachesData {
			return service
		}
	}
	return config.Workload{}
}
