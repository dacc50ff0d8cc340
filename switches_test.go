package parrot

import (
	"encoding/json"

	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot/config"
	"parrot/internal/assembly"
)

// This file is about properties that would change what is described without changing
// anything that the description names: switches, defaults that AWS has, and what the
// product's image says itself. The record shows that one was added; this says why
// most of them must not be.

// switches are properties that switch a resource off, or its meaning around, with the only value
// that they may have. Most are left out, and AWS's default is that value.
var switches = []struct{ resourceType, property, only string }{
	{"AWS::CloudWatch::Alarm", "ActionsEnabled", "true"},
	{"AWS::Events::Rule", "State", "ENABLED"},
	{"AWS::Events::Rule", "ScheduleExpression", ""},
	{"AWS::Events::Rule", "EventBusName", ""}, // AWS's services write to the default one
	{"AWS::SNS::Subscription", "Protocol", "email"},
	{"AWS::SNS::Subscription", "FilterPolicy", ""},
	{"AWS::SNS::Topic", "FifoTopic", "false"}, // it takes no mails
	{"AWS::KMS::Key", "Enabled", "true"},
	{"AWS::KMS::Key", "KeySpec", "SYMMETRIC_DEFAULT"},
	{"AWS::ECS::Service", "DeploymentController", ""}, // another one knows no circuit breaker
	{"AWS::ECS::Service", "SchedulingStrategy", "REPLICA"},
	{"AWS::ECS::Service", "PlatformVersion", "LATEST"},
	{"AWS::ElasticLoadBalancingV2::LoadBalancer", "IpAddressType", "ipv4"},
	{"AWS::RDS::DBInstance", "DBSnapshotIdentifier", ""}, // it would be another database
	{"AWS::RDS::DBInstance", "SourceDBInstanceIdentifier", ""},
	{"AWS::RDS::DBInstance", "DeleteAutomatedBackups", "true"},
	{"AWS::RDS::DBInstance", "Iops", ""},
	{"AWS::RDS::DBInstance", "EnablePerformanceInsights", "false"}, // it may cost, and nobody reads it
	{"AWS::RDS::DBInstance", "MonitoringInterval", "0"},
	{"AWS::ElastiCache::ReplicationGroup", "SnapshotRetentionLimit", "0"},
	{"AWS::ElastiCache::ReplicationGroup", "TransitEncryptionMode", "required"},
	{"AWS::EC2::VPC", "InstanceTenancy", "default"}, // dedicated costs $2 an hour
	{"AWS::EC2::Subnet", "AssignIpv6AddressOnCreation", "false"},
	{"AWS::EC2::VPCEndpoint", "VpcEndpointType", "Gateway"}, // an interface costs by the hour
	{"AWS::EC2::VPCEndpoint", "PolicyDocument", ""},         // image layers are in buckets of ECR's
	{"AWS::EC2::FlowLog", "TrafficType", "ALL"},
	{"AWS::Logs::LogGroup", "LogGroupClass", "STANDARD"}, // another one has no metric filters
	{"AWS::Logs::LogGroup", "KmsKeyId", ""},              // CloudWatch Logs has to be let in to it
	{"AWS::Logs::MetricFilter", "ApplyOnTransformedLogs", "false"},
	{"AWS::S3::Bucket", "ObjectLockEnabled", "false"},
	{"AWS::S3::Bucket", "VersioningConfiguration", ""}, // what expires would stay as an old version
	{"AWS::CertificateManager::Certificate", "KeyAlgorithm", "RSA_2048"},
	{"AWS::CertificateManager::Certificate", "CertificateAuthorityArn", ""}, // a private one costs $400 a month
	{"AWS::CodePipeline::Pipeline", "DisableInboundStageTransitions", ""},
	{"AWS::CodePipeline::Pipeline", "RestartExecutionOnUpdate", "true"}, // after it has changed itself
	{"AWS::Lambda::Function", "PackageType", "Zip"},
	{"AWS::Route53::HostedZone", "VPCs", ""}, // a private zone answers nobody outside
	{"AWS::Route53::RecordSet", "Weight", ""},
	{"AWS::Route53::RecordSet", "Failover", ""},
	{"AWS::Budgets::Budget", "AutoAdjustData", ""},
	{"AWS::ECR::Repository", "EncryptionConfiguration", ""}, // a change of it is a new, empty repository
}

func TestNothingIsSwitchedOff(t *testing.T) {
	t.Parallel()
	there := map[string]bool{}
	for _, stacks := range recorded(t) {
		for _, stack := range stacks {
			for _, resource := range stack.Resources {
				there[resource.Type] = true
				for _, s := range switches {
					if value, ok := resource.Properties[s.property]; ok && resource.Type == s.resourceType {
						assert.Equal(t, s.only, stack.Text(value), "%s of %s in %s", s.property, resource.LogicalID, stack.Name)
					}
				}
			}
		}
	}
	for _, s := range switches {
		assert.True(t, there[s.resourceType], "there is no %s any more", s.resourceType)
	}
}

// The image says what runs, and as whom: a product's Dockerfile ends in its CMD.
func TestTheImageSaysWhatRunsAndAsWhom(t *testing.T) {
	t.Parallel()
	for _, env := range fixtures() {
		for _, task := range resources(t, stackOf(t, direct(t), env, "Compute"), "AWS::ECS::TaskDefinition") {
			service := strings.TrimPrefix(task.Text("Family"), env.PhysicalName(""))
			containers := lookup(t, task, "ContainerDefinitions").([]any)
			var names []string
			for i := range containers {
				container := containers[i].(map[string]any)
				name := container["Name"].(string)
				names = append(names, name)
				if name != "migration" {
					assert.NotContains(t, container, "Command", name)
					assert.Equal(t, true, container["Essential"], "%s: ECS replaces a task whose container ended", name)
					assert.Len(t, container["PortMappings"], 1, name)
					assert.Equal(t, "tcp", task.Text("ContainerDefinitions", i, "PortMappings", 0, "Protocol"), name)
				} else {
					assert.NotContains(t, container, "PortMappings", "nobody calls it")
				}
				for _, property := range []string{
					"EntryPoint", "User", "WorkingDirectory", "Privileged", "ReadonlyRootFilesystem", "HealthCheck", "StartTimeout", "StopTimeout",
					"Cpu", "Memory", "MemoryReservation", "Ulimits", "EnvironmentFiles", "RepositoryCredentials",
				} {
					assert.NotContains(t, container, property, "%s of %s", property, name)
				}
				assert.Equal(t, "awslogs", task.Text("ContainerDefinitions", i, "LogConfiguration", "LogDriver"), name)
				assert.Equal(t, name, task.Text("ContainerDefinitions", i, "LogConfiguration", "Options", "awslogs-stream-prefix"), "parrotctl logs finds it by this")
				assert.Equal(t, env.Region, strings.ReplaceAll(task.Text("ContainerDefinitions", i, "LogConfiguration", "Options", "awslogs-region"), "${AWS::Region}", env.Region))
				assert.NotContains(t, lookup(t, task, "ContainerDefinitions", i, "LogConfiguration", "Options"), "mode", name)
			}
			want := []string{service}
			if service == "backend" && len(env.Backend.MigrationCommand) > 0 {
				want = append(want, "migration")
			}
			assert.Equal(t, want, names, "no other container beside it")
			assert.Equal(t, "awsvpc", task.Text("NetworkMode"))
			assert.Equal(t, "FARGATE", task.Text("RequiresCompatibilities"))
			assert.Contains(t, []string{"", "X86_64"}, task.Text("RuntimePlatform", "CpuArchitecture"), "what release builds for")
			for _, property := range []string{"Volumes", "EphemeralStorage", "PidMode", "IpcMode", "ProxyConfiguration"} {
				assert.NotContains(t, task.Properties, property)
			}
		}
	}
}

// The load balancer speaks to the container's one port, by HTTP/1.1, and asks that
// port for health.
func TestTargetsAreAskedWhereTheyAnswer(t *testing.T) {
	t.Parallel()
	for _, env := range fixtures() {
		for _, group := range resources(t, stackOf(t, direct(t), env, "Compute"), "AWS::ElasticLoadBalancingV2::TargetGroup") {
			assert.Contains(t, []string{"", "traffic-port"}, group.Text("HealthCheckPort"), group.LogicalID)
			assert.Contains(t, []string{"", "HTTP"}, group.Text("HealthCheckProtocol"), group.LogicalID)
			assert.Contains(t, []string{"", "true"}, group.Text("HealthCheckEnabled"), group.LogicalID)
			assert.Contains(t, []string{"", "HTTP1"}, group.Text("ProtocolVersion"), "%s: containers do not speak HTTP/2 without TLS", group.LogicalID)
			assert.Equal(t, map[string]string{"deregistration_delay.timeout_seconds": "30", "stickiness.enabled": "false"},
				attributes(group, "TargetGroupAttributes"), group.LogicalID)
			assert.NotContains(t, group.Properties, "Targets", "ECS registers them")
		}
	}
}

func TestTheListenersOfferWhatIsDescribedAndNothingElse(t *testing.T) {
	t.Parallel()
	for _, env := range fixtures() {
		edge := stackOf(t, direct(t), env, "Edge")
		require.Len(t, edge.OfType("AWS::ElasticLoadBalancingV2::Listener"), 2, "80 and 443")
		for _, listener := range resources(t, edge, "AWS::ElasticLoadBalancingV2::Listener") {
			assert.Len(t, lookup(t, listener, "DefaultActions"), 1, listener.LogicalID)
			for _, property := range []string{"MutualAuthentication", "AlpnPolicy", "ListenerAttributes"} {
				assert.NotContains(t, listener.Properties, property, listener.LogicalID)
			}
		}
		for _, part := range []string{"Edge", "Compute"} {
			for _, rule := range resources(t, stackOf(t, direct(t), env, part), "AWS::ElasticLoadBalancingV2::ListenerRule") {
				assert.Len(t, lookup(t, rule, "Actions"), 1, "%s: nobody signs in at the load balancer", rule.LogicalID)
				assert.Len(t, lookup(t, rule, "Conditions"), 1, rule.LogicalID)
			}
		}
		assert.Len(t, edge.OfType("AWS::Route53::RecordSet"), 2)
		assert.Len(t, lookup(t, only(t, edge, "AWS::CertificateManager::Certificate"), "SubjectAlternativeNames"), 1)
	}
}

// Each parameter changes what PostgreSQL does, and a static one waits for a restart.
func TestTheDatabasesParametersAreTheseAndNoOthers(t *testing.T) {
	t.Parallel()
	for _, env := range fixtures() {
		group := only(t, stackOf(t, direct(t), env, "Data"), "AWS::RDS::DBParameterGroup")
		assert.Equal(t, map[string]any{"rds.force_ssl": "1"}, lookup(t, group, "Parameters"))
	}
}

func TestProductionsDatabaseAndCacheAreAsSafeAsDevs(t *testing.T) {
	t.Parallel()
	data := stackOf(t, direct(t), production(), "Data")
	for property, want := range map[string]string{
		"StorageEncrypted": "true", "PubliclyAccessible": "false", "StorageType": "gp2", "AutoMinorVersionUpgrade": "true",
		"EngineLifecycleSupport": "open-source-rds-extended-support-disabled", "CopyTagsToSnapshot": "true",
	} {
		assert.Equal(t, want, only(t, data, "AWS::RDS::DBInstance").Text(property), property)
	}
	redis := only(t, data, "AWS::ElastiCache::ReplicationGroup")
	for property, want := range map[string]string{
		"TransitEncryptionEnabled": "true", "AtRestEncryptionEnabled": "true", "NumCacheClusters": "1", "Engine": "redis", "EngineVersion": "7.1",
		"AutoMinorVersionUpgrade": "true", "CacheNodeType": "cache.t3.micro",
	} {
		assert.Equal(t, want, redis.Text(property), property)
	}
}

// A rule of another prefix than parrotctl's tags would keep nothing.
func TestTheRepositoriesKeepTheTagsThatReleasesWrite(t *testing.T) {
	t.Parallel()
	for _, env := range fixtures() {
		for _, repository := range resources(t, stackOf(t, direct(t), env, "Registry"), "AWS::ECR::Repository") {
			var policy struct {
				Rules []struct {
					Selection struct{ TagPrefixList []string }
				}
			}
			require.NoError(t, json.Unmarshal([]byte(repository.Text("LifecyclePolicy", "LifecyclePolicyText")), &policy))
			var prefixes []string
			for _, rule := range policy.Rules {
				prefixes = append(prefixes, rule.Selection.TagPrefixList...)
			}
			require.Equal(t, []string{config.ReleasedTag}, prefixes)
			assert.True(t, strings.HasPrefix(config.RunningTag, config.ReleasedTag))
		}
	}
}

func TestEveryFileInABucketExpires(t *testing.T) {
	t.Parallel()
	buckets := 0
	for _, stacks := range recorded(t) {
		for _, stack := range stacks {
			for _, bucket := range stack.OfType("AWS::S3::Bucket") {
				buckets++
				rules := lookup(t, bucket, "LifecycleConfiguration", "Rules").([]any)
				require.Len(t, rules, 1, bucket.LogicalID)
				rule := rules[0].(map[string]any)
				assert.Equal(t, "Enabled", rule["Status"], bucket.LogicalID)
				for _, narrower := range []string{"Prefix", "TagFilters", "ObjectSizeGreaterThan", "ObjectSizeLessThan", "Transitions"} {
					assert.NotContains(t, rule, narrower, "%s: of some files only", bucket.LogicalID)
				}
			}
		}
	}
	assert.Equal(t, 3, buckets, "access logs, and the artifacts of two pipelines")
}

func TestEachStepOfThePipelineIsOfItsOwnEnvironment(t *testing.T) {
	t.Parallel()
	for _, p := range promotions(t) {
		for i, env := range p.environments {
			s := stageOf(t, p.stack, env)
			command := func(name string) string {
				commands := slices.DeleteFunc(specOf(t, projectOf(t, p.stack, s.action(t, name))).Phases.Build.Commands, func(c string) bool {
					return strings.HasPrefix(c, "cd ")
				})
				return commands[0]
			}
			assert.Equal(t, "go run ./cmd/parrotctl smoke "+env.Name, command("Smoke"))
			assert.Equal(t, "go run ./cmd/parrotctl images "+env.Name+" --lookup-role", command(env.StackName("Compute")+".Images"))
			names := []string{"Smoke", env.StackName("Compute") + ".Images"}
			if i > 0 {
				assert.Equal(t, "go run ./cmd/parrotctl review --deployed "+env.Name+" --lookup-role --summary cdk.out > summary.txt", command("Summary"))
				names = append(names, "Summary", "Approve")
			}
			for _, part := range parts {
				name := env.StackName(part) + ".Deploy"
				deploy := s.action(t, name)
				names = append(names, name)
				assert.Equal(t, env.StackName(part), deploy.Configuration["StackName"])
				assert.Equal(t, "CREATE_UPDATE", deploy.Configuration["ActionMode"])
				assert.Contains(t, deploy.Configuration["TemplatePath"], "assembly-"+config.PipelineStackName+"-"+env.StackName("")+"/")
				account := env.Account
				if account == "" {
					account = "${AWS::AccountId}"
				}
				assert.Contains(t, p.stack.Text(deploy.Configuration["RoleArn"]), ":role/cdk-hnb659fds-cfn-exec-role-"+account+"-"+env.Region)
			}
			var all []string
			for _, a := range s.Actions {
				all = append(all, a.Name)
			}
			assert.ElementsMatch(t, names, all, "of %s", env.Name)
		}
	}
}

// A step that failed, and one that nobody may see, are no steps.
func TestStepsRunOnMachinesWithoutPrivileges(t *testing.T) {
	t.Parallel()
	for _, p := range promotions(t) {
		for _, project := range resources(t, p.stack, "AWS::CodeBuild::Project") {
			assert.Equal(t, "false", project.Text("Environment", "PrivilegedMode"), project.LogicalID)
			assert.Equal(t, "LINUX_CONTAINER", project.Text("Environment", "Type"), project.LogicalID)
			assert.Contains(t, []string{"BUILD_GENERAL1_SMALL", "BUILD_GENERAL1_MEDIUM"}, project.Text("Environment", "ComputeType"), project.LogicalID)
			assert.Equal(t, "CODEPIPELINE", project.Text("Source", "Type"), project.LogicalID)
			assert.Equal(t, "ENABLED", project.Text("LogsConfig", "CloudWatchLogs", "Status"), project.LogicalID)
		}
	}
}

// A month's dollars, of what the environment's tag is on: of another time or another
// comparison the mails say something else, or never come.
func TestTheBudgetIsOfDollarsAMonth(t *testing.T) {
	t.Parallel()
	for _, env := range fixtures() {
		budget := only(t, stackOf(t, direct(t), env, "Monitoring"), "AWS::Budgets::Budget")
		for property, want := range map[string]string{"BudgetType": "COST", "TimeUnit": "MONTHLY"} {
			assert.Equal(t, want, budget.Text("Budget", property), property)
		}
		assert.Equal(t, "USD", budget.Text("Budget", "BudgetLimit", "Unit"))
		assert.NotContains(t, lookup(t, budget, "Budget"), "CostTypes", "AWS's default is what the bill says")
		for i := range lookup(t, budget, "NotificationsWithSubscribers").([]any) {
			notification := func(path ...any) string {
				return budget.Text(append([]any{"NotificationsWithSubscribers", i}, path...)...)
			}
			assert.Equal(t, "GREATER_THAN", notification("Notification", "ComparisonOperator"))
			assert.Equal(t, "PERCENTAGE", notification("Notification", "ThresholdType"))
			assert.Equal(t, "SNS", notification("Subscribers", 0, "SubscriptionType"))
			assert.Len(t, lookup(t, budget, "NotificationsWithSubscribers", i, "Subscribers"), 1)
		}
	}
}

func TestTheRotationIsSmallAndWaitsForItsDays(t *testing.T) {
	t.Parallel()
	function := only(t, rotating(t), "AWS::Lambda::Function")
	assert.Equal(t, "128", function.Text("MemorySize"), "it waits for AWS, and AWS counts memory by the second")
	assert.NotContains(t, function.Properties, "TracingConfig", "its role may not write traces")
	assert.NotContains(t, lookup(t, only(t, rotating(t), "AWS::SecretsManager::RotationSchedule"), "RotationRules"), "ScheduleExpression", "days are enough")
}

// The load balancer writes where its bucket lets it, and to no encryption but S3's own.
func TestAccessLogsAreWrittenWhereTheBucketLetsThem(t *testing.T) {
	t.Parallel()
	edge := stackOf(t, direct(t), production(), "Edge")
	bucket := only(t, edge, "AWS::S3::Bucket")
	assert.Equal(t, map[string]string{
		"access_logs.s3.enabled": "true", "access_logs.s3.bucket": assembly.Target{Resource: bucket}.String(), "access_logs.s3.prefix": "",
		"deletion_protection.enabled": "true", "routing.http.drop_invalid_header_fields.enabled": "true",
	}, withKey(attributes(only(t, edge, "AWS::ElasticLoadBalancingV2::LoadBalancer"), "LoadBalancerAttributes"), "access_logs.s3.prefix"))
	assert.Equal(t, "AES256", bucket.Text("BucketEncryption", "ServerSideEncryptionConfiguration", 0, "ServerSideEncryptionByDefault", "SSEAlgorithm"))
	assert.Equal(t, "90", bucket.Text("LifecycleConfiguration", "Rules", 0, "ExpirationInDays"))
	for _, s := range statementsOf(t, only(t, edge, "AWS::S3::BucketPolicy"), "PolicyDocument") {
		for _, action := range list(s.Action) {
			if action == "s3:PutObject" {
				assert.Equal(t, []string{assembly.Target{Resource: bucket, Attribute: "Arn"}.String() + "/AWSLogs/${AWS::AccountId}/*"}, list(s.Resource))
			}
		}
	}
}

// withKey is a map in which a key is there, if only with an empty value.
func withKey(m map[string]string, key string) map[string]string {
	m[key] += ""
	return m
}

func TestFlowLogsGoToTheirGroup(t *testing.T) {
	t.Parallel()
	logs := only(t, stackOf(t, direct(t), production(), "Network"), "AWS::EC2::FlowLog")
	assert.Equal(t, "cloud-watch-logs", logs.Text("LogDestinationType"))
	assert.Equal(t, "30", follow(t, logs, "LogGroupName").Text("RetentionInDays"))
	assert.NotContains(t, logs.Properties, "MaxAggregationInterval", "a minute's would be ten times as many lines to pay for")
}
