package stacks_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	. "parrot/internal/synthtest"
)

func TestProductionLetsOnlyTheBackendReachItsData(t *testing.T) {
	t.Parallel()
	env := Production()
	prefix := "parrot-" + env.Name + "-"
	assert.Equal(t, []string{
		"0.0.0.0/0 → " + prefix + "load-balancer tcp 443",
		"0.0.0.0/0 → " + prefix + "load-balancer tcp 80",
		prefix + "backend → " + prefix + "db tcp 5432",
		prefix + "backend → " + prefix + "redis tcp 6379",
		fmt.Sprintf("%[1]sload-balancer → %[1]sbackend tcp %[2]d", prefix, env.Backend.Port),
		fmt.Sprintf("%[1]sload-balancer → %[1]sfrontend tcp %[2]d", prefix, env.Frontend.Port),
	}, Callers(t, Direct(t), env))
}

func TestNATGatewaysGiveThePrivateSubnetsAWayOut(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]int{"NATOne": 1, "NATOnePerAZ": 2} {
		network := changed(t, name, "Network")
		assert.Len(t, network.OfType("AWS::EC2::NatGateway"), want, name)
		for _, subnet := range Resources(t, network, "AWS::EC2::Subnet") {
			assert.Len(t, WaysOut(t, subnet), 1, Tag(subnet, "Name"))
		}
	}
}

func TestAnImportedZoneIsUsedByItsID(t *testing.T) {
	t.Parallel()
	network := changed(t, "ImportedZone", "Network")
	assert.Empty(t, network.OfType("AWS::Route53::HostedZone"))
	assert.Equal(t, "imported", network.Output("Route53Nameservers").Value)
	for _, record := range Resources(t, changed(t, "ImportedZone", "Edge"), "AWS::Route53::RecordSet") {
		assert.Equal(t, "Z0123456789ABCDEFGHIJ", record.Text("HostedZoneId"))
	}
}

func TestFlowLogsRecordAllTraffic(t *testing.T) {
	t.Parallel()
	network := changed(t, "FlowLogs", "Network")
	logs := Only(t, network, "AWS::EC2::FlowLog")
	assert.Equal(t, "ALL", logs.Text("TrafficType"))
	assert.Equal(t, "VPC", logs.Text("ResourceType"))
	assert.Empty(t, Follow(t, logs, "LogGroupName").Text("LogGroupName"), "a kept group's name could not be taken again")
	assert.Equal(t, "30", Follow(t, logs, "LogGroupName").Text("RetentionInDays"))
}

func TestFlowLogsGoToTheirGroup(t *testing.T) {
	t.Parallel()
	logs := Only(t, StackOf(t, Direct(t), Production(), "Network"), "AWS::EC2::FlowLog")
	assert.Equal(t, "cloud-watch-logs", logs.Text("LogDestinationType"))
	assert.Equal(t, "30", Follow(t, logs, "LogGroupName").Text("RetentionInDays"))
	assert.NotContains(t, logs.Properties, "MaxAggregationInterval", "a minute's would be ten times as many lines to pay for")
}
