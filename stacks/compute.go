package stacks

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsecr"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsecs"
	elb "github.com/aws/aws-cdk-go/awscdk/v2/awselasticloadbalancingv2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"parrot/config"
	blocks "parrot/constructs"
)

// unreleased is the tag that a task definition names before there is an image.
// No task is started from it.
const unreleased = "unreleased"

// Compute is the services.
type Compute struct {
	Stack awscdk.Stack
	// Services are by their names.
	Services map[string]blocks.Service
}

// NewCompute makes the compute stack.
func NewCompute(scope constructs.Construct, env config.Environment, network *Network, registry *Registry, data *Data, edge *Edge) *Compute {
	stack := newStack(scope, env, config.ComputePart, "Services on Fargate")
	c := &Compute{Stack: stack, Services: map[string]blocks.Service{}}
	services := env.Services()
	for _, s := range services {
		props := serviceProps(env, network, s)
		props.Image = image(registry.Repositories[s.ImageFrom], s.Image)
		props.Secrets = secrets(data, s)
		if s.Web != nil {
			props.Web = webProps(s)
			props.Web.Listener = edge.HTTPS
			props.Web.Ingress = network.AllowFromLoadBalancer(stack, s)
		}
		c.Services[s.Name] = blocks.NewService(stack, s.ID(), props)
	}
	for _, s := range services {
		c.watch(env, s)
	}
	return c
}

// watch shows what operators and alarms need of a service, and makes ECS roll a
// deployment back that answers with errors, where the settings want it.
func (c *Compute) watch(env config.Environment, s config.Workload) {
	service := c.Services[s.Name]
	output(c.Stack, s.ClusterOutput(), service.Cluster.ClusterArn(), "Cluster of the service")
	output(c.Stack, s.ServiceOutput(), service.Service.ServiceName(), "Name of the service")
	output(c.Stack, s.LogGroupOutput(), service.LogGroup.LogGroupName(), "Log group, for aws logs tail")
	var names []*string
	if s.Web != nil {
		output(c.Stack, s.TargetGroupOutput(), service.TargetGroup.TargetGroupArn(), "Target group, for describe-target-health")
		targetGroup, parameter := service.TargetGroup.TargetGroupFullName(), s.TargetGroupParameter()
		share(c.Stack, env, s.ID()+"TargetGroupFullName", parameter, "The target group's name in metrics", targetGroup)
		if env.Monitoring.RollbackOnErrors && s.RunningCount() > 0 {
			// ECS needs an alarm that exists before the service: this stack's own.
			alarms := newAlarms(c.Stack, env)
			alarms.shared[env.ParameterName(parameter)] = targetGroup
			names = append(names, alarms.add(env.RollbackAlarm(s), nil).Ref())
		}
	}
	service.RollBackOn(names...)
}

// serviceProps returns the properties that all services have.
func serviceProps(env config.Environment, network *Network, s config.Workload) blocks.ServiceProps {
	subnets, public := network.Public, true
	if env.Network.TaskSubnets == config.TasksPrivate {
		subnets, public = network.Private, false
	}
	return blocks.ServiceProps{
		Name:             s.PhysicalName(),
		ContainerName:    s.Name,
		CPU:              s.CPU,
		MemoryMiB:        s.MemoryMiB,
		DesiredCount:     s.RunningCount(),
		Variables:        s.Variables,
		SecretsRevision:  s.SecretsRevision,
		MigrationCommand: s.MigrationCommand,

		VPC:            network.VPC,
		Subnets:        &awsec2.SubnetSelection{Subnets: subnets.Subnets},
		AssignPublicIP: public,
		SecurityGroup:  network.Services[s.Name].Group,

		LogGroupName:     s.LogGroupName(),
		LogRetentionDays: env.LogRetentionDays,
		LogRemovalPolicy: dataRemoval(env),
	}
}

// webProps returns the properties of a service behind the load balancer.
func webProps(s config.Workload) *blocks.WebProps {
	check := s.Web.HealthCheck
	return &blocks.WebProps{
		Port:            s.Web.Port,
		TargetGroupPort: s.Web.TargetGroupPort,
		Priority:        s.Web.Priority,
		Paths:           s.Web.Paths,
		HealthCheck: &elb.HealthCheck{
			Path:                    &check.Path,
			HealthyHttpCodes:        jsii.String("200"),
			Interval:                awscdk.Duration_Seconds(jsii.Number(check.IntervalSeconds)),
			Timeout:                 awscdk.Duration_Seconds(jsii.Number(check.TimeoutSeconds)),
			HealthyThresholdCount:   jsii.Number(check.HealthyThreshold),
			UnhealthyThresholdCount: jsii.Number(check.UnhealthyThreshold),
		},
		HealthCheckGracePeriodSeconds: check.GracePeriodSeconds,
	}
}

// image returns the released image in a service's repository.
func image(repository awsecr.IRepository, released config.Image) awsecs.ContainerImage {
	reference := released.Reference()
	if !released.Released() {
		reference = unreleased
	}
	return awsecs.ContainerImage_FromEcrRepository(repository, &reference)
}

// secrets returns the variables that ECS reads from Secrets Manager.
func secrets(data *Data, s config.Workload) map[string]awsecs.Secret {
	variables := map[string]awsecs.Secret{}
	for _, variable := range s.Secrets {
		variables[variable.Name] = awsecs.Secret_FromSecretsManager(data.Secrets[variable.Secret], &variable.Key)
	}
	return variables
}
