// Package cost reads what a month costs from synthesized templates: each
// resource that AWS asks money for, with its quantity and price. What no template
// says is a Usage. It needs no CDK and no AWS.
package cost

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"parrot/internal/assembly"
)

// Line is one thing that is paid for.
type Line struct {
	// Component is the part of the system that it is, as in system.md's table.
	Component string `json:"component"`
	Stack     string `json:"stack"`
	Resource  string `json:"resource"`
	// Basis says what is counted.
	Basis string `json:"basis"`
	// Quantity is how many Units a month has, USD the price of one, and Sum
	// their product.
	Quantity float64 `json:"quantity"`
	Unit     string  `json:"unit"`
	USD      float64 `json:"usd"`
	Sum      float64 `json:"sum"`

	price string
}

// Bill is what one environment costs in a month.
type Bill struct {
	Environment string `json:"environment"`
	Lines       []Line `json:"lines"`
	// Free is what AWS's free tier, which an account has once, may take off.
	Free []Line `json:"free,omitempty"`
	// Unknown are resource types that may cost something that nobody counts here.
	Unknown []string `json:"unknown,omitempty"`
}

// Sum returns the month's sum in US dollars, before the free tier.
func (b *Bill) Sum() float64 { return sum(b.Lines) }

func sum(lines []Line) (usd float64) {
	for _, line := range lines {
		usd += line.Sum
	}
	return usd
}

// Components are the sums by component, and their names, the dearest first.
func (b *Bill) Components() (names []string, sums map[string]float64) {
	sums = map[string]float64{}
	for _, line := range b.Lines {
		sums[line.Component] += line.Sum
	}
	names = slices.SortedFunc(maps.Keys(sums), func(a, b string) int {
		return cmp.Or(cmp.Compare(sums[b], sums[a]), cmp.Compare(a, b))
	})
	return names, sums
}

// Options are what Estimate has to know beside the templates.
type Options struct {
	// Environments are the names of the environments in the order of the bills.
	Environments []string
	// Environment is the name of a stack's environment, one of Environments;
	// empty leaves the stack out.
	Environment func(stack string) string
	// Tasks is how many tasks a service has whose template says none, because
	// nothing is released yet.
	Tasks func(service string) int
	// Usage is the environment's.
	Usage func(environment string) Usage
}

// Estimate is the bills of the environments in an assembly. It refuses regions that it has no prices of.
func Estimate(a *assembly.Assembly, prices Prices, options Options) ([]*Bill, error) {
	var bills []*Bill
	for _, stack := range a.Stacks {
		name := options.Environment(stack.Name)
		if name == "" {
			continue
		}
		if stack.Region != prices.Region {
			return nil, fmt.Errorf("%s is in %s: there are only prices of %s (internal/cost/prices.json); add them, or estimate with AWS's "+
				"calculator", stack.Name, stack.Region, prices.Region)
		}
		i := slices.IndexFunc(bills, func(b *Bill) bool { return b.Environment == name })
		if i < 0 {
			i = len(bills)
			bills = append(bills, &Bill{Environment: name})
		}
		e := &estimate{bill: bills[i], prices: prices, options: options, usage: options.Usage(name)}
		for _, resource := range stack.Resources {
			if err := e.resource(resource); err != nil {
				return nil, err
			}
		}
	}
	for _, bill := range bills {
		bill.finish(prices)
	}
	slices.SortStableFunc(bills, func(x, y *Bill) int {
		return slices.Index(options.Environments, x.Environment) - slices.Index(options.Environments, y.Environment)
	})
	return bills, nil
}

// estimate is a bill in the making.
type estimate struct {
	bill    *Bill
	prices  Prices
	options Options
	usage   Usage
	err     error
}

func (e *estimate) resource(r *assembly.Resource) error {
	count, priced := priced[r.Type]
	switch {
	case priced:
		count(e, r)
	case free[r.Type] == "" && !slices.Contains(e.bill.Unknown, r.Type):
		e.bill.Unknown = append(e.bill.Unknown, r.Type)
	}
	return e.err
}

// add adds a line. A price that is not there is an error: nothing is counted as
// zero because nobody knows it.
func (e *estimate) add(r *assembly.Resource, component, price, basis string, quantity float64) {
	if quantity == 0 {
		return
	}
	p, ok := e.prices.Prices[price]
	if !ok {
		e.err = fmt.Errorf("%s in %s: there is no price %q; add it to internal/cost/prices.json", r.LogicalID, r.Stack.Name, price)
		return
	}
	e.bill.Lines = append(e.bill.Lines, Line{
		Component: component, Stack: r.Stack.Name, Resource: r.LogicalID, Basis: basis,
		Quantity: quantity, Unit: p.Unit, USD: p.USD, Sum: quantity * p.USD, price: price,
	})
}

// allowances are what is free for an account each month, without an end.
var allowances = map[string]struct {
	quantity float64
	text     string
}{
	"alarm":           {10, "10 alarms"},
	"dashboard":       {3, "3 dashboards"},
	"metric":          {10, "10 metrics"},
	"log-written":     {5, "5 GB of logs written"},
	"log-kept":        {5, "5 GB of logs kept"},
	"traffic-out":     {100, "100 GB out"},
	"pipeline-minute": {100, "100 minutes of pipeline actions"},
	"build-minute":    {100, "100 minutes of small builds"},
}

// finish sorts a bill and counts what the free tier may take off.
func (b *Bill) finish(prices Prices) {
	slices.SortStableFunc(b.Lines, func(x, y Line) int { return cmp.Compare(x.Component, y.Component) })
	slices.Sort(b.Unknown)
	for _, price := range slices.Sorted(maps.Keys(allowances)) {
		var quantity float64
		for _, line := range b.Lines {
			if line.price == price {
				quantity += line.Quantity
			}
		}
		if quantity > 0 {
			quantity = min(quantity, allowances[price].quantity)
			p := prices.Prices[price]
			b.Free = append(b.Free,
				Line{Component: "Free tier", Basis: allowances[price].text, Quantity: quantity, Unit: p.Unit, USD: -p.USD, Sum: -quantity * p.USD})
		}
	}
}

// Change is what differs between two bills of an environment.
type Change struct {
	Environment string  `json:"environment"`
	Old         float64 `json:"old"`
	New         float64 `json:"new"`
	// Reasons are the components that differ, with their differences.
	Reasons []string `json:"reasons"`
	// Unknown are the new types without a known price.
	Unknown []string `json:"unknown,omitempty"`
}

// Text returns the change in one line.
func (c Change) Text() string {
	text := fmt.Sprintf("%s: $%.2f → $%.2f a month", c.Environment, c.Old, c.New)
	if len(c.Reasons) > 0 {
		text += fmt.Sprintf(" (%+.2f: %s)", c.New-c.Old, strings.Join(c.Reasons, ", "))
	}
	if len(c.Unknown) > 0 {
		text += ", not included, because no price is known: " + strings.Join(c.Unknown, ", ")
	}
	return text
}

// cent is the smallest difference that is worth a word.
const cent = 0.005

// Compare returns what changes from one list of bills to another, by environment.
func Compare(was, is []*Bill) []Change {
	bills := map[string][2]*Bill{}
	var names []string
	for i, list := range [][]*Bill{was, is} {
		for _, bill := range list {
			pair, known := bills[bill.Environment]
			if !known {
				names = append(names, bill.Environment)
			}
			pair[i] = bill
			bills[bill.Environment] = pair
		}
	}
	var changes []Change
	for _, name := range names {
		pair := bills[name]
		for i := range pair {
			if pair[i] == nil {
				pair[i] = &Bill{}
			}
		}
		_, before := pair[0].Components()
		_, after := pair[1].Components()
		change := Change{Environment: name, Old: pair[0].Sum(), New: pair[1].Sum()}
		all := maps.Clone(before)
		maps.Copy(all, after)
		for _, component := range slices.Sorted(maps.Keys(all)) {
			if difference := after[component] - before[component]; difference > cent || difference < -cent {
				change.Reasons = append(change.Reasons, fmt.Sprintf("%s %+.2f", component, difference))
			}
		}
		for _, unknown := range pair[1].Unknown {
			if !slices.Contains(pair[0].Unknown, unknown) {
				change.Unknown = append(change.Unknown, unknown)
			}
		}
		if len(change.Reasons)+len(change.Unknown) > 0 {
			changes = append(changes, change)
		}
	}
	return changes
}
