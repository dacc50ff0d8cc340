package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"parrot/config"
	"parrot/internal/awsclient"
	"parrot/internal/drift"
)

// driftPoll is how often AWS is asked whether it is done.
const driftPoll = 5 * time.Second

func (p *app) driftCommand() *cobra.Command {
	var (
		profile string
		timeout time.Duration
		asJSON  bool
	)
	command := &cobra.Command{
		Use:   "drift [ENV…]",
		Short: "Find manual changes to deployed resources",
		Long: `Drift asks CloudFormation to compare the resources with the last deploy, in all
environments or in those that you name. It prints a report in Markdown: a security
group that somebody opened by hand, a setting that somebody changed in the console. It
changes nothing. It takes some minutes.

It reads with the lookup role that "cdk bootstrap" makes in each account
(cdk-` + config.BootstrapQualifier + `-lookup-role-…). Your credentials only need the permission to assume
this role.

The exit status is 0 without drift, 3 with drift, and 1 if the state of a stack is
unknown. A stack that is not deployed, or a resource that the role may not read, is
named and is no failure.`,
		Example: `  parrotctl drift
  parrotctl drift prod --json`,
		RunE: func(command *cobra.Command, args []string) error {
			_, environments, err := p.named(args...)
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeoutCause(command.Context(), timeout,
				fmt.Errorf("AWS did not finish within %s; run it again, with a longer --timeout if need be", timeout))
			defer cancel()
			report := p.drift(ctx, environments, profile)
			if err := command.Context().Err(); err != nil {
				return err
			}
			if asJSON {
				err = writeJSON(p.stdout, report)
			} else {
				_, err = fmt.Fprint(p.stdout, report.Markdown())
			}
			switch {
			case err != nil:
				return fmt.Errorf("the report cannot be written: %w", err)
			case len(report.Unchecked()) > 0:
				return errors.New(report.Summary())
			case len(report.Drifted()) > 0:
				return status{exitFound, errors.New(report.Summary())}
			}
			return nil
		},
	}
	addProfile(command, &profile, "profile", "a user who may assume the lookup roles")
	flags := command.Flags()
	flags.DurationVar(&timeout, "timeout", 20*time.Minute, "how long to wait for AWS")
	flags.BoolVar(&asJSON, "json", false, "print the report as JSON")
	return command
}

// drift checks all stacks at once, because AWS takes minutes for each.
func (p *app) drift(ctx context.Context, environments []config.Environment, profile string) drift.Report {
	stacks := make([]drift.Stack, len(environments)*len(config.Parts))
	fmt.Fprintf(p.stderr, "Checking %d stacks; this takes some minutes.\n", len(stacks))
	var (
		running  sync.WaitGroup
		progress sync.Mutex
		done     int
	)
	for i, env := range environments {
		checker, err := reader(ctx, env, profile)
		for j, name := range env.StackNames() {
			running.Go(func() {
				stack := &stacks[i*len(config.Parts)+j]
				if err != nil {
					*stack = drift.Stack{Name: name, Region: env.Region, Status: drift.NotChecked, Reason: err.Error()}
				} else {
					*stack = checker.Check(ctx, name)
				}
				progress.Lock()
				defer progress.Unlock()
				done++
				fmt.Fprintf(p.stderr, "%2d/%d %s: %s\n", done, len(stacks), name, stack.Status)
			})
		}
	}
	running.Wait()
	return drift.Report{Stacks: stacks}
}

// reader checks stacks with an environment's lookup role. That it can be assumed
// is tried first, for one clear error.
func reader(ctx context.Context, env config.Environment, profile string) (*drift.Checker, error) {
	session, err := awsclient.SignIn(ctx, profile, env.Region)
	if err != nil {
		return nil, err
	}
	looking := session.Lookup(env.Account).Config
	if _, err := looking.Credentials.Retrieve(ctx); err != nil {
		return nil, fmt.Errorf("the lookup role of %s cannot be assumed: %w; it is made by cdk bootstrap, and needs sts:AssumeRole", env.Name,
			err)
	}
	return drift.NewChecker(looking, driftPoll), nil
}
