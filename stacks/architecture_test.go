package stacks_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"parrot/config"
	"parrot/internal/assembly"
	"parrot/internal/documents"
	. "parrot/internal/synthtest"
)

// Pictures of the architecture are drawn from the templates, so that they are
// true: of dev as the system's description has it, and of a production
// environment with every option on where that looks different.

func TestArchitectureIsDrawnFromTheTemplates(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString(`# Architecture

Drawn from the synthesized templates by ` + "`go test ./stacks -run Architecture -update`" + `: dev as the system's
description has it, and prod with every option on. The README has the short version.

## The network

What is in which subnet. Public subnets have a route to the internet; private ones have
none, or one through a NAT gateway.

`)
	for _, env := range Fixtures() {
		fmt.Fprintf(&text, "### %s\n\n%s\n", env.Name, drawNetwork(t, env))
	}
	text.WriteString(`## Who may call whom

All security group rules. Nothing else gets in anywhere; everything may call out.

`)
	for _, env := range Fixtures() {
		fmt.Fprintf(&text, "### %s\n\n%s\n", env.Name, matrix(t, env))
	}
	text.WriteString("## The way of a request\n\n" + drawRequests(t, Described()))
	text.WriteString("\n## The order of a deploy\n\nWhat a stack needs is deployed before it, and deleted after it.\n\n" +
		drawOrder(t, Described()))

	documents.Golden(t, "docs/architecture.md", text.String())
}

// mermaid returns a picture of lines.
func mermaid(direction string, lines []string) string {
	return "```mermaid\nflowchart " + direction + "\n  " + strings.Join(lines, "\n  ") + "\n```\n"
}

// placed are the types that stand in subnets, and what a picture calls them.
var placed = map[string]string{
	"AWS::ElasticLoadBalancingV2::LoadBalancer": "load balancer",
	"AWS::ECS::Service":                         "",
	"AWS::RDS::DBInstance":                      "PostgreSQL",
	"AWS::ElastiCache::ReplicationGroup":        "Redis",
	"AWS::EC2::NatGateway":                      "NAT gateway",
}

// subnetsOf are the subnets that a resource names, or its subnet group does.
func subnetsOf(resource *assembly.Resource) (found []*assembly.Resource) {
	for _, reference := range resource.References() {
		switch to := reference.To.Resource; to.Type {
		case "AWS::EC2::Subnet":
			found = append(found, to)
		case "AWS::RDS::DBSubnetGroup", "AWS::ElastiCache::SubnetGroup":
			found = append(found, subnetsOf(to)...)
		}
	}
	return found
}

func drawNetwork(t *testing.T, env config.Environment) string {
	t.Helper()
	inside := map[*assembly.Resource][]string{}
	for _, part := range config.Parts {
		for _, resource := range StackOf(t, Direct(t), env, part).Resources {
			name, drawn := placed[resource.Type]
			if !drawn {
				continue
			}
			if name == "" {
				name = strings.TrimPrefix(resource.Text("ServiceName"), env.PhysicalName("")) + " tasks"
			}
			for _, subnet := range subnetsOf(resource) {
				if !slices.Contains(inside[subnet], name) {
					inside[subnet] = append(inside[subnet], name)
				}
			}
		}
	}
	network := StackOf(t, Direct(t), env, "Network")
	require.Len(t, inside, len(network.OfType("AWS::EC2::Subnet")), "every subnet holds something")
	zones := map[string][]*assembly.Resource{}
	for _, subnet := range Resources(t, network, "AWS::EC2::Subnet") {
		zones[subnet.Text("AvailabilityZone")] = append(zones[subnet.Text("AvailabilityZone")], subnet)
	}
	lines := []string{"internet((Internet)) --- vpc"}
	lines = append(lines, fmt.Sprintf(`subgraph vpc ["VPC %s"]`, Only(t, network, "AWS::EC2::VPC").Text("CidrBlock")))
	for _, zone := range env.Network.AvailabilityZones {
		lines = append(lines, fmt.Sprintf(`  subgraph %s ["%s"]`, id(zone), zone))
		slices.SortFunc(zones[zone], func(a, b *assembly.Resource) int { return cmp.Compare(Tag(b, "Name"), Tag(a, "Name")) })
		for _, subnet := range zones[zone] {
			slices.Sort(inside[subnet])
			name := strings.TrimPrefix(Tag(subnet, "Name"), env.PhysicalName(""))
			lines = append(lines, fmt.Sprintf(`    %s["%s %s<br/>%s"]`, id(name), name, subnet.Text("CidrBlock"), strings.Join(inside[subnet], "<br/>")))
		}
		lines = append(lines, "  end")
	}
	// An invisible link keeps the zones side by side, in their order.
	lines = append(lines, "  "+id(strings.Join(env.Network.AvailabilityZones, " ~~~ ")), "end")
	return mermaid("TB", lines)
}

// id returns a node's name, which takes no hyphens.
func id(name string) string { return strings.ReplaceAll(name, "-", "_") }

func matrix(t *testing.T, env config.Environment) string {
	t.Helper()
	var text strings.Builder
	text.WriteString("| From | to | port |\n| --- | --- | --- |\n")
	short := strings.NewReplacer(env.PhysicalName(""), "", "0.0.0.0/0", "the internet", env.Network.VPC,
		"anything in the VPC ("+env.Network.VPC+")")
	for _, line := range Callers(t, Direct(t), env) {
		from, rest, _ := strings.Cut(line, " → ")
		words := strings.Fields(rest)
		fmt.Fprintf(&text, "| %s | %s | %s %s |\n", short.Replace(from), short.Replace(words[0]), words[1], words[2])
	}
	return text.String()
}

func drawRequests(t *testing.T, env config.Environment) string {
	t.Helper()
	edge, compute := StackOf(t, Direct(t), env, "Edge"), StackOf(t, Direct(t), env, "Compute")
	var lines []string
	for _, record := range Resources(t, edge, "AWS::Route53::RecordSet") {
		name := strings.TrimSuffix(record.Text("Name"), ".")
		lines = append(lines, fmt.Sprintf(`browser((Browser)) --> %s["%s<br/>Route 53"] --> lb["Load balancer"]`, id(record.LogicalID), name))
	}
	slices.Sort(lines)
	for _, listener := range Resources(t, edge, "AWS::ElasticLoadBalancingV2::Listener") {
		port := listener.Text("Port")
		lines = append(lines, fmt.Sprintf(`lb --> l%s{"port %s"}`, port, port))
		switch listener.Text("DefaultActions", 0, "Type") {
		case "redirect":
			lines = append(lines, fmt.Sprintf(`l%s -->|%s| l%s`, port, redirects(listener, "DefaultActions", 0), listener.Text("DefaultActions", 0, "RedirectConfig", "Port")))
		case "fixed-response":
			lines = append(lines, fmt.Sprintf(`l%s -->|otherwise| none["%s"]`, port, listener.Text("DefaultActions", 0, "FixedResponseConfig", "StatusCode")))
		}
	}
	rules := slices.Concat(Resources(t, edge, "AWS::ElasticLoadBalancingV2::ListenerRule"),
		Resources(t, compute, "AWS::ElasticLoadBalancingV2::ListenerRule"))
	slices.SortFunc(rules, func(a, b *assembly.Resource) int {
		return cmp.Compare(len(a.Text("Priority")), len(b.Text("Priority")))*1000 + cmp.Compare(a.Text("Priority"), b.Text("Priority"))
	})
	for _, rule := range rules {
		condition := strings.Join(texts(t, rule, "Conditions", 0, "HostHeaderConfig", "Values"), ", ") +
			strings.Join(texts(t, rule, "Conditions", 0, "PathPatternConfig", "Values"), ", ")
		arrow := fmt.Sprintf(`l443 -->|"%s: %s"| `, rule.Text("Priority"), condition)
		if rule.Text("Actions", 0, "Type") == "redirect" {
			lines = append(lines, fmt.Sprintf(`%sr%s["%s to %s"]`, arrow, rule.Text("Priority"), redirects(rule, "Actions", 0), rule.Text("Actions", 0, "RedirectConfig", "Host")))
			continue
		}
		group := Follow(t, rule, "Actions", 0, "TargetGroupArn")
		for _, user := range group.UsedBy() {
			if user.From.Type != "AWS::ECS::Service" {
				continue
			}
			name := strings.TrimPrefix(user.From.Text("ServiceName"), env.PhysicalName(""))
			lines = append(lines, fmt.Sprintf(`%s%s["%s<br/>port %s, healthy if %s answers %s"]`, arrow, name, name, group.Text("Port"), group.Text("HealthCheckPath"), group.Text("Matcher", "HttpCode")))
		}
	}
	for _, line := range Callers(t, Direct(t), Production()) {
		words := strings.Fields(strings.ReplaceAll(line, Production().PhysicalName(""), ""))
		switch words[2] {
		case "db":
			lines = append(lines, fmt.Sprintf(`%s -->|%s| db[("PostgreSQL")]`, words[0], words[4]))
		case "redis":
			lines = append(lines, fmt.Sprintf(`%s -->|%s| redis[("Redis, when on")]`, words[0], words[4]))
		}
	}
	return mermaid("LR", lines)
}

func redirects(resource *assembly.Resource, path ...any) string {
	return strings.TrimPrefix(resource.Text(append(path, "RedirectConfig", "StatusCode")...), "HTTP_")
}

// texts returns the texts of a list; nil where there is none.
func texts(t *testing.T, resource *assembly.Resource, path ...any) []string {
	t.Helper()
	value, ok := resource.Lookup(path...)
	if !ok {
		return nil
	}
	var all []string
	for _, text := range value.([]any) {
		all = append(all, text.(string))
	}
	return all
}

func drawOrder(t *testing.T, env config.Environment) string {
	t.Helper()
	var lines []string
	for _, part := range config.Parts {
		needs := StackOf(t, Direct(t), env, part).Needs()
		if len(needs) == 0 {
			lines = append(lines, string(part))
		}
		for _, needed := range needs {
			lines = append(lines, strings.TrimPrefix(needed.Name, env.StackName(""))+" --> "+string(part))
		}
	}
	return mermaid("LR", lines)
}
