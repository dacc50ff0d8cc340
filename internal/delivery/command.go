package delivery

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"
)

// command is an external program: Docker, the CDK CLI or git.
type command struct {
	dir   string
	input string // for standard input; never shown
	args  []string
}

var plain = regexp.MustCompile(`^[\w@%+=:,./-]+$`)

// String returns the command as one would paste it into a shell.
func (c command) String() string {
	words := make([]string, len(c.args))
	for i, arg := range c.args {
		words[i] = arg
		if !plain.MatchString(arg) {
			words[i] = "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
		}
	}
	return strings.Join(words, " ")
}

// run runs the command; what it prints goes to log.
func (c command) run(ctx context.Context, log io.Writer) error {
	process := c.process(ctx)
	process.Stdout, process.Stderr = log, log
	return c.explain(process.Run())
}

// output runs the command and returns what it prints.
func (c command) output(ctx context.Context) (string, error) {
	process := c.process(ctx)
	var stderr strings.Builder
	process.Stderr = &stderr
	out, err := process.Output()
	if err != nil {
		return "", fmt.Errorf("%w: %s", c.explain(err), strings.TrimSpace(stderr.String()))
	}
	return strings.TrimSpace(string(out)), nil
}

func (c command) process(ctx context.Context) *exec.Cmd {
	process := exec.CommandContext(ctx, c.args[0], c.args[1:]...)
	process.Dir = c.dir
	process.Stdin = strings.NewReader(c.input)
	// A program that is asked to stop cleans up; one that is killed does not.
	process.Cancel = func() error { return process.Process.Signal(os.Interrupt) }
	process.WaitDelay = 20 * time.Second
	return process
}

func (c command) explain(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %s: %w", c.args[0], c.args[1], err)
}

// cdk returns the CDK CLI that package.json pins. A profile is only named when
// somebody named one.
func (d *Delivery) cdk(profile string, args ...string) command {
	return command{dir: d.Dir, args: profiled(profile, append([]string{"npx", "cdk"}, args...))}
}

func profiled(profile string, args []string) []string {
	if profile == "" {
		return args
	}
	return append(args, "--profile", profile)
}
