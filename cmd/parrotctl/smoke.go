package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"parrot/internal/smoke"
)

func (p *app) smokeCommand() *cobra.Command {
	test := smoke.Test{Interval: 10 * time.Second}
	command := &cobra.Command{
		Use:   "smoke ENV",
		Short: "Check that an environment answers",
		Long: `Smoke asks for the health check of each service over https, as a browser would,
until it answers 200. It exits with status 3 if one does not in time. A service
without a released image is skipped: it runs no task yet.`,
		Example: `  parrotctl smoke dev
  parrotctl smoke prod --timeout 1m`,
		Args: arguments("ENV"),
		RunE: func(command *cobra.Command, args []string) error {
			_, named, err := p.named(args...)
			if err != nil {
				return err
			}
			env := named[0]
			test.Log, test.Transport = p.stdout, p.transport
			if err := test.Run(command.Context(), smoke.Pages(env)); err != nil {
				return status{exitFound, fmt.Errorf("%s does not answer as it should: %w; docs/troubleshooting.md says where to look", env.Name, err)}
			}
			return nil
		},
	}
	command.Flags().DurationVar(&test.Timeout, "timeout", 5*time.Minute, "how long the services may take")
	return command
}
