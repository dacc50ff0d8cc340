package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"parrot/internal/operate"
)

func (p *app) logsCommand() *cobra.Command {
	var profile string
	var since time.Duration
	ask := operate.Logs{}
	command := &cobra.Command{
		Use:   "logs ENV SERVICE",
		Short: "Show a service's log",
		Long: `Logs shows the log of the backend or the frontend, a line for each event: when,
which stream (container and task), and what. The migration's streams are in the
backend's log. Control characters are shown as escapes, so that no log can play
with the terminal.

--follow goes on until Ctrl-C, which is its normal end: the exit status is 0. What
CloudWatch gets up to 30 seconds late is still shown, once.

--filter is a filter pattern of CloudWatch:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html`,
		Example: `  parrotctl logs dev backend
  parrotctl logs dev backend --follow
  parrotctl logs prod frontend --since 24h --filter '?ERROR ?FATAL ?Error'`,
		Args: arguments("ENV", "SERVICE"),
		RunE: func(command *cobra.Command, args []string) error {
			if err := isService(args[1]); err != nil {
				return err
			}
			if since <= 0 {
				return status{exitUsage, fmt.Errorf("--since is %s: want a time that has passed, such as 1h", since)}
			}
			env, err := p.operated(command, args[0], profile)
			if err != nil {
				return err
			}
			ask.Service, ask.Since = args[1], time.Now().Add(-since)
			return env.Logs(command.Context(), p.stdout, ask)
		},
	}
	addProfile(command, &profile, "profile", "the environment's account")
	command.Flags().BoolVarP(&ask.Follow, "follow", "f", false, "go on until Ctrl-C")
	command.Flags().DurationVar(&since, "since", 10*time.Minute, "how far to go back, such as 90m or 24h")
	command.Flags().StringVar(&ask.Filter, "filter", "", "show only what fits a filter pattern of CloudWatch")
	return command
}

// isService checks the name of a service.
func isService(name string) error {
	if !slices.Contains(operate.Services, name) {
		return status{exitUsage, fmt.Errorf("there is no service %q: want backend or frontend", name)}
	}
	return nil
}
