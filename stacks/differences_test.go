package stacks_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"parrot/config"
	"parrot/internal/assembly"
	. "parrot/internal/synthtest"
)

// What the tests say of dev holds for prod where both have the same value. So this
// file says where they differ, and which setting is the reason.

// differing are the properties whose values differ between the fixtures, names aside,
// with the setting that says so.
var differing = map[string]string{
	"AWS::CloudWatch::Dashboard DashboardBody": "Alarms and Redis: " +
		"TestTheDashboardReadsMetricsThatThereAre",
	"AWS::EC2::VPCEndpoint RouteTableIds[]": "Network.NATGateways: another order of " +
		"the same",
	"AWS::ECR::Repository EmptyOnDelete": "RetainData",
	"AWS::ECR::Repository RepositoryName": "Backend.Repository and " +
		"Frontend.Repository",
	"AWS::ECS::Service DeploymentConfiguration.Alarms.Enable":   "Monitoring.RollbackOnErrors",
	"AWS::ECS::Service DeploymentConfiguration.Alarms.Rollback": "Monitoring.RollbackOnErrors",
	"AWS::ECS::Service DesiredCount": "Backend.DesiredCount and " +
		"Frontend.DesiredCount",
	"AWS::ECS::Service NetworkConfiguration.AwsvpcConfiguration.AssignPublicIp":                     "Network.TaskSubnets",
	"AWS::ECS::Service NetworkConfiguration.AwsvpcConfiguration.Subnets[]":                          "Network.TaskSubnets",
	"AWS::ElasticLoadBalancingV2::LoadBalancer LoadBalancerAttributes[access_logs.s3.enabled]":      "Edge.AccessLogs",
	"AWS::ElasticLoadBalancingV2::LoadBalancer LoadBalancerAttributes[deletion_protection.enabled]": "DeletionProtection",
	"AWS::Events::Rule EventPattern.detail.repository-name[]": "Backend.Repository and " +
		"Frontend.Repository",
	"AWS::RDS::DBInstance BackupRetentionPeriod": "Database.BackupRetentionDays",
	"AWS::RDS::DBInstance DeletionProtection":    "DeletionProtection",
	"AWS::RDS::DBInstance MultiAZ":               "Database.MultiAZ",
	"AWS::SecretsManager::Secret SecretString":   "Redis.Enabled",
}

func TestProdDiffersFromDevWhereItsSettingsDo(t *testing.T) {
	t.Parallel()
	dev, prod := Described(), Production()
	named := strings.NewReplacer(
		prod.Domain, dev.Domain, strings.TrimSuffix(prod.Network.Prefix().Addr().String(), ".0"),
		strings.TrimSuffix(dev.Network.Prefix().Addr().String(), ".0"),
		prod.PhysicalName(""), dev.PhysicalName(""), prod.StackName(""), dev.StackName(""), prod.ParameterName(""), dev.ParameterName(""),
		prod.LoadBalancerName(), dev.LoadBalancerName(), prod.MetricNamespace(), dev.MetricNamespace(), "Environment$"+prod.Name,
		"Environment$"+dev.Name,
		"parrot "+prod.Name, "parrot "+dev.Name, "parrotprod", "parrotdev",
	)
	found := map[string]string{}
	for _, part := range config.Parts {
		for _, resource := range StackOf(t, Direct(t), prod, part).Resources {
			same := StackOf(t, Direct(t), dev, part).Resource(resource.LogicalID)
			if same == nil {
				continue // the record has it
			}
			was, is := leaves(same), leaves(resource)
			for path, value := range is {
				if before, ok := was[path]; ok && named.Replace(value) != before {
					found[resource.Type+" "+regexp.MustCompile(`\[\d+\]`).ReplaceAllString(path, "[]")] = fmt.Sprintf("%s of %s is %q, and not %q", path, resource.LogicalID, value, before)
				}
			}
		}
	}
	for property, difference := range found {
		assert.NotEmpty(t, differing[property], "%s: which setting says so?", difference)
	}
	for property, setting := range differing {
		assert.Contains(t, found, property, "no difference any more, in spite of %s", setting)
	}
}

// leaves returns the values of a resource's properties by their path, texts as they are
// read. Tags are a test of their own.
func leaves(resource *assembly.Resource) map[string]string {
	found := map[string]string{}
	var walk func(path string, value any)
	walk = func(path string, value any) {
		switch v := value.(type) {
		case map[string]any:
			for name, member := range v {
				walk(path+"."+name, member)
			}
		case []any:
			for i, element := range v {
				name, isPair := elementName(element)
				switch {
				case isPair:
					object := element.(map[string]any)
					found[path+"["+name+"]"] = resource.Stack.Text([]any{object["Value"], object["ValueFrom"]})
				case name != "":
					walk(path+"["+name+"]", element)
				default:
					walk(fmt.Sprintf("%s[%d]", path, i), element)
				}
			}
		default:
			found[path] = resource.Stack.Text(v)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(resource.Properties)) {
		if !strings.HasSuffix(name, "Tags") {
			walk(name, resource.Stack.Resolve(resource.Properties[name]))
		}
	}
	return found
}
