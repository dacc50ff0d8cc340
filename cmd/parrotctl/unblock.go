package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"parrot/internal/delivery"
	"parrot/internal/terminal"
)

func (p *app) unblockCommand() *cobra.Command {
	var flags planFlags
	var ask delivery.Unblock
	command := &cobra.Command{
		Use:   "unblock ENV",
		Short: "Delete what a failed first deploy left, so that you can deploy again",
		Long: `Unblock deletes what blocks the next deploy after the first deploy of a stack failed:
the stack with its termination protection, the load balancer or database of the failed
deploy with its deletion protection, and resources that the deletion of the stack would
keep under a name that the next deploy needs. It prints the steps and asks you. It does
not deploy.

It changes only stacks whose first deploy failed (CREATE_FAILED, ROLLBACK_COMPLETE,
ROLLBACK_FAILED, or DELETE_FAILED after one of these), and in them only resources of that
deploy. It does not change a stack that was ever complete, nor one with a database or
load balancer that is older than the stack. It names resources that existed before the
deploy, with the document that says how to import them.

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
				plan.NotesShown = true
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
			fmt.Fprintf(p.stderr, "\nNothing blocks the next deploy any more. Fix what made the deploy fail, then deploy again:\n  %s\n",
				terminal.Shell(deploy))
			return nil
		},
	}
	flags.add(command)
	flags.addYes(command)
	addProfile(command, &ask.Profile, "profile", "the environment's account")
	return command
}
