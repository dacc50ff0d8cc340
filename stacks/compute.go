package stacks

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsecr"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsecs"
	elb "github.com/aws/aws-cdk-go/awscdk/v2/awselasticloadbalancingv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"parrot/config"
	blocks "parrot/constructs"
)

// The ports of the target groups as they are described. ECS registers each task
// with the port of its container, so a change of a setting does not reach them.
const (
	backendTargetGroupPort  = 3001
	frontendTargetGroupPort = 3000
)

// unreleased is the tag that a task definition names before there is an image.
// No task is started from it.
const unreleased = "unreleased"

// Compute is the two services.
type Compute struct {
	Stack             awscdk.Stack
	Backend, Frontend blocks.WebService
}

// NewCompute makes the compute stack.
func NewCompute(scope constructs.Construct, env config.Environment, network *Network, registry *Registry, data *Data, edge *Edge) *Compute {
	stack := newStack(scope, env, "Compute", "Backend and front end on Fargate")

	backend := webService(env, network, edge, "backend", env.Backend.Service)
	backend.Image = image(registry.Backend, env.Backend.Service)
	backend.SecurityGroup = network.Backend.Group
	backend.Ingress = network.AllowFromLoadBalancer(stack, "Backend", network.Backend, env.Backend.Port)
	backend.TargetGroupPort = backendTargetGroupPort
	backend.Priority = backendPriority
	// "/api/*" does not match "/api".
	backend.Paths = []string{"/" + env.Backend.APIPrefix, "/" + env.Backend.APIPrefix + "/*"}
	backend.Variables = env.BackendVariables()
	backend.Secrets = backendSecrets(env, data)
	backend.SecretsRevision = env.Backend.JWTExpiresIn + " " + env.Backend.JWTRefreshExpiresIn
	backend.MigrationCommand = env.Backend.MigrationCommand

	frontend := webService(env, network, edge, "frontend", env.Frontend.Service)
	frontend.Image = image(registry.Frontend, env.Frontend.Service)
	frontend.SecurityGroup = network.Frontend.Group
	frontend.Ingress = network.AllowFromLoadBalancer(stack, "Frontend", network.Frontend, env.Frontend.Port)
	frontend.TargetGroupPort = frontendTargetGroupPort
	frontend.Priority = frontendPriority
	frontend.Paths = []string{"/*"}
	frontend.Variables = env.FrontendVariables()

	c := &Compute{
		Stack:    stack,
		Backend:  blocks.NewWebService(stack, "Backend", backend),
		Frontend: blocks.NewWebService(stack, "Frontend", frontend),
	}
	c.watch(env, "backend", c.Backend, env.Backend.Service)
	c.watch(env, "frontend", c.Frontend, env.Frontend.Service)
	return c
}

// watch shows what operators and alarms need of a service, and makes ECS take
// back a release that answers with errors, where that is wanted.
func (c *Compute) watch(env config.Environment, name string, service blocks.WebService, settings config.Service) {
	serviceOutputs(c.Stack, constructID(name), service)
	targetGroup, parameter := service.TargetGroup.TargetGroupFullName(), config.TargetGroupParameter(name)
	share(c.Stack, env, constructID(name)+"TargetGroupFullName", parameter, "The target group's name in metrics", targetGroup)

	var names []*string
	if env.Monitoring.RollbackOnErrors && settings.RunningCount() > 0 {
		// ECS wants an alarm that is there before the service: this stack's own.
		alarms := newAlarms(c.Stack, env)
		alarms.shared[env.Parameter(parameter)] = targetGroup
		names = append(names, alarms.add(env.RollbackAlarm(name), nil).Ref())
	}
	service.RollBackOn(names...)
}

// webService is what both services have in common.
func webService(env config.Environment, network *Network, edge *Edge, name string, s config.Service) blocks.WebServiceProps {
	subnets, public := network.Public, true
	if env.Network.TaskSubnets == config.TasksPrivate {
		subnets, public = network.Private, false
	}
	return blocks.WebServiceProps{
		Name:          env.PhysicalName(name),
		ContainerName: name,
		Port:          s.Port,
		CPU:           s.CPU,
		MemoryMiB:     s.MemoryMiB,
		DesiredCount:  s.RunningCount(),

		VPC:            network.VPC,
		Subnets:        &awsec2.SubnetSelection{Subnets: subnets.Subnets},
		AssignPublicIP: public,

		Listener: edge.HTTPS,
		HealthCheck: &elb.HealthCheck{
			Path:                    &s.HealthCheck.Path,
			HealthyHttpCodes:        jsii.String("200"),
			Interval:                awscdk.Duration_Seconds(jsii.Number(s.HealthCheck.IntervalSeconds)),
			Timeout:                 awscdk.Duration_Seconds(jsii.Number(s.HealthCheck.TimeoutSeconds)),
			HealthyThresholdCount:   jsii.Number(s.HealthCheck.HealthyThreshold),
			UnhealthyThresholdCount: jsii.Number(s.HealthCheck.UnhealthyThreshold),
		},
		HealthCheckGracePeriodSeconds: s.HealthCheck.GracePeriodSeconds,

		LogGroupName:     "/aws/ecs/" + env.PhysicalName(name),
		LogRetentionDays: env.LogRetentionDays,
		LogRemovalPolicy: dataRemoval(env),
	}
}

// image is the released image in the service's repository.
func image(repository awsecr.IRepository, s config.Service) awsecs.ContainerImage {
	reference := s.Image.Reference()
	if !s.Image.Released() {
		reference = unreleased
	}
	return awsecs.ContainerImage_FromEcrRepository(repository, &reference)
}

// backendSecrets are the variables that ECS reads from Secrets Manager.
func backendSecrets(env config.Environment, data *Data) map[string]awsecs.Secret {
	key := func(secret awssecretsmanager.ISecret, name string) awsecs.Secret {
		return awsecs.Secret_FromSecretsManager(secret, &name)
	}
	secrets := map[string]awsecs.Secret{"DATABASE_URL": key(data.DBCredentials, urlKey)}
	for _, name := range []string{jwtSecret, jwtRefreshSecret, jwtExpiresIn, jwtRefreshExpiresIn} {
		secrets[name] = key(data.AppEnv, name)
	}
	if env.Redis.Enabled {
		secrets[redisURL] = key(data.AppEnv, redisURL)
	}
	return secrets
}

// serviceOutputs shows what an operator's commands need.
func serviceOutputs(stack awscdk.Stack, name string, s blocks.WebService) {
	output(stack, "Ecs"+name+"ClusterId", s.Cluster.ClusterArn(), "Cluster of the service")
	output(stack, "Ecs"+name+"ServiceName", s.Service.ServiceName(), "Name of the service")
	output(stack, name+"TargetGroupArn", s.TargetGroup.TargetGroupArn(), "Target group, for describe-target-health")
	output(stack, name+"LogGroupName", s.LogGroup.LogGroupName(), "Log group, for aws logs tail")
}
