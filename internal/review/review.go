// Package review says what a change of the templates does to what runs: it
// compares two synthesized assemblies and writes one report, in which what needs
// a person's eyes comes first. It needs Node.js and no AWS.
//
//	changes, err := review.Diff(ctx, ".", base, head, nil)
//	report := review.Compare(base, head, changes, review.Options{})
//	fmt.Print(report.Markdown())
//
// What an update of a property does to a resource, and which types hold data,
// comes from CloudFormation's specification, through the library in diff.js.
package review

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"parrot/internal/assembly"
)

// Category is a kind of finding, and what a gate names to fail on it.
type Category string

// The categories, in the order of the report.
const (
	// DataLoss is data that is deleted, or that what replaces it does not have.
	DataLoss Category = "data-loss"
	// Deadlock is a deploy that CloudFormation refuses, at least in its usual order.
	Deadlock Category = "deadlock"
	// Broadening is somebody who may do or reach what they could not before.
	Broadening Category = "broadening"
	// Protection is a protection or a backup that is switched off or weakened.
	Protection Category = "protection"
	// Removal is a stack that is not in the app any more.
	Removal Category = "removal"
)

// Categories are all categories in the order of the report.
var Categories = []Category{DataLoss, Deadlock, Broadening, Protection, Removal}

// Finding is something to read first.
type Finding struct {
	Category Category `json:"category"`
	Stack    string   `json:"stack"`
	// Resource is the logical id, empty where it is about the stack.
	Resource string `json:"resource,omitempty"`
	// Text is one line of Markdown.
	Text string `json:"text"`
}

// Report is what changes between two assemblies.
type Report struct {
	// Headline is the change in one sentence, without Markdown.
	Headline string    `json:"headline"`
	Findings []Finding `json:"findings"`
	// Cost is what becomes dearer or cheaper, a line for each environment. Compare
	// leaves it empty.
	Cost   []string `json:"cost,omitempty"`
	Stacks []Stack  `json:"stacks"`
}

// Has reports whether there is a finding of a category.
func (r *Report) Has(category Category) bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Category == category })
}

// Action is what happens to a stack or a resource.
type Action string

// The actions. A revision is a new task definition: a new one for each change is
// how they work, and the old one stays.
const (
	Added           Action = "added"
	Changed         Action = "changed"
	Revised         Action = "new revision"
	Replaced        Action = "replaced"
	PerhapsReplaced Action = "may be replaced"
	Removed         Action = "removed"
)

// Stack is a stack that changes.
type Stack struct {
	Name string `json:"name"`
	// Environment is the environment that it is of, empty where none is known.
	Environment string     `json:"environment,omitempty"`
	Action      Action     `json:"action"`
	Images      []Image    `json:"images,omitempty"`
	Resources   []Resource `json:"resources,omitempty"`
	// Tags are the changes of resources of which nothing but tags changes.
	Tags []Tags `json:"tags,omitempty"`
	// Outputs, Parameters and Settings are changes beside the resources.
	Outputs    []Property `json:"outputs,omitempty"`
	Parameters []Property `json:"parameters,omitempty"`
	Settings   []Property `json:"settings,omitempty"`
}

// Image is a container that gets another image. Versions are tags or digests.
type Image struct {
	Container string `json:"container"`
	Old       string `json:"old"`
	New       string `json:"new"`
}

// Resource is a resource that changes.
type Resource struct {
	ID string `json:"id"`
	// Name is the logical id without CDK's hash, where that is still unique.
	Name   string `json:"name"`
	Type   string `json:"type"`
	Action Action `json:"action"`
	// Fate is what becomes of what was there, where it held data.
	Fate       string     `json:"fate,omitempty"`
	Properties []Property `json:"properties,omitempty"`
}

// Tags is a change of tags that resources have in common.
type Tags struct {
	Changes   []Property `json:"changes"`
	Resources []string   `json:"resources"`
}

// Property is a value that changes; an empty text is one that is not there.
type Property struct {
	Path string `json:"path"`
	Old  string `json:"old,omitempty"`
	New  string `json:"new,omitempty"`
	// Replaces says that the resource is replaced for it, for sure or maybe.
	Replaces Impact `json:"replaces,omitempty"`
}

// Environment is how stacks of an environment are recognized.
type Environment struct {
	Name        string // dev
	StackPrefix string // ParrotDev
}

// Options are what Compare may know of the app.
type Options struct {
	// Environments are those whose stacks are named after them.
	Environments []Environment
	// Only chooses stacks by name; nil is all.
	Only func(stack string) bool
}

// Environment returns the environment of a stack: the one with the longest prefix,
// since one environment's may begin with another's. It is empty where none is known.
func (o Options) Environment(stack string) string {
	var best Environment
	for _, env := range o.Environments {
		if strings.HasPrefix(stack, env.StackPrefix) && len(env.StackPrefix) > len(best.StackPrefix) {
			best = env
		}
	}
	return best.Name
}

// comparison is a report in the making.
type comparison struct {
	changes *Changes
	options Options
	pairs   []*pair
	names   names
	report  *Report
}

// Compare makes the report of two assemblies and of what Diff says of them.
func Compare(base, head *assembly.Assembly, changes *Changes, options Options) *Report {
	c := &comparison{
		changes: changes, options: options, pairs: match(base, head, options.Only),
		names: nameResources(base, head), report: &Report{Findings: []Finding{}, Stacks: []Stack{}},
	}
	for _, p := range c.pairs {
		if !p.changed() {
			continue
		}
		resources, images := c.resources(p)
		stack := c.stack(p, resources, images)
		c.findData(p, resources)
		c.findAccess(p)
		c.findProtection(p)
		if stack.any() {
			c.report.Stacks = append(c.report.Stacks, stack)
		}
	}
	c.findTermination()
	c.findOrder()
	slices.SortStableFunc(c.report.Findings, func(a, b Finding) int {
		return slices.Index(Categories, a.Category) - slices.Index(Categories, b.Category)
	})
	c.report.Headline = c.headline()
	return c.report
}

func (c *comparison) find(category Category, p *pair, resource, format string, args ...any) {
	c.report.Findings = append(c.report.Findings, Finding{category, p.name(), resource, fmt.Sprintf(format, args...)})
}

// any reports whether there is more than noise.
func (s Stack) any() bool {
	return s.Action != Changed || len(s.Images)+len(s.Resources)+len(s.Tags)+len(s.Outputs)+len(s.Parameters)+len(s.Settings) > 0
}

// stack returns what changes in one stack.
func (c *comparison) stack(p *pair, resources []Resource, images []Image) Stack {
	s := Stack{Name: p.name(), Environment: c.options.Environment(p.name()), Action: Changed, Images: images}
	switch {
	case p.base == nil:
		s.Action = Added
	case p.head == nil:
		s.Action = Removed
		c.find(Removal, p, "", "%s is not in the app any more. A deploy leaves it as it is; it goes when somebody deletes it.", code(p.name()))
	default:
		s.Outputs = c.outputs(p)
		s.Parameters = c.between(p, "", parameters(p.base), parameters(p.head))
		if p.base.TerminationProtection != p.head.TerminationProtection {
			s.Settings = append(s.Settings, Property{
				Path: "TerminationProtection", Old: fmt.Sprint(p.base.TerminationProtection), New: fmt.Sprint(p.head.TerminationProtection),
			})
		}
	}
	tags := map[string]*Tags{}
	for _, r := range resources {
		if r.Action != Changed || !onlyTags(r) {
			s.Resources = append(s.Resources, r)
			continue
		}
		for i := range r.Properties {
			r.Properties[i].Path = tagOf(r.Properties[i])
		}
		key := fmt.Sprint(r.Properties)
		if tags[key] == nil {
			tags[key] = &Tags{Changes: r.Properties}
		}
		tags[key].Resources = append(tags[key].Resources, r.Name)
	}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		s.Tags = append(s.Tags, *tags[key])
	}
	return s
}

func onlyTags(r Resource) bool {
	return len(r.Properties) > 0 && !slices.ContainsFunc(r.Properties, func(p Property) bool {
		return p.Replaces != "" || tagOf(p) == ""
	})
}

// tagOf returns the name of the tag that a property is, or empty.
func tagOf(p Property) string {
	for _, list := range []string{"Tags.", "HostedZoneTags."} {
		if name, ok := strings.CutPrefix(p.Path, list); ok {
			return name
		}
	}
	return ""
}

// taskDefinition is the one type that is replaced for every change, by design.
const taskDefinition = "AWS::ECS::TaskDefinition"

// resources are the resources that change, and the images of their containers.
// A resource of which only the image changes is not among them.
func (c *comparison) resources(p *pair) (all []Resource, images []Image) {
	for _, id := range slices.Sorted(maps.Keys(c.changes.Stacks[p.key].Resources)) {
		r := c.resource(p, id)
		if r.Type == taskDefinition && r.Action == Revised {
			released, paths := imagesBetween(properties(p.old[id]), properties(p.new[id]))
			for _, image := range released {
				if !slices.Contains(images, image) {
					images = append(images, image)
				}
			}
			r.Properties = slices.DeleteFunc(r.Properties, func(p Property) bool { return slices.Contains(paths, p.Path) })
			if len(r.Properties) == 0 {
				continue
			}
		}
		all = append(all, r)
	}
	return all, images
}

// resource returns what changes in one resource.
func (c *comparison) resource(p *pair, id string) Resource {
	change := c.changes.Stacks[p.key].Resources[id]
	before, after := p.old[id], p.new[id]
	r := Resource{ID: id, Name: c.names.of(p.name(), id), Type: typeOf(before, after), Action: Changed}
	switch {
	case before == nil:
		r.Action = Added
		return r
	case after == nil:
		r.Action, r.Fate = Removed, c.fateOfDeleted(p, id)
		return r
	case change.Impact == WillReplace && r.Type == taskDefinition:
		r.Action = Revised
	case change.Impact == WillReplace:
		r.Action, r.Fate = Replaced, c.fateOfReplaced(p, id)
	case change.Impact == MayReplace && c.keptName(p, id, r.Type) == "":
		r.Action, r.Fate = PerhapsReplaced, c.fateOfReplaced(p, id)
	}
	for _, name := range slices.Sorted(maps.Keys(change.Properties)) {
		impact := change.Properties[name]
		switch {
		case impact == MayReplace && r.Action == Changed:
			impact = WouldReplace
		case impact != WillReplace && impact != MayReplace || r.Action == Revised:
			impact = ""
		}
		oldValue, newValue := properties(before)[name], properties(after)[name]
		found := c.between(p, name, oldValue, newValue)
		if len(found) == 0 && impact != "" { // the same text, of something that is replaced
			value := c.names.in(p.name(), text(newValue))
			found = []Property{{Path: name, Old: value, New: value}}
		}
		for _, property := range found {
			property.Replaces = impact
			r.Properties = append(r.Properties, property)
		}
	}
	for _, name := range change.Attributes {
		r.Properties = append(r.Properties, c.between(p, name, before[name], after[name])...)
	}
	return r
}

func typeOf(before, after map[string]any) string {
	if after != nil {
		return text(after["Type"])
	}
	return text(before["Type"])
}

func properties(resource map[string]any) map[string]any {
	object, _ := resource["Properties"].(map[string]any)
	return object
}

// parameters returns a template's parameters but for the CLI's own.
func parameters(stack *assembly.Stack) map[string]any {
	found := map[string]any{}
	for name, parameter := range stack.Parameters {
		if name != "BootstrapVersion" {
			found[name] = parameter
		}
	}
	return found
}

// exportPrefix is in the path of an output that is an export, before its name.
const exportPrefix = "export "

// outputs returns a stack's outputs that come, go or change; the exports among them
// are named by what they export.
func (c *comparison) outputs(p *pair) []Property {
	before, after := map[string]any{}, map[string]any{}
	write := func(into map[string]any, stack *assembly.Stack) {
		for _, output := range stack.Outputs {
			name := output.ID
			if output.ExportName != "" {
				name = exportPrefix + output.ExportName
			}
			into[name] = stack.Text(output.Value)
		}
	}
	write(before, p.base)
	write(after, p.head)
	return c.between(p, "", before, after)
}
