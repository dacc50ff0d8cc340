package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"parrot/config"
	"parrot/internal/delivery"
)

func (p *app) releaseCommand() *cobra.Command {
	var flags planFlags
	var profile string
	var sources sourceFlags
	command := &cobra.Command{
		Use:   "release ENV",
		Short: "Build, push, record and deploy new images",
		Long: `Release builds the images of what is committed, pushes them to the environment's
registry, records them in config/images.json, shows what a deploy changes, asks
you, and deploys.

Without a flag for a service all of them are released, from their directories beside
Parrot's: ` + p.directories() + `. With such a flag only that service is released.

Nothing changes in AWS before you confirm, but the images are pushed. If you answer no,
config/images.json is restored. After a failure run the same command again: it does not
build again what is pushed already.`,
		Example: fmt.Sprintf(`  parrotctl release dev --plan
  parrotctl release dev
  parrotctl release dev --%[1]s ~/shop/%[1]s --yes`, p.exampleService()),
		Args: arguments("ENV"),
		RunE: func(command *cobra.Command, args []string) error {
			d, named, err := p.delivery(flags.yes, args...)
			if err != nil {
				return err
			}
			plan, err := d.PlanRelease(command.Context(), delivery.Release{Environment: named[0], Sources: sources.given(), Profile: profile})
			if err != nil {
				return err
			}
			return p.deployed(command.Context(), plan, flags)
		},
	}
	flags.add(command)
	flags.addYes(command)
	sources = p.addSources(command, "directory of the %s's Dockerfile", func(*config.Build) bool { return true })
	addProfile(command, &profile, "profile", "the environment's account")
	return command
}
