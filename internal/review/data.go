package review

import (
	"fmt"
	"strings"

	"parrot/internal/assembly"
)

// alsoStateful are the types of Parrot's that hold what cannot be made again, and
// of which the library's specification does not say so.
var alsoStateful = map[string]string{
	"AWS::ECR::Repository":     "released images",
	"AWS::Route53::HostedZone": "the name servers that a registrar names, and records made by others",
}

func (c *comparison) stateful(resourceType string) bool {
	return c.changes.Types[resourceType].Stateful || alsoStateful[resourceType] != ""
}

// The policies of DeletionPolicy and UpdateReplacePolicy by how much they keep.
var keeps = map[string]int{"Delete": 0, "Snapshot": 1, "RetainExceptOnCreate": 2, "Retain": 2}

// deletionPolicy returns a resource's policy, or what CloudFormation does without one.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html
func deletionPolicy(r *assembly.Resource) string {
	if r.DeletionPolicy != "" {
		return r.DeletionPolicy
	}
	_, inCluster := r.Properties["DBClusterIdentifier"]
	if r.Type == "AWS::RDS::DBCluster" || r.Type == "AWS::RDS::DBInstance" && !inCluster {
		return "Snapshot"
	}
	return "Delete"
}

// fateOfDeleted returns what becomes of what a deleted resource holds; empty where it
// holds nothing.
func (c *comparison) fateOfDeleted(p *pair, id string) string {
	r, _ := p.resource(id)
	if r == nil || !c.stateful(r.Type) {
		return ""
	}
	// The policy that was deployed last decides.
	switch keeps[deletionPolicy(r)] {
	case 0:
		return "deleted with all that is in it"
	case 1:
		return "deleted; a snapshot of it is kept"
	}
	return "left behind: it stays in the account, and no stack knows it"
}

// fateOfReplaced returns what becomes of what a replaced resource holds; empty where
// it holds nothing.
func (c *comparison) fateOfReplaced(p *pair, id string) string {
	_, r := p.resource(id)
	if r == nil || !c.stateful(r.Type) {
		return ""
	}
	switch keeps[r.UpdateReplacePolicy] {
	case 0:
		return "the new one is empty, and the old one is deleted with all that is in it"
	case 1:
		return "the new one is empty; a snapshot of the old one is kept"
	}
	return "the new one is empty; the old one is kept, and no stack knows it"
}

// findData finds what is deleted or replaced and held data, and replacements
// that CloudFormation refuses.
func (c *comparison) findData(p *pair, resources []Resource) {
	for _, r := range resources {
		id := r.ID
		label := fmt.Sprintf("%s (%s) of %s", code(r.Name), shortType(r.Type), code(p.name()))
		switch r.Action {
		case Removed:
			old, _ := p.resource(id)
			switch {
			case r.Fate == "" || keeps[deletionPolicy(old)] == 2:
			case p.head == nil:
				c.find(DataLoss, p, id, "%s is %s, once somebody deletes the stack.", label, r.Fate)
			default:
				c.find(DataLoss, p, id, "%s is %s.", label, r.Fate)
			}
		case Replaced, PerhapsReplaced:
			if r.Fate != "" {
				c.find(DataLoss, p, id, "%s %s for %s: %s.", label, verb(r.Action), reasons(r), r.Fate)
			}
			if name := c.keptName(p, id, r.Type); name != "" {
				c.find(Deadlock, p, id, "%s is replaced, but its name %s is the same, and two cannot have it: CloudFormation refuses. Change the "+
					"name too, or undo the change of %s.", label, code(name), reasons(r))
			}
		default: // what held data still does
		}
	}
}

func verb(action Action) string {
	if action == Replaced {
		return "is replaced"
	}
	return string(action)
}

// reasons returns the properties that a resource is replaced for.
func reasons(r Resource) string {
	var paths []string
	for _, property := range r.Properties {
		if property.Replaces != "" {
			paths = append(paths, code(property.Path))
		}
	}
	if len(paths) == 0 {
		return "its type"
	}
	return list(paths, 3)
}

// keptName returns the physical name that a resource has before and after. Where it
// is a reference, a replacement may well have another.
func (c *comparison) keptName(p *pair, id, resourceType string) string {
	property := c.changes.Types[resourceType].Name
	if property == "" {
		return ""
	}
	before, after := text(properties(p.old[id])[property]), text(properties(p.new[id])[property])
	if before != after || strings.Contains(after, "${") {
		return ""
	}
	return after
}
