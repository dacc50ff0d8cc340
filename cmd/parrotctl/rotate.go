package main

import (
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/spf13/cobra"

	"parrot/config"
	"parrot/internal/rotation"
	"parrot/internal/terminal"
)

func (p *app) rotateCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "rotate",
		Short: "Replace the keys that sign tokens",
		Long: `Rotate replaces secrets that only a person should replace. The database's password
has a schedule: the setting Database.RotationDays.`,
		Example: `  parrotctl rotate jwt dev`,
		Args:    cobra.NoArgs, // or cobra would answer a typing error with the help, and success
		RunE:    func(command *cobra.Command, _ []string) error { return command.Help() },
	}
	command.AddCommand(p.rotateTokensCommand())
	return command
}

func (p *app) rotateTokensCommand() *cobra.Command {
	var yes bool
	var profile string
	command := &cobra.Command{
		Use:   "jwt ENV",
		Short: "Replace the keys that sign tokens: everybody is signed out",
		Long: `Jwt gives an environment new keys for access and refresh tokens, and starts new tasks
of the services that read them. A new task accepts no token from before: everybody has
to sign in again. Until the last old task stops, old and new tasks refuse each other's
tokens.

After a failure run the same command again.`,
		Example: `  parrotctl rotate jwt dev
  parrotctl rotate jwt prod --profile prod --yes`,
		Args: arguments("ENV"),
		RunE: func(command *cobra.Command, args []string) error {
			_, named, err := p.named(args...)
			if err != nil {
				return err
			}
			env := named[0]
			session, err := p.session(command, env, profile, false)
			if err != nil {
				return err
			}
			keys := tokens(env, session.Config)
			if there, err := keys.There(command.Context()); err != nil {
				return err
			} else if !there {
				return fmt.Errorf("%s has no keys to replace: stack %s is not deployed; deploy it: npx cdk deploy '%s'", env.Name,
					env.StackName(config.DataPart), env.StackName("*"))
			}
			question := fmt.Sprintf("New keys for %s in account %s sign everybody out. Replace them?", env.Name, session.Account)
			if !yes && !p.ask(command.Context(), question) {
				return status{exitDeclined, errors.New("no key was replaced: the answer was not yes")}
			}
			deployed, err := keys.Rotate(command.Context())
			if err != nil {
				return fmt.Errorf("the keys of %s are not, or not all, replaced: %w; run the same command again", env.Name, err)
			}
			if !deployed {
				fmt.Fprintf(p.stderr, "%s has new keys. No service reads them yet.\n", env.Name)
				return nil
			}
			fmt.Fprintf(p.stderr, "%s has new keys. New tasks are starting; wait for them with\n", env.Name)
			for _, name := range env.ReadersOf(config.AppEnv) {
				wait := []string{"aws", "ecs", "wait", "services-stable", "--region", env.Region, "--cluster", name, "--services", name}
				if profile != "" {
					wait = append(wait, "--profile", profile)
				}
				fmt.Fprintf(p.stderr, "  %s\n", terminal.Shell(wait))
			}
			return nil
		},
	}
	command.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask, for scripts")
	addProfile(command, &profile, "profile", "the environment's account")
	return command
}

// tokens returns the environment's keys, by their names in the templates.
func tokens(env config.Environment, cfg aws.Config) *rotation.Tokens {
	return &rotation.Tokens{
		Config: cfg,
		Sources: map[string]string{
			config.JWTSecretVariable:        env.SecretName(config.JWTAccessKey),
			config.JWTRefreshSecretVariable: env.SecretName(config.JWTRefreshKey),
		},
		Projection: env.SecretName(config.AppEnv),
		Services:   rotation.InClustersOfTheSameName(env.ReadersOf(config.AppEnv)),
	}
}
