package review

import (
	"fmt"
	"maps"
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
	order, err := c.order()
	if err != nil {
		c.find(Deadlock, c.pairs[0], "", "Stacks need each other: %s.", err)
		return
	}
	refused := c.rollout().deploy(order)
	if len(refused) == 0 {
		return
	}
	advice := c.advice(order)
	for _, refusal := range refused {
		c.find(Deadlock, refusal.p, "", "%s %s", refusal.text, advice)
	}
}

// advice returns which stacks to deploy first so that the usual order works.
func (c *comparison) advice(order []*pair) string {
	var first []*pair
	for {
		r := c.rollout()
		for _, p := range first {
			r.runs[p] = p.head
		}
		var next *pair
		refused := r.deploy(order)
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

// commands returns how to deploy some stacks first.
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

// order is the order in which the CLI deploys the new version. Stacks that do not
// need each other any more keep the order that they had: nobody promises another.
func (c *comparison) order() ([]*pair, error) {
	of := map[*assembly.Stack]*pair{}
	var base, head *assembly.Assembly
	for _, p := range c.pairs {
		if p.base != nil {
			of[p.base], base = p, p.base.Assembly()
		}
		if p.head != nil {
			of[p.head], head = p, p.head.Assembly()
		}
	}
	if head == nil {
		return nil, nil
	}
	now, err := head.DeployOrder()
	if err != nil {
		return nil, err
	}
	if base != nil {
		if before, err := base.DeployOrder(); err == nil {
			now = append(before, now...)
		}
	}
	var order []*pair
	var visit func(p *pair)
	visit = func(p *pair) {
		if p == nil || p.head == nil || slices.Contains(order, p) {
			return
		}
		for _, needed := range p.head.Needs() { // no cycle: DeployOrder found an order
			visit(of[needed])
		}
		order = append(order, p)
	}
	for _, stack := range now {
		visit(of[stack])
	}
	return order, nil
}

// deploy deploys all that changes, and returns what is refused. A stack that is
// not in the app any more stays as it is.
func (r *rollout) deploy(order []*pair) []refusal {
	var refused []refusal
	for _, p := range order {
		if !p.changed() {
			continue
		}
		if refusals := r.refusals(p); len(refusals) > 0 {
			refused = append(refused, refusals...)
			continue
		}
		r.runs[p] = p.head
	}
	return refused
}

// refusals returns why CloudFormation refuses the step to a stack's new version.
func (r *rollout) refusals(p *pair) []refusal {
	var refused []refusal
	next := p.head
	var users []*pair
	exports := map[string][]string{} // what is exported, by what happens to it
	if now := r.runs[p]; now != nil {
		for _, output := range now.Outputs {
			fate := r.fateOf(p, output)
			if fate == "" {
				continue
			}
			used := false
			for _, q := range r.pairs {
				if q == p || !imports(r.runs[q], output) {
					continue
				}
				used = true
				if !slices.Contains(users, q) {
					users = append(users, q)
				}
			}
			if used {
				exports[fate] = append(exports[fate], code(r.names.in(p.name(), now.Text(output.Value))))
			}
		}
	}
	if len(users) > 0 {
		var fates, names []string
		for _, fate := range slices.Sorted(maps.Keys(exports)) {
			fates = append(fates, fate+" "+list(exports[fate], 3))
		}
		for _, q := range users {
			names = append(names, code(q.name()))
		}
		refused = append(refused,
			refusal{p, fmt.Sprintf("%s %s, and %s still %s it: CloudFormation refuses to change or remove an export in use.",
				code(p.name()), list(fates, 3), list(names, 5), plural(len(names), "imports", "import")), users})
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
				refused = append(refused,
					refusal{p, fmt.Sprintf("%s exports %s, and %s does already.", code(p.name()), code(output.ExportName), code(q.name())), []*pair{q}})
			}
		}
	}
	return refused
}

// fateOf says what happens to an export with a stack's new version; empty where
// it stays as it is.
func (r *rollout) fateOf(p *pair, output *assembly.Output) string {
	const drops, changes, replaces = "does not export any more", "changes the export of", "replaces what it exports,"
	if output.ExportName == "" {
		return ""
	}
	if p.head == nil {
		return drops
	}
	i := slices.IndexFunc(p.head.Outputs, func(o *assembly.Output) bool { return o.ExportName == output.ExportName })
	if i < 0 {
		return drops
	}
	next := p.head.Outputs[i]
	if p.head.Text(next.Value) != output.Stack.Text(output.Value) {
		return changes
	}
	for _, target := range p.head.Targets(next.Value) {
		if r.changes.Stacks[Key(target.Resource.Stack)].Resources[target.Resource.LogicalID].Impact == WillReplace {
			return replaces
		}
	}
	return ""
}

func imports(stack *assembly.Stack, output *assembly.Output) bool {
	return stack != nil && near(stack, output.Stack) && slices.Contains(stack.Imports(), output.ExportName)
}

// near reports whether one stack sees the other's exports. An account that is not
// known yet is taken for the same.
func near(a, b *assembly.Stack) bool {
	return a.Region == b.Region && (a.Account == b.Account || a.Account == unknownAccount || b.Account == unknownAccount)
}

const unknownAccount = "unknown-account"

func exporting(stack *assembly.Stack, name string) bool {
	return slices.ContainsFunc(stack.Outputs, func(o *assembly.Output) bool { return o.ExportName == name })
}

// exported reports whether a stack that runs exports a name, or p's next version.
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

// known reports whether the app itself exports or exported a name: others may come
// from elsewhere.
func (r *rollout) known(name string) bool {
	return slices.ContainsFunc(r.pairs, func(p *pair) bool {
		return p.base != nil && exporting(p.base, name) || p.head != nil && exporting(p.head, name)
	})
}
