package main

import (
	"fmt"
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
		Long: `Logs shows the log of a service, a line for each event: the time, the stream
(container and task) and the message. The log of a service with a migration has the
migration's streams, too. Control characters are shown as escapes, so that no log can
control the terminal.

--follow continues until Ctrl-C, which is its normal end: the exit status is 0. It also
shows events that reach CloudWatch up to 30 seconds late, each once.

--filter is a filter pattern of CloudWatch:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html`,
		Example: fmt.Sprintf(`  parrotctl logs dev %[1]s
  parrotctl logs dev %[1]s --follow
  parrotctl logs prod %[1]s --since 24h --filter '?ERROR ?FATAL ?Error'`, p.exampleService()),
		Args: arguments("ENV", "SERVICE"),
		RunE: func(command *cobra.Command, args []string) error {
			if since <= 0 {
				return status{exitUsage, fmt.Errorf("--since is %s: want a time that has passed, such as 1h", since)}
			}
			env, err := p.operated(command, args[0], profile, args[1])
			if err != nil {
				return err
			}
			ask.Service, ask.Since = args[1], time.Now().Add(-since)
			return env.Logs(command.Context(), p.stdout, ask)
		},
	}
	addProfile(command, &profile, "profile", "the environment's account")
	command.Flags().BoolVarP(&ask.Follow, "follow", "f", false, "continue until Ctrl-C")
	command.Flags().DurationVar(&since, "since", 10*time.Minute, "how far to go back, such as 90m or 24h")
	command.Flags().StringVar(&ask.Filter, "filter", "", "show only lines that match a filter pattern of CloudWatch")
	return command
}
