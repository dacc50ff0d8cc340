package review

import (
	"fmt"
	"slices"
	"strings"

	"parrot/internal/assembly"
)

// rollout plays a deploy: which version of each stack runs. CloudFormation lets
// nobody change or remove an export while a stack imports it, nor make one whose
// name is taken, nor import one that is not there.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-exports.html
type rollout struct {
	*comparison
	runs map[*pair]*assembly.Stack
}

// refusal is a step that CloudFormation refuses.
type refusal struct {
	p *pair
	// text says why.
	text string
	// users are the stacks that have to be deployed before.
	users []*pair
}

func (c *comparison) rollout() *rollout {
	r := &rollout{c, map[*pair]*assembly.Stack{}}
	for _, p := range c.pairs {
		r.runs[p] = p.base
	}
	return r
}

// findOrder finds deploys that CloudFormation refuses, and looks for an order
// that it takes.
func (c *comparison) findOrder() {
	var heads []*assembly.Stack
	for _, p := range c.pairs {
		if p.head != nil {
			heads = p.head.Assembly().Stacks
			if _, err := p.head.Assembly().DeployOrder(); err != nil {
				c.find(Deadlock, p, "", "Stacks need each other: %s.", err)
				return
			}
		}
	}
	refused := c.rollout().deploy(heads)
	if len(refused) == 0 {
		return
	}
	advice := c.advice(heads)
	for _, refusal := range refused {
		c.find(Deadlock, refusal.p, "", "%s %s", refusal.text, advice)
	}
}

// advice is which stacks to deploy first so that the usual order works.
func (c *comparison) advice(heads []*assembly.Stack) string {
	var first []*pair
	for {
		r := c.rollout()
		for _, p := range first {
			r.runs[p] = p.head
		}
		var next *pair
		refused := r.deploy(heads)
		for _, refusal := range refused {
			for _, user := range refusal.users {
				fresh := c.rollout()
				for _, p := range first {
					fresh.runs[p] = p.head
				}
				if !slices.Contains(first, user) && len(fresh.refusals(user)) == 0 {
					next = user
				}
			}
		}
		switch {
		case len(refused) == 0:
			return "**Safe order:** " + commands(first) + "."
		case next == nil:
			return "**No order works.** Take two commits: first one in which nothing imports what goes or changes, then this one."
		}
		first = append(first, next)
	}
}

// commands are how to deploy some stacks first.
func commands(first []*pair) string {
	var steps []string
	for _, p := range first {
		if p.head == nil {
			steps = append(steps, "delete the stack "+code(p.name()))
		} else {
			steps = append(steps, code("npx cdk deploy --exclusively "+p.name()))
		}
	}
	return strings.Join(steps, ", then ") + ", then the rest as usual"
}

// deploy deploys all that changes in the order of the CLI, and returns what is
// refused. A stack that is not in the app any more stays as it is.
func (r *rollout) deploy(heads []*assembly.Stack) []refusal {
	order := heads
	if len(heads) > 0 {
		if sorted, err := heads[0].Assembly().DeployOrder(); err == nil {
			order = sorted
		}
	}
	var refused []refusal
	for _, stack := range order {
		i := slices.IndexFunc(r.pairs, func(p *pair) bool { return p.head == stack })
		if i < 0 || !r.pairs[i].changed() {
			continue
		}
		if refusals := r.refusals(r.pairs[i]); len(refusals) > 0 {
			refused = append(refused, refusals...)
			continue
		}
		r.runs[r.pairs[i]] = stack
	}
	return refused
}

// refusals are why CloudFormation refuses the step to a stack's new version.
func (r *rollout) refusals(p *pair) []refusal {
	var refused []refusal
	next := p.head
	// Exports that go or change, by who uses them.
	type use struct{ what, users string }
	exports := map[use][]string{}
	users := map[use][]*pair{}
	var uses []use
	if now := r.runs[p]; now != nil {
		for _, output := range now.Outputs {
			what := r.loses(p, output)
			if what == "" {
				continue
			}
			var importers []*pair
			var names []string
			for _, q := range r.pairs {
				if q != p && imports(r.runs[q], output) {
					importers = append(importers, q)
					names = append(names, code(q.name()))
				}
			}
			if len(importers) == 0 {
				continue
			}
			u := use{what, strings.Join(names, ", ")}
			if users[u] == nil {
				uses = append(uses, u)
			}
			users[u] = importers
			exports[u] = append(exports[u], code(r.names.in(p.name(), now.Text(output.Value))))
		}
	}
	for _, u := range uses {
		refused = append(refused, refusal{p, fmt.Sprintf("%s %s the export of %s, which %s imports: CloudFormation refuses while it does.",
			code(p.name()), u.what, list(exports[u], 3), u.users), users[u]})
	}
	if next == nil {
		return refused
	}
	var missing []string
	for _, name := range next.Imports() {
		if !r.exported(next, name, p) && r.known(name) {
			missing = append(missing, code(name))
		}
	}
	if len(missing) > 0 {
		refused = append(refused, refusal{p, fmt.Sprintf("%s imports %s, which nothing exports then.", code(p.name()), list(missing, 3)), nil})
	}
	for _, output := range next.Outputs {
		for _, q := range r.pairs {
			if output.ExportName != "" && q != p && r.runs[q] != nil && exporting(r.runs[q], output.ExportName) && near(r.runs[q], next) {
				refused = append(refused, refusal{p, fmt.Sprintf("%s exports %s, and %s does already.", code(p.name()), code(output.ExportName), code(q.name())), []*pair{q}})
			}
		}
	}
	return refused
}

// loses says what happens to an export: "drops", "changes", or "".
func (r *rollout) loses(p *pair, output *assembly.Output) string {
	if output.ExportName == "" {
		return ""
	}
	if p.head == nil {
		return "drops"
	}
	for _, next := range p.head.Outputs {
		if next.ExportName != output.ExportName {
			continue
		}
		if p.head.Text(next.Value) != output.Stack.Text(output.Value) {
			return "changes"
		}
		for _, target := range p.head.Targets(next.Value) {
			change := r.changes.Stacks[Key(target.Resource.Stack)].Resources[target.Resource.LogicalID]
			if change.Impact == WillReplace {
				return "changes, by replacing " + code(r.names.of(target.Resource.Stack.Name, target.Resource.LogicalID)) + ","
			}
		}
		return ""
	}
	return "drops"
}

func imports(stack *assembly.Stack, output *assembly.Output) bool {
	return stack != nil && near(stack, output.Stack) && slices.Contains(stack.Imports(), output.ExportName)
}

// near says whether one stack sees the other's exports. An account that is not
// known yet is taken for the same.
func near(a, b *assembly.Stack) bool {
	return a.Region == b.Region && (a.Account == b.Account || a.Account == unknownAccount || b.Account == unknownAccount)
}

const unknownAccount = "unknown-account"

func exporting(stack *assembly.Stack, name string) bool {
	return slices.ContainsFunc(stack.Outputs, func(o *assembly.Output) bool { return o.ExportName == name })
}

// exported says whether a stack that runs exports a name, or p's next version.
func (r *rollout) exported(stack *assembly.Stack, name string, p *pair) bool {
	for q, runs := range r.runs {
		if q == p {
			runs = p.head
		}
		if runs != nil && near(runs, stack) && exporting(runs, name) {
			return true
		}
	}
	return false
}

// known says whether the app itself exports or exported a name: others may come
// from elsewhere.
func (r *rollout) known(name string) bool {
	return slices.ContainsFunc(r.pairs, func(p *pair) bool {
		return p.base != nil && exporting(p.base, name) || p.head != nil && exporting(p.head, name)
	})
}
