package config

import "net/netip"

// Network is the settings of the VPC.
type Network struct {
	// VPC is the VPC's IPv4 range, a private prefix between /16 and /25 such as
	// 10.10.0.0/24. Its quarters are the subnets: public, public, private,
	// private. Fixed.
	VPC string
	// AvailabilityZones are the two Availability Zones of the subnets, both in Region.
	// Each account has its own, and in us-west-1 and ap-northeast-1 Fargate is not in
	// all of them: parrotctl bootstrap and doctor check this. Fixed.
	AvailabilityZones []string
	// NATGateways gives the private subnets a way out. A NAT gateway costs about $36 a
	// month, and its traffic extra.
	NATGateways NATGateways `oneof:"none, one, one-per-az"`
	// TaskSubnets is where the tasks run: "public", with a public address each
	// and no way in but the load balancer, or "private", which needs a NAT
	// gateway. When you go back to public, keep NATGateways for one more deploy: the
	// tasks would lose their way out before they move.
	TaskSubnets TaskSubnets `oneof:"public, private"`
	// DataAccess is who reaches the database and Redis: "vpc" is every address
	// of the VPC, "backend" is only the backend's tasks.
	DataAccess DataAccess `oneof:"vpc, backend"`
	// FlowLogs records the VPC's traffic in CloudWatch Logs. About $0.50 a GB.
	FlowLogs bool
}

// NATGateways is how many NAT gateways there are.
type NATGateways string

// The values of NATGateways.
const (
	NATNone     NATGateways = "none"
	NATOne      NATGateways = "one"
	NATOnePerAZ NATGateways = "one-per-az"
)

// TaskSubnets is the kind of subnets that tasks run in.
type TaskSubnets string

// The values of TaskSubnets.
const (
	TasksPublic  TaskSubnets = "public"
	TasksPrivate TaskSubnets = "private"
)

// DataAccess is who reaches the database and Redis.
type DataAccess string

// The values of DataAccess.
const (
	DataFromVPC     DataAccess = "vpc"
	DataFromBackend DataAccess = "backend"
)

// Prefix returns the VPC's range. It is invalid where VPC is no prefix, which
// Validate refuses.
func (n Network) Prefix() netip.Prefix {
	prefix, _ := netip.ParsePrefix(n.VPC) // the zero Prefix is the invalid one
	return prefix
}

func (v *validator) network(e Environment) {
	v.vpc(e.Network)
	v.availabilityZones(e)
	if e.Network.TaskSubnets == TasksPrivate && e.Network.NATGateways == NATNone {
		v.reject("Network.TaskSubnets", e.Network.TaskSubnets,
			`"public" while Network.NATGateways is "none": private tasks reach neither their registry nor their secrets without a NAT gateway`)
	}
}

// vpc checks that the range is private and that its quarters are subnets that
// a load balancer accepts: at least a /27.
func (v *validator) vpc(n Network) {
	vpc := n.Prefix()
	if !vpc.IsValid() || !vpc.Addr().Is4() || !vpc.Addr().IsPrivate() || vpc != vpc.Masked() || vpc.Bits() < 16 || vpc.Bits() > 25 {
		v.reject("Network.VPC", n.VPC, "a private IPv4 prefix from /16 to /25 without host bits, such as 10.10.0.0/24")
	}
}
