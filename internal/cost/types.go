package cost

import (
	"fmt"
	"strconv"
	"strings"

	"parrot/internal/assembly"
)

// The components, in system.md's words where it has one.
const (
	compute      = "Compute"
	database     = "Database"
	cache        = "Cache"
	loadBalancer = "Load balancer"
	addresses    = "Public IPv4 addresses"
	nat          = "NAT"
	dns          = "DNS"
	logging      = "Logging"
	registry     = "Container registry"
	secrets      = "Secrets"
	traffic      = "Traffic"
	monitoring   = "Monitoring"
	delivery     = "Pipeline"
)

// priced are the types that cost something, and how it is counted.
var priced = map[string]func(*estimate, *assembly.Resource){
	"AWS::ECS::Service":                         (*estimate).service,
	"AWS::RDS::DBInstance":                      (*estimate).database,
	"AWS::ElastiCache::ReplicationGroup":        (*estimate).redis,
	"AWS::ElasticLoadBalancingV2::LoadBalancer": (*estimate).loadBalancer,
	"AWS::EC2::NatGateway": func(e *estimate, r *assembly.Resource) {
		e.add(r, nat, "nat-hour", "hours", hoursPerMonth)
		e.add(r, nat, "nat-gb", "traffic, of all gateways together", e.usage.NATGB/float64(len(r.Stack.OfType(r.Type))))
	},
	"AWS::EC2::EIP": func(e *estimate, r *assembly.Resource) {
		e.add(r, addresses, "ipv4", "a NAT gateway's", hoursPerMonth)
	},
	"AWS::EC2::VPCEndpoint": func(e *estimate, r *assembly.Resource) {
		if r.Text("VpcEndpointType") == "Interface" {
			e.add(r, nat, "endpoint-hour", "hours in each zone", hoursPerMonth*float64(length(r, "SubnetIds")))
		}
	},
	"AWS::SecretsManager::Secret": func(e *estimate, r *assembly.Resource) {
		e.add(r, secrets, "secret", "kept", 1)
	},
	"AWS::Route53::HostedZone": func(e *estimate, r *assembly.Resource) {
		e.add(r, dns, "zone", "kept; queries of aliases are free", 1)
	},
	"AWS::ECR::Repository": func(e *estimate, r *assembly.Resource) {
		e.add(r, registry, "image-kept", "images", e.usage.ImageGB)
	},
	"AWS::CloudWatch::Alarm": func(e *estimate, r *assembly.Resource) {
		metrics := 1
		if length(r, "Metrics") > 0 {
			metrics = 0
			for i := range length(r, "Metrics") {
				if r.Text("Metrics", i, "MetricStat") != "" {
					metrics++
				}
			}
		}
		e.add(r, monitoring, "alarm", "metrics that it watches", float64(metrics))
	},
	"AWS::CloudWatch::CompositeAlarm": func(e *estimate, r *assembly.Resource) {
		e.add(r, monitoring, "composite-alarm", "alarm", 1)
	},
	"AWS::CloudWatch::Dashboard": func(e *estimate, r *assembly.Resource) {
		e.add(r, monitoring, "dashboard", "dashboard", 1)
	},
	"AWS::Logs::MetricFilter": func(e *estimate, r *assembly.Resource) {
		e.add(r, monitoring, "metric", "metrics", float64(length(r, "MetricTransformations")))
	},
	"AWS::EC2::FlowLog": func(e *estimate, r *assembly.Resource) {
		e.add(r, logging, "log-written", "flow logs written", e.usage.FlowLogGB)
		e.kept(r, "flow logs kept", e.usage.FlowLogGB)
	},
	"AWS::S3::Bucket": func(e *estimate, r *assembly.Resource) {
		e.add(r, logging, "s3-kept", "files kept", e.usage.BucketGB)
	},
	"AWS::CodePipeline::Pipeline": func(e *estimate, r *assembly.Resource) {
		e.add(r, delivery, "pipeline-minute", "minutes of its actions", e.usage.Builds*e.usage.ActionMinutes)
	},
	"AWS::CodeBuild::Project": func(e *estimate, r *assembly.Resource) {
		price := "build-minute"
		if r.Text("Environment", "ComputeType") == "BUILD_GENERAL1_MEDIUM" {
			price = "build-minute-medium"
		}
		e.add(r, delivery, price, "minutes", e.usage.Builds*e.usage.BuildMinutes)
	},
	"AWS::KMS::Key": func(e *estimate, r *assembly.Resource) {
		e.add(r, delivery, "kms-key", "kept", 1)
	},
}

// free are the types that AWS asks nothing for, and why.
var free = map[string]string{
	"AWS::Budgets::Budget":                          "budgets without actions are free",
	"AWS::CertificateManager::Certificate":          "public certificates are free",
	"AWS::EC2::InternetGateway":                     "free; traffic is counted at the load balancer",
	"AWS::EC2::Route":                               "part of the VPC",
	"AWS::EC2::RouteTable":                          "part of the VPC",
	"AWS::EC2::SecurityGroup":                       "part of the VPC",
	"AWS::EC2::SecurityGroupIngress":                "part of the VPC",
	"AWS::EC2::Subnet":                              "part of the VPC",
	"AWS::EC2::SubnetRouteTableAssociation":         "part of the VPC",
	"AWS::EC2::VPC":                                 "free",
	"AWS::EC2::VPCGatewayAttachment":                "part of the VPC",
	"AWS::ECS::ClusterCapacityProviderAssociations": "part of the cluster",
	"AWS::ECS::Cluster":                             "free without Container Insights",
	"AWS::ECS::TaskDefinition":                      "its tasks are paid for",
	"AWS::ElastiCache::SubnetGroup":                 "free",
	"AWS::ElasticLoadBalancingV2::Listener":         "part of the load balancer",
	"AWS::ElasticLoadBalancingV2::ListenerRule":     "part of the load balancer",
	"AWS::ElasticLoadBalancingV2::TargetGroup":      "part of the load balancer",
	"AWS::Events::Rule":                             "events of AWS's own services are free",
	"AWS::IAM::Policy":                              "free",
	"AWS::IAM::Role":                                "free",
	"AWS::Lambda::Function":                         "the rotation runs for minutes a month, far within what every account has free",
	"AWS::Lambda::Permission":                       "part of the function",
	"AWS::Logs::LogGroup":                           "what the services write is counted at the services",
	"AWS::RDS::DBParameterGroup":                    "free",
	"AWS::RDS::DBSubnetGroup":                       "free",
	"AWS::RDS::EventSubscription":                   "free; the mails are",
	"AWS::Route53::RecordSet":                       "part of the zone",
	"AWS::S3::BucketPolicy":                         "part of the bucket",
	"AWS::SecretsManager::RotationSchedule":         "free; the secret is paid for",
	"AWS::SNS::Subscription":                        "1,000 mails a month are free",
	"AWS::SNS::Topic":                               "1,000 mails a month are free",
	"AWS::SNS::TopicPolicy":                         "part of the topic",
	"AWS::SSM::Parameter":                           "standard parameters are free",
}

func (e *estimate) service(r *assembly.Resource) {
	var cpu, memory float64
	arm := false
	for _, reference := range r.References() {
		if task := reference.To.Resource; task.Type == "AWS::ECS::TaskDefinition" {
			cpu, memory = number(task, "Cpu"), number(task, "Memory")
			arm = task.Text("RuntimePlatform", "CpuArchitecture") == "ARM64"
		}
	}
	tasks, until := number(r, "DesiredCount"), ""
	if tasks == 0 && e.options.Tasks != nil {
		tasks, until = float64(e.options.Tasks(r.Text("ServiceName"))), " once an image is released"
	}
	price := "fargate"
	if arm {
		price = "fargate-arm"
	}
	hours := tasks * hoursPerMonth
	basis := fmt.Sprintf("%g × %g vCPU, %g GB%s", tasks, cpu/1024, memory/1024, until)
	e.add(r, compute, price+"-vcpu", basis, hours*cpu/1024)
	e.add(r, compute, price+"-gb", basis, hours*memory/1024)
	if r.Text("NetworkConfiguration", "AwsvpcConfiguration", "AssignPublicIp") == "ENABLED" {
		e.add(r, addresses, "ipv4", "of its tasks", hours)
	}
	services := float64(len(r.Stack.OfType(r.Type)))
	e.add(r, logging, "log-written", "written by its requests", e.usage.logGB()/services)
	e.kept(r, "kept", e.usage.logGB()/services)
}

// kept adds a log that is kept as long as the stack's log groups keep theirs, once
// it has run that long.
func (e *estimate) kept(r *assembly.Resource, what string, gbAMonth float64) {
	months, days := 1.0, 0.0
	for _, group := range r.Stack.OfType("AWS::Logs::LogGroup") {
		days = max(days, number(group, "RetentionInDays"))
	}
	if days > 0 {
		months = days / 30
	}
	e.add(r, logging, "log-kept", fmt.Sprintf("%s, for %.0f days", what, 30*months), months*gbAMonth)
}

func (e *estimate) database(r *assembly.Resource) {
	zones := 1.0
	if r.Text("MultiAZ") == "true" {
		zones = 2
	}
	class := r.Text("DBInstanceClass")
	e.add(r, database, "rds-"+class, fmt.Sprintf("%g × %s", zones, class), zones*hoursPerMonth)
	e.add(r, logging, "log-written", "written by the database", e.usage.DatabaseLogGB)
	e.kept(r, "kept of the database", e.usage.DatabaseLogGB)
	e.add(r, database, "rds-gp2", "storage; backups of the same size are free", zones*number(r, "AllocatedStorage"))
}

func (e *estimate) redis(r *assembly.Resource) {
	node := r.Text("CacheNodeType")
	e.add(r, cache, "redis-"+node, "1 × "+node, max(1, number(r, "NumCacheClusters"))*hoursPerMonth)
}

func (e *estimate) loadBalancer(r *assembly.Resource) {
	e.add(r, loadBalancer, "alb-hour", "hours", hoursPerMonth)
	e.add(r, loadBalancer, "alb-lcu", "capacity for its requests", e.usage.lcus()*hoursPerMonth)
	e.add(r, addresses, "ipv4", "one in each zone", hoursPerMonth*float64(length(r, "Subnets")))
	e.add(r, traffic, "traffic-out", "answers to browsers", e.usage.gbOut())
}

// number returns a property that is one, or 0.
func number(r *assembly.Resource, path ...any) float64 {
	n, err := strconv.ParseFloat(strings.TrimSpace(r.Text(path...)), 64)
	if err != nil {
		return 0
	}
	return n
}

// length returns how many elements a property has.
func length(r *assembly.Resource, path ...any) int {
	value, _ := r.Lookup(path...)
	list, _ := value.([]any)
	return len(list)
}
