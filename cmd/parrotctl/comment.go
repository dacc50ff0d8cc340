package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"parrot/internal/github"
)

func (p *app) commentCommand() *cobra.Command {
	var (
		pull       github.PullRequest
		repository string
	)
	command := &cobra.Command{
		Use:   "comment FILE --repository OWNER/NAME --pull-request NUMBER",
		Short: "Show a review as the one comment on a GitHub pull request",
		Long: `Comment puts a Markdown file on a pull request. The comment that an earlier run
made is edited, so that there is one at any time. A file above GitHub's limit of
65536 characters is cut, and says so.

GitHub's token is read from standard input, where no list of processes shows it.
A token that may only read, as that of a pull request from a fork, is no failure:
the command says that nothing was written, and its exit status is 0.

.github/workflows/review.yml uses it.`,
		Example: `  parrotctl comment review.md --repository acme/parrot --pull-request 7 --author me <<< "$(gh auth token)"`,
		Args:    arguments("FILE"),
		RunE: func(command *cobra.Command, args []string) error {
			var ok bool
			if pull.Owner, pull.Name, ok = strings.Cut(repository, "/"); !ok || pull.Owner == "" || pull.Name == "" {
				return status{exitUsage, fmt.Errorf("--repository is %q: want OWNER/NAME", repository)}
			}
			if pull.Number <= 0 {
				return status{exitUsage, fmt.Errorf("--pull-request is %d: want the pull request's number", pull.Number)}
			}
			report, err := os.ReadFile(args[0])
			if err != nil {
				return fmt.Errorf("the report cannot be read: %w", err)
			}
			token, err := io.ReadAll(p.stdin)
			if err != nil {
				return fmt.Errorf("the token cannot be read from standard input: %w", err)
			}
			if pull.Token = strings.TrimSpace(string(token)); pull.Token == "" {
				return status{exitUsage, errors.New("there is no token on standard input: gh auth token | parrotctl comment …")}
			}
			address, err := pull.Comment(command.Context(), string(report))
			if errors.Is(err, github.ErrReadOnly) {
				fmt.Fprintf(p.stderr, "No comment is written, because %v.\n", err)
				return nil
			}
			if err != nil {
				return fmt.Errorf("no comment is written: %w", err)
			}
			fmt.Fprintf(p.stdout, "%s\n", address)
			return nil
		},
	}
	flags := command.Flags()
	flags.StringVar(&repository, "repository", "", "the repository, OWNER/NAME")
	flags.IntVar(&pull.Number, "pull-request", 0, "the pull request's number")
	flags.StringVar(&pull.API, "api", "https://api.github.com", "the address of GitHub's REST API")
	flags.StringVar(&pull.Author, "author", "github-actions[bot]", "who the token writes as: only that account's comment is edited")
	return command
}
