package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"parrot/config"
	"parrot/internal/delivery"
)

// directory is Parrot's directory: the working directory or one above it.
func directory() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "config", "images.json")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", status{exitUsage, fmt.Errorf("%s is not in Parrot's directory: there is no config/images.json in it or above; change to where cdk.json is", start)}
		}
	}
}

// settings are the environments with the images that are recorded now in
// Parrot's directory.
func (p *program) settings() (dir string, environments []config.Environment, err error) {
	if dir, err = directory(); err != nil {
		return "", nil, err
	}
	if err := config.BuiltFrom(dir); err != nil {
		return "", nil, status{exitUsage, err}
	}
	images, err := os.ReadFile(filepath.Join(dir, "config", "images.json"))
	if err != nil {
		return "", nil, err
	}
	if environments, err = config.LoadWith(p.environments, images); err != nil {
		return "", nil, status{exitUsage, fmt.Errorf("settings are wrong; correct them in config:\n%w", err)}
	}
	return dir, environments, nil
}

// environment is the settings' environment of a name.
func environment(environments []config.Environment, name string) (config.Environment, error) {
	env, err := config.Find(environments, name)
	if err != nil {
		return env, status{exitUsage, err}
	}
	return env, nil
}

// named are the environments of names, all where there are none, with the images
// that are recorded now.
func (p *program) named(names ...string) (dir string, environments []config.Environment, err error) {
	dir, all, err := p.settings()
	if err != nil || len(names) == 0 {
		return dir, all, err
	}
	for _, name := range names {
		env, err := environment(all, name)
		if err != nil {
			return "", nil, err
		}
		environments = append(environments, env)
	}
	return dir, environments, nil
}

// delivery is what the commands that deliver images work with, and the
// environments that are named.
func (p *program) delivery(yes bool, names ...string) (*delivery.Delivery, []config.Environment, error) {
	dir, named, err := p.named(names...)
	if err != nil {
		return nil, nil, err
	}
	// Without it npx would offer to download some other version.
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "aws-cdk")); err != nil {
		return nil, nil, status{exitUsage, fmt.Errorf("the CDK CLI is not installed: %w; run npm ci in %s", err, dir)}
	}
	return &delivery.Delivery{
		Dir:       dir,
		Log:       p.stderr,
		Now:       p.now,
		Transport: p.transport,
		Ask: func(ctx context.Context, question string) (bool, error) {
			return yes || p.ask(ctx, question), ctx.Err()
		},
	}, named, nil
}

// ask asks on the terminal. No answer is a no.
func (p *program) ask(ctx context.Context, question string) bool {
	fmt.Fprintf(p.stderr, "%s [y/N] ", question)
	answer := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(p.stdin).ReadString('\n')
		answer <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case <-ctx.Done():
		return false
	case text := <-answer:
		if text == "" {
			fmt.Fprintln(p.stderr)
		}
		return text == "y" || text == "yes"
	}
}

// planFlags are the flags of every command that carries a plan out.
type planFlags struct {
	plan, yes, json bool
}

func (f *planFlags) add(command *cobra.Command) {
	command.Flags().BoolVar(&f.plan, "plan", false, "print the steps and do none")
	command.Flags().BoolVar(&f.json, "json", false, "print the steps, which are done and the images as JSON")
}

// addYes is for those that ask.
func (f *planFlags) addYes(command *cobra.Command) {
	command.Flags().BoolVarP(&f.yes, "yes", "y", false, "do not ask, for scripts")
}

// carryOut runs a plan, or prints it.
func (p *program) carryOut(ctx context.Context, plan *delivery.Plan, f planFlags) error {
	var err error
	if !f.plan {
		err = plan.Run(ctx, p.stderr)
		if errors.Is(err, delivery.ErrDeclined) {
			err = status{exitDeclined, err}
		}
	}
	switch {
	case f.json:
		if writeErr := writeJSON(p.stdout, plan); err == nil {
			err = writeErr
		}
	case f.plan:
		writePlan(p.stdout, plan)
	}
	return err
}

// confirm prints a plan, asks, and carries it out; no is the error of a no. With --plan
// it only prints.
func (p *program) confirm(ctx context.Context, d *delivery.Delivery, plan *delivery.Plan, f planFlags, question, no string) error {
	if f.plan {
		return p.carryOut(ctx, plan, f)
	}
	writePlan(p.stderr, plan)
	yes, err := d.Ask(ctx, question)
	if err != nil {
		return err
	}
	if !yes {
		return status{exitDeclined, fmt.Errorf("%s: %w", no, delivery.ErrDeclined)}
	}
	return p.carryOut(ctx, plan, f)
}

// writePlan prints a plan for people.
func writePlan(w io.Writer, plan *delivery.Plan) {
	for _, note := range plan.Notes {
		fmt.Fprintf(w, "Note: %s\n", note)
	}
	if plan.Refused != "" {
		fmt.Fprintf(w, "Note: this would be refused: %s\n", plan.Refused)
	}
	for i, step := range plan.Steps {
		fmt.Fprintf(w, "%d. %s\n", i+1, step.Name)
		if step.Command != "" {
			fmt.Fprintf(w, "   %s\n", step.Command)
		}
	}
}

func writeJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}
