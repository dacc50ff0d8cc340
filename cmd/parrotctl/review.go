package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"parrot/config"
	"parrot/internal/assembly"
	"parrot/internal/awsclient"
	"parrot/internal/review"
)

// summaryLimit is what CodePipeline takes as the text of a manual approval.
const summaryLimit = 1000

func (p *app) reviewCommand() *cobra.Command {
	var out, deployed, profile string
	var failOn []string
	var lookupRole, summary, asJSON bool
	command := &cobra.Command{
		Use:   "review BASE HEAD",
		Short: "Report what a change does to the environments",
		Long: `Review compares two revisions and writes a report in Markdown: first what a
person should read (data, refused deploys, access, protection), then each stack's
changes. You need no AWS account.

BASE and HEAD are git revisions, or directories that npx cdk synth wrote. With
--deployed the base is what CloudFormation runs now in an environment.

The exit status is 3 if the report has what --fail-on names: data-loss, deadlock,
broadening, protection, removal. A release of an image is none of them.`,
		Example: `  parrotctl review main HEAD
  npx cdk synth --quiet && parrotctl review main cdk.out
  parrotctl review main HEAD --fail-on data-loss,broadening,deadlock --out report.md
  parrotctl review --deployed prod HEAD --lookup-role --summary`,
		Args: func(command *cobra.Command, args []string) error {
			if deployed != "" {
				return arguments("HEAD")(command, args)
			}
			return arguments("BASE", "HEAD")(command, args)
		},
		RunE: func(command *cobra.Command, args []string) error {
			ctx := command.Context()
			gates, err := categories(failOn)
			if err != nil {
				return err
			}
			if deployed == "" && (lookupRole || profile != "") {
				return status{exitUsage, errors.New("--lookup-role and --profile are for --deployed: BASE and HEAD need no AWS")}
			}
			dir, err := directory()
			if err != nil {
				return err
			}
			options := review.Options{}
			for _, env := range p.environments {
				options.Environments = append(options.Environments, review.Environment{Name: env.Name, StackPrefix: env.StackName("")})
			}
			open := func(revision string) (*assembly.Assembly, error) {
				fmt.Fprintf(p.stderr, "Reading %s …\n", revision)
				return review.Open(ctx, dir, revision)
			}
			var base, head *assembly.Assembly
			if deployed == "" {
				if base, err = open(args[0]); err != nil {
					return err
				}
			}
			if head, err = open(args[len(args)-1]); err != nil {
				return err
			}
			if deployed != "" {
				env, err := environment(p.environments, deployed)
				if err != nil {
					return err
				}
				options.Only = func(stack string) bool { return options.Environment(stack) == env.Name }
				session, err := p.session(command, env, profile, lookupRole)
				if err != nil {
					return err
				}
				fmt.Fprintf(p.stderr, "Reading what runs in %s …\n", env.Name)
				if base, err = review.Deployed(ctx, session.Config, head, options.Only); err != nil {
					return err
				}
			}
			changes, err := review.Diff(ctx, dir, base, head, options.Only)
			if err != nil {
				return err
			}
			report := review.Compare(base, head, changes, options)
			report.Cost = p.costBetween(base, head, options)
			if err := p.writeReport(report, out, summary, asJSON); err != nil {
				return err
			}
			found := slices.DeleteFunc(gates, func(c review.Category) bool { return !report.Has(c) })
			if len(found) > 0 {
				return status{exitFound,
					fmt.Errorf("the report has %s, which --fail-on names: read it, and decide whether you want the change", join(found))}
			}
			return nil
		},
	}
	flags := command.Flags()
	flags.StringVar(&deployed, "deployed", "", "compare with what runs in this environment, instead of BASE")
	flags.BoolVar(&lookupRole, "lookup-role", false, "with --deployed, read as cdk bootstrap's lookup role")
	addProfile(command, &profile, "profile", "the deployed environment's account")
	flags.StringSliceVar(&failOn, "fail-on", nil, "exit with 3 if the report has one of these categories")
	flags.StringVar(&out, "out", "", "write the report to a file instead of standard output")
	flags.BoolVar(&summary, "summary", false, fmt.Sprintf("write only what to read first, in at most %d characters", summaryLimit))
	flags.BoolVar(&asJSON, "json", false, "write the report as JSON")
	command.MarkFlagsMutuallyExclusive("summary", "json")
	return command
}

// categories reads --fail-on.
func categories(names []string) ([]review.Category, error) {
	var all []review.Category
	for _, name := range names {
		category := review.Category(strings.TrimSpace(name))
		if !slices.Contains(review.Categories, category) {
			return nil, status{exitUsage, fmt.Errorf("--fail-on %q is no category: want one of %s", name, join(review.Categories))}
		}
		all = append(all, category)
	}
	return all, nil
}

func join(categories []review.Category) string {
	names := make([]string, len(categories))
	for i, category := range categories {
		names[i] = string(category)
	}
	return strings.Join(names, ", ")
}

// session signs in to the account of a deployed environment.
func (p *app) session(command *cobra.Command, env config.Environment, profile string, lookupRole bool) (*awsclient.Session, error) {
	session, err := awsclient.SignIn(command.Context(), profile, env.Region)
	if err != nil {
		return nil, err
	}
	if lookupRole { // which may be in another account than the caller
		return session.Lookup(env.Account), nil
	}
	return session, session.In(env.Name, env.Account)
}

func (p *app) writeReport(report *review.Report, out string, summary, asJSON bool) (err error) {
	w := p.stdout
	if out != "" {
		file, err := os.Create(out)
		if err != nil {
			return fmt.Errorf("the report cannot be written: %w", err)
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		w = file
	}
	switch {
	case asJSON:
		return writeJSON(w, report)
	case summary:
		_, err = fmt.Fprintln(w, report.Summary(summaryLimit))
	default:
		_, err = fmt.Fprint(w, report.Markdown())
	}
	return err
}
