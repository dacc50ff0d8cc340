package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"parrot/internal/delivery"
	"parrot/internal/operate"
)

func (p *app) unblockCommand() *cobra.Command {
	var flags planFlags
	var ask delivery.Unblock
	command := &cobra.Command{
		Use:   "unblock ENV",
		Short: "Remove what a failed first deploy has left, so that it can be repeated",
		Long: `Unblock removes what is in the way after the first deploy of a stack has failed:
the stack itself with its termination protection, the deletion protection of a
load balancer or database that the failed deploy has made, and what deleting the
stack would keep under a name that the next deploy needs. It prints the steps and
asks. It does not deploy.

It touches only stacks whose first deploy failed (CREATE_FAILED, ROLLBACK_COMPLETE,
ROLLBACK_FAILED, or DELETE_FAILED after one of these), and in them only what that
deploy has made. A stack that was ever complete is left alone, and so is one with a
database or load balancer that is older than itself. What was there before
the deploy is named, with the document that says how to take it up.

After a failure run the same command again.`,
		Example: `  parrotctl unblock stage --plan
  parrotctl unblock prod --profile prod`,
		Args: arguments("ENV"),
		RunE: func(command *cobra.Command, args []string) error {
			d, named, err := p.delivery(flags.yes, args...)
			if err != nil {
				return err
			}
			ask.Environment = named[0]
			plan, err := d.PlanUnblock(command.Context(), ask)
			if err != nil {
				return err
			}
			if len(plan.Steps) == 0 && !flags.plan {
				writePlan(p.stderr, plan)
				fmt.Fprintf(p.stderr, "No first deploy of %s has left anything: nothing was done.\n", ask.Environment.Name)
				return p.carryOut(command.Context(), plan, flags)
			}
			err = p.confirm(command.Context(), d, plan, flags, "Delete this of "+ask.Environment.Name+"?", "nothing is deleted")
			if err != nil || flags.plan {
				return err
			}
			deploy := []string{"npx", "cdk", "deploy", ask.Environment.StackName("*")}
			if ask.Profile != "" {
				deploy = append(deploy, "--profile", ask.Profile)
			}
			fmt.Fprintf(p.stderr, "\nNothing is in the way any more. Correct what made the deploy fail, then deploy again:\n  %s\n", operate.Shell(deploy))
			return nil
		},
	}
	flags.add(command)
	flags.addYes(command)
	addProfile(command, &ask.Profile, "profile", "the environment's account")
	return command
}
