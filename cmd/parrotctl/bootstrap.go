package main

import (
	"github.com/spf13/cobra"

	"parrot/internal/delivery"
)

func (p *app) bootstrapCommand() *cobra.Command {
	var flags planFlags
	var ask delivery.Bootstrap
	command := &cobra.Command{
		Use:   "bootstrap ENV",
		Short: "Prepare an account and region for the first deploy",
		Long: `Bootstrap makes the service-linked roles that a new account does not have, and runs
cdk bootstrap as the environment needs it: with termination protection and, if a
pipeline in another account deploys it, with trust in that account. It prints the steps
and asks you. First it checks that the account and Fargate have the environment's
Availability Zones.

Run it once for each account and region. Running it again changes nothing.`,
		Example: `  parrotctl bootstrap dev
  parrotctl bootstrap prod --profile prod --yes`,
		Args: arguments("ENV"),
		RunE: func(command *cobra.Command, args []string) error {
			d, named, err := p.delivery(flags.yes, args...)
			if err != nil {
				return err
			}
			ask.Environment = named[0]
			if p.pipeline.Configured() {
				ask.PipelineAccount = p.pipeline.Account
			}
			plan, err := d.PlanBootstrap(command.Context(), ask)
			if err != nil {
				return err
			}
			return p.confirm(command.Context(), d, plan, flags, "Run these steps?", "nothing is done")
		},
	}
	flags.add(command)
	flags.addYes(command)
	addProfile(command, &ask.Profile, "profile", "the environment's account")
	return command
}
