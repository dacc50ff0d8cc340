// Command parrotctl is Parrot's companion: it releases, promotes, rolls back,
// reviews and looks after what the CDK app of this repository describes. It reads
// the same settings and never imports CDK, so that it builds in seconds.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/fatih/color"
	"github.com/spf13/cobra"

	"parrot/config"
	"parrot/internal/operate"
)

// The exit statuses.
const (
	exitFailed   = 1 // a step failed
	exitUsage    = 2 // the command line or the settings are wrong: nothing was done
	exitFound    = 3 // the command worked and found what it was asked to fail on
	exitDeclined = 4 // the answer to the question was no
	exitSignal   = 130
)

// status is an error with an exit status of its own.
type status struct {
	code int
	err  error
}

func (s status) Error() string { return s.err.Error() }
func (s status) Unwrap() error { return s.err }

// app is what every command shares.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	environments   []config.Environment // before their released images
	pipeline       config.Pipeline
	transport      http.RoundTripper  // to registries; nil is Go's own
	delegation     operate.Delegation // what domains are delegated to; nil asks the internet
	now            func() time.Time
}

func main() {
	// Progress goes to standard error, and a file wants no colours.
	if info, err := os.Stderr.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		color.NoColor = true
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	p := &app{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, environments: config.All(), pipeline: config.Delivery(), now: time.Now}
	code := p.run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// run runs one command line and returns the exit status.
func (p *app) run(ctx context.Context, args []string) int {
	command := p.command()
	command.SetArgs(args)
	err := command.ExecuteContext(ctx)
	var s status
	switch {
	case err == nil:
		return 0
	case strings.HasPrefix(err.Error(), "unknown command"): // cobra has no type for it
		fmt.Fprintf(p.stderr, "Error: %v\n", err)
		return exitUsage
	case ctx.Err() != nil:
		fmt.Fprintf(p.stderr, "Interrupted: %v\n", err)
		return exitSignal
	case errors.As(err, &s):
		fmt.Fprintf(p.stderr, "Error: %v\n", err)
		return s.code
	default:
		fmt.Fprintf(p.stderr, "Error: %v\n", err)
		return exitFailed
	}
}

// command returns the tree of all commands.
func (p *app) command() *cobra.Command {
	root := &cobra.Command{
		Use:           "parrotctl",
		Short:         "Deploy images, watch an environment and repair it",
		Version:       versionText(),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetIn(p.stdin)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return status{exitUsage, err} })
	for _, group := range []struct {
		title    string
		commands []*cobra.Command
	}{
		{"Deliver:",
			[]*cobra.Command{p.bootstrapCommand(), p.releaseCommand(), p.promoteCommand(), p.rollbackCommand(), p.reviewCommand(), p.costCommand()}},
		{"Look:", []*cobra.Command{p.statusCommand(), p.logsCommand(), p.execCommand(), p.dbCommand(), p.driftCommand()}},
		{"Fix:", []*cobra.Command{p.doctorCommand(), p.unblockCommand(), p.rotateCommand()}},
		{"For CI:", []*cobra.Command{p.commentCommand(), p.imagesCommand(), p.smokeCommand()}},
	} {
		root.AddGroup(&cobra.Group{ID: group.title, Title: group.title})
		for _, command := range group.commands {
			command.GroupID = group.title
			root.AddCommand(command)
		}
	}
	root.AddCommand(p.versionCommand())
	cobra.EnableCommandSorting = false
	return root
}
