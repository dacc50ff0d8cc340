package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"parrot/internal/operate"
	state "parrot/internal/status"
)

func (p *app) statusCommand() *cobra.Command {
	var profile string
	var asJSON bool
	command := &cobra.Command{
		Use:   "status ENV",
		Short: "Show the state of an environment on one screen",
		Long: `Status shows an environment's stacks, services with their image and last events,
targets, database, certificate, delegation of the domain, and the alarms that
fire. It changes nothing.

A line that starts with ! is a problem. A part that cannot be read shows the missing
permission in its place; the other parts are shown.

The exit status is 0 if everything is healthy, 3 if there is a problem, and 1 if
something could not be read.`,
		Example: `  parrotctl status dev
  parrotctl status prod --json --profile prod`,
		Args: arguments("ENV"),
		RunE: func(command *cobra.Command, args []string) error {
			env, err := p.operated(command, args[0], profile)
			if err != nil {
				return err
			}
			report := state.Read(command.Context(), env)
			if err := command.Context().Err(); err != nil {
				return err
			}
			if asJSON {
				err = writeJSON(p.stdout, report)
			} else {
				_, err = fmt.Fprint(p.stdout, report.Text())
			}
			switch {
			case err != nil:
				return fmt.Errorf("the status cannot be written: %w", err)
			case len(report.Unread) > 0:
				return errors.New("not everything could be read")
			case len(report.Wrong) > 0:
				return status{exitFound, errors.New("there is a problem")}
			}
			return nil
		},
	}
	addProfile(command, &profile, "profile", "the environment's account")
	command.Flags().BoolVar(&asJSON, "json", false, "print it as JSON")
	return command
}

// operated returns the environment with the given name, with its user signed in to its
// account. It is a usage error if the environment does not have one of the services.
func (p *app) operated(command *cobra.Command, name, profile string, services ...string) (*operate.Environment, error) {
	_, named, err := p.named(name)
	if err != nil {
		return nil, err
	}
	for _, service := range services {
		if _, err := named[0].Service(service); err != nil {
			return nil, status{exitUsage, err}
		}
	}
	session, err := p.session(command, named[0], profile, false)
	if err != nil {
		return nil, err
	}
	return operate.New(named[0], session, p.asksParents()), nil
}

// asksParents asks the internet what a domain is delegated to.
func (p *app) asksParents() operate.Delegation {
	if p.delegation != nil {
		return p.delegation
	}
	return operate.InternetParents().Delegation
}
