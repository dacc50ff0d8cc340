package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"parrot/internal/operate"
)

func (p *app) statusCommand() *cobra.Command {
	var profile string
	var asJSON bool
	command := &cobra.Command{
		Use:   "status ENV",
		Short: "Show how an environment is, on one screen",
		Long: `Status shows an environment's stacks, services with their image and last events,
targets, database, certificate, delegation of the domain, and the alarms that
fire. It changes nothing.

A line that starts with ! is not as it should be. What cannot be read says so in
its place, with the permission that is missing, and the rest is shown.

The exit status is 0 when all is well, 3 when something is wrong, and 1 when
something could not be read.`,
		Example: `  parrotctl status dev
  parrotctl status prod --json --profile prod`,
		Args: arguments("ENV"),
		RunE: func(command *cobra.Command, args []string) error {
			env, err := p.operated(command, args[0], profile)
			if err != nil {
				return err
			}
			report := env.Status(command.Context())
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
				return status{exitFound, errors.New("not all is well")}
			}
			return nil
		},
	}
	addProfile(command, &profile, "profile", "the environment's account")
	command.Flags().BoolVar(&asJSON, "json", false, "print it as JSON")
	return command
}

// operated is an environment that a command works on, with its user signed in
// to its account.
func (p *app) operated(command *cobra.Command, name, profile string) (*operate.Environment, error) {
	_, named, err := p.named(name)
	if err != nil {
		return nil, err
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
