package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"parrot/internal/awsclient"
	"parrot/internal/operate"
)

func (p *app) doctorCommand() *cobra.Command {
	var profile string
	var asJSON bool
	command := &cobra.Command{
		Use:   "doctor ENV",
		Short: "Find why an environment does not work, and what to do",
		Long: `Doctor walks along what an environment hangs on: credentials, CDK's bootstrap,
stacks, delegation of the domain, certificate, images, services, targets, secrets,
database. It prints a line for each link that holds, stops at the first that does
not, names the cause, and the commands to type next. It changes nothing, and never
prints a secret.

The name servers of the domain's parent are asked directly, so that the answer is
what the registrar has entered, and not what a cache remembers. Where a service
looks as it does when it cannot reach the database, secrets and database are
looked at too.

A deploy that is under way or was taken back, and a delegation that this network
does not let it ask, are marked, named at the end, and do not stop it.

The exit status is 0 when every link holds, 3 when one is broken, somebody is
deploying or a deploy has failed, and 1 when a link could not be looked at.`,
		Example: `  parrotctl doctor dev
  parrotctl doctor prod --profile prod --json`,
		Args: arguments("ENV"),
		RunE: func(command *cobra.Command, args []string) error {
			_, named, err := p.named(args...)
			if err != nil {
				return err
			}
			patient := operate.Patient{Environment: named[0], DNS: p.asksParents(), Profile: profile, SignIn: func(context.Context) (*awsclient.Session, error) {
				return p.session(command, named[0], profile, false)
			}}
			found := operate.Diagnose(command.Context(), patient, func(link operate.Link) {
				if !asJSON {
					fmt.Fprintln(p.stdout, link.Text())
				}
			})
			if err := command.Context().Err(); err != nil {
				return err
			}
			switch {
			case asJSON:
				if err := writeJSON(p.stdout, found); err != nil {
					return err
				}
			case found.Finding == nil:
				fmt.Fprintln(p.stdout, "\nEvery link holds.")
			default:
				fmt.Fprint(p.stdout, found.Finding.Text())
			}
			switch {
			case found.Finding == nil:
				return nil
			case found.Finding.Unknown():
				return errors.New("a link could not be looked at")
			default:
				return status{exitFound, errors.New("not every link holds: " + found.Finding.Cause)}
			}
		},
	}
	addProfile(command, &profile, "profile", "the environment's account")
	command.Flags().BoolVar(&asJSON, "json", false, "print it as JSON")
	return command
}
