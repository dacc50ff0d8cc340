// Package program runs external programs: Docker, the CDK CLI, Node.js and git.
package program

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"parrot/internal/terminal"
)

// Command is an external program with its arguments.
type Command struct {
	// Dir is the directory that it runs in.
	Dir string
	// Input is its standard input. It is never shown.
	Input string
	// Environment are further environment variables, as NAME=value.
	Environment []string
	// Args are the program and its arguments, at least two.
	Args []string
}

// Git returns a git command.
func Git(dir string, args ...string) Command {
	return Command{Dir: dir, Args: append([]string{"git"}, args...)}
}

// String returns the command as it can be pasted into a shell.
func (c Command) String() string { return terminal.Shell(c.Args) }

// Run runs the command. Its output goes to log.
func (c Command) Run(ctx context.Context, log io.Writer) error {
	process := c.process(ctx)
	process.Stdout, process.Stderr = log, log
	return c.explain(process.Run())
}

// Output runs the command and returns its standard output. The error of a command that
// fails has the last lines of its standard error.
func (c Command) Output(ctx context.Context) (string, error) {
	process := c.process(ctx)
	var stderr strings.Builder
	process.Stderr = &stderr
	out, err := process.Output()
	if err != nil {
		return "", fmt.Errorf("%w: %s", c.explain(err), lastLines(stderr.String()))
	}
	return strings.TrimSpace(string(out)), nil
}

func (c Command) process(ctx context.Context) *exec.Cmd {
	process := exec.CommandContext(ctx, c.Args[0], c.Args[1:]...)
	process.Dir = c.Dir
	process.Stdin = strings.NewReader(c.Input)
	if len(c.Environment) > 0 {
		process.Env = append(process.Environ(), c.Environment...)
	}
	// An interrupted program cleans up, a killed one does not.
	process.Cancel = func() error { return process.Process.Signal(os.Interrupt) }
	process.WaitDelay = 20 * time.Second
	return process
}

func (c Command) explain(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %s: %w", c.Args[0], c.Args[1], err)
}

// lastLines returns the end of a text, where programs say what is wrong.
func lastLines(text string) string {
	text = strings.TrimSpace(text)
	return text[max(0, len(text)-1000):]
}

// Checkout checks a commit out into a temporary directory. It returns the path of dir in
// the checkout, and a function that removes the checkout. Remove it also after an
// interrupt: git would go on listing it.
func Checkout(ctx context.Context, dir, commit string) (path string, remove func() error, err error) {
	below, err := Git(dir, "rev-parse", "--show-prefix").Output(ctx) // dir may be a part of its repository
	if err != nil {
		return "", nil, err
	}
	temporary, err := os.MkdirTemp("", "parrot-")
	if err != nil {
		return "", nil, err
	}
	tree := filepath.Join(temporary, "source")
	remove = func() error {
		_, err := Git(dir, "worktree", "remove", "--force", tree).Output(context.WithoutCancel(ctx))
		_ = os.RemoveAll(temporary) // it is in the temporary directory
		return err
	}
	if _, err := Git(dir, "worktree", "add", "--quiet", "--detach", tree, commit).Output(ctx); err != nil {
		_ = remove() // what was not added cannot be removed
		return "", nil, fmt.Errorf("commit %s cannot be checked out: %w", commit, err)
	}
	return filepath.Join(tree, below), remove, nil
}
