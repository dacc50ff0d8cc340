package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"parrot/internal/delivery"
)

// Where the application's code is, seen from Parrot's directory, when nobody
// says so.
const (
	backendSource  = "../backend"
	frontendSource = "../client"
)

func (p *program) releaseCommand() *cobra.Command {
	var flags planFlags
	var backend, frontend, profile string
	command := &cobra.Command{
		Use:   "release ENV",
		Short: "Build, push, record and deploy new images",
		Long: `Release builds the images of what is committed, pushes them to the environment's
registry, records them in config/images.json, shows what a deploy changes, asks,
and deploys.

Without --backend and --frontend both are released, from ` + backendSource + ` and ` + frontendSource + `
beside Parrot's directory; with one of the flags only that service is.

Until the deploy nothing that runs changes. After a failure run the same command
again: what is pushed already is not built again. A no puts config/images.json back
as it was.`,
		Example: `  parrotctl release dev --plan
  parrotctl release dev
  parrotctl release dev --backend ~/shop/backend --yes`,
		Args: arguments("ENV"),
		RunE: func(command *cobra.Command, args []string) error {
			d, named, err := p.delivery(flags.yes, args...)
			if err != nil {
				return err
			}
			sources := map[string]string{"backend": backend, "frontend": frontend}
			if backend == "" && frontend == "" {
				sources["backend"], sources["frontend"] = filepath.Join(d.Dir, backendSource), filepath.Join(d.Dir, frontendSource)
			}
			plan, err := d.PlanRelease(command.Context(), delivery.Release{Environment: named[0], Sources: sources, Profile: profile})
			if err != nil {
				return err
			}
			return p.deployed(command.Context(), plan, flags)
		},
	}
	flags.add(command)
	flags.addYes(command)
	command.Flags().StringVar(&backend, "backend", "", "directory of the backend's Dockerfile")
	command.Flags().StringVar(&frontend, "frontend", "", "directory of the front end's Dockerfile")
	addProfile(command, &profile, "profile", "the environment's account")
	return command
}

func (p *program) promoteCommand() *cobra.Command {
	var flags planFlags
	var ask delivery.Promotion
	command := &cobra.Command{
		Use:   "promote FROM TO",
		Short: "Bring the images of one environment to the next",
		Long: `Promote brings the images that config/images.json releases in FROM to TO: the
same ones, by digest, copied where TO has another repository or account. It
refuses while FROM does not run them: their deploy failed or is not done. What
Next.js compiles into a front end differs where the domain does: then the front
end is built anew from the same commit, and promote says why.

It records the images in config/images.json and shows what a deploy would change.
The commit, and with a pipeline the deploy, is yours.`,
		Example: `  parrotctl promote dev stage --plan
  parrotctl promote stage prod --from-profile stage --profile prod`,
		Args: arguments("FROM", "TO"),
		RunE: func(command *cobra.Command, args []string) error {
			d, named, err := p.delivery(false, args...)
			if err != nil {
				return err
			}
			if args[0] == args[1] {
				return status{exitUsage, fmt.Errorf("%s cannot be promoted to itself: name two environments", args[0])}
			}
			ask.From, ask.To = named[0], named[1]
			if ask.FrontendSource == "" {
				ask.FrontendSource = filepath.Join(d.Dir, frontendSource)
			}
			if ask.FromProfile == "" {
				ask.FromProfile = ask.ToProfile
			}
			plan, err := d.PlanPromotion(command.Context(), ask)
			if err != nil {
				return err
			}
			if err := p.carryOut(command.Context(), plan, flags); err != nil || flags.plan {
				return err
			}
			fmt.Fprintf(p.stderr, "\nRecorded. Commit config/images.json; the pipeline deploys it, or you do:\n  npx cdk deploy '%s'\nIf that fails, config/images.json still names them: release and promote a correction, or go back with parrotctl rollback %s.\n", ask.To.StackName("*"), ask.To.Name)
			return nil
		},
	}
	flags.add(command)
	command.Flags().StringVar(&ask.FrontendSource, "frontend", "", "directory of the front end's Dockerfile, for one that is built anew")
	addProfile(command, &ask.FromProfile, "from-profile", "FROM's account, if it is not --profile")
	addProfile(command, &ask.ToProfile, "profile", "TO's account")
	return command
}

func (p *program) rollbackCommand() *cobra.Command {
	var flags planFlags
	var ask delivery.Rollback
	command := &cobra.Command{
		Use:   "rollback ENV [backend|frontend]",
		Short: "Go back to images that ran before",
		Long: `Rollback lists what ran before, from git's history of config/images.json and
from the registry, and goes back to the release before, or to the one with --to:
it records it in config/images.json, shows what a deploy changes, asks, and
deploys the compute stack alone.

The database does not go back.`,
		Example: `  parrotctl rollback prod --plan
  parrotctl rollback prod
  parrotctl rollback prod frontend --to 20260102030405-0a1b2c3d4e5f`,
		Args: arguments("ENV", "[SERVICE]"),
		RunE: func(command *cobra.Command, args []string) error {
			d, named, err := p.delivery(flags.yes, args[0])
			if err != nil {
				return err
			}
			ask.Environment = named[0]
			if len(args) > 1 {
				ask.Service = args[1]
				if ask.Service != "backend" && ask.Service != "frontend" {
					return status{exitUsage, fmt.Errorf("there is no service %q: want backend or frontend", ask.Service)}
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

// deployed carries out a plan that deploys, and says what is left to its user.
func (p *program) deployed(ctx context.Context, plan *delivery.Plan, flags planFlags) error {
	if err := p.carryOut(ctx, plan, flags); err != nil || flags.plan {
		return err
	}
	fmt.Fprintln(p.stderr, "\nDeployed. Commit config/images.json: a rollback reads its history, and a pipeline deploys what it says.")
	return nil
}

func addProfile(command *cobra.Command, value *string, name, of string) {
	command.Flags().StringVar(value, name, "", "AWS profile of "+of)
}

// arguments checks how many there are; those in brackets may be left out.
func arguments(names ...string) cobra.PositionalArgs {
	least := 0
	for _, name := range names {
		if name[0] != '[' {
			least++
		}
	}
	return func(command *cobra.Command, args []string) error {
		if len(args) < least || len(args) > len(names) {
			return status{exitUsage, fmt.Errorf("%s takes %v, and got %q: see %s --help", command.Name(), names, args, command.CommandPath())}
		}
		return nil
	}
}
