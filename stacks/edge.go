package stacks

import (
	"strconv"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscertificatemanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	elb "github.com/aws/aws-cdk-go/awscdk/v2/awselasticloadbalancingv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsroute53"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsroute53targets"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"parrot/config"
)

// wwwPriority is the order of the redirect among the rules of the HTTPS listener: it
// comes before those of the services.
const wwwPriority = 50

// Edge is how the internet comes in: certificate, load balancer and DNS records.
type Edge struct {
	Stack awscdk.Stack
	// HTTPS is the listener that services put their rules on. Without a rule
	// that matches it answers 503.
	HTTPS elb.IApplicationListener
}

// NewEdge makes the edge stack. Its certificate waits until the zone is
// delegated to.
func NewEdge(scope constructs.Construct, env config.Environment, network *Network) *Edge {
	stack := newStack(scope, env, config.EdgePart, "Certificate, load balancer and DNS records of "+env.Domain)
	// The zone's id is no reference between the stacks: say the order.
	stack.AddStackDependency(network.Stack, nil)
	zone := importedZone(stack, env)
	www := "www." + env.Domain

	certificate := awscertificatemanager.NewCertificate(stack, jsii.String("Certificate"), &awscertificatemanager.CertificateProps{
		CertificateName:         &env.Domain,
		DomainName:              &env.Domain,
		SubjectAlternativeNames: &[]*string{&www},
		Validation:              awscertificatemanager.CertificateValidation_FromDns(zone),
	})
	loadBalancer := elb.NewApplicationLoadBalancer(stack, jsii.String("LoadBalancer"), &elb.ApplicationLoadBalancerProps{
		LoadBalancerName:        jsii.String(env.LoadBalancerName()),
		Vpc:                     network.VPC,
		VpcSubnets:              &awsec2.SubnetSelection{Subnets: network.Public.Subnets},
		InternetFacing:          jsii.Bool(true),
		SecurityGroup:           network.LoadBalancer.Group,
		DropInvalidHeaderFields: jsii.Bool(true),
		DeletionProtection:      &env.DeletionProtection,
	})
	// The certificate is what fails on a first deploy. A load balancer with
	// deletion protection that exists by then could not be rolled back, and the bucket,
	// which is always kept, would be left over.
	loadBalancer.Node().DefaultChild().(awscdk.CfnResource).AddResourceDependency(certificate.Node().DefaultChild().(awscdk.CfnResource), nil)
	if env.Edge.AccessLogs {
		bucket := accessLogs(stack, env)
		bucket.Node().AddDependency(certificate)
		loadBalancer.LogAccessLogs(bucket, nil)
	} else {
		// CloudFormation keeps the old value of an attribute that a template omits.
		loadBalancer.SetAttribute(jsii.String("access_logs.s3.enabled"), jsii.String("false"))
	}

	toHTTPS := elb.RedirectOptions{
		Protocol:  jsii.String("HTTPS"),
		Port:      jsii.String(strconv.Itoa(httpsPort)),
		Path:      jsii.String("/#{path}"),
		Query:     jsii.String("#{query}"),
		Permanent: jsii.Bool(true),
	}
	loadBalancer.AddListener(jsii.String("Http"), &elb.BaseApplicationListenerProps{
		Port:          jsii.Number(httpPort),
		Open:          jsii.Bool(false), // the security group is the network's
		DefaultAction: elb.ListenerAction_Redirect(&toHTTPS),
	})
	https := loadBalancer.AddListener(jsii.String("Https"), &elb.BaseApplicationListenerProps{
		Port:         jsii.Number(httpsPort),
		Open:         jsii.Bool(false),
		Certificates: &[]elb.IListenerCertificate{certificate},
		SslPolicy:    elb.SslPolicy_TLS13_RES,
		DefaultAction: elb.ListenerAction_FixedResponse(jsii.Number(503), &elb.FixedResponseOptions{
			ContentType: jsii.String("text/plain"),
			MessageBody: jsii.String("Service unavailable"),
		}),
	})
	toApex := toHTTPS
	toApex.Host = &env.Domain
	elb.NewApplicationListenerRule(stack, jsii.String("WwwToApex"), &elb.ApplicationListenerRuleProps{
		Listener:   https,
		Priority:   jsii.Number(wwwPriority),
		Conditions: &[]elb.ListenerCondition{elb.ListenerCondition_HostHeaders(&[]*string{&www})},
		Action:     elb.ListenerAction_Redirect(&toApex),
	})

	target := awsroute53.RecordTarget_FromAlias(awsroute53targets.NewLoadBalancerTarget(loadBalancer, nil))
	awsroute53.NewARecord(stack, jsii.String("Apex"), &awsroute53.ARecordProps{Zone: zone, RecordName: &env.Domain, Target: target})
	awsroute53.NewARecord(stack, jsii.String("Www"), &awsroute53.ARecordProps{Zone: zone, RecordName: &www, Target: target})

	// A new certificate takes the place of this one while its alarm watches it.
	share(stack, env, "CertificateArn", config.CertificateParameter, "ARN of the certificate of "+env.Domain, certificate.CertificateArn())
	share(stack, env, "LoadBalancerFullName", config.LoadBalancerParameter, "The load balancer's name in metrics",
		loadBalancer.LoadBalancerFullName())
	output(stack, config.LoadBalancerHostOutput, loadBalancer.LoadBalancerDnsName(), "The load balancer's own name")
	return &Edge{stack, https}
}

// importedZone returns the domain's zone, which the network stack makes or the
// settings name.
func importedZone(stack awscdk.Stack, env config.Environment) awsroute53.IHostedZone {
	id := &env.HostedZoneID
	if env.HostedZoneID == "" {
		id = shared(stack, env.ParameterName(config.ZoneParameter))
	}
	return awsroute53.HostedZone_FromHostedZoneAttributes(stack, jsii.String("Zone"), &awsroute53.HostedZoneAttributes{
		HostedZoneId: id,
		ZoneName:     &env.Domain,
	})
}

// accessLogs returns the bucket of the load balancer's access logs. It is always
// kept, because a bucket with files in it cannot be deleted; they expire.
func accessLogs(stack awscdk.Stack, env config.Environment) awss3.IBucket {
	return awss3.NewBucket(stack, jsii.String("AccessLogs"), &awss3.BucketProps{
		Encryption:        awss3.BucketEncryption_S3_MANAGED, // the only one the load balancer writes to
		BlockPublicAccess: awss3.BlockPublicAccess_BLOCK_ALL(),
		EnforceSSL:        jsii.Bool(true),
		LifecycleRules: &[]*awss3.LifecycleRule{{
			Expiration: awscdk.Duration_Days(jsii.Number(env.Edge.AccessLogRetentionDays)),
		}},
		RemovalPolicy: awscdk.RemovalPolicy_RETAIN,
	})
}
