package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Zone is an Availability Zone of a region, as an account sees it.
type Zone struct {
	// Name is the account's name for it, such as us-east-1a. In old regions and
	// accounts the same name may be another place in another account.
	Name string
	// ID is AWS's name for the place, such as use1-az6.
	// https://docs.aws.amazon.com/global-infrastructure/latest/regions/az-ids.html
	ID string
}

// fargateZones are the ids of the zones that Fargate is in, for the regions where it
// is not in all of them.
// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/AWS_Fargate-Regions.html
var fargateZones = map[string][]string{
	"us-west-1":      {"usw1-az1", "usw1-az3"},
	"ap-northeast-1": {"apne1-az1", "apne1-az2", "apne1-az4"},
}

// lastZone returns the last letter that any account's zones have in a region: AWS has at
// most four zones in a region, and six in us-east-1.
// https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-availability-zones.html
func lastZone(region string) string {
	if region == "us-east-1" {
		return "f"
	}
	return "d"
}

func (v *validator) availabilityZones(e Environment) {
	zones := e.Network.AvailabilityZones
	if !slices.Contains(offers.Regions, e.Region) {
		return // that comes first: the zones are of the region
	}
	ok := len(zones) == 2 && zones[0] != zones[1]
	for _, zone := range zones {
		letter, found := strings.CutPrefix(zone, e.Region)
		ok = ok && found && len(letter) == 1 && letter >= "a" && letter <= lastZone(e.Region)
	}
	if !ok {
		v.reject("Network.AvailabilityZones", zones, "two zones of %s; %s lists those of your account", e.Region, ListZonesCommand(e.Region))
	}
}

// ListZonesCommand returns the command that lists an account's zones in a region.
func ListZonesCommand(region string) string {
	return fmt.Sprintf("aws ec2 describe-availability-zones --region %s --query 'AvailabilityZones[].[ZoneName,ZoneId]' --output text", region)
}

// CheckZones returns an error unless an account has the environment's zones, and
// Fargate is in them. zones are those of the region that the account may use now. The
// error names those that would do.
func (e Environment) CheckZones(zones []Zone) error {
	ids := map[string]string{}
	var usable []string
	for _, zone := range zones {
		ids[zone.Name] = zone.ID
		if e.fargateIn(zone.ID) {
			usable = append(usable, zone.Name)
		}
	}
	var wrong []string
	for _, name := range e.Network.AvailabilityZones {
		id, found := ids[name]
		switch {
		case !found:
			wrong = append(wrong, fmt.Sprintf("the account has no %s", name))
		case !e.fargateIn(id):
			wrong = append(wrong, fmt.Sprintf("Fargate is not in %s (%s)", name, id))
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	slices.Sort(usable)
	if len(usable) < 2 {
		return fmt.Errorf("Network.AvailabilityZones of %s cannot be used: %s. The account has fewer than two zones in %s that can (%s): "+
			"choose another Region",
			e.Name, strings.Join(wrong, ", and "), e.Region, cmp.Or(list(usable), "none"))
	}
	return fmt.Errorf("Network.AvailabilityZones of %s cannot be used: %s. Choose two of %s in config/environments.go before the first deploy",
		e.Name, strings.Join(wrong, ", and "), list(usable))
}

// fargateIn reports whether Fargate is in a zone of the environment's region.
func (e Environment) fargateIn(zoneID string) bool {
	ids, some := fargateZones[e.Region]
	return !some || slices.Contains(ids, zoneID)
}
