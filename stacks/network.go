package stacks

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsroute53"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"parrot/config"
	blocks "parrot/constructs"
)

const (
	httpPort       = 80
	httpsPort      = 443
	postgreSQLPort = 5432
	redisPort      = 6379
)

// Network is the VPC, who may call whom in it, and the domain's zone.
type Network struct {
	Stack awscdk.Stack
	VPC   awsec2.IVpc
	// Public has a way in and out; Private has a way out through NAT gateways,
	// where there are any.
	Public, Private *awsec2.SelectedSubnets

	LoadBalancer, Database, Redis SecurityGroup
	// Services are the services' groups, by the name of the service.
	Services map[string]SecurityGroup
}

// SecurityGroup is one that other stacks attach to resources. They cannot add rules
// to it, only Network can.
type SecurityGroup struct {
	ID    *string
	Group awsec2.ISecurityGroup
}

// NewNetwork makes the network stack.
func NewNetwork(scope constructs.Construct, env config.Environment) *Network {
	stack := newStack(scope, env, config.NetworkPart, "VPC, security groups and DNS zone of "+env.Domain)
	n := &Network{Stack: stack, Services: map[string]SecurityGroup{}}
	n.addVPC(env)
	n.addSecurityGroups(env)
	if env.Network.FlowLogs {
		n.addFlowLogs(env)
	}
	n.addZone(env)
	return n
}

// addSecurityGroups makes the groups and their rules: who may call whom.
func (n *Network) addSecurityGroups(env config.Environment) {
	vpcID := n.VPC.VpcId()
	closed := func(id, name string) SecurityGroup { return closedGroup(n.Stack, id, name, vpcID) }
	n.LoadBalancer = closed("LoadBalancer", env.LoadBalancerGroupName())
	for _, service := range env.Services() {
		n.Services[service.Name] = closed(service.ID(), service.PhysicalName())
	}
	n.Database = closed("Database", env.DatabaseGroupName())
	n.Redis = closed("Redis", env.RedisName())

	anywhere, vpc := addresses("0.0.0.0/0"), addresses(env.Network.VPC)
	n.allow("HttpFromAnywhere", anywhere, n.LoadBalancer, httpPort)
	n.allow("HttpsFromAnywhere", anywhere, n.LoadBalancer, httpsPort)
	// Compute lets the load balancer reach the services: see AllowFromLoadBalancer.
	switch env.Network.DataAccess {
	case config.DataFromVPC:
		n.allow("DatabaseFromVpc", vpc, n.Database, postgreSQLPort)
		n.allow("RedisFromVpc", vpc, n.Redis, redisPort)
	case config.DataFromBackend:
		for _, service := range env.Services() {
			if service.ReachesData {
				n.allow("DatabaseFrom"+service.ID(), members(n.Services[service.Name]), n.Database, postgreSQLPort)
				n.allow("RedisFrom"+service.ID(), members(n.Services[service.Name]), n.Redis, redisPort)
			}
		}
	}

	// Redis imports its group only while it is on, but an export that is in use
	// cannot be removed: it is exported permanently.
	n.Stack.ExportValue(n.Redis.ID, nil)
	output(n.Stack, config.VPCOutput, vpcID, "The VPC")
}

// closedGroup makes a security group without ingress rules, with all egress allowed.
func closedGroup(stack awscdk.Stack, id, name string, vpcID *string) SecurityGroup {
	groupID := awsec2.NewCfnSecurityGroup(stack, jsii.String(id+"SecurityGroup"), &awsec2.CfnSecurityGroupProps{
		VpcId:            vpcID,
		GroupDescription: &name,
		SecurityGroupEgress: []awsec2.CfnSecurityGroup_EgressProperty{{
			IpProtocol:  jsii.String("-1"),
			CidrIp:      jsii.String("0.0.0.0/0"),
			Description: jsii.String("All traffic out"),
		}},
		Tags: &[]*awscdk.CfnTag{{Key: jsii.String("Name"), Value: &name}},
	}).AttrGroupId()
	return SecurityGroup{groupID, awsec2.SecurityGroup_FromSecurityGroupId(stack, &id, groupID, &awsec2.SecurityGroupImportOptions{
		Mutable: jsii.Bool(false),
	})}
}

// caller is who a rule lets in: a range of addresses or a group's members.
type caller struct{ addresses, group *string }

func addresses(cidr string) caller       { return caller{addresses: &cidr} }
func members(group SecurityGroup) caller { return caller{group: group.ID} }

// allow lets a caller in on one TCP port.
func (n *Network) allow(id string, from caller, to SecurityGroup, port int) {
	ingress(n.Stack, id, from, to, port)
}

// AllowFromLoadBalancer lets the load balancer reach a service on its port. The
// rule is in the service's stack: when the port changes, CloudFormation deletes
// the old rule only after the new tasks serve, and a deploy that fails keeps it:
// docs/decisions/0017-a-port-changes-in-one-pass.md.
func (n *Network) AllowFromLoadBalancer(stack awscdk.Stack, service config.Workload) awsec2.CfnSecurityGroupIngress {
	return ingress(stack, service.ID()+"FromLoadBalancer", members(n.LoadBalancer), n.Services[service.Name], service.Web.Port)
}

// ingress makes a rule with an explicit id: the ids that CDK makes for connections
// differ inside a pipeline (aws/aws-cdk#30588).
func ingress(stack awscdk.Stack, id string, from caller, to SecurityGroup, port int) awsec2.CfnSecurityGroupIngress {
	return awsec2.NewCfnSecurityGroupIngress(stack, &id, &awsec2.CfnSecurityGroupIngressProps{
		GroupId:               to.ID,
		IpProtocol:            jsii.String("tcp"),
		FromPort:              jsii.Number(port),
		ToPort:                jsii.Number(port),
		CidrIp:                from.addresses,
		SourceSecurityGroupId: from.group,
		Description:           &id,
	})
}

// addVPC makes the VPC, four subnets and the ways out. The default security
// group stays as AWS makes it, since nothing is in it.
func (n *Network) addVPC(env config.Environment) {
	privateType, natGateways := awsec2.SubnetType_PRIVATE_WITH_EGRESS, 0
	switch env.Network.NATGateways {
	case config.NATNone:
		privateType = awsec2.SubnetType_PRIVATE_ISOLATED
	case config.NATOne:
		natGateways = 1
	case config.NATOnePerAZ:
		natGateways = len(env.Network.AvailabilityZones)
	}
	// Logical ids are made of the groups' names, so that NAT gateways come and
	// go without touching a subnet.
	public, private := jsii.String("Public"), jsii.String("Private")
	quarter := jsii.Number(env.Network.Prefix().Bits() + 2)
	vpc := awsec2.NewVpc(n.Stack, jsii.String("Vpc"), &awsec2.VpcProps{
		VpcName:            jsii.String(env.PhysicalName("vpc")),
		IpAddresses:        awsec2.IpAddresses_Cidr(&env.Network.VPC),
		AvailabilityZones:  jsii.Strings(env.Network.AvailabilityZones...),
		EnableDnsHostnames: jsii.Bool(true),
		EnableDnsSupport:   jsii.Bool(true),
		NatGateways:        jsii.Number(natGateways),
		SubnetConfiguration: &[]*awsec2.SubnetConfiguration{
			{Name: public, SubnetType: awsec2.SubnetType_PUBLIC, CidrMask: quarter, MapPublicIpOnLaunch: jsii.Bool(false)},
			{Name: private, SubnetType: privateType, CidrMask: quarter},
		},
		GatewayEndpoints: &map[string]*awsec2.GatewayVpcEndpointOptions{
			// Image layers come from S3: free this way, paid through NAT.
			"S3": {Service: awsec2.GatewayVpcEndpointAwsService_S3()},
		},
	})
	n.VPC = vpc
	n.Public = vpc.SelectSubnets(&awsec2.SubnetSelection{SubnetGroupName: public})
	n.Private = vpc.SelectSubnets(&awsec2.SubnetSelection{SubnetGroupName: private})
	for i := range env.Network.AvailabilityZones {
		setName((*n.Public.Subnets)[i], env.PhysicalName(fmt.Sprintf("public-%d", i+1)))
		setName((*n.Private.Subnets)[i], env.PhysicalName(fmt.Sprintf("private-%d", i+1)))
	}
	output(n.Stack, config.PublicSubnetsOutput, join(n.Public.SubnetIds), "The public subnets, for load balancer and tasks")
	output(n.Stack, config.PrivateSubnetsOutput, join(n.Private.SubnetIds), "The private subnets, for database and Redis")
}

// setName sets the Name tag, which CDK would otherwise make of the construct's
// path: another one inside a pipeline.
func setName(scope constructs.IConstruct, name string) {
	awscdk.Tags_Of(scope).Add(jsii.String("Name"), &name, nil)
}

// addFlowLogs records the traffic of the VPC. AWS names the log group, so that
// a kept one does not conflict when the setting comes back.
func (n *Network) addFlowLogs(env config.Environment) {
	logGroup := blocks.NewLogGroup(n.Stack, "FlowLogs", blocks.LogGroupProps{
		RetentionDays: env.LogRetentionDays,
		RemovalPolicy: dataRemoval(env),
	})
	setName(awsec2.NewFlowLog(n.Stack, jsii.String("FlowLog"), &awsec2.FlowLogProps{
		ResourceType: awsec2.FlowLogResourceType_FromVpc(n.VPC),
		Destination:  awsec2.FlowLogDestination_ToCloudWatchLogs(logGroup, nil),
	}), env.PhysicalName("vpc"))
}

// addZone makes the domain's zone, unless it is imported, and gives its id to
// the edge. It is in this stack, before the certificate: the registrar can delegate
// to it while nothing waits.
//
// The id crosses in a parameter, because an export's value cannot change while
// it is in use: see docs/decisions/0004-zone-id-in-a-parameter.md.
func (n *Network) addZone(env config.Environment) {
	id, nameServers := &env.HostedZoneID, jsii.String("imported")
	if env.HostedZoneID == "" {
		zone := awsroute53.NewPublicHostedZone(n.Stack, jsii.String("Zone"), &awsroute53.PublicHostedZoneProps{ZoneName: &env.Domain})
		// The registrar has its name servers: a new zone would have others.
		zone.ApplyRemovalPolicy(awscdk.RemovalPolicy_RETAIN_ON_UPDATE_OR_DELETE)
		id, nameServers = zone.HostedZoneId(), join(zone.HostedZoneNameServers())
	}
	share(n.Stack, env, "ZoneId", config.ZoneParameter, "Id of the zone of "+env.Domain, id)
	output(n.Stack, config.HostedZoneOutput, id, "The zone of "+env.Domain)
	output(n.Stack, config.NameServersOutput, nameServers, "What the registrar of "+env.Domain+" has to name")
}
