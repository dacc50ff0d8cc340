package main

import (
	"errors"

	"github.com/spf13/cobra"

	"parrot/internal/delivery"
)

func (p *app) rollbackCommand() *cobra.Command {
	var flags planFlags
	var ask delivery.Rollback
	command := &cobra.Command{
		Use:   "rollback ENV [SERVICE]",
		Short: "Go back to images that ran before",
		Long: `Rollback lists what ran before, from git's history of config/images.json and
from the registry. It goes back to the release before the current one, or to the one
that --to names: it records the images in config/images.json, shows what a deploy
changes, asks you, and deploys only the compute stack.

The database does not go back.`,
		Example: `  parrotctl rollback prod --plan
  parrotctl rollback prod
  parrotctl rollback prod ` + p.exampleService() + ` --to 20260102030405-0a1b2c3d4e5f`,
		Args: arguments("ENV", "[SERVICE]"),
		RunE: func(command *cobra.Command, args []string) error {
			d, named, err := p.delivery(flags.yes, args[0])
			if err != nil {
				return err
			}
			ask.Environment = named[0]
			if len(args) > 1 {
				ask.Service = args[1]
				if _, err := named[0].Service(ask.Service); err != nil {
					return status{exitUsage, err}
				}
			}
			list, plan, err := d.PlanRollback(command.Context(), ask)
			if len(list) > 0 {
				err = errors.Join(delivery.WriteEarlier(p.stderr, list), err)
			}
			if err != nil {
				return err
			}
			return p.deployed(command.Context(), plan, flags)
		},
	}
	flags.add(command)
	flags.addYes(command)
	command.Flags().StringVar(&ask.Tag, "to", "", "tag of the image to go back to")
	addProfile(command, &ask.Profile, "profile", "the environment's account")
	return command
}
