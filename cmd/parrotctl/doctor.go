package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"parrot/internal/awsclient"
	"parrot/internal/doctor"
)

func (p *app) doctorCommand() *cobra.Command {
	var profile string
	var asJSON bool
	command := &cobra.Command{
		Use:   "doctor ENV",
		Short: "Find why an environment does not work, and what to do",
		Long: `Doctor checks everything that an environment needs, in order: credentials,
Availability Zones, CDK's bootstrap, stacks, delegation of the domain, certificate,
images, services, targets, secrets, database. It prints a line for each link of this
chain, stops at the first broken one, and names the cause and the commands to type next.
It changes nothing, and never prints a secret.

It asks the name servers of the domain's parent directly: they have what the registrar
entered, and no cache is in between. If a service looks as if it could not reach the
database, the doctor checks secrets and database, too.

A deploy that is in progress or rolled back, and a delegation that this network does not
let it read, do not stop the doctor. They are marked, and named at the end.

The exit status is 0 if no link is broken, 3 if one is broken, somebody is deploying or
a deploy failed, and 1 if a link could not be checked.`,
		Example: `  parrotctl doctor dev
  parrotctl doctor prod --profile prod --json`,
		Args: arguments("ENV"),
		RunE: func(command *cobra.Command, args []string) error {
			_, named, err := p.named(args...)
			if err != nil {
				return err
			}
			patient := doctor.Patient{Environment: named[0], DNS: p.asksParents(), Profile: profile,
				SignIn: func(context.Context) (*awsclient.Session, error) {
					return p.session(command, named[0], profile, false)
				}}
			found := doctor.Diagnose(command.Context(), patient, func(link doctor.Link) {
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
				fmt.Fprintln(p.stdout, "\nNo link is broken.")
			default:
				fmt.Fprint(p.stdout, found.Finding.Text())
			}
			switch {
			case found.Finding == nil:
				return nil
			case found.Finding.Unknown():
				return errors.New("a link could not be checked")
			default:
				return status{exitFound, errors.New("a link is broken: " + found.Finding.Cause)}
			}
		},
	}
	addProfile(command, &profile, "profile", "the environment's account")
	command.Flags().BoolVar(&asJSON, "json", false, "print it as JSON")
	return command
}
