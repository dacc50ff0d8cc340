package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"parrot/config"
	"parrot/internal/delivery"
)

func (p *app) promoteCommand() *cobra.Command {
	var flags planFlags
	var ask delivery.Promotion
	var sources sourceFlags
	command := &cobra.Command{
		Use:   "promote FROM TO",
		Short: "Bring the images of one environment to the next",
		Long: `Promote brings the images that config/images.json releases in FROM to TO: the
same ones, by digest, copied where TO has another repository or account. It
is refused while FROM does not run them: their deploy failed or is not done. If the
values that are compiled into an image differ between the environments, as the domain
does in a site, promote builds that image again from the same commit, and says why.

It records the images in config/images.json and shows what a deploy would change. You
commit the file, and you or the pipeline deploy it.`,
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
			ask.Sources = sources.given()
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
			fmt.Fprintf(p.stderr,
				"\nThe images are recorded. Commit config/images.json. The pipeline deploys it, or you do:\n  npx cdk deploy '%s'\nIf that fails, "+
					"config/images.json still names these images: release and promote a correction, or go back with parrotctl rollback "+
					"%s.\n", ask.To.StackName("*"), ask.To.Name)
			return nil
		},
	}
	flags.add(command)
	sources = p.addSources(command, "directory of the %s's Dockerfile, if it has to be built again",
		func(b *config.Build) bool { return len(b.Arguments) > 0 })
	addProfile(command, &ask.FromProfile, "from-profile", "FROM's account, if it is not --profile")
	addProfile(command, &ask.ToProfile, "profile", "TO's account")
	return command
}
