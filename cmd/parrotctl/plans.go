package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"parrot/internal/delivery"
)

// planFlags are the flags of every command that carries a plan out.
type planFlags struct {
	plan, yes, json bool
}

func (f *planFlags) add(command *cobra.Command) {
	command.Flags().BoolVar(&f.plan, "plan", false, "print the steps and do none")
	command.Flags().BoolVar(&f.json, "json", false, "print the steps, and which of them are done, as JSON")
}

// addYes adds the flag of commands that ask.
func (f *planFlags) addYes(command *cobra.Command) {
	command.Flags().BoolVarP(&f.yes, "yes", "y", false, "do not ask, for scripts")
}

// carryOut runs a plan, or prints it.
func (p *app) carryOut(ctx context.Context, plan *delivery.Plan, f planFlags) error {
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

// confirm prints a plan, asks, and carries it out. With --plan it only prints. no is
// the error if the answer is no.
func (p *app) confirm(ctx context.Context, d *delivery.Delivery, plan *delivery.Plan, f planFlags, question, no string) error {
	if f.plan {
		return p.carryOut(ctx, plan, f)
	}
	writePlan(p.stderr, plan)
	plan.NotesShown = true
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

// deployed carries out a plan that deploys, and says what the user has to do then.
func (p *app) deployed(ctx context.Context, plan *delivery.Plan, flags planFlags) error {
	if err := p.carryOut(ctx, plan, flags); err != nil || flags.plan {
		return err
	}
	fmt.Fprintln(p.stderr, "\nDeployed. Commit config/images.json: a rollback reads its history, and a pipeline deploys what it says.")
	return nil
}
