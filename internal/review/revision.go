package review

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"parrot/internal/assembly"
	"parrot/internal/program"
)

// Open reads an assembly: that of a directory that cdk synth wrote, or of a git
// revision of Parrot's directory, which is checked out and synthesized in a
// temporary directory. It needs no AWS. Nothing is left behind, also when ctx ends.
func Open(ctx context.Context, dir, revision string) (*assembly.Assembly, error) {
	if info, err := os.Stat(revision); err == nil && info.IsDir() {
		return assembly.Load(revision)
	}
	commit, err := program.Git(dir, "rev-parse", "--verify", "--quiet", "--end-of-options", revision+"^{commit}").Output(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("%q is neither a git revision in %s nor a directory with an assembly: fetch the revision, or run npx cdk synth "+
			"and name cdk.out", revision, dir)
	}
	a, err := synthesize(ctx, dir, commit)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be synthesized: %w", revision, err)
	}
	return a, nil
}

func synthesize(ctx context.Context, dir, commit string) (a *assembly.Assembly, err error) {
	path, remove, err := program.Checkout(ctx, dir, commit)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, remove()) }()
	return Synthesize(ctx, path)
}

// Synthesize returns the assembly of Parrot's directory as it is now.
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
	run := program.Command{Dir: dir, Args: app, Environment: []string{
		"CDK_OUTDIR=" + out, "CDK_VALIDATION=false", "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=20",
	}}
	if _, err := run.Output(ctx); err != nil {
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
