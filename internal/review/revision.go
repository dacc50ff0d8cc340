package review

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"parrot/internal/assembly"
)

// Open reads an assembly: that of a directory that cdk synth wrote, or of a git
// revision of Parrot's directory, which is checked out and synthesized in a
// temporary directory. It needs no AWS. Nothing is left behind, also when ctx ends.
func Open(ctx context.Context, dir, revision string) (*assembly.Assembly, error) {
	if info, err := os.Stat(revision); err == nil && info.IsDir() {
		return assembly.Load(revision)
	}
	commit, err := output(ctx, dir, nil, "git", "rev-parse", "--verify", "--quiet", "--end-of-options", revision+"^{commit}")
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("%q is neither a git revision in %s nor a directory with an assembly: fetch the revision, or run npx cdk synth and name cdk.out", revision, dir)
	}
	temporary, err := os.MkdirTemp("", "parrot-review-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(temporary) //nolint:errcheck // it is in the temporary directory
	a, err := synthesize(ctx, dir, temporary, commit)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be synthesized: %w", revision, err)
	}
	return a, nil
}

func synthesize(ctx context.Context, dir, temporary, commit string) (a *assembly.Assembly, err error) {
	checkout, out := filepath.Join(temporary, "checkout"), filepath.Join(temporary, "cdk.out")
	if _, err := output(ctx, dir, nil, "git", "worktree", "add", "--quiet", "--detach", checkout, commit); err != nil {
		return nil, err
	}
	defer func() {
		// Also after an interrupt: git would go on listing it.
		_, removing := output(context.WithoutCancel(ctx), dir, nil, "git", "worktree", "remove", "--force", checkout)
		err = errors.Join(err, removing)
	}()
	// Parrot may be a part of its repository.
	prefix, err := output(ctx, dir, nil, "git", "rev-parse", "--show-prefix")
	if err != nil {
		return nil, err
	}
	return synthesizeIn(ctx, filepath.Join(checkout, prefix), out)
}

// Synthesize is the assembly of Parrot's directory as it is now.
func Synthesize(ctx context.Context, dir string) (*assembly.Assembly, error) {
	temporary, err := os.MkdirTemp("", "parrot-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(temporary) //nolint:errcheck // it is in the temporary directory
	return synthesizeIn(ctx, dir, filepath.Join(temporary, "cdk.out"))
}

// synthesizeIn does what npx cdk synth does; the templates are the same without
// the CLI, and they are validated where they are synthesized to be deployed.
func synthesizeIn(ctx context.Context, dir, out string) (*assembly.Assembly, error) {
	app, err := appCommand(dir)
	if err != nil {
		return nil, err
	}
	_, err = output(ctx, dir, []string{
		"CDK_OUTDIR=" + out, "CDK_VALIDATION=false", "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=20",
	}, app...)
	if err != nil {
		return nil, err
	}
	return assembly.Load(out)
}

// appCommand returns the command that synthesizes: cdk.json has it, and an older
// revision may have another one.
func appCommand(dir string) ([]string, error) {
	text, err := os.ReadFile(filepath.Join(dir, "cdk.json"))
	if err != nil {
		return nil, err
	}
	var file struct{ App string }
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", filepath.Join(dir, "cdk.json"), err)
	}
	if file.App == "" {
		return nil, fmt.Errorf("%s names no app", filepath.Join(dir, "cdk.json"))
	}
	return strings.Fields(file.App), nil
}

// output runs a program and returns what it prints.
func output(ctx context.Context, dir string, environment []string, args ...string) (string, error) {
	process := exec.CommandContext(ctx, args[0], args[1:]...)
	process.Dir = dir
	process.Env = append(process.Environ(), environment...)
	process.Cancel = func() error { return process.Process.Signal(os.Interrupt) }
	process.WaitDelay = 10 * time.Second
	var stderr strings.Builder
	process.Stderr = &stderr
	stdout, err := process.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", strings.Join(args[:min(2, len(args))], " "), err, lastLines(stderr.String()))
	}
	return strings.TrimSpace(string(stdout)), nil
}
