package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"parrot/config"
	"parrot/internal/assembly"
	"parrot/internal/cost"
	"parrot/internal/review"
)

func (p *app) costCommand() *cobra.Command {
	var directory string
	var asJSON, details bool
	usage := cost.QuietUsage()
	quantities := []struct {
		flag  string
		value *float64
		what  string
	}{
		{"requests", &usage.Requests, "requests a month"},
		{"response-kb", &usage.ResponseKB, "KB of an answer"},
		{"log-kb", &usage.LogKB, "KB that a request logs"},
		{"nat-gb", &usage.NATGB, "GB a month through NAT gateways"},
		{"database-log-gb", &usage.DatabaseLogGB, "GB a month that the database logs"},
		{"flow-log-gb", &usage.FlowLogGB, "GB a month of flow logs, where they are on"},
		{"bucket-gb", &usage.BucketGB, "GB in a bucket: access logs, or the pipeline's artifacts"},
		{"builds", &usage.Builds, "runs of the pipeline a month"},
		{"build-minutes", &usage.BuildMinutes, "minutes of each build of a run"},
		{"action-minutes", &usage.ActionMinutes, "minutes of all actions of a run"},
		{"image-gb", &usage.ImageGB, "GB of images in a repository"},
	}
	command := &cobra.Command{
		Use:   "cost [ENV…]",
		Short: "Estimate what a month costs, from the templates",
		Long: `Cost synthesizes the templates and adds up what a month costs at list prices, for all
environments side by side. The free tier is shown separately. You need no AWS account.
There are only prices of us-east-1. Quantities that are not in a template, such as
requests, are flags; the report shows their values. It names the types of resources
that it does not know; they are not included.

A service without a released image is included with its DesiredCount. Its alarms come
with the first release, and are not included before.`,
		Example: `  parrotctl cost
  parrotctl cost dev --details
  parrotctl cost prod --requests 10000000`,
		RunE: func(command *cobra.Command, args []string) error {
			var bad []error
			for _, q := range quantities {
				if !(*q.value >= 0 && *q.value <= 1e12) { // nor is NaN
					bad = append(bad, fmt.Errorf("--%s is %g: want 0 to 1e12", q.flag, *q.value))
				}
			}
			if len(bad) > 0 {
				return status{exitUsage, errors.Join(bad...)}
			}
			dir, environments, err := p.named(args...)
			if err != nil {
				return err
			}
			var a *assembly.Assembly
			if directory != "" {
				a, err = assembly.Load(directory)
			} else {
				a, err = review.Synthesize(command.Context(), dir)
			}
			if err != nil {
				return err
			}
			options := costOptions(environments, usage)
			if len(args) == 0 {
				options = withPipeline(options)
			}
			bills, err := cost.Estimate(a, cost.ListPrices(), options)
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(p.stdout, bills)
			}
			return p.writeBills(bills, usage, details)
		},
	}
	flags := command.Flags()
	flags.StringVar(&directory, "assembly", "", "read the templates in this directory, instead of synthesizing")
	flags.BoolVar(&details, "details", false, "show every resource with its quantity and price")
	flags.BoolVar(&asJSON, "json", false, "print the bills as JSON")
	for _, q := range quantities {
		flags.Float64Var(q.value, q.flag, *q.value, q.what)
	}
	return command
}

// costOptions returns how the stacks of environments are priced.
func costOptions(environments []config.Environment, usage cost.Usage) cost.Options {
	var names []string
	for _, env := range environments {
		names = append(names, env.Name)
	}
	return cost.Options{
		Environments: names,
		Environment: func(stack string) string {
			for _, env := range environments {
				for _, name := range env.StackNames() {
					if name == stack {
						return env.Name
					}
				}
			}
			return ""
		},
		Tasks: func(service string) int {
			for _, env := range environments {
				for _, w := range env.Services() {
					if w.PhysicalName() == service {
						return w.DesiredCount
					}
				}
			}
			return 0
		},
		Usage: func(string) cost.Usage { return usage },
	}
}

// withPipeline counts the pipeline as one more environment.
func withPipeline(options cost.Options) cost.Options {
	const name = "pipeline"
	of := options.Environment
	options.Environments = append(options.Environments, name)
	options.Environment = func(stack string) string {
		if stack == config.PipelineStackName {
			return name
		}
		return of(stack)
	}
	return options
}

// costBetween returns what becomes more expensive or cheaper, or that it cannot be
// estimated.
func (p *app) costBetween(base, head *assembly.Assembly, options review.Options) []string {
	of := costOptions(p.environments, cost.QuietUsage())
	of.Environment = func(stack string) string {
		if options.Only != nil && !options.Only(stack) {
			return ""
		}
		return options.Environment(stack)
	}
	if options.Only == nil {
		of = withPipeline(of)
	}
	var bills [2][]*cost.Bill
	for i, a := range []*assembly.Assembly{base, head} {
		var err error
		if bills[i], err = cost.Estimate(a, cost.ListPrices(), of); err != nil {
			return []string{"not estimated: " + err.Error()}
		}
	}
	var lines []string
	for _, change := range cost.Compare(bills[0], bills[1]) {
		lines = append(lines, change.Text())
	}
	return lines
}

func (p *app) writeBills(bills []*cost.Bill, usage cost.Usage, details bool) error {
	prices := cost.ListPrices()
	var text strings.Builder
	fmt.Fprintf(&text, "List prices of %s, %s; %s.\n\n%s", prices.Region, prices.Date, usage.Assumptions(), cost.Sums(bills))
	for _, bill := range bills {
		if details {
			fmt.Fprintf(&text, "\n## %s\n\n%s", bill.Environment, bill.Details())
		}
		if len(bill.Unknown) > 0 {
			fmt.Fprintf(&text, "\nNot included in %s, because no price is known: %s.\n", bill.Environment, strings.Join(bill.Unknown, ", "))
		}
	}
	_, err := fmt.Fprint(p.stdout, text.String())
	return err
}
