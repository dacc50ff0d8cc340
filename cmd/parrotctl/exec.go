package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"

	"github.com/spf13/cobra"

	"parrot/internal/terminal"
)

const afterDashes = "a command for the task comes after --: parrotctl exec ENV SERVICE -- ls -la"

func (p *app) execCommand() *cobra.Command {
	var profile string
	command := &cobra.Command{
		Use:   "exec ENV SERVICE [-- COMMAND…]",
		Short: "Open a shell in a running task, or run a command there",
		Long: `Exec runs a command in a running task of a service, or /bin/sh: in the newest task
that takes commands, of the current deployment if there is one. It prints the AWS CLI's
command line and runs it. You need the AWS CLI and its Session Manager plugin.

Changes in a task are lost when the task stops.`,
		Example: fmt.Sprintf(`  parrotctl exec dev %[1]s
  parrotctl exec dev %[1]s -- npx prisma migrate status`, p.exampleService()),
		Args: func(command *cobra.Command, args []string) error {
			names := args
			if dash := command.ArgsLenAtDash(); dash >= 0 {
				names = args[:dash]
			}
			if len(names) > 2 {
				return status{exitUsage, fmt.Errorf("exec takes ENV and SERVICE, and got %q; %s", names, afterDashes)}
			}
			return arguments("ENV", "SERVICE")(command, names)
		},
		RunE: func(command *cobra.Command, args []string) error {
			if err := sessionPrograms(); err != nil {
				return err
			}
			env, err := p.operated(command, args[0], profile, args[1])
			if err != nil {
				return err
			}
			task, line, err := env.Exec(command.Context(), args[1], args[2:])
			if err != nil {
				return err
			}
			if !task.Current {
				fmt.Fprintf(p.stderr, "Note: no task of the current deployment takes commands; %s is of an older one.\n", task.ID)
			}
			return p.runSession(line, profile)
		},
	}
	addProfile(command, &profile, "profile", "the environment's account")
	command.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		return status{exitUsage, fmt.Errorf("%w; %s", err, afterDashes)}
	})
	return command
}

func (p *app) dbCommand() *cobra.Command {
	var profile string
	var port int
	command := &cobra.Command{
		Use:   "db ENV",
		Short: "Reach the database from this machine",
		Long: `Db forwards a port of this machine through a running task to the database, which has no
public address, until Ctrl-C. It prints a command for another terminal that connects
with psql and reads the password from Secrets Manager. It prints no password.

It prints the AWS CLI's command line and runs it. You need the AWS CLI and its Session
Manager plugin.`,
		Example: `  parrotctl db dev
  parrotctl db prod --profile prod --local-port 15432`,
		Args: arguments("ENV"),
		RunE: func(command *cobra.Command, args []string) error {
			if err := sessionPrograms(); err != nil {
				return err
			}
			listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
			if err != nil {
				return status{exitUsage, fmt.Errorf("port %d cannot be used: %w; choose another one with --local-port", port, err)}
			}
			_ = listener.Close()
			env, err := p.operated(command, args[0], profile)
			if err != nil {
				return err
			}
			way, err := env.Forward(command.Context(), port, profile)
			if err != nil {
				return err
			}
			fmt.Fprintf(p.stdout, "Connect in another terminal. Ctrl-C here ends the connection:\n\n%s\n\n", way.Client)
			err = p.runSession(way.Command, profile)
			if command.Context().Err() != nil { // Ctrl-C is its normal end
				return nil
			}
			return err
		},
	}
	addProfile(command, &profile, "profile", "the environment's account")
	command.Flags().IntVar(&port, "local-port", 5433, "port of this machine")
	return command
}

// sessionPrograms checks that the programs of a session are installed.
func sessionPrograms() error {
	for _, program := range []struct{ name, what, install string }{
		{"aws", "the AWS CLI", "https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html (macOS: brew install awscli)"},
		{"session-manager-plugin", "the AWS CLI's Session Manager plugin",
			"https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-working-with-install-plugin.html (macOS: brew install " +
				"--cask session-manager-plugin)"},
	} {
		if _, err := exec.LookPath(program.name); err != nil {
			return status{exitUsage, fmt.Errorf("%s is not installed: %w; install it: %s", program.what, err, program.install)}
		}
	}
	return nil
}

// runSession prints and runs the AWS CLI's command line of a session. Ctrl-C is for
// the session, which gets it from the terminal too: it is not ended from here.
// SIGTERM is for this process alone, and ends both.
func (p *app) runSession(line []string, profile string) error {
	if profile != "" {
		line = append(line, "--profile", profile)
	}
	fmt.Fprintf(p.stderr, "+ %s\n", terminal.Shell(line))
	session := exec.Command(line[0], line[1:]...)
	session.Stdin, session.Stdout, session.Stderr = p.stdin, p.stdout, p.stderr
	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM)
	defer signal.Stop(terminated)
	err := session.Start()
	if err == nil {
		done := make(chan struct{})
		defer close(done)
		go func() {
			select {
			case <-terminated:
				_ = session.Process.Signal(syscall.SIGTERM)
			case <-done:
			}
		}()
		err = session.Wait()
	}
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		return fmt.Errorf("the session failed: aws ended with status %d; what it said is above", ended.ExitCode())
	}
	return err
}
