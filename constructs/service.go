package constructs

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsecs"
	elb "github.com/aws/aws-cdk-go/awscdk/v2/awselasticloadbalancingv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// The capacity providers that AWS runs.
// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-capacity-providers.html
const (
	fargate     = "FARGATE"
	fargateSpot = "FARGATE_SPOT"
)

// ServiceProps are the properties of NewService.
type ServiceProps struct {
	// Name is the physical name of cluster, service and task family.
	Name string
	// ContainerName is the container's name, which an operator types to open a
	// shell in it, and the prefix of its log streams.
	ContainerName string
	// Image is the container's image.
	Image awsecs.ContainerImage
	// CPU is the task's CPU in units of 1/1024 vCPU.
	CPU int
	// MemoryMiB is the task's memory.
	MemoryMiB int
	// DesiredCount is the number of tasks.
	DesiredCount int
	// Variables are the container's environment variables in plain text.
	Variables map[string]string
	// Secrets are the environment variables that ECS reads from Secrets Manager
	// when a task starts.
	Secrets map[string]awsecs.Secret
	// SecretsRevision changes when what Secrets holds is meant to reach running
	// tasks: they read secrets only when they start.
	SecretsRevision string
	// MigrationCommand runs in a container of its own from the same image; the
	// service's container starts once it has succeeded. Empty runs nothing.
	MigrationCommand []string

	// VPC is where the tasks run.
	VPC awsec2.IVpc
	// Subnets are those of the tasks.
	Subnets *awsec2.SubnetSelection
	// AssignPublicIP gives each task a public address, its way out where there
	// is no NAT gateway.
	AssignPublicIP bool
	// SecurityGroup is that of the tasks.
	SecurityGroup awsec2.ISecurityGroup

	// Web is how the load balancer reaches the service. Nil is a service that no load
	// balancer calls.
	Web *WebProps

	// LogGroupName is the name of the containers' log group.
	LogGroupName string
	// LogRetentionDays is how long its logs are kept.
	LogRetentionDays int
	// LogRemovalPolicy says what happens to the logs when the stack is deleted.
	LogRemovalPolicy awscdk.RemovalPolicy
}

// WebProps are the properties of a service behind a rule of a load balancer's
// listener.
type WebProps struct {
	// Port is where the container listens. ECS registers each task with it in the
	// target group.
	Port int
	// Ingress is the rule that lets the load balancer reach the tasks on Port. No
	// task starts before it.
	Ingress constructs.IDependable
	// Listener is whose requests the service answers.
	Listener elb.IApplicationListener
	// Priority is the order of the service's rule on the listener.
	Priority int
	// Paths are the path patterns of the requests.
	Paths []string
	// TargetGroupPort is the port of targets that are registered without one, which
	// ECS never does. A change replaces the target group, so it is not Port.
	TargetGroupPort int
	// HealthCheck is how the load balancer asks a task whether it is healthy.
	HealthCheck *elb.HealthCheck
	// HealthCheckGracePeriodSeconds is how long a starting task may fail it.
	HealthCheckGracePeriodSeconds int
}

// Service is a Fargate service in a cluster of its own. It deploys without a gap,
// and rolls back when new tasks do not become healthy.
type Service struct {
	// Cluster holds the service alone.
	Cluster awsecs.Cluster
	// Service is the Fargate service.
	Service awsecs.FargateService
	// TargetGroup is where the load balancer sends requests to; nil without Web.
	TargetGroup elb.ApplicationTargetGroup
	// LogGroup has the containers' output.
	LogGroup awslogs.LogGroup
}

// NewService makes a Service.
func NewService(parent constructs.Construct, id string, props ServiceProps) Service {
	scope := constructs.NewConstruct(parent, &id)
	cluster := awsecs.NewCluster(scope, jsii.String("Cluster"), &awsecs.ClusterProps{
		ClusterName: &props.Name,
		Vpc:         props.VPC,
		// A shell in a task sees its secrets; a transcript would keep them.
		ExecuteCommandConfiguration: &awsecs.ExecuteCommandConfiguration{
			Logging: awsecs.ExecuteCommandLogging_NONE,
		},
	})
	// A launch type can never become a strategy: that replaces the service, under a
	// name that is taken. Spot is then a change of weights.
	providers := awsecs.NewCfnClusterCapacityProviderAssociations(scope, jsii.String("CapacityProviders"),
		&awsecs.CfnClusterCapacityProviderAssociationsProps{
			Cluster:           cluster.ClusterName(),
			CapacityProviders: &[]any{fargate, fargateSpot},
			DefaultCapacityProviderStrategy: []any{&awsecs.CfnClusterCapacityProviderAssociations_CapacityProviderStrategyProperty{
				CapacityProvider: jsii.String(fargate), Weight: jsii.Number(1),
			}},
		})
	logGroup := NewLogGroup(scope, "Logs", LogGroupProps{
		Name:          props.LogGroupName,
		RetentionDays: props.LogRetentionDays,
		RemovalPolicy: props.LogRemovalPolicy,
	})
	task := taskDefinition(scope, props, logGroup)
	serviceProps := &awsecs.FargateServiceProps{
		ServiceName:    &props.Name,
		Cluster:        cluster,
		TaskDefinition: task,
		CapacityProviderStrategies: &[]*awsecs.CapacityProviderStrategy{
			{CapacityProvider: jsii.String(fargate), Weight: jsii.Number(1)},
		},
		DesiredCount: jsii.Number(props.DesiredCount),
		// A new task is healthy before an old one is stopped.
		MinHealthyPercent:           jsii.Number(100),
		MaxHealthyPercent:           jsii.Number(200),
		CircuitBreaker:              &awsecs.DeploymentCircuitBreaker{Rollback: jsii.Bool(true)},
		AvailabilityZoneRebalancing: awsecs.AvailabilityZoneRebalancing_ENABLED,
		VpcSubnets:                  props.Subnets,
		AssignPublicIp:              &props.AssignPublicIP,
		SecurityGroups:              &[]awsec2.ISecurityGroup{props.SecurityGroup},
		EnableExecuteCommand:        jsii.Bool(true),
		PropagateTags:               awsecs.PropagatedTagSource_SERVICE,
	}
	if props.Web != nil {
		serviceProps.HealthCheckGracePeriod = seconds(props.Web.HealthCheckGracePeriodSeconds)
	}
	service := awsecs.NewFargateService(scope, jsii.String("Service"), serviceProps)
	// Otherwise the first tasks can start before they may read their secrets.
	service.Node().AddDependency(task.ObtainExecutionRole())
	// A delete removes the service first: the providers of a running one are in use.
	service.Node().AddDependency(providers)
	s := Service{Cluster: cluster, Service: service, LogGroup: logGroup}
	if props.Web != nil {
		s.TargetGroup = serve(scope, service, props)
	}
	return s
}

// serve puts a service behind its rule on the listener, and returns its target group.
func serve(scope constructs.Construct, service awsecs.FargateService, props ServiceProps) elb.ApplicationTargetGroup {
	web := props.Web
	targetGroup := elb.NewApplicationTargetGroup(scope, jsii.String("TargetGroup"), &elb.ApplicationTargetGroupProps{
		Vpc:                 props.VPC,
		Port:                jsii.Number(web.TargetGroupPort),
		Protocol:            elb.ApplicationProtocol_HTTP,
		TargetType:          elb.TargetType_IP,
		HealthCheck:         web.HealthCheck,
		DeregistrationDelay: seconds(30),
	})
	service.Node().AddDependency(web.Ingress)
	service.AttachToApplicationTargetGroup(targetGroup)
	// The service waits for its rule: ECS refuses a target group that no load
	// balancer uses. CfnListenerRule would not make it wait.
	elb.NewApplicationListenerRule(scope, jsii.String("Rule"), &elb.ApplicationListenerRuleProps{
		Listener:     web.Listener,
		Priority:     jsii.Number(web.Priority),
		Conditions:   &[]elb.ListenerCondition{elb.ListenerCondition_PathPatterns(jsii.Strings(web.Paths...))},
		TargetGroups: &[]elb.IApplicationTargetGroup{targetGroup},
	})
	return targetGroup
}

// RollBackOn makes ECS roll back to the last deployment when one of the alarms fires
// during a new one. With no alarms this disables the feature explicitly:
// CloudFormation keeps the old value of a property that a template omits.
func (s Service) RollBackOn(alarms ...*string) {
	s.Service.Node().DefaultChild().(awsecs.CfnService).AddPropertyOverride(jsii.String("DeploymentConfiguration.Alarms"), map[string]any{
		"AlarmNames": append([]*string{}, alarms...),
		"Enable":     len(alarms) > 0,
		"Rollback":   len(alarms) > 0,
	})
}

func taskDefinition(scope constructs.Construct, props ServiceProps, logGroup awslogs.ILogGroup) awsecs.TaskDefinition {
	task := awsecs.NewFargateTaskDefinition(scope, jsii.String("Task"), &awsecs.FargateTaskDefinitionProps{
		Family:         &props.Name,
		Cpu:            jsii.Number(props.CPU),
		MemoryLimitMiB: jsii.Number(props.MemoryMiB),
	})
	// Node.js as PID 1 neither handles SIGTERM nor reaps orphaned processes.
	linux := awsecs.NewLinuxParameters(scope, jsii.String("Linux"), &awsecs.LinuxParametersProps{InitProcessEnabled: jsii.Bool(true)})
	container := task.AddContainer(jsii.String("Container"), &awsecs.ContainerDefinitionOptions{
		ContainerName:   &props.ContainerName,
		Image:           props.Image,
		PortMappings:    ports(props.Web),
		Environment:     pointers(props.Variables),
		Secrets:         &props.Secrets,
		LinuxParameters: linux,
		DockerLabels:    labels(props),
		Logging:         logsTo(logGroup, props.ContainerName),
	})
	if len(props.MigrationCommand) > 0 {
		container.AddContainerDependencies(&awsecs.ContainerDependency{
			Condition: awsecs.ContainerDependencyCondition_SUCCESS,
			Container: task.AddContainer(jsii.String("Migration"), &awsecs.ContainerDefinitionOptions{
				ContainerName:   jsii.String("migration"),
				Image:           props.Image,
				Command:         jsii.Strings(props.MigrationCommand...),
				Essential:       jsii.Bool(false),
				Environment:     pointers(props.Variables),
				Secrets:         &props.Secrets,
				LinuxParameters: linux,
				Logging:         logsTo(logGroup, "migration"),
			}),
		})
	}
	return task
}

func ports(web *WebProps) *[]*awsecs.PortMapping {
	if web == nil {
		return nil
	}
	return &[]*awsecs.PortMapping{{ContainerPort: jsii.Number(web.Port)}}
}

// labels returns the container's labels: a change of one makes a new revision of the
// task definition.
func labels(props ServiceProps) *map[string]*string {
	if props.SecretsRevision == "" {
		return nil
	}
	return &map[string]*string{"secrets-revision": &props.SecretsRevision}
}

func logsTo(logGroup awslogs.ILogGroup, streamPrefix string) awsecs.LogDriver {
	return awsecs.LogDrivers_AwsLogs(&awsecs.AwsLogDriverProps{
		LogGroup:     logGroup,
		StreamPrefix: &streamPrefix,
	})
}

func seconds(n int) awscdk.Duration { return awscdk.Duration_Seconds(jsii.Number(n)) }

func pointers(m map[string]string) *map[string]*string {
	out := make(map[string]*string, len(m))
	for key, value := range m {
		out[key] = &value
	}
	return &out
}
