package operate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/acm"
	acmtypes "github.com/aws/aws-sdk-go-v2/service/acm/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cloudwatchtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	rdstypes "github.com/aws/aws-sdk-go-v2/service/rds/types"
	"github.com/aws/aws-sdk-go-v2/service/route53"
)

// Database is the database instance.
type Database struct {
	Identifier string `json:"identifier"`
	// Status is RDS's, or missing.
	Status       string `json:"status"`
	Class        string `json:"class"`
	AllocatedGiB int32  `json:"allocatedGiB"`
	MultiAZ      bool   `json:"multiAZ"`
	// Pending are changes that wait, for the maintenance window or a restart.
	Pending []string `json:"pending,omitempty"`

	// Name is the database's in the instance, Username the master user's.
	Name           string   `json:"name"`
	Username       string   `json:"username"`
	Endpoint       string   `json:"endpoint"`
	Port           int32    `json:"port"`
	Public         bool     `json:"public"`
	Subnets        []string `json:"subnets"`
	SecurityGroups []string `json:"securityGroups"`
}

// answering are the statuses in which the database answers.
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/accessing-monitoring.html
var answering = []string{
	"available", "backing-up", "configuring-enhanced-monitoring", "configuring-log-exports", "modifying",
	"resetting-master-credentials", "storage-config-upgrade", "storage-initialization", "storage-optimization",
}

// OK reports whether the database answers.
func (d Database) OK() bool { return slices.Contains(answering, d.Status) }

// Database reads the database.
func (e *Environment) Database(ctx context.Context) (Database, error) {
	id := e.config.Database.Identifier
	out, err := e.rds.DescribeDBInstances(ctx, &rds.DescribeDBInstancesInput{DBInstanceIdentifier: &id})
	if gone := new(rdstypes.DBInstanceNotFoundFault); errors.As(err, &gone) {
		return Database{Identifier: id, Status: "missing"}, nil
	}
	if err != nil {
		return Database{}, fmt.Errorf("database %s cannot be read: %w", id, err)
	}
	found := out.DBInstances[0]
	d := Database{
		Identifier: id, Status: aws.ToString(found.DBInstanceStatus), Class: aws.ToString(found.DBInstanceClass),
		AllocatedGiB: aws.ToInt32(found.AllocatedStorage), MultiAZ: aws.ToBool(found.MultiAZ), Public: aws.ToBool(found.PubliclyAccessible),
		Name: aws.ToString(found.DBName), Username: aws.ToString(found.MasterUsername),
		Pending: pending(found.PendingModifiedValues),
	}
	if found.Endpoint != nil {
		d.Endpoint, d.Port = aws.ToString(found.Endpoint.Address), aws.ToInt32(found.Endpoint.Port)
	}
	if found.DBSubnetGroup != nil {
		for _, subnet := range found.DBSubnetGroup.Subnets {
			d.Subnets = append(d.Subnets, aws.ToString(subnet.SubnetIdentifier))
		}
	}
	for _, group := range found.VpcSecurityGroups {
		d.SecurityGroups = append(d.SecurityGroups, aws.ToString(group.VpcSecurityGroupId))
	}
	return d, nil
}

// pending returns the waiting changes in words. A password is only named.
func pending(values *rdstypes.PendingModifiedValues) (changes []string) {
	if values == nil {
		return nil
	}
	add := func(there bool, format string, args ...any) {
		if there {
			changes = append(changes, fmt.Sprintf(format, args...))
		}
	}
	add(values.DBInstanceClass != nil, "class %s", aws.ToString(values.DBInstanceClass))
	add(values.AllocatedStorage != nil, "%d GiB", aws.ToInt32(values.AllocatedStorage))
	add(values.EngineVersion != nil, "PostgreSQL %s", aws.ToString(values.EngineVersion))
	add(values.MultiAZ != nil, "multi-AZ %t", aws.ToBool(values.MultiAZ))
	add(values.StorageType != nil, "storage %s", aws.ToString(values.StorageType))
	add(values.BackupRetentionPeriod != nil, "%d days of backups", aws.ToInt32(values.BackupRetentionPeriod))
	add(values.MasterUserPassword != nil, "password")
	add(values.CACertificateIdentifier != nil, "certificate authority %s", aws.ToString(values.CACertificateIdentifier))
	return changes
}

// Certificate is the site's certificate.
type Certificate struct {
	ARN string `json:"arn"`
	// Status is ACM's, or missing.
	Status  string     `json:"status"`
	Failure string     `json:"failure,omitempty"`
	Expires *time.Time `json:"expires,omitempty"`
	Names   []string   `json:"names"`
	// Attached reports whether the load balancer's HTTPS listener uses it.
	Attached bool `json:"attached"`
	// Listener is the ARN of that listener.
	Listener string `json:"-"`
	// Unvalidated are the records that ACM waits for.
	Unvalidated []Record `json:"unvalidated,omitempty"`
	// Renewal is the state of its renewal, once there is one.
	Renewal string `json:"renewal,omitempty"`
}

// Record is a DNS record.
type Record struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// expiresSoon is how long before its end a certificate that is not renewed is a problem.
// ACM renews it 60 days before.
const expiresSoon = 30 * 24 * time.Hour

// ExpiresSoon reports whether the certificate ends soon after a time.
func (c Certificate) ExpiresSoon(now time.Time) bool {
	return c.Expires != nil && c.Expires.Sub(now) < expiresSoon
}

// Covers reports whether the certificate is for a host name.
func (c Certificate) Covers(host string) bool {
	_, parent, _ := strings.Cut(host, ".")
	return slices.ContainsFunc(c.Names, func(name string) bool {
		return strings.EqualFold(name, host) || strings.EqualFold(name, "*."+parent)
	})
}

// Certificate reads the certificate of the HTTPS listener, or else the newest one of
// the domain.
func (e *Environment) Certificate(ctx context.Context, at Outputs) (Certificate, error) {
	attached, listener, err := e.attached(ctx, at.LoadBalancerDNS)
	if err != nil {
		return Certificate{}, err
	}
	if attached != "" {
		certificate, err := e.certificate(ctx, attached)
		certificate.Attached, certificate.Listener = true, listener
		return certificate, err
	}
	newest := Certificate{Status: "missing"}
	var made time.Time
	pages := acm.NewListCertificatesPaginator(e.acm, &acm.ListCertificatesInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return newest, fmt.Errorf("certificates cannot be listed: %w", err)
		}
		for _, summary := range page.CertificateSummaryList {
			if !strings.EqualFold(aws.ToString(summary.DomainName), e.config.Domain) || newest.ARN != "" &&
				!aws.ToTime(summary.CreatedAt).After(made) {
				continue
			}
			newest.ARN, made = aws.ToString(summary.CertificateArn), aws.ToTime(summary.CreatedAt)
		}
	}
	if newest.ARN == "" {
		return newest, nil
	}
	return e.certificate(ctx, newest.ARN)
}

// attached returns the certificate of the load balancer's HTTPS listener, if any.
func (e *Environment) attached(ctx context.Context, name string) (certificate, listener string, err error) {
	if name == "" { // it is made after the certificate
		return "", "", nil
	}
	pages := elb.NewDescribeLoadBalancersPaginator(e.elb, &elb.DescribeLoadBalancersInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return "", "", fmt.Errorf("load balancers cannot be listed: %w", err)
		}
		for _, balancer := range page.LoadBalancers {
			if !strings.EqualFold(aws.ToString(balancer.DNSName), name) {
				continue
			}
			out, err := e.elb.DescribeListeners(ctx, &elb.DescribeListenersInput{LoadBalancerArn: balancer.LoadBalancerArn})
			if err != nil {
				return "", "", fmt.Errorf("the load balancer's listeners cannot be read: %w", err)
			}
			for _, listener := range out.Listeners {
				if listener.Protocol == elbtypes.ProtocolEnumHttps && len(listener.Certificates) > 0 {
					return aws.ToString(listener.Certificates[0].CertificateArn), aws.ToString(listener.ListenerArn), nil
				}
			}
		}
	}
	return "", "", nil
}

func (e *Environment) certificate(ctx context.Context, arn string) (Certificate, error) {
	out, err := e.acm.DescribeCertificate(ctx, &acm.DescribeCertificateInput{CertificateArn: &arn})
	if err != nil {
		return Certificate{ARN: arn}, fmt.Errorf("certificate %s cannot be read: %w", arn, err)
	}
	found := out.Certificate
	c := Certificate{ARN: arn, Status: string(found.Status), Failure: string(found.FailureReason), Expires: found.NotAfter,
		Names: found.SubjectAlternativeNames}
	if len(c.Names) == 0 {
		c.Names = []string{aws.ToString(found.DomainName)}
	}
	for _, option := range found.DomainValidationOptions {
		if record := option.ResourceRecord; record != nil && option.ValidationStatus != acmtypes.DomainStatusSuccess {
			c.Unvalidated = append(c.Unvalidated, Record{aws.ToString(record.Name), aws.ToString(record.Value)})
		}
	}
	if found.RenewalSummary != nil {
		c.Renewal = string(found.RenewalSummary.RenewalStatus)
	}
	return c, nil
}

// Delegated is the name servers of the domain: Parent are those that the parent zone
// names, Zone those that Route 53 gave the zone.
type Delegated struct {
	Domain string   `json:"domain"`
	Parent []string `json:"parent"`
	Zone   []string `json:"zone"`
}

// OK reports whether the parent names all name servers of the zone, and no others.
func (d Delegated) OK() bool { return slices.Equal(d.Parent, d.Zone) }

// Unasked is the error that DNS does not answer.
type Unasked struct{ Err error }

func (u Unasked) Error() string { return u.Err.Error() }

// Unwrap returns the cause.
func (u Unasked) Unwrap() error { return u.Err }

// Delegated compares the delegation in the domain's parent with the zone.
func (e *Environment) Delegated(ctx context.Context, at Outputs) (Delegated, error) {
	d := Delegated{Domain: e.config.Domain}
	out, err := e.route53.GetHostedZone(ctx, &route53.GetHostedZoneInput{Id: &at.HostedZoneID})
	if err != nil {
		return d, fmt.Errorf("zone %s cannot be read: %w", at.HostedZoneID, err)
	}
	if out.DelegationSet != nil {
		d.Zone = nameServers(out.DelegationSet.NameServers)
	}
	parent, err := e.dns(ctx, d.Domain)
	if err != nil {
		return d, Unasked{fmt.Errorf("the delegation of %s cannot be read: %w", d.Domain, err)}
	}
	d.Parent = nameServers(parent)
	return d, nil
}

// Alarm is a firing alarm.
type Alarm struct {
	Name   string     `json:"name"`
	Reason string     `json:"reason"`
	Since  *time.Time `json:"since,omitempty"`
}

// Alarms reads the environment's firing alarms.
func (e *Environment) Alarms(ctx context.Context) ([]Alarm, error) {
	prefix := e.config.PhysicalName("")
	firing := []Alarm{}
	pages := cloudwatch.NewDescribeAlarmsPaginator(e.alarms, &cloudwatch.DescribeAlarmsInput{
		AlarmNamePrefix: &prefix, StateValue: cloudwatchtypes.StateValueAlarm,
		AlarmTypes: []cloudwatchtypes.AlarmType{cloudwatchtypes.AlarmTypeMetricAlarm, cloudwatchtypes.AlarmTypeCompositeAlarm},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("alarms cannot be read: %w", err)
		}
		for _, alarm := range page.MetricAlarms {
			firing = append(firing, Alarm{aws.ToString(alarm.AlarmName), aws.ToString(alarm.StateReason), alarm.StateUpdatedTimestamp})
		}
		for _, alarm := range page.CompositeAlarms {
			firing = append(firing, Alarm{aws.ToString(alarm.AlarmName), aws.ToString(alarm.StateReason), alarm.StateUpdatedTimestamp})
		}
	}
	return firing, nil
}
