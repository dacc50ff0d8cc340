package drift

import (
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// longestValue is how many characters of a value the Markdown shows; some
// properties are whole policies.
const longestValue = 300

// Report is the drift of several stacks.
type Report struct {
	Stacks []Stack `json:"stacks"`
}

// Drifted returns the stacks with manual changes.
func (r Report) Drifted() []Stack {
	return r.where(func(s Stack) bool { return s.Status == Drifted })
}

// Unchecked returns the stacks of which nothing is known.
func (r Report) Unchecked() []Stack {
	return r.where(func(s Stack) bool { return s.Status == NotChecked })
}

// Summary returns the report in one sentence.
func (r Report) Summary() string {
	drifted, unchecked, missing := len(r.Drifted()), len(r.incomplete()), len(r.missing())
	deployed := len(r.Stacks) - missing
	var sentence string
	switch {
	case deployed == 0:
		return "No stack is deployed."
	case drifted > 0:
		sentence = fmt.Sprintf("%d of %d deployed stacks have drifted: somebody changed them after the deploy", drifted, deployed)
	case len(r.Unchecked()) == deployed:
		return "No stack could be checked."
	case unchecked > 0:
		sentence = fmt.Sprintf("No drift is known in %d deployed stacks", deployed)
	default:
		sentence = fmt.Sprintf("Nothing has drifted: all %d deployed stacks run as they were deployed", deployed)
	}
	if unchecked > 0 {
		sentence += fmt.Sprintf("; %d could not be checked, or not as a whole", unchecked)
	}
	return sentence + "."
}

// Markdown returns the report for a person.
func (r Report) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Drift\n\n**%s**\n", r.Summary())
	if len(r.Drifted()) > 0 {
		b.WriteString("\nA deploy does not undo these changes, because CloudFormation compares templates and not what runs.\n" +
			"Undo them by hand, or put them into the settings and deploy.\n")
	}
	for _, stack := range r.Stacks {
		if len(stack.Resources) > 0 {
			fmt.Fprintf(&b, "\n## %s (%s)\n", stack.Name, stack.Region)
			for _, resource := range stack.Resources {
				resource.markdown(&b)
			}
		}
	}
	if incomplete := r.incomplete(); len(incomplete) > 0 {
		b.WriteString("\n## Not checked, or not as a whole\n\n")
		names := map[string][]string{}
		for _, stack := range incomplete {
			names[stack.Reason] = append(names[stack.Reason], stack.Name)
		}
		for _, stack := range incomplete {
			if same := names[stack.Reason]; stack.Name == same[0] {
				fmt.Fprintf(&b, "- %s: %s\n", strings.Join(same, ", "), text(stack.Reason))
			}
		}
	}
	if missing := r.missing(); len(missing) > 0 {
		var names []string
		for _, stack := range missing {
			names = append(names, stack.Name)
		}
		fmt.Fprintf(&b, "\nNot deployed: %s.\n", strings.Join(names, ", "))
	}
	return b.String()
}

func (r Resource) markdown(b *strings.Builder) {
	fmt.Fprintf(b, "\n- **%s** %s, %s: ", r.LogicalID, r.Type, code(r.PhysicalID))
	switch r.Status {
	case types.StackResourceDriftStatusDeleted:
		b.WriteString("was deleted\n")
	case types.StackResourceDriftStatusModified:
		b.WriteString("was changed\n\n  | Property | Deployed | Runs |\n  |---|---|---|\n")
		for _, p := range r.Properties {
			fmt.Fprintf(b, "  | %s | %s | %s |\n", code(p.Path), code(p.Expected), code(p.Actual))
		}
	default:
		fmt.Fprintf(b, "AWS could not read it: %s\n", text(r.Reason))
	}
}

func (r Report) incomplete() []Stack {
	return r.where(func(s Stack) bool { return s.Reason != "" })
}

func (r Report) missing() []Stack {
	return r.where(func(s Stack) bool { return s.Status == NotDeployed })
}

func (r Report) where(keep func(Stack) bool) []Stack {
	var stacks []Stack
	for _, stack := range r.Stacks {
		if keep(stack) {
			stacks = append(stacks, stack)
		}
	}
	return stacks
}

// code returns a value that no Markdown in it can break, not even in a table.
func code(value string) string {
	if value == "" {
		return "–"
	}
	if runes := []rune(value); len(runes) > longestValue {
		value = string(runes[:longestValue]) + "…"
	}
	return "<code>" + text(value) + "</code>"
}

func text(value string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "|", "&#124;", "*", "&#42;", "_", "&#95;",
		"`", "&#96;", "[", "&#91;", "@", "&#64;", "\r", "", "\n", " ").Replace(value)
}
