package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"parrot/internal/delivery"
)

func (p *app) imagesCommand() *cobra.Command {
	var profile string
	var lookupRole bool
	command := &cobra.Command{
		Use:   "images ENV",
		Short: "Check that the released images are in the registry",
		Long: `Images looks up the images that config/images.json releases in an environment.
If one is missing it exits with status 3: ECS would wait for the image, and roll back.`,
		Example: `  parrotctl images stage`,
		Args:    arguments("ENV"),
		RunE: func(command *cobra.Command, args []string) error {
			_, named, err := p.named(args...)
			if err != nil {
				return err
			}
			env := named[0]
			session, err := p.session(command, env, profile, lookupRole)
			if err != nil {
				return err
			}
			found, err := delivery.MissingImages(command.Context(), env, session)
			for _, line := range found {
				fmt.Fprintln(p.stdout, line)
			}
			if missing := new(delivery.MissingImage); errors.As(err, missing) {
				return status{exitFound, err}
			}
			return err
		},
	}
	addProfile(command, &profile, "profile", "the environment's account")
	command.Flags().BoolVar(&lookupRole, "lookup-role", false, "read through the bootstrap's lookup role, as a pipeline does")
	return command
}
