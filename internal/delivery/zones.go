package delivery

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"parrot/config"
	"parrot/internal/awsclient"
)

// Zones asks AWS for the Availability Zones that the account may use in its region.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeAvailabilityZones.html
func Zones(ctx context.Context, session *awsclient.Session) ([]config.Zone, error) {
	out, err := ec2.NewFromConfig(session.Config).DescribeAvailabilityZones(ctx, &ec2.DescribeAvailabilityZonesInput{
		// Neither Local Zones nor what the account has not opted in to.
		Filters: []ec2types.Filter{{Name: aws.String("zone-type"), Values: []string{"availability-zone"}}},
	})
	if err != nil {
		return nil, fmt.Errorf("the Availability Zones of account %s in %s cannot be listed: %w", session.Account, session.Config.Region, err)
	}
	var zones []config.Zone
	for _, zone := range out.AvailabilityZones {
		if zone.State != ec2types.AvailabilityZoneStateUnavailable {
			zones = append(zones, config.Zone{Name: aws.ToString(zone.ZoneName), ID: aws.ToString(zone.ZoneId)})
		}
	}
	return zones, nil
}
