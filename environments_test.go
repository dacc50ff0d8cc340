package parrot

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot/config"
	"parrot/internal/assembly"
)

// kept are the policies of what outlives its stack. RetainExceptOnCreate lets a
// failed first deploy take away what it has made, so that the next try finds the
// names free.
var kept = []string{"Retain", "RetainExceptOnCreate"}

func TestAFailedFirstDeployLeavesNoNameBehind(t *testing.T) {
	t.Parallel()
	env := production()
	for _, part := range parts {
		for _, resource := range stackOf(t, direct(t), env, part).Resources {
			if resource.DeletionPolicy == "Retain" {
				assert.Equal(t, "AWS::S3::Bucket", resource.Type, "%s has a name of AWS's choice", resource.LogicalID)
			}
		}
	}
}

// isKeptSource says whether a secret is generated and outlives its stack: all
// that are generated but Redis's token, which goes with the cache it opens.
func isKeptSource(secret *assembly.Resource) bool {
	_, generated := secret.Properties["GenerateSecretString"]
	return generated && !strings.HasSuffix(secret.Text("Name"), "-redis-auth")
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	require.NoError(t, err)
	return n
}

func TestProductionCannotBeDeletedByMistake(t *testing.T) {
	t.Parallel()
	env := production()
	for _, part := range parts {
		assert.True(t, stackOf(t, direct(t), env, part).TerminationProtection, env.StackName(part))
	}
	db := only(t, stackOf(t, direct(t), env, "Data"), "AWS::RDS::DBInstance")
	assert.Equal(t, "true", db.Text("DeletionProtection"))
	balancer := only(t, stackOf(t, direct(t), env, "Edge"), "AWS::ElasticLoadBalancingV2::LoadBalancer")
	assert.Equal(t, "true", attributes(balancer, "LoadBalancerAttributes")["deletion_protection.enabled"])
}

func TestProductionKeepsItsDataWhenAStackGoes(t *testing.T) {
	t.Parallel()
	env := production()
	for _, part := range parts {
		for _, resource := range stackOf(t, direct(t), env, part).Resources {
			switch resource.Type {
			case "AWS::RDS::DBInstance", "AWS::RDS::DBSubnetGroup", "AWS::RDS::DBParameterGroup", "AWS::ECR::Repository", "AWS::Logs::LogGroup", "AWS::Route53::HostedZone", "AWS::S3::Bucket":
				assert.Contains(t, kept, resource.DeletionPolicy, resource.LogicalID)
				assert.Equal(t, "Retain", resource.UpdateReplacePolicy, resource.LogicalID)
			case "AWS::SecretsManager::Secret":
				if isKeptSource(resource) {
					assert.Contains(t, kept, resource.DeletionPolicy, resource.LogicalID)
				} else {
					assert.Equal(t, "Delete", resource.DeletionPolicy, "%s can be composed again", resource.LogicalID)
				}
			}
			if resource.Type == "AWS::ECR::Repository" {
				assert.Equal(t, "false", resource.Text("EmptyOnDelete"))
			}
		}
	}
}

// byName are the types that npx cdk deploy --import-existing-resources takes up
// again, with the property that is their identifier: it has to be a literal.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/import-resources-automatically.html
var byName = map[string]string{
	"AWS::ECR::Repository":       "RepositoryName",
	"AWS::Logs::LogGroup":        "LogGroupName",
	"AWS::RDS::DBInstance":       "DBInstanceIdentifier",
	"AWS::RDS::DBParameterGroup": "DBParameterGroupName",
	"AWS::RDS::DBSubnetGroup":    "DBSubnetGroupName",
}

// docs/way-back.md tells how each is taken up again, or that it is left behind.
func TestWhatIsKeptIsTakenUpAgainByName(t *testing.T) {
	t.Parallel()
	otherwise := map[string]string{
		"AWS::Route53::HostedZone":    "by the setting HostedZoneID",
		"AWS::SecretsManager::Secret": "by its ARN, with cdk import",
		"AWS::S3::Bucket":             "left behind: its files expire",
	}
	env := production()
	for _, part := range parts {
		for _, resource := range stackOf(t, direct(t), env, part).Resources {
			if !slices.Contains(kept, resource.DeletionPolicy) || otherwise[resource.Type] != "" {
				continue
			}
			switch resource {
			case follow(t, only(t, stackOf(t, direct(t), env, "Network"), "AWS::EC2::FlowLog"), "LogGroupName"),
				follow(t, only(t, stackOf(t, direct(t), env, "Data"), "AWS::Lambda::Function"), "LoggingConfig", "LogGroup"):
				continue // left behind: it has no name of its own
			}
			name := resource.Text(byName[resource.Type])
			assert.NotEmpty(t, name, "%s of %s has a name", resource.LogicalID, resource.Stack.Name)
			assert.NotContains(t, name, "${", "%s of %s has a literal name", resource.LogicalID, resource.Stack.Name)
		}
	}
}

func TestProductionSurvivesTheLossOfATaskOrAZone(t *testing.T) {
	t.Parallel()
	env := production()
	for _, svc := range resources(t, stackOf(t, direct(t), env, "Compute"), "AWS::ECS::Service") {
		assert.GreaterOrEqual(t, number(t, svc.Text("DesiredCount")), 2, svc.Text("ServiceName"))
	}
	db := only(t, stackOf(t, direct(t), env, "Data"), "AWS::RDS::DBInstance")
	assert.Equal(t, "true", db.Text("MultiAZ"))
	assert.GreaterOrEqual(t, number(t, db.Text("BackupRetentionPeriod")), 7)
}

func TestProductionLetsOnlyTheBackendReachItsData(t *testing.T) {
	t.Parallel()
	env := production()
	prefix := "parrot-" + env.Name + "-"
	assert.Equal(t, []string{
		"0.0.0.0/0 → " + prefix + "load-balancer tcp 443",
		"0.0.0.0/0 → " + prefix + "load-balancer tcp 80",
		prefix + "backend → " + prefix + "db tcp 5432",
		prefix + "backend → " + prefix + "redis tcp 6379",
		fmt.Sprintf("%[1]sload-balancer → %[1]sbackend tcp %[2]d", prefix, env.Backend.Port),
		fmt.Sprintf("%[1]sload-balancer → %[1]sfrontend tcp %[2]d", prefix, env.Frontend.Port),
	}, callers(t, direct(t), env))
}

func TestProductionIsNotSeeded(t *testing.T) {
	t.Parallel()
	env := production()
	assert.NotContains(t, string(stackOf(t, direct(t), env, "Compute").Template), "SEED_DB")
}

func TestEnvironmentsShareNoName(t *testing.T) {
	t.Parallel()
	taken := map[string]string{}
	shipped, _, _ := synthesize(t)
	for _, stack := range shipped.Stacks {
		for _, resource := range stack.Resources {
			for _, property := range []string{"RepositoryName", "DBInstanceIdentifier", "ClusterName", "LogGroupName", "CidrBlock"} {
				name := resource.Text(property)
				if name == "" || strings.Contains(name, "${") || resource.Type == "AWS::Logs::MetricFilter" {
					continue // a filter names a group of another stack
				}
				key := strings.Join([]string{stack.Account, stack.Region, resource.Type, name}, " ")
				assert.Empty(t, taken[key], "%s of %s", key, stack.Name)
				taken[key] = stack.Name
			}
		}
	}
}

func TestSynthAsksAWSNothing(t *testing.T) {
	t.Parallel()
	for _, a := range everything(t) {
		assert.Empty(t, a.Missing, a.Dir)
	}
	account := changed(t, "Account", "Network")
	assert.Equal(t, "123456789012", account.Account)
	assertSameLines(t, dev(t, "Network").Template, account.Template, "an account's template is any account's")
}

func TestAnEnvironmentWithoutAnAccountIsForTheSignedInOne(t *testing.T) {
	t.Parallel()
	for _, env := range fixtures() {
		for _, part := range parts {
			stack := stackOf(t, direct(t), env, part)
			assert.Equal(t, cmp.Or(env.Account, "unknown-account"), stack.Account, stack.Name)
			assert.Equal(t, env.Region, stack.Region, stack.Name)
		}
	}
}

// What each setting does, on the templates.

func TestNothingRunsBeforeAnImageIsReleased(t *testing.T) {
	t.Parallel()
	compute := changed(t, "Unreleased", "Compute")
	for _, svc := range resources(t, compute, "AWS::ECS::Service") {
		assert.Equal(t, "0", svc.Text("DesiredCount"), "a task without an image would never become stable")
	}
}

func TestNATGatewaysGiveThePrivateSubnetsAWayOut(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]int{"NATOne": 1, "NATOnePerAZ": 2} {
		network := changed(t, name, "Network")
		assert.Len(t, network.OfType("AWS::EC2::NatGateway"), want, name)
		for _, subnet := range resources(t, network, "AWS::EC2::Subnet") {
			assert.Len(t, waysOut(t, subnet), 1, tag(subnet, "Name"))
		}
	}
}

func TestPrivateTasksHaveNoPublicAddress(t *testing.T) {
	t.Parallel()
	for _, svc := range resources(t, changed(t, "PrivateTasks", "Compute"), "AWS::ECS::Service") {
		assert.Equal(t, "DISABLED", svc.Text("NetworkConfiguration", "AwsvpcConfiguration", "AssignPublicIp"))
		assert.Contains(t, svc.Text("NetworkConfiguration", "AwsvpcConfiguration", "Subnets"), "Private")
		assert.NotContains(t, svc.Text("NetworkConfiguration", "AwsvpcConfiguration", "Subnets"), "Public")
	}
}

func TestRedisSpeaksTLSAndAsksForItsToken(t *testing.T) {
	t.Parallel()
	data := changed(t, "Redis", "Data")
	redis := only(t, data, "AWS::ElastiCache::ReplicationGroup")
	for property, want := range map[string]string{
		"ReplicationGroupId": "parrot-dev-redis", "Engine": "redis", "CacheNodeType": "cache.t3.micro", "NumCacheClusters": "1",
		"TransitEncryptionEnabled": "true", "AtRestEncryptionEnabled": "true", "AutomaticFailoverEnabled": "false", "Port": "6379",
	} {
		assert.Equal(t, want, redis.Text(property), property)
	}
	group := follow(t, redis, "SecurityGroupIds", 0)
	assert.Equal(t, "parrot-dev-redis", tag(group, "Name"))
	assert.Contains(t, follow(t, redis, "CacheSubnetGroupName").Text("SubnetIds"), "Private")

	source := with(t, data, "AWS::SecretsManager::Secret", "Name", "parrot-dev-redis-auth")
	assert.Equal(t, "32", source.Text("GenerateSecretString", "PasswordLength"), "ElastiCache takes 16 to 128")
	token := "{{resolve:secretsmanager:" + assembly.Target{Resource: source}.String() + ":SecretString:token::}}"
	host := assembly.Target{Resource: redis, Attribute: "PrimaryEndPoint.Address"}.String()
	assert.Equal(t, token, redis.Text("AuthToken"))
	assert.Equal(t, host, data.Text(data.Output("RedisEndpoint").Value))

	appEnv := with(t, data, "AWS::SecretsManager::Secret", "Name", "parrot-dev-app-env")
	assert.Equal(t, "rediss://:"+token+"@"+host+":6379", projected(t, appEnv)["REDIS_URL"])
	backend := with(t, changed(t, "Redis", "Compute"), "AWS::ECS::TaskDefinition", "Family", "parrot-dev-backend")
	assert.Equal(t, assembly.Target{Resource: appEnv}.String()+":REDIS_URL::", secretVariables(backend)["REDIS_URL"])
}

func TestRedisLeavesASnapshotWhereDataIsRetained(t *testing.T) {
	t.Parallel()
	kept := only(t, changed(t, "RedisRetained", "Data"), "AWS::ElastiCache::ReplicationGroup")
	assert.Equal(t, "Snapshot", kept.DeletionPolicy)
	source := with(t, kept.Stack, "AWS::SecretsManager::Secret", "Name", "parrot-dev-redis-auth")
	assert.Equal(t, "Delete", source.DeletionPolicy, "its name has to be free when Redis comes back")
}

func TestMigrationHasToSucceedBeforeTheBackendStarts(t *testing.T) {
	t.Parallel()
	task := with(t, changed(t, "Start", "Compute"), "AWS::ECS::TaskDefinition", "Family", "parrot-dev-backend")
	assert.Equal(t, "backend", task.Text("ContainerDefinitions", 0, "Name"))
	assert.Equal(t, "migration", task.Text("ContainerDefinitions", 0, "DependsOn", 0, "ContainerName"))
	assert.Equal(t, "SUCCESS", task.Text("ContainerDefinitions", 0, "DependsOn", 0, "Condition"))
	assert.Equal(t, "migration", task.Text("ContainerDefinitions", 1, "Name"))
	assert.Equal(t, "npx,prisma,migrate,deploy", task.Text("ContainerDefinitions", 1, "Command"))
	assert.Equal(t, "false", task.Text("ContainerDefinitions", 1, "Essential"))
	assert.Equal(t, task.Text("ContainerDefinitions", 0, "Image"), task.Text("ContainerDefinitions", 1, "Image"))
	assert.Equal(t, task.Text("ContainerDefinitions", 0, "Secrets"), task.Text("ContainerDefinitions", 1, "Secrets"))
	assert.Empty(t, taskDefinition(t, "backend").Text("ContainerDefinitions", 1), "off in dev")
}

func TestAnImportedZoneIsUsedByItsID(t *testing.T) {
	t.Parallel()
	network := changed(t, "ImportedZone", "Network")
	assert.Empty(t, network.OfType("AWS::Route53::HostedZone"))
	assert.Equal(t, "imported", network.Output("Route53Nameservers").Value)
	for _, record := range resources(t, changed(t, "ImportedZone", "Edge"), "AWS::Route53::RecordSet") {
		assert.Equal(t, "Z0123456789ABCDEFGHIJ", record.Text("HostedZoneId"))
	}
}

func TestAccessLogsGoToAClosedBucketThatIsKept(t *testing.T) {
	t.Parallel()
	edge := changed(t, "AccessLogs", "Edge")
	bucket := only(t, edge, "AWS::S3::Bucket")
	assert.Equal(t, "Retain", bucket.DeletionPolicy)
	assert.Equal(t, "1", bucket.Text("LifecycleConfiguration", "Rules", 0, "ExpirationInDays"))
	for _, way := range []string{"BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"} {
		assert.Equal(t, "true", bucket.Text("PublicAccessBlockConfiguration", way))
	}
	written := attributes(only(t, edge, "AWS::ElasticLoadBalancingV2::LoadBalancer"), "LoadBalancerAttributes")
	assert.Equal(t, "true", written["access_logs.s3.enabled"])
	assert.Equal(t, assembly.Target{Resource: bucket}.String(), written["access_logs.s3.bucket"])
}

func TestFlowLogsRecordAllTraffic(t *testing.T) {
	t.Parallel()
	network := changed(t, "FlowLogs", "Network")
	logs := only(t, network, "AWS::EC2::FlowLog")
	assert.Equal(t, "ALL", logs.Text("TrafficType"))
	assert.Equal(t, "VPC", logs.Text("ResourceType"))
	assert.Empty(t, follow(t, logs, "LogGroupName").Text("LogGroupName"), "a kept group's name could not be taken again")
	assert.Equal(t, "30", follow(t, logs, "LogGroupName").Text("RetentionInDays"))
}

func TestServicesListenWhereTheirPortSays(t *testing.T) {
	t.Parallel()
	assert.Subset(t, callers(t, nested(t, "Ports"), described()), []string{
		"parrot-dev-load-balancer → parrot-dev-backend tcp 8081",
		"parrot-dev-load-balancer → parrot-dev-frontend tcp 8080",
	})
	for _, task := range resources(t, changed(t, "Ports", "Compute"), "AWS::ECS::TaskDefinition") {
		port := pairs(task, "Name", "Value", "ContainerDefinitions", 0, "Environment")["PORT"]
		assert.Equal(t, port, task.Text("ContainerDefinitions", 0, "PortMappings", 0, "ContainerPort"))
	}
}

// Otherwise a variable would override, or be overridden, in silence.
func TestNoVariableOfTheSettingsCanShadowOneThatParrotSets(t *testing.T) {
	t.Parallel()
	for _, v := range variants() {
		for _, name := range []string{"backend", "frontend"} {
			task := with(t, changed(t, v.name, "Compute"), "AWS::ECS::TaskDefinition", "Family", "parrot-dev-"+name)
			set := pairs(task, "Name", "Value", "ContainerDefinitions", 0, "Environment")
			maps.Copy(set, secretVariables(task))
			for variable := range set {
				env := v.env // some are set only with a setting
				own := map[string]string{variable: "mine"}
				if name == "backend" {
					env.Backend.Variables = own
				} else {
					env.Frontend.Variables = own
				}
				if v.env.Backend.Variables[variable] == "" {
					assert.ErrorContains(t, config.Validate([]config.Environment{env}), "Parrot does not set itself", variable)
				}
			}
		}
	}
}

// One line for each setting whose effect no test above shows: the variant, the
// stack, the resources of a type, and what their property is then.
func TestSettingsReachTheTemplates(t *testing.T) {
	t.Parallel()
	const rule, task, db = "AWS::ElasticLoadBalancingV2::ListenerRule", "AWS::ECS::TaskDefinition", "AWS::RDS::DBInstance"
	property := func(path ...any) []any { return path }
	for _, c := range []struct {
		variant, part, resourceType string
		path                        []any
		want                        []string
	}{
		{"API", "Compute", rule, property("Conditions", 0, "PathPatternConfig", "Values"), []string{"/rest/v1,/rest/v1/*", "/*"}},
		{"Sizes", "Compute", task, property("Cpu"), []string{"16384", "512"}},
		{"Sizes", "Compute", task, property("Memory"), []string{"122880", "4096"}},
		{"Counts", "Compute", "AWS::ECS::Service", property("DesiredCount"), []string{"7", "0"}},
		{"HealthChecks", "Compute", "AWS::ECS::Service", property("HealthCheckGracePeriodSeconds"), []string{"7200", "7200"}},
		{"HealthChecks", "Compute", "AWS::ElasticLoadBalancingV2::TargetGroup", property("HealthCheckIntervalSeconds"), []string{"300", "300"}},
		{"HealthChecks", "Compute", "AWS::ElasticLoadBalancingV2::TargetGroup", property("HealthCheckTimeoutSeconds"), []string{"120", "120"}},
		{"HealthChecks", "Compute", "AWS::ElasticLoadBalancingV2::TargetGroup", property("UnhealthyThresholdCount"), []string{"10", "10"}},
		{"HealthChecks", "Compute", "AWS::ElasticLoadBalancingV2::TargetGroup", property("HealthyThresholdCount"), []string{"10", "10"}},
		{"LogRetention", "Compute", "AWS::Logs::LogGroup", property("RetentionInDays"), []string{"3653", "3653"}},
		{"LogRetention", "Data", "AWS::Logs::LogGroup", property("RetentionInDays"), []string{"3653"}},
		{"DatabaseSize", "Data", db, property("DBInstanceClass"), []string{"db.m7g.large"}},
		{"DatabaseSize", "Data", db, property("AllocatedStorage"), []string{"400"}},
		{"DatabaseSize", "Data", db, property("MaxAllocatedStorage"), []string{"65536"}},
		{"NoStorageAutoscaling", "Data", db, property("MaxAllocatedStorage"), []string{""}},
		{"NoBackups", "Data", db, property("BackupRetentionPeriod"), []string{"0"}},
		{"Rotation", "Data", "AWS::SecretsManager::RotationSchedule", property("RotationRules", "AutomaticallyAfterDays"), []string{"365"}},
		{"DatabaseVersion", "Data", db, property("EngineVersion"), []string{"18"}},
		{"DatabaseVersion", "Data", "AWS::RDS::DBParameterGroup", property("Family"), []string{"postgres18"}},
		{"RedisRetained", "Data", "AWS::ElastiCache::ReplicationGroup", property("CacheNodeType"), []string{"cache.m7g.large"}},
		{"CostCenter", "Network", "AWS::EC2::VPC", property("Tags", 0, "Value"), []string{"research"}},
		{"Domain", "Edge", "AWS::CertificateManager::Certificate", property("DomainName"), []string{"example.org"}},
		// A lifetime stands in a secret, which tasks read when they start.
		{"Tokens", "Compute", task, property("ContainerDefinitions", 0, "DockerLabels", "secrets-revision"), []string{"1h 30d", ""}},
	} {
		var got []string
		for _, resource := range resources(t, changed(t, c.variant, c.part), c.resourceType) {
			got = append(got, resource.Text(c.path...))
		}
		assert.Equal(t, c.want, got, "%v of %s with %s", c.path, c.resourceType, c.variant)
	}
	appEnv := projected(t, with(t, changed(t, "Tokens", "Data"), "AWS::SecretsManager::Secret", "Name", "parrot-dev-app-env"))
	assert.Equal(t, "1h", appEnv["JWT_EXPIRES_IN"])
	assert.Equal(t, "30d", appEnv["JWT_REFRESH_EXPIRES_IN"])
}

func TestWrongSettingsEndInStatusOneBeforeAnythingIsSynthesized(t *testing.T) {
	t.Parallel()
	var stderr strings.Builder
	settings := errors.Join(errors.New("dev: A is 1: want 2"), errors.New("prod: B is 3: want 4"))
	assert.Equal(t, 1, Run(nil, config.Pipeline{}, settings, &stderr))
	assert.Contains(t, stderr.String(), "Nothing is synthesized")
	assert.Contains(t, stderr.String(), "dev: A is 1: want 2\nprod: B is 3: want 4\n")
}

func TestPartsAreTheStacksThatAnEnvironmentHas(t *testing.T) {
	t.Parallel()
	var defined []string
	named := []string{config.PipelineStackName}
	for _, stack := range direct(t).Stacks {
		defined = append(defined, stack.Name)
	}
	for _, env := range fixtures() {
		named = append(named, env.StackNames()...)
	}
	assert.ElementsMatch(t, named, defined)
}
