// Package delivery brings images to environments: it builds and pushes them,
// copies them from one environment to the next, rolls back to earlier ones, and
// records in config/images.json which ones run.
//
// Every command makes a plan first: a list of steps. Making it changes nothing. A step
// that is done already is not in the list, so the same command finishes the work after
// a failure.
package delivery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/fatih/color"

	"parrot/config"
	"parrot/internal/program"
)

// Delivery is what all commands work with.
type Delivery struct {
	// Dir is Parrot's directory, with cdk.json and config/images.json.
	Dir string
	// Ask asks whether to continue.
	Ask func(ctx context.Context, question string) (bool, error)
	// Log gets progress, and what Docker and the CDK CLI print.
	Log io.Writer
	// Now is the time, for tags.
	Now func() time.Time
	// Transport carries images between registries. Nil is Go's own.
	Transport http.RoundTripper
}

// ErrDeclined means that the answer to the question was no.
var ErrDeclined = errors.New("you answered no")

// Plan is what a command does, in order.
type Plan struct {
	// Environment is the name of the environment that it changes.
	Environment string `json:"environment"`
	// Notes are what somebody should know before it starts.
	Notes []string `json:"notes,omitempty"`
	// Refused says why the plan must not be carried out; empty where it may be.
	Refused string `json:"refused,omitempty"`
	// Steps are what is left to do.
	Steps []*Step `json:"steps"`
	// Images are the images by service, known in full once the plan has run.
	Images map[string]config.Image `json:"images,omitempty"`

	// NotesShown says that Run does not have to print the notes.
	NotesShown bool `json:"-"`

	// next says what to do after a step that failed.
	next string
	// undo restores what was recorded, if the answer to the question is no.
	undo []func(ctx context.Context) error
}

// Step is one thing that a plan does.
type Step struct {
	// Name says what it does.
	Name string `json:"name"`
	// Command is the program that it runs, where it runs one.
	Command string `json:"command,omitempty"`
	// Done says whether it has run.
	Done bool `json:"done"`

	do   func(ctx context.Context) error
	next string // what to do after it failed; empty is what the plan says
}

func (p *Plan) add(name string, do func(ctx context.Context) error) {
	p.Steps = append(p.Steps, &Step{Name: name, do: do})
}

// run adds a step that runs a program.
func (p *Plan) run(d *Delivery, name string, c program.Command) {
	p.Steps = append(p.Steps, &Step{Name: name, Command: c.String(), do: func(ctx context.Context) error {
		return c.Run(ctx, d.Log)
	}})
}

// Run does the steps. If a step fails, the error says what was done, what was not,
// and what to do next. A plan that is refused does nothing.
func (p *Plan) Run(ctx context.Context, log io.Writer) error {
	if p.Refused != "" {
		return errors.New(p.Refused)
	}
	if !p.NotesShown {
		for _, note := range p.Notes {
			fmt.Fprintf(log, "Note: %s\n", note)
		}
	}
	for i, step := range p.Steps {
		fmt.Fprintln(log, color.New(color.Bold).Sprintf("[%d/%d] %s", i+1, len(p.Steps), step.Name))
		if step.Command != "" {
			fmt.Fprintf(log, "      %s\n", step.Command)
		}
		err := ctx.Err()
		if err == nil {
			err = step.do(ctx)
		}
		if err != nil {
			return p.failed(i, err)
		}
		step.Done = true
	}
	return nil
}

func (p *Plan) failed(at int, err error) error {
	if errors.Is(err, ErrDeclined) {
		return err
	}
	var text strings.Builder
	list := func(title string, steps []*Step) {
		for _, step := range steps {
			fmt.Fprintf(&text, "\n  %s %s", title, step.Name)
		}
	}
	list("done:    ", p.Steps[:at])
	list("failed:  ", p.Steps[at:at+1])
	list("not done:", p.Steps[at+1:])
	return fmt.Errorf("%s: %w%s\n%s", p.Steps[at].Name, err, text.String(), cmp.Or(p.Steps[at].next, p.next))
}

// service is one of an environment's services as a command sees it.
type service struct {
	name       string // the service's name
	directory  string // of the Dockerfile, relative to Parrot's
	target     string // the build target in its Dockerfile
	repository string
	image      config.Image // the released one
	// arguments are compiled into the image, which then fits only environments with
	// the same arguments.
	arguments map[string]string
}

// services returns the services that have an image of their own.
func services(env config.Environment) []service {
	var all []service
	for _, w := range env.Services() {
		if w.Build != nil {
			all = append(all, service{name: w.Name, directory: w.Build.Directory, target: w.Build.Target, repository: w.Build.Repository,
				image: w.Image, arguments: w.Build.Arguments})
		}
	}
	return all
}

// directory returns the directory of a service's Dockerfile.
func (d *Delivery) directory(s service) string { return filepath.Join(d.Dir, s.directory) }

// directories returns the directories of all services' Dockerfiles, by service.
func (d *Delivery) directories(env config.Environment) map[string]string {
	directories := map[string]string{}
	for _, s := range services(env) {
		directories[s.name] = d.directory(s)
	}
	return directories
}

// imagesFile returns where the released images are recorded.
func (d *Delivery) imagesFile() string { return filepath.Join(d.Dir, "config", "images.json") }

// record adds the step that records images in images.json, in one atomic write.
func (p *Plan) record(d *Delivery, env config.Environment) {
	p.add("Record the images of "+env.Name+" in config/images.json", func(context.Context) error {
		before, err := record(d.imagesFile(), env.Name, p.Images)
		p.undo = append(p.undo, func(context.Context) error { return write(d.imagesFile(), before) })
		return err
	})
}

// recorded returns a sentence about where an environment's images are recorded.
func recorded(env config.Environment) string {
	return "config/images.json, and the tags latest and released in the registry, name these images for " + env.Name
}

// deploy adds the steps that show what a deploy would change, ask, and deploy. next
// says what to do if the deploy fails. If the answer is no, what was recorded is
// restored.
func (p *Plan) deploy(d *Delivery, profile, next string, what ...string) {
	diff := d.cdk(profile, append([]string{"diff"}, what...)...)
	p.run(d, "Show what the deploy changes", diff)
	deploy := d.cdk(profile, append([]string{"deploy", "--require-approval", "never"}, what...)...)
	p.Steps = append(p.Steps, &Step{Name: "Ask, and deploy", Command: deploy.String(), next: next, do: func(ctx context.Context) error {
		yes, err := d.Ask(ctx, "Deploy this to "+p.Environment+"?")
		if err != nil {
			return err
		}
		if !yes {
			for _, restore := range p.undo {
				if err := restore(ctx); err != nil {
					return fmt.Errorf("nothing is deployed, but config/images.json cannot be restored: %w; restore it with git restore config/images.json",
						err)
				}
			}
			return fmt.Errorf("not deployed: %w. config/images.json is restored", ErrDeclined)
		}
		err = deploy.Run(ctx, d.Log)
		if err != nil && ctx.Err() != nil {
			return fmt.Errorf("%w; CloudFormation continues in AWS what it has begun", err)
		}
		return err
	}})
}

// cdk returns a command of the CDK CLI that package.json pins. The profile is only named
// if it is given.
func (d *Delivery) cdk(profile string, args ...string) program.Command {
	return program.Command{Dir: d.Dir, Args: profiled(profile, append([]string{"npx", "cdk"}, args...))}
}

func profiled(profile string, args []string) []string {
	if profile == "" {
		return args
	}
	return append(args, "--profile", profile)
}
