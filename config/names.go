package config

import "strings"

// Project is the product's name: the first part of every physical name, and the
// value of the tag Project.
const Project = "parrot"

// BootstrapQualifier is part of the names of the roles that cdk bootstrap makes.
// https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-customizing.html
const BootstrapQualifier = "hnb659fds"

// The keys of the tags on every resource.
const (
	TagProject     = "Project"
	TagEnvironment = "Environment"
	TagManagedBy   = "ManagedBy"
	TagCostCenter  = "CostCenter"
)

// Part is one of the stacks of an environment.
type Part string

// The stacks of an environment.
const (
	NetworkPart    Part = "Network"
	RegistryPart   Part = "Registry"
	DataPart       Part = "Data"
	EdgePart       Part = "Edge"
	ComputePart    Part = "Compute"
	MonitoringPart Part = "Monitoring"
)

// Parts are the stacks of every environment, in the order in which they are
// deployed.
var Parts = []Part{NetworkPart, RegistryPart, DataPart, EdgePart, ComputePart, MonitoringPart}

// StackName returns the name of one of the environment's stacks, which is its
// construct id too: Parrot{Environment}{Part}. The part "*" makes the pattern of
// all of them, and the part "" their common prefix.
func (e Environment) StackName(part Part) string {
	return upperFirst(Project) + upperFirst(e.Name) + string(part)
}

// StackNames returns the names of the environment's stacks, in the order of
// Parts.
func (e Environment) StackNames() []string {
	var names []string
	for _, part := range Parts {
		names = append(names, e.StackName(part))
	}
	return names
}

// The names of the pipeline: of its stack, which is its construct id too, and of
// the pipeline itself.
const (
	PipelineStackName = "ParrotPipeline"
	PipelineName      = Project + "-pipeline"
)

// PhysicalName returns the name that AWS shows for one of the environment's
// resources: parrot-{environment}-{resource}.
func (e Environment) PhysicalName(resource string) string {
	return physicalName(e.Name, resource)
}

func physicalName(environment, resource string) string {
	return Project + "-" + environment + "-" + resource
}

// LoadBalancerName returns the name of the load balancer.
func (e Environment) LoadBalancerName() string { return Project + "-" + e.Name }

// LoadBalancerGroupName returns the name of the load balancer's security group.
func (e Environment) LoadBalancerGroupName() string { return e.PhysicalName("load-balancer") }

// DatabaseGroupName returns the name of the database's security group, and of its
// subnet group.
func (e Environment) DatabaseGroupName() string { return e.PhysicalName("db") }

// RedisName returns the id of the replication group, and the name of its security
// group.
func (e Environment) RedisName() string { return e.PhysicalName("redis") }

// RedisNodeName returns the id of the replication group's one node, as metrics
// name it.
func (e Environment) RedisNodeName() string { return e.RedisName() + "-001" }

// RotationFunctionName returns the name of the function that rotates the
// database's password.
func (e Environment) RotationFunctionName() string { return e.PhysicalName("rotation") }

// DashboardName returns the name of the dashboard.
func (e Environment) DashboardName() string { return e.PhysicalName("operations") }

// AlarmName returns the name of an alarm with the given ID.
func (e Environment) AlarmName(id string) string { return e.PhysicalName(id) }

// TopicName returns the name of the SNS topic for alarms of a severity.
func (e Environment) TopicName(severity Severity) string { return e.PhysicalName(string(severity)) }

// MetricNamespace returns the namespace of the metrics of the environment's logs.
func (e Environment) MetricNamespace() string { return upperFirst(Project) + "/" + e.Name }

// LogGroupName returns the name of the log group that RDS writes to.
func (d Database) LogGroupName() string { return "/aws/rds/instance/" + d.Identifier + "/postgresql" }

// The tags of images that an environment runs, or has run last. The repositories'
// lifecycle rules keep the images with a tag that starts with ReleasedTag.
// parrotctl sets the tags.
const (
	ReleasedTag = "released"
	// RunningTag and a number name what ECS runs while a command works.
	RunningTag = ReleasedTag + "-running-"
)

// Secret is one of the environment's secrets: the last part of its name.
type Secret string

// The secrets. DBPassword, the keys and RedisAuth are sources, which AWS
// generates; DBCredentials and AppEnv are composed of them, and tasks read these:
// docs/decisions/0006-sources-and-projections.md.
const (
	DBPassword    Secret = "db-password"
	DBCredentials Secret = "db-credentials"
	JWTAccessKey  Secret = "jwt-access-key"
	JWTRefreshKey Secret = "jwt-refresh-key"
	RedisAuth     Secret = "redis-auth"
	AppEnv        Secret = "app-env"
)

// SecretName returns the name of a secret in Secrets Manager.
func (e Environment) SecretName(secret Secret) string { return e.PhysicalName(string(secret)) }

// The name and the user of the database in the PostgreSQL instance.
const (
	DatabaseName     = "parrot"
	DatabaseUsername = "parrot_admin"
)

// DatabaseURL returns the connection URL of PostgreSQL, DATABASE_URL. It allows
// only TLS. The parts are not escaped: they must need no escaping in a URL.
// docs/decisions/0020-one-url-for-every-client.md says why it has this form.
func DatabaseURL(username, password, host, port, database string) string {
	return "postgresql://" + username + ":" + password + "@" + host + ":" + port + "/" + database + "?sslmode=require"
}

// Parameter is a value that one stack writes and others read from SSM's Parameter
// Store, because a setting may change it while it is in use:
// docs/decisions/0004-zone-id-in-a-parameter.md.
type Parameter string

// The parameters of an environment; each service behind the load balancer has one
// more: [Workload.TargetGroupParameter].
const (
	ZoneParameter         Parameter = "hosted-zone-id"
	LoadBalancerParameter Parameter = "load-balancer"
	CertificateParameter  Parameter = "certificate"
)

// ParameterName returns the name of a parameter in the Parameter Store:
// /parrot/{environment}/{parameter}.
func (e Environment) ParameterName(parameter Parameter) string {
	return "/" + Project + "/" + e.Name + "/" + string(parameter)
}

// Output is an output of one of the environment's stacks: a value that operators
// and parrotctl read.
type Output struct {
	Part Part
	// Name is the output's key.
	Name string
}

// The outputs of an environment; each service has more of them, and each severity
// of alarms: [Severity.TopicOutput].
var (
	VPCOutput              = Output{NetworkPart, "VpcId"}
	PublicSubnetsOutput    = Output{NetworkPart, "PublicSubnetIds"}
	PrivateSubnetsOutput   = Output{NetworkPart, "PrivateSubnetIds"}
	HostedZoneOutput       = Output{NetworkPart, "HostedZoneId"}
	NameServersOutput      = Output{NetworkPart, "Route53Nameservers"}
	RepositoriesOutput     = Output{RegistryPart, "EcrRepositories"}
	DBEndpointOutput       = Output{DataPart, "DbEndpoint"}
	DBPortOutput           = Output{DataPart, "DbPort"}
	DBCredentialsOutput    = Output{DataPart, "DbCredentialsSecretArn"}
	RedisEndpointOutput    = Output{DataPart, "RedisEndpoint"}
	LoadBalancerHostOutput = Output{EdgePart, "AlbDnsName"}
	DashboardOutput        = Output{MonitoringPart, "DashboardUrl"}
)

// ClusterOutput returns the output with the ARN of the service's cluster.
func (w Workload) ClusterOutput() Output { return w.output("Ecs", "ClusterId") }

// ServiceOutput returns the output with the name of the ECS service.
func (w Workload) ServiceOutput() Output { return w.output("Ecs", "ServiceName") }

// TargetGroupOutput returns the output with the ARN of the target group, which
// only a service behind the load balancer has.
func (w Workload) TargetGroupOutput() Output { return w.output("", "TargetGroupArn") }

// LogGroupOutput returns the output with the name of the log group.
func (w Workload) LogGroupOutput() Output { return w.output("", "LogGroupName") }

func (w Workload) output(prefix, suffix string) Output {
	return Output{ComputePart, prefix + w.ID() + suffix}
}

// TopicOutput returns the output with the topic's ARN.
func (s Severity) TopicOutput() Output {
	return Output{MonitoringPart, LogicalID(string(s)) + "TopicArn"}
}

// ID returns the service's name as construct ids and outputs have it: Backend.
func (w Workload) ID() string { return LogicalID(w.Name) }

// PhysicalName returns the name of the service's cluster, which is the name of the
// ECS service, of its task family and of its security group, too.
func (w Workload) PhysicalName() string { return physicalName(w.environment, w.Name) }

// LogGroupName returns the name of the log group of the service's containers.
func (w Workload) LogGroupName() string { return "/aws/ecs/" + w.PhysicalName() }

// TargetGroupParameter returns the parameter with the service's target group.
func (w Workload) TargetGroupParameter() Parameter { return Parameter(w.Name + "-target-group") }

// LogicalID returns a name such as database-cpu as construct ids are written:
// DatabaseCpu.
func LogicalID(name string) string {
	var id strings.Builder
	for word := range strings.SplitSeq(name, "-") {
		id.WriteString(upperFirst(word))
	}
	return id.String()
}

func upperFirst(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
