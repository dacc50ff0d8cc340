package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"parrot/config"
	"parrot/internal/delivery"
)

// directory returns Parrot's directory: the working directory or one above it.
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
			return "", status{exitUsage,
				fmt.Errorf("%s is not in Parrot's directory: there is no config/images.json in it or above; change to where cdk.json is", start)}
		}
	}
}

// settings returns the environments with the images that are recorded now in
// Parrot's directory.
func (p *app) settings() (dir string, environments []config.Environment, err error) {
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
		return "", nil, status{exitUsage, fmt.Errorf("settings are wrong; correct them in config/environments.go:\n%w", err)}
	}
	return dir, environments, nil
}

// environment returns the environment with the given name.
func environment(environments []config.Environment, name string) (config.Environment, error) {
	env, err := config.Find(environments, name)
	if err != nil {
		return env, status{exitUsage, err}
	}
	return env, nil
}

// named returns the environments with the given names, or all of them, with the
// images that are recorded now.
func (p *app) named(names ...string) (dir string, environments []config.Environment, err error) {
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

// delivery returns what the commands that deliver images work with, and the named
// environments.
func (p *app) delivery(yes bool, names ...string) (*delivery.Delivery, []config.Environment, error) {
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

// services returns the services of all environments that have images of their own,
// each name once: flags are made before it is known which environment is meant.
func (p *app) services() []config.Workload {
	var all []config.Workload
	for _, env := range p.environments {
		for _, service := range env.Services() {
			known := slices.ContainsFunc(all, func(w config.Workload) bool { return w.Name == service.Name })
			if service.Build != nil && !known {
				all = append(all, service)
			}
		}
	}
	return all
}

// exampleService returns the name of a service, for the examples in the help.
func (p *app) exampleService() string {
	for _, service := range p.services() {
		return service.Name
	}
	return "SERVICE"
}

// directories returns where services are built from unless a flag says otherwise.
func (p *app) directories() string {
	var directories []string
	for _, service := range p.services() {
		directories = append(directories, service.Build.Directory)
	}
	return strings.Join(directories, ", ")
}

// sourceFlags are the directories that the flags of services name, by service.
type sourceFlags map[string]*string

// addSources adds a flag for the directory of each service whose build is wanted.
func (p *app) addSources(command *cobra.Command, usage string, wanted func(*config.Build) bool) sourceFlags {
	flags := sourceFlags{}
	for _, service := range p.services() {
		if wanted(service.Build) {
			flags[service.Name] = command.Flags().String(service.Name, "", fmt.Sprintf(usage, service.Title))
		}
	}
	return flags
}

// given returns the directories of the services whose flag is set.
func (f sourceFlags) given() map[string]string {
	sources := map[string]string{}
	for service, directory := range f {
		if *directory != "" {
			sources[service] = *directory
		}
	}
	return sources
}
