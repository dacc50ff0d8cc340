package stacks_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	. "parrot/internal/synthtest"
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

func TestEveryFileInABucketExpires(t *testing.T) {
	t.Parallel()
	buckets := 0
	for _, stacks := range recorded(t) {
		for _, stack := range stacks {
			for _, bucket := range stack.OfType("AWS::S3::Bucket") {
				buckets++
				rules := Lookup(t, bucket, "LifecycleConfiguration", "Rules").([]any)
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
