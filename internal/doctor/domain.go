package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	route53types "github.com/aws/aws-sdk-go-v2/service/route53/types"

	"parrot/config"
	"parrot/internal/operate"
	"parrot/internal/terminal"
)

func (d *doctor) delegation(ctx context.Context) (string, error) {
	if err := d.need(d.outputs.HostedZoneID, config.HostedZoneOutput); err != nil {
		return "", err
	}
	found, err := d.Delegated(ctx, d.outputs)
	if gone := new(route53types.NoSuchHostedZone); errors.As(err, &gone) {
		return "", d.finding("zone-gone", "", d.aboutZone())
	}
	if err != nil {
		return "", err
	}
	want := strings.Join(found.Zone, " ")
	switch {
	case found.OK():
		return fmt.Sprintf("%s, to the %d name servers of its zone", found.Domain, len(found.Zone)), nil
	case len(found.Parent) == 0:
		return "", d.finding("not-delegated", want)
	default:
		return "", d.finding("delegated-elsewhere",
			fmt.Sprintf("It is %s; enter at its registrar, or as NS record in the parent zone: %s", strings.Join(found.Parent, " "), want))
	}
}

func (d *doctor) aboutZone() values { return values{"zone": d.outputs.HostedZoneID} }

func (d *doctor) certificate(ctx context.Context) (string, error) {
	c, err := d.Certificate(ctx, d.outputs)
	if err != nil {
		return "", err
	}
	about := values{"certificate": c.ARN, "listener": c.Listener}
	switch {
	case c.Status == "missing" && d.deploy() != nil:
		return "", d.deploy()
	case c.Status == "missing":
		return "", d.finding("certificate-missing", "")
	case c.Status == "PENDING_VALIDATION":
		return c.Status, d.unvalidated(ctx, c)
	case c.Status != "ISSUED" && c.Attached:
		return c.Status, d.finding("certificate-dead", strings.TrimSpace(c.Status+" "+c.Failure), about)
	case c.Status != "ISSUED":
		return c.Status, d.finding("certificate-failed", strings.TrimSpace(c.Status+" "+c.Failure), about)
	case !c.Attached && d.outputs.LoadBalancerDNS == "":
		return "", d.need("", config.LoadBalancerHostOutput)
	case !c.Attached:
		return "not attached to the load balancer", d.finding("certificate-not-attached", "")
	case !c.Covers(d.config.Domain) || !c.Covers("www."+d.config.Domain):
		return "", d.finding("certificate-other-domain", strings.Join(c.Names, " "))
	case c.Renewal == "PENDING_VALIDATION" && c.ExpiresSoon(d.Clock()):
		return "", d.finding("renewal-waits", terminal.Day(c.Expires), about)
	}
	return "ISSUED, until " + terminal.Day(c.Expires), nil
}

// unvalidated returns what the certificate's validation waits for.
func (d *doctor) unvalidated(ctx context.Context, c operate.Certificate) error {
	for _, record := range c.Unvalidated {
		out, err := d.route53.ListResourceRecordSets(ctx, &route53.ListResourceRecordSetsInput{
			HostedZoneId: &d.outputs.HostedZoneID, StartRecordName: &record.Name, StartRecordType: route53types.RRTypeCname, MaxItems: aws.Int32(1),
		})
		if err != nil {
			return fmt.Errorf("the records of zone %s cannot be read: %w", d.outputs.HostedZoneID, err)
		}
		if len(out.ResourceRecordSets) > 0 && lowerName(aws.ToString(out.ResourceRecordSets[0].Name)) == lowerName(record.Name) {
			continue
		}
		change, err := json.Marshal(map[string]any{"Changes": []any{map[string]any{"Action": "UPSERT", "ResourceRecordSet": map[string]any{
			"Name": record.Name, "Type": "CNAME", "TTL": 300, "ResourceRecords": []any{map[string]string{"Value": record.Value}},
		}}}})
		if err != nil {
			return err
		}
		return d.finding("validation-record-missing", record.Name+" CNAME "+record.Value, d.aboutZone(), values{"change": string(change)})
	}
	return d.finding("validation-pending", "", values{"certificate": c.ARN})
}

// lowerName returns a DNS name as it can be compared.
func lowerName(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }
