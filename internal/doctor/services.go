package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"

	"parrot/config"
	"parrot/internal/delivery"
	"parrot/internal/operate"
)

func (d *doctor) images(ctx context.Context) (string, error) {
	var words []string
	for _, w := range d.config.Services() {
		if !w.Image.Released() {
			return "", d.finding("not-released", "", d.about(w))
		}
		words = append(words, w.Name+": "+cmp.Or(w.Image.Tag, w.Image.Digest))
	}
	_, err := delivery.MissingImages(ctx, d.config, d.Session())
	if missing := new(delivery.MissingImage); errors.As(err, missing) {
		return "", d.finding("image-missing", missing.Error())
	}
	return strings.Join(words, ", "), err
}

func (d *doctor) services(ctx context.Context) (string, error) {
	var words []string
	for _, w := range d.config.Services() {
		at := d.outputs.Of(w.Name)
		if err := d.need(at.Service, w.ServiceOutput()); err != nil {
			return "", err
		}
		s, err := d.Service(ctx, at)
		if gone := new(operate.ServiceGone); errors.As(err, gone) {
			return "", d.finding("service-gone", gone.Error())
		}
		if err != nil {
			return "", err
		}
		state := fmt.Sprintf("%s: %d of %d run", w.Name, s.Running, s.Desired)
		switch {
		case s.Desired == 0:
			return state, d.finding("nothing-wanted", "", d.about(w))
		case !s.Settled():
			finding, err := d.unsettled(ctx, w, s)
			if err != nil {
				return "", err
			}
			return state, finding
		}
		words = append(words, state)
	}
	return strings.Join(words, ", "), nil
}

// unsettled returns why a service does not run as it should.
func (d *doctor) unsettled(ctx context.Context, w config.Workload, s operate.Service) (*Finding, error) {
	given := []values{d.about(w), aboutGroups(s)}
	says, task, err := d.stopped(ctx, d.outputs.Of(w.Name), s.Deployments)
	if err != nil {
		return nil, err
	}
	if says != "" {
		return d.render(matchCause(stoppedTask, says, "task-stopped"), says, append(given, task)...), nil
	}
	for _, event := range s.Events {
		if c := matchCause(stoppedTask, event.Message, "tasks-starting"); c.in == stoppedTask && (s.Since == nil || event.At.After(*s.Since)) {
			return d.render(c, event.Message, given...), nil
		}
	}
	// Tasks that run and are not healthy delay a deployment.
	if w.Web != nil {
		if _, err := d.unhealthy(ctx, w, s); err != nil {
			return d.findingOf(err), nil
		}
	}
	return d.finding("tasks-starting", "", given...), nil
}

// aboutGroups returns the value for a service's security groups.
func aboutGroups(s operate.Service) values {
	return values{"groups": cmp.Or(strings.Join(s.SecurityGroups, " "), "SECURITY_GROUP")}
}

// stopped returns why the newest failed task of some deployments, or of any, stopped,
// and the value for its id. It returns nothing if no task failed. Tasks that ECS stops
// because fewer are wanted have not failed.
func (d *doctor) stopped(ctx context.Context, at operate.ServiceOutputs, deployments []string) (string, values, error) {
	tasks, err := d.Tasks(ctx, at, ecstypes.DesiredStatusStopped)
	if err != nil {
		return "", nil, err
	}
	for _, task := range tasks {
		reason := aws.ToString(task.StoppedReason)
		if strings.HasPrefix(reason, "Scaling activity") || deployments != nil && !slices.Contains(deployments, aws.ToString(task.StartedBy)) {
			continue
		}
		parts := []string{reason}
		for _, container := range task.Containers {
			if text := aws.ToString(container.Reason); text != "" {
				parts = append(parts, text)
			}
			if code := aws.ToInt32(container.ExitCode); code != 0 {
				parts = append(parts, fmt.Sprintf("%s exit %d", aws.ToString(container.Name), code))
			}
		}
		return strings.Join(parts, "; "), values{"task": operate.ShortID(aws.ToString(task.TaskArn))}, nil
	}
	return "", nil, nil
}

func (d *doctor) targets(ctx context.Context) (string, error) {
	var words []string
	for _, w := range d.config.Services() {
		if w.Web == nil {
			continue
		}
		s, err := d.Service(ctx, d.outputs.Of(w.Name))
		if err != nil {
			return "", err
		}
		healthy, err := d.unhealthy(ctx, w, s)
		if err != nil {
			return w.Name + ": not healthy", err
		}
		if healthy == 0 {
			return w.Name + ": none", d.finding("no-targets", "", d.about(w))
		}
		words = append(words, fmt.Sprintf("%s: %d healthy", w.Name, healthy))
	}
	return strings.Join(words, ", "), nil
}

// unhealthy returns why a target of a service is not healthy, or how many are healthy.
func (d *doctor) unhealthy(ctx context.Context, w config.Workload, s operate.Service) (healthy int, err error) {
	targets, err := d.Targets(ctx, d.outputs.Of(w.Name))
	if err != nil {
		return 0, err
	}
	// An unhealthy target says more than a new one.
	slices.SortStableFunc(targets, func(a, b operate.Target) int { return cmp.Compare(starting(a), starting(b)) })
	for _, target := range targets {
		if target.State == "healthy" {
			healthy++
		}
		if target.OK() {
			continue
		}
		says := strings.TrimSpace(fmt.Sprintf("%s %s", target.Reason, target.Description))
		c := matchCause(targetCode, says, "target-other")
		if c.name == "health-timeout" || c.name == "health-refused" {
			if err := d.unreachable(ctx, w, s, target); err != nil {
				return 0, err
			}
		}
		return 0, d.render(c, says, d.about(w))
	}
	return healthy, nil
}

func starting(t operate.Target) int {
	if t.State == "initial" {
		return 1
	}
	return 0
}

// unreachable returns the finding if the load balancer cannot reach a target at all:
// because of its port, or because of its security group.
func (d *doctor) unreachable(ctx context.Context, w config.Workload, s operate.Service, target operate.Target) error {
	port := strconv.Itoa(int(target.Port))
	if !slices.Contains(s.ContainerPorts, target.Port) || s.PortVariable != port {
		var open []string
		for _, opened := range s.ContainerPorts {
			open = append(open, strconv.Itoa(int(opened)))
		}
		return d.finding("port-mismatch",
			fmt.Sprintf("target %s, container %s, variable %s %s", port, strings.Join(open, " "), config.PortVariable, s.PortVariable))
	}
	balancer, err := d.loadBalancerGroups(ctx)
	if err != nil {
		return err
	}
	open, err := d.open(ctx, s.SecurityGroups, target.Port, balancer, d.config.Network.Prefix())
	if err != nil || open {
		return err
	}
	return d.finding("target-closed", "", d.about(w), values{"port": port, "group": first(s.SecurityGroups), "balancer": first(balancer)})
}

// first returns the group that a rule can be added to, if any of some groups may have
// it.
func first(groups []string) string {
	if len(groups) == 0 {
		return ""
	}
	return groups[0]
}

func (d *doctor) loadBalancerGroups(ctx context.Context) ([]string, error) {
	pages := elb.NewDescribeLoadBalancersPaginator(d.elb, &elb.DescribeLoadBalancersInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("load balancers cannot be listed: %w", err)
		}
		for _, balancer := range page.LoadBalancers {
			if strings.EqualFold(aws.ToString(balancer.DNSName), d.outputs.LoadBalancerDNS) {
				return balancer.SecurityGroups, nil
			}
		}
	}
	return nil, nil
}

// open reports whether security groups allow members of other groups, or a whole range
// of addresses, to call a TCP port.
func (d *doctor) open(ctx context.Context, groups []string, port int32, members []string, addresses netip.Prefix) (bool, error) {
	out, err := d.ec2.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{GroupIds: groups})
	if err != nil {
		return false, fmt.Errorf("security groups %s cannot be read: %w", strings.Join(groups, " "), err)
	}
	for _, group := range out.SecurityGroups {
		for _, rule := range group.IpPermissions {
			all := aws.ToString(rule.IpProtocol) == "-1"
			if !all && (aws.ToString(rule.IpProtocol) != "tcp" || port < aws.ToInt32(rule.FromPort) || port > aws.ToInt32(rule.ToPort)) {
				continue
			}
			for _, pair := range rule.UserIdGroupPairs {
				if slices.Contains(members, aws.ToString(pair.GroupId)) {
					return true, nil
				}
			}
			for _, ips := range rule.IpRanges {
				if allowed, err := netip.ParsePrefix(aws.ToString(ips.CidrIp)); err == nil && allowed.Bits() <= addresses.Bits() &&
					allowed.Contains(addresses.Addr()) {
					return true, nil
				}
			}
		}
	}
	return false, nil
}
