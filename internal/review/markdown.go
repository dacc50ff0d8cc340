package review

import (
	"fmt"
	"slices"
	"strings"
)

// titles are how a finding of a category begins.
var titles = map[Category]string{
	DataLoss:   "Data",
	Deadlock:   "Refused",
	Broadening: "Access",
	Protection: "Protection",
	Removal:    "Stack gone",
}

// nothing is the report of no change.
const nothing = "No template changes."

// Markdown returns the whole report.
func (r *Report) Markdown() string {
	if len(r.Stacks)+len(r.Findings) == 0 {
		return nothing + "\n"
	}
	var text strings.Builder
	fmt.Fprintf(&text, "**%s**\n", r.Headline)
	if len(r.Cost) > 0 {
		text.WriteString("\nA month, at list prices:\n\n")
		for _, line := range r.Cost {
			fmt.Fprintf(&text, "- %s\n", line)
		}
	}
	if len(r.Findings) > 0 {
		text.WriteString("\n## Read these first\n\n")
		for _, f := range r.Findings {
			fmt.Fprintf(&text, "- **%s:** %s\n", titles[f.Category], f.Text)
		}
	}
	for _, group := range r.alike() {
		names := make([]string, len(group))
		for i, s := range group {
			names[i] = s.Name
		}
		fmt.Fprintf(&text, "\n## %s\n\n%s", strings.Join(names, ", "), group[0].markdown())
	}
	return text.String()
}

// Summary returns the report for a place without Markdown and with a limit of
// characters: the headline and what to read first.
func (r *Report) Summary(limit int) string {
	if len(r.Stacks)+len(r.Findings) == 0 {
		return nothing
	}
	lines := []string{r.Headline}
	plain := strings.NewReplacer("`", "", "**", "")
	for _, f := range r.Findings {
		lines = append(lines, fmt.Sprintf("- %s: %s", titles[f.Category], plain.Replace(f.Text)))
	}
	for i := len(lines); i > 0; i-- {
		text := strings.Join(lines[:i], "\n")
		if i < len(lines) {
			text += fmt.Sprintf("\n… and %d more: read the report.", len(lines)-i)
		}
		if len([]rune(text)) <= limit {
			return text
		}
	}
	return string([]rune(r.Headline)[:max(0, min(limit, len([]rune(r.Headline))))])
}

// headline returns the change in one sentence.
func (c *comparison) headline() string {
	counts := map[Action]int{}
	var replaced, perhaps, images int
	var environments []string
	for _, s := range c.report.Stacks {
		counts[s.Action]++
		if s.Environment != "" && !slices.Contains(environments, s.Environment) {
			environments = append(environments, s.Environment)
		}
		images += len(s.Images)
		for _, resource := range s.Resources {
			switch resource.Action {
			case Replaced:
				replaced++
			case PerhapsReplaced:
				perhaps++
			default: // of no further interest to a manager
			}
		}
	}
	var stacks []string
	for _, action := range []Action{Changed, Added, Removed} {
		if n := counts[action]; n > 0 {
			stacks = append(stacks, map[Action]string{
				Changed: count(n, "stack changes", "stacks change"),
				Added:   count(n, "stack is added", "stacks are added"),
				Removed: count(n, "stack is removed", "stacks are removed"),
			}[action])
		}
	}
	of := map[Category]map[string]bool{}
	for _, f := range c.report.Findings {
		if of[f.Category] == nil {
			of[f.Category] = map[string]bool{}
		}
		of[f.Category][f.Stack+"\n"+f.Resource+"\n"+map[bool]string{true: f.Text}[f.Resource == ""]] = true
	}
	text := list(stacks, 3)
	if len(environments) > 0 {
		text += " in " + list(environments, 5)
	}
	text += ": " + count(replaced, "resource is replaced", "resources are replaced") + ", "
	if n := len(of[DataLoss]); n > 0 {
		text += "the data of " + count(n, "resource is at risk", "resources is at risk")
	} else {
		text += "no data is at risk"
	}
	for _, extra := range []struct {
		n    int
		text string
	}{
		{perhaps, count(perhaps, "may be replaced", "may be replaced")},
		{len(of[Deadlock]), count(len(of[Deadlock]), "step is refused in the usual order", "steps are refused in the usual order")},
		{len(of[Broadening]), count(len(of[Broadening]), "widening of access", "widenings of access")},
		{len(of[Protection]), count(len(of[Protection]), "protection is weakened", "protections are weakened")},
		{images, count(images, "image is released", "images are released")},
	} {
		if extra.n > 0 {
			text += "; " + extra.text
		}
	}
	return text
}

func plural(n int, one, more string) string {
	if n == 1 {
		return one
	}
	return more
}

func count(n int, one, more string) string {
	switch n {
	case 0:
		return "no " + one
	case 1:
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}

// alike returns the stacks in groups that change in the same way, but for the
// environment's name.
func (r *Report) alike() [][]Stack {
	var groups [][]Stack
	at := map[string]int{}
	for _, s := range r.Stacks {
		key := s.markdown()
		part := s.Name
		if s.Environment != "" {
			title := strings.ToUpper(s.Environment[:1]) + s.Environment[1:]
			anonymous := strings.NewReplacer(title, "{Environment}", "-"+s.Environment+"-", "-{environment}-")
			key, part = anonymous.Replace(key), anonymous.Replace(part)
		}
		key = part + "\n" + key
		if i, ok := at[key]; ok {
			groups[i] = append(groups[i], s)
			continue
		}
		at[key] = len(groups)
		groups = append(groups, []Stack{s})
	}
	return groups
}

// shown is how many of a kind stand in the report before the rest is folded.
const shown = 8

func (s Stack) markdown() string {
	var lines []string
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	for _, image := range s.Images {
		add("- image of %s: %s → %s", code(image.Container), version(image.Old), version(image.New))
	}
	for _, p := range s.Settings {
		add("- %s", p)
	}
	for _, action := range []Action{Replaced, PerhapsReplaced, Removed, Added, Changed, Revised} {
		if s.Action != Changed && string(action) == string(s.Action) {
			add("- %s: %s", action, s.types(action))
			continue
		}
		for _, r := range s.Resources {
			if r.Action == action {
				lines = append(lines, r.lines()...)
			}
		}
	}
	for _, tags := range s.Tags {
		changes := make([]string, len(tags.Changes))
		for i, p := range tags.Changes {
			changes[i] = p.String()
		}
		add("- tags only, of %s: %s", count(len(tags.Resources), "resource", "resources"), strings.Join(changes, ", "))
	}
	for _, beside := range []struct {
		kind    string
		changes []Property
	}{{"parameter", s.Parameters}, {"output", s.Outputs}} {
		for _, p := range beside.changes {
			if !strings.HasPrefix(p.Path, exportPrefix) {
				add("- %s %s", beside.kind, p)
			}
		}
	}
	for _, p := range s.Outputs {
		switch {
		case !strings.HasPrefix(p.Path, exportPrefix):
		case p.New == "":
			add("- export of %s goes", code(p.Old))
		case p.Old == "":
			add("- export of %s comes", code(p.New))
		default:
			add("- export %s", Property{Path: strings.TrimPrefix(p.Path, exportPrefix), Old: p.Old, New: p.New})
		}
	}
	if len(lines) == 0 {
		return "nothing in it\n"
	}
	if len(lines) <= 3*shown {
		return strings.Join(lines, "\n") + "\n"
	}
	cut := 2 * shown
	for cut < len(lines) && strings.HasPrefix(lines[cut], " ") {
		cut++ // properties stay with their resource
	}
	return fmt.Sprintf("%s\n\n<details><summary>%d lines more</summary>\n\n%s\n\n</details>\n",
		strings.Join(lines[:cut], "\n"), len(lines)-cut, strings.Join(lines[cut:], "\n"))
}

// types counts the resources of an added or removed stack by type.
func (s Stack) types(action Action) string {
	counts := map[string]int{}
	var order []string
	for _, r := range s.Resources {
		if r.Action == action {
			if counts[r.Type] == 0 {
				order = append(order, r.Type)
			}
			counts[r.Type]++
		}
	}
	slices.Sort(order)
	for i, t := range order {
		order[i] = fmt.Sprintf("%d %s", counts[t], shortType(t))
	}
	return strings.Join(order, ", ")
}

func (r Resource) lines() []string {
	line := fmt.Sprintf("- %s %s (%s)", r.Action, code(r.Name), shortType(r.Type))
	if r.Action == Replaced || r.Action == PerhapsReplaced {
		line = fmt.Sprintf("- **%s** %s (%s)", r.Action, code(r.Name), shortType(r.Type))
	}
	switch {
	case r.Fate != "":
		line += ": " + r.Fate
	case r.Action == Replaced && r.Type == "AWS::EC2::SecurityGroupIngress":
		// The one replacement whose order decides whether a failed deploy has a way back.
		line += ": the old rule stays until the rest of this stack is deployed"
	}
	if len(r.Properties) == 1 {
		return []string{line + ": " + r.Properties[0].String()}
	}
	lines := []string{line}
	for _, p := range r.Properties {
		lines = append(lines, "  - "+p.String())
	}
	return lines
}

// names of properties that a manager reads, too.
var plainNames = map[string]string{
	"DesiredCount": "desired count",
}

// notes say what a change of a property means, where its name does not.
var notes = map[string]string{
	"secrets-revision": "new tasks start and read their secrets",
}

// String returns the change in a line of Markdown.
func (p Property) String() string {
	name := code(p.Path)
	if plain := plainNames[p.Path]; plain != "" {
		name = plain
	}
	text := fmt.Sprintf("%s %s → %s", name, value(p.Old), value(p.New))
	if p.Old == p.New {
		text = fmt.Sprintf("%s is another %s", name, value(p.New))
	} else if before, after := shorten(p.Old, p.New); before != p.Old || after != p.New {
		text = fmt.Sprintf("%s %s → %s", name, value(before), value(after))
	}
	switch p.Replaces {
	case WillReplace:
		text += " (replaces)"
	case MayReplace:
		text += " (may replace)"
	case WouldReplace:
		text += " (in place; CloudFormation refuses where it would replace, since the name stays)"
	default: // an update in place
	}
	if note := notes[p.Path[strings.LastIndex(p.Path, ".")+1:]]; note != "" {
		text += " (" + note + ")"
	}
	return text
}

// longest is how much of a value is shown.
const longest = 100

// shorten cuts long values to where they differ.
func shorten(before, after string) (string, string) {
	a, b := []rune(before), []rune(after)
	if len(a) <= longest && len(b) <= longest {
		return before, after
	}
	start := 0
	for start < min(len(a), len(b)) && a[start] == b[start] {
		start++
	}
	start = max(0, start-20)
	cut := func(text []rune) string {
		from := min(start, len(text))
		to := min(len(text), from+longest)
		short := string(text[from:to])
		if from > 0 {
			short = "…" + short
		}
		if to < len(text) {
			short += "…"
		}
		return short
	}
	return cut(a), cut(b)
}

// value returns a value in Markdown; one that is not there is a dash.
func value(text string) string {
	if text == "" {
		return "–"
	}
	return code(text)
}

// version returns a tag, or the beginning of a digest.
func version(text string) string {
	if digest, ok := strings.CutPrefix(text, "sha256:"); ok && len(digest) > 12 {
		text = "sha256:" + digest[:12] + "…"
	}
	return value(text)
}

// code returns text as Markdown shows it without reading it.
func code(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	fence := "`"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	if len(fence) > 1 {
		return fence + " " + text + " " + fence
	}
	return fence + text + fence
}

// list returns texts with commas, the ones above a number only counted.
func list(texts []string, most int) string {
	if len(texts) > most {
		return strings.Join(texts[:most], ", ") + fmt.Sprintf(" and %d more", len(texts)-most)
	}
	if len(texts) < 2 {
		return strings.Join(texts, "")
	}
	return strings.Join(texts[:len(texts)-1], ", ") + " and " + texts[len(texts)-1]
}

func shortType(resourceType string) string { return strings.TrimPrefix(resourceType, "AWS::") }
