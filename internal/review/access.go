package review

import (
	"fmt"
	"maps"
	"net/netip"
	"path"
	"slices"
	"strings"
)

// public are properties by their name, in whatever type, with the value that
// lets the internet in.
var public = map[string]string{
	"Scheme":              "internet-facing",
	"PubliclyAccessible":  "true",
	"MapPublicIpOnLaunch": "true",
	"AssignPublicIp":      "ENABLED",
	"AccessControl":       "PublicRead",
}

// publicBlocks are properties by their name that keep the internet out while
// they are "true".
var publicBlocks = []string{"BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"}

// findAccess finds who may do or reach what they could not before.
func (c *comparison) findAccess(p *pair) {
	var texts []string
	find := func(format string, args ...any) { texts = append(texts, fmt.Sprintf(format, args...)) }
	c.findRules(p, find)
	c.findPermissions(p, find)
	c.findPublic(p, find)
	if p.base == nil {
		if len(texts) > 0 {
			c.find(Broadening, p, "", "%s is new, and with it: %s.", code(p.name()), list(texts, 4))
		}
		return
	}
	for _, text := range texts {
		c.find(Broadening, p, "", "In %s %s.", code(p.name()), text)
	}
}

func (c *comparison) findRules(p *pair, find func(string, ...any)) {
	changes := c.changes.Stacks[p.key]
	for _, rule := range changes.Opened {
		if slices.ContainsFunc(changes.Closed, func(old Rule) bool { return old.covers(rule) }) {
			continue
		}
		group := code(strings.TrimSuffix(c.names.in(p.name(), rule.GroupID), ".GroupId"))
		var before []string
		for _, old := range changes.Closed {
			if old.GroupID == rule.GroupID && old.Direction == rule.Direction {
				before = append(before, c.peer(p, old)+" on "+old.ports())
			}
		}
		direction := "lets in"
		if rule.Direction == "out" {
			direction = "may call"
		}
		instead := ""
		if len(before) > 0 {
			instead = ", and no longer " + list(before, 3)
		}
		find("%s %s %s on %s%s", group, direction, c.peer(p, rule), rule.ports(), instead)
	}
}

// peer returns who a rule is for.
func (c *comparison) peer(p *pair, r Rule) string {
	name := code(strings.TrimSuffix(c.names.in(p.name(), r.peer()), ".GroupId"))
	if r.Peer.IP == "0.0.0.0/0" || r.Peer.IP == "::/0" {
		return "**the internet** (" + name + ")"
	}
	return name
}

func (r Rule) peer() string {
	return r.Peer.IP + r.Peer.SecurityGroupID + r.Peer.PrefixListID
}

func (r Rule) ports() string {
	protocol := r.Protocol
	if protocol == "-1" {
		protocol = "all protocols"
	}
	switch {
	case r.FromPort == nil || r.ToPort == nil || *r.FromPort == -1:
		return protocol + ", all ports"
	case *r.FromPort == *r.ToPort:
		return fmt.Sprintf("%s %d", protocol, *r.FromPort)
	}
	return fmt.Sprintf("%s %d-%d", protocol, *r.FromPort, *r.ToPort)
}

// covers reports whether all that another rule lets through, this one does, too.
func (r Rule) covers(other Rule) bool {
	if r.Direction != other.Direction || r.GroupID != other.GroupID || r.Protocol != other.Protocol && r.Protocol != "-1" {
		return false
	}
	if r.Protocol != "-1" && r.FromPort != nil && r.ToPort != nil {
		if other.FromPort == nil || other.ToPort == nil || *other.FromPort < *r.FromPort || *other.ToPort > *r.ToPort {
			return false
		}
	}
	if r.peer() == other.peer() {
		return true
	}
	mine, err := netip.ParsePrefix(r.Peer.IP)
	theirs, otherErr := netip.ParsePrefix(other.Peer.IP)
	return err == nil && otherErr == nil && mine.Bits() <= theirs.Bits() && mine.Contains(theirs.Addr())
}

// permission is one thing that somebody may do.
type permission struct{ principal, action, resource, condition string }

func (c *comparison) findPermissions(p *pair, find func(string, ...any)) {
	changes := c.changes.Stacks[p.key]
	show := func(value string) string { return code(c.names.in(p.name(), value)) }
	var before []permission
	for _, s := range changes.Revoked {
		if s.Effect == "Allow" {
			before = append(before, s.permissions()...)
		}
	}
	actions := map[permission][]string{} // by all but the action
	for _, s := range changes.Granted {
		if s.Unread != "" || s.Effect != "Allow" && s.Effect != "Deny" {
			find("an IAM statement changes that only a deployment can read: %s", show(s.Unread))
		}
		if s.Effect != "Allow" {
			continue
		}
		for _, now := range s.permissions() {
			if slices.ContainsFunc(before, func(earlier permission) bool { return earlier.covers(now) }) {
				continue
			}
			key := permission{now.principal, "", now.resource, now.condition}
			if !slices.Contains(actions[key], now.action) {
				actions[key] = append(actions[key], now.action)
			}
		}
	}
	// What may be done alike on several resources is one line.
	resources := map[permission][]string{} // by all but the resource; actions joined
	for key, all := range actions {
		slices.Sort(all)
		line := permission{key.principal, strings.Join(all, "\n"), "", key.condition}
		resources[line] = append(resources[line], key.resource)
	}
	lines := slices.SortedFunc(maps.Keys(resources), func(a, b permission) int {
		return strings.Compare(fmt.Sprint(a), fmt.Sprint(b))
	})
	for _, line := range lines {
		slices.Sort(resources[line])
		who := show(line.principal)
		if line.principal == "*" || line.principal == "AWS:*" {
			who = "**anyone**"
		}
		where := list(codes(resources[line], show), 3)
		if line.condition != "" {
			where += ", on a condition"
		}
		find("%s may now %s on %s", who, list(codes(strings.Split(line.action, "\n"), show), 4), where)
	}
	for _, policy := range changes.Attached {
		find("%s gets the managed policy %s", show(policy.Identity), show(policy.Policy))
	}
	for _, s := range changes.Revoked {
		if s.Effect != "Deny" ||
			slices.ContainsFunc(changes.Granted, func(granted Statement) bool { return granted.Effect == "Deny" && granted.denies(s) }) {
			continue
		}
		find("%s is no longer denied to %s", list(codes(s.Actions.all(), show), 4), list(codes(s.Principals.all(), show), 3))
	}
}

func codes(values []string, show func(string) string) []string {
	all := make([]string, len(values))
	for i, value := range values {
		all[i] = show(strings.TrimPrefix(value, "AWS:"))
	}
	return all
}

// permissions returns all that a statement allows, one by one.
func (s Statement) permissions() []permission {
	var all []permission
	for _, principal := range s.Principals.all() {
		for _, action := range s.Actions.all() {
			for _, resource := range s.Resources.all() {
				all = append(all, permission{strings.TrimPrefix(principal, "AWS:"), action, resource, s.Condition})
			}
		}
	}
	return all
}

// all returns the values; all but a list is one value of its own.
func (v Values) all() []string {
	if v.Not {
		return []string{"all but " + strings.Join(v.Values, ", ")}
	}
	return v.Values
}

// denies reports whether what another statement denies, this one denies, too.
func (s Statement) denies(other Statement) bool {
	for _, denied := range other.permissions() {
		if !slices.ContainsFunc(s.permissions(), func(mine permission) bool { return mine.covers(denied) }) {
			return false
		}
	}
	return true
}

// covers reports whether who has this permission has another, too.
func (p permission) covers(other permission) bool {
	return (p.condition == "" || p.condition == other.condition) &&
		like(p.principal, other.principal) && like(p.action, other.action) && like(p.resource, other.resource)
}

// like matches IAM's wildcards.
func like(pattern, text string) bool {
	if pattern == text || pattern == "*" {
		return true
	}
	if strings.HasPrefix(text, "all but ") {
		return false
	}
	// path.Match knows * and ?, but stops at a slash and takes [ for a class.
	flat := strings.NewReplacer("/", "\x00", "[", `\[`, `\`, `\\`)
	matches, err := path.Match(flat.Replace(pattern), strings.ReplaceAll(text, "/", "\x00"))
	return err == nil && matches
}

// findPublic finds what the internet can reach from now on.
func (c *comparison) findPublic(p *pair, find func(string, ...any)) {
	for _, id := range slices.Sorted(maps.Keys(c.changes.Stacks[p.key].Resources)) {
		if p.new[id] == nil {
			continue
		}
		before, after := leaves(properties(p.old[id])), leaves(properties(p.new[id]))
		for _, l := range sorted(before, after) {
			if before[l] == after[l] {
				continue
			}
			open, known := public[l.name]
			opened := known && strings.HasPrefix(after[l], open) && !strings.HasPrefix(before[l], open)
			unblocked := slices.Contains(publicBlocks, l.name) && before[l] == "true"
			if opened || unblocked {
				find("%s (%s) is made public: %s %s → %s", code(c.names.of(p.name(), id)), shortType(typeOf(p.old[id], p.new[id])), code(l.path),
					value(before[l]), value(after[l]))
			}
		}
	}
}
