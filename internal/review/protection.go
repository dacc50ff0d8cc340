package review

import (
	"maps"
	"slices"
	"strconv"
)

// protections are properties by their name, in whatever type, with the value
// that protects. The last word on a property is its service's documentation.
var protections = map[string]string{
	"DeletionProtection":          "true",
	"DeletionProtectionEnabled":   "true",
	"deletion_protection.enabled": "true", // an attribute of load balancers
	"StorageEncrypted":            "true",
	"Encrypted":                   "true",
	"AtRestEncryptionEnabled":     "true",
	"TransitEncryptionEnabled":    "true",
	"MultiAZ":                     "true",
	"MultiAZEnabled":              "true",
	"AutomaticFailoverEnabled":    "true",
	"EnableKeyRotation":           "true",
	"PointInTimeRecoveryEnabled":  "true",
	"rds.force_ssl":               "1",
}

// backups are properties that say for how many days there are backups.
var backups = []string{"BackupRetentionPeriod", "SnapshotRetentionLimit"}

// findProtection finds what is switched off.
func (c *comparison) findProtection(p *pair) {
	if p.base == nil || p.head == nil {
		return
	}
	for _, id := range slices.Sorted(maps.Keys(c.changes.Stacks[p.key].Resources)) {
		before, after := p.resource(id)
		if before == nil || after == nil {
			continue
		}
		name := c.names.of(p.name(), id)
		weaker := func(policy, was, is string) {
			if keeps[is] < keeps[was] {
				c.find(Protection, p, id, "%s of %s in %s: %s → %s.", policy, code(name), code(p.name()), code(was), code(is))
			}
		}
		weaker("DeletionPolicy", deletionPolicy(before), deletionPolicy(after))
		weaker("UpdateReplacePolicy", orDelete(before.UpdateReplacePolicy), orDelete(after.UpdateReplacePolicy))
		was, is := leaves(properties(p.old[id])), leaves(properties(p.new[id]))
		for _, l := range sorted(was, is) {
			if on, known := protections[l.name]; known && was[l] == on && is[l] != on {
				c.find(Protection, p, id, "%s of %s in %s is switched off.", code(l.name), code(name), code(p.name()))
			}
			if slices.Contains(backups, l.name) && number(is[l]) < number(was[l]) {
				c.find(Protection, p, id, "Backups of %s in %s are kept for fewer days: %s → %s.",
					code(name), code(p.name()), code(was[l]), code(text(number(is[l]))))
			}
		}
	}
}

// findTermination finds stacks that can be deleted from now on.
func (c *comparison) findTermination() {
	var names []string
	var first *pair
	for _, p := range c.pairs {
		if p.base != nil && p.head != nil && p.base.TerminationProtection && !p.head.TerminationProtection {
			names = append(names, code(p.name()))
			if first == nil {
				first = p
			}
		}
	}
	if first != nil {
		c.find(Protection, first, "", "Termination protection is switched off: %s.", list(names, 5))
	}
}

func orDelete(policy string) string {
	if policy == "" {
		return "Delete"
	}
	return policy
}

// number returns a number of a template, which may be a text.
func number(text string) float64 {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0
	}
	return n
}
