package stacks_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot/config"
	"parrot/internal/assembly"
	"parrot/internal/cost"
	"parrot/internal/documents"
	. "parrot/internal/synthtest"
)

// scale is one row of the description's scaling table: a load, and settings that
// carry it.
type scale struct {
	users   string
	said    string // by the description, in dollars
	variant string
	// requests a month: 100 a day and user.
	requests float64
	settings string
	change   func(*config.Environment)
}

var scales = []scale{
	{"a team trying it", "110", "", 100_000, "dev as it is", nil},
	{"100", "120", "Users100", 300_000, "dev as it is", func(*config.Environment) {}},
	{"1,000", "180", "Users1000", 3_000_000, "2 + 2 tasks, `db.t3.small`", func(e *config.Environment) {
		e.Backend.DesiredCount, e.Frontend.DesiredCount = 2, 2
		e.Database.InstanceClass = "db.t3.small"
	}},
	{"10,000", "600–800", "Users10000", 30_000_000, "4 + 4 tasks of 0.5 vCPU and 1 GB, `db.m7g.large` in two zones with 100 GB, Redis",
		func(e *config.Environment) {
			for _, s := range []*config.Service{&e.Backend.Service, &e.Frontend.Service} {
				s.DesiredCount, s.CPU, s.MemoryMiB = 4, 512, 1024
			}
			e.Database.InstanceClass, e.Database.MultiAZ = "db.m7g.large", true
			e.Database.AllocatedStorageGiB, e.Database.MaxAllocatedStorageGiB = 100, 200
			e.Redis.Enabled = true
		}},
}

// bill returns what one environment of an assembly costs.
func bill(t *testing.T, a *assembly.Assembly, env config.Environment, usage cost.Usage) *cost.Bill {
	t.Helper()
	names := env.StackNames()
	bills, err := cost.Estimate(a, cost.ListPrices(), cost.Options{
		Environments: []string{env.Name},
		Environment: func(stack string) string {
			if slices.Contains(names, stack) {
				return env.Name
			}
			return ""
		},
		Usage: func(string) cost.Usage { return usage },
	})
	require.NoError(t, err)
	require.Len(t, bills, 1)
	return bills[0]
}

func TestDevCostsAtMostEightyDollarsWithEveryAlarm(t *testing.T) {
	t.Parallel()
	assert.LessOrEqual(t, bill(t, nested(t, "AllAlarms"), Described(), cost.QuietUsage()).Sum(), 80.0)
}

// A type of resource that nobody has priced would be missing in every sum.
func TestEveryResourceIsPricedOrKnownToBeFree(t *testing.T) {
	t.Parallel()
	stacks := []*assembly.Stack{together(t).stack, across(t).stack}
	for _, a := range everything(t) {
		stacks = append(stacks, a.Stacks...)
	}
	for _, stack := range stacks {
		bills, err := cost.Estimate(&assembly.Assembly{Stacks: []*assembly.Stack{stack}}, cost.ListPrices(), cost.Options{
			Environment: func(string) string { return "any" },
			Usage:       func(string) cost.Usage { return cost.QuietUsage() },
		})
		if err != nil && strings.Contains(err.Error(), "only prices of") {
			continue // a fixture in another region
		}
		require.NoError(t, err)
		assert.Empty(t, bills[0].Unknown, "%s: give them a price or a reason in internal/cost/types.go", stack.Name)
	}
}

func TestOptionsCostWhatTheySay(t *testing.T) {
	t.Parallel()
	dev := bill(t, Direct(t), Described(), cost.QuietUsage()).Sum()
	for variant, more := range map[string][2]float64{ // at least, at most
		"NATOne":       {36, 38},
		"NATOnePerAZ":  {72, 75},
		"Redis":        {12, 14},
		"FlowLogs":     {0.4, 0.7},
		"Unreleased":   {-26.5, -25},
		"AllAlarms":    {3, 4},
		"NoMonitoring": {-4, -3.5},
	} {
		difference := bill(t, nested(t, variant), Described(), cost.QuietUsage()).Sum() - dev
		assert.GreaterOrEqual(t, difference, more[0], variant)
		assert.LessOrEqual(t, difference, more[1], variant)
	}
}

// said are the lines of the description's table, which came to about $110, with
// the components here that they stand for and why they differ.
var said = []struct {
	line, component string
	usd             float64
	why             string
}{
	{"ECS Fargate (2 tasks)", "Compute", 30, "2 × 0.25 vCPU and 0.5 GB; addresses have their own line"},
	{"RDS PostgreSQL (db.t3.micro)", "Database", 12, "the instance and 20 GB of storage"},
	{"ALB", "Load balancer", 16, "the same, with the capacity that the load takes"},
	{"Route 53", "DNS", 40, "a zone is $0.50; queries of aliases are free. $40 cannot be explained"},
	{"CloudWatch Logs", "Logging", 8, "at $0.50 a GB, $8 would be 16 GB of logs"},
	{"ECR", "Container registry", 4, "at $0.10 a GB, $4 would be 40 GB of images"},
	{"–", "Public IPv4 addresses", 0, "AWS asks for them since February 2024: two of the load balancer, one of each task"},
	{"–", "Secrets", 0, "five secrets at $0.40"},
	{"–", "Monitoring", 0, "the alarms that page at $0.10 a metric, and a dashboard; the description lists metrics and no alarm"},
	{"–", "Traffic", 0, "answers to browsers, after which 100 GB a month are free"},
}

func TestCostIsDocumented(t *testing.T) {
	t.Parallel()
	usage := cost.QuietUsage()
	dev := bill(t, Direct(t), Described(), usage)
	prices := cost.ListPrices()
	var text strings.Builder
	fmt.Fprintf(&text, `# What it costs

This page has a month of dev as described, computed from the synthesized templates with list prices of
%s of %s (no tax, no discounts). For your own settings:

`+"```sh\ngo run ./cmd/parrotctl cost --details\n```"+`

This file is generated. After a change of templates or of [prices](../internal/cost/prices.json), run
`+"`go test ./stacks -run Cost -update`"+`. Each price names AWS's page. We could not open these pages when we wrote the
prices down: check them there before you rely on them.

Assumptions: %s.

## Compared with the description

The description says about $110 a month for dev.

| Description | its USD | Component here | computed USD | Why |
| --- | ---: | --- | ---: | --- |
`, prices.Region, prices.Date, usage.Assumptions())
	_, sums := dev.Components()
	var saidSum float64
	for _, row := range said {
		fmt.Fprintf(&text, "| %s | %s | %s | %.2f | %s |\n", row.line, orDash(row.usd), row.component, sums[row.component], row.why)
		saidSum += row.usd
		delete(sums, row.component)
	}
	require.Empty(t, sums, "components that the table does not explain")
	fmt.Fprintf(&text, "| **Sum** | **%.0f** | | **%.2f** | |\n\n", saidSum, dev.Sum())
	fmt.Fprintf(&text, "With every alarm (`Monitoring.Alarms: \"all\"`) it is **%.2f**.\n\n",
		bill(t, nested(t, "AllAlarms"), Described(), usage).Sum())
	fmt.Fprintf(&text, "An account has AWS's free tier once. It may save: %s.\n", freeTier(dev))

	text.WriteString("\n## Every line\n\n" + dev.Details())

	text.WriteString(`
## With more users

We assume that a user makes 100 requests a day. The settings are changes of dev.

| Users | Requests a month | Settings | The description | Computed |
| --- | ---: | --- | ---: | ---: |
`)
	for _, s := range scales {
		a := Direct(t)
		if s.variant != "" {
			a = nested(t, s.variant)
		}
		load := usage
		load.Requests = s.requests
		fmt.Fprintf(&text, "| %s | %.1f million | %s | %s | %.0f |\n", s.users, s.requests/1e6, s.settings, s.said,
			bill(t, a, Described(), load).Sum())
	}
	text.WriteString(levers(t, dev))

	assert.Contains(t, documents.Read(t, "README.md"), fmt.Sprintf("dev: about $%.0f a month", dev.Sum()))

	documents.Golden(t, "docs/cost.md", text.String())
}

// levers returns what makes it cheaper.
func levers(t *testing.T, dev *cost.Bill) string {
	t.Helper()
	prices := cost.ListPrices().Prices
	var compute, arm, addresses float64
	for _, line := range dev.Lines {
		switch {
		case line.Component == "Compute" && line.Unit == prices["fargate-vcpu"].Unit:
			compute, arm = compute+line.Sum, arm+line.Quantity*prices["fargate-arm-vcpu"].USD
		case line.Component == "Compute":
			compute, arm = compute+line.Sum, arm+line.Quantity*prices["fargate-arm-gb"].USD
		case line.Component == "Public IPv4 addresses":
			addresses += line.Sum
		}
	}
	unreleased := dev.Sum() - bill(t, nested(t, "Unreleased"), Described(), cost.QuietUsage()).Sum()
	unwatched := dev.Sum() - bill(t, nested(t, "NoMonitoring"), Described(), cost.QuietUsage()).Sum()
	graviton := 730 * (prices["rds-db.t3.micro"].USD - prices["rds-db.t4g.micro"].USD)
	return fmt.Sprintf(`
## Levers

| What | saves in dev, USD a month | A setting? |
| --- | ---: | --- |
| No tasks at night and on weekends, 108 of 168 hours: `+"`DesiredCount: 0`"+` and back | %.2f | yes. Each change is a deploy, and an alarm may page during it |
| A Graviton database: `+"`Database.InstanceClass: \"db.t4g.micro\"`"+` | %.2f | yes |
| Tasks on ARM64 | %.2f | no: the images would have to be built for it |
| Tasks on Fargate Spot, about 70 %% cheaper | about %.2f | no: AWS may stop them with two minutes' notice |
| No alarms, no dashboard: `+"`Monitoring.Alarms: \"none\"`, `Dashboard: false`"+` | %.2f | yes |
| Fewer public addresses | at most %.2f | no: a NAT gateway costs more than the tasks' addresses |
| No Container Insights, no NAT gateway, no Redis, one zone for the database | – | dev already has none of them |
`, unreleased*108/168, graviton, compute-arm, 0.7*compute, unwatched, addresses)
}

func orDash(usd float64) string {
	if usd == 0 {
		return "–"
	}
	return fmt.Sprintf("%.0f", usd)
}

func freeTier(b *cost.Bill) string {
	var parts []string
	for _, line := range b.Free {
		parts = append(parts, fmt.Sprintf("%s, here $%.2f", line.Basis, -line.Sum))
	}
	return strings.Join(parts, "; ")
}
