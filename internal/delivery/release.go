package delivery

import (
	"context"
	"fmt"
	"strings"

	"parrot/config"
	"parrot/internal/program"
)

// Release is what `parrotctl release` was asked for.
type Release struct {
	// Environment gets the images.
	Environment config.Environment
	// Sources are the directories of the services' Dockerfiles, by service. A
	// service without one is not released. Empty releases all services from their own
	// directories.
	Sources map[string]string
	// Profile is the AWS profile; empty is the default one.
	Profile string
}

// PlanRelease plans to build the services' images from what is committed, to
// push, record and deploy them.
func (d *Delivery) PlanRelease(ctx context.Context, ask Release) (*Plan, error) {
	env := ask.Environment
	r, err := signIn(ctx, env, ask.Profile)
	if err != nil {
		return nil, err
	}
	p := &Plan{
		Environment: env.Name,
		Images:      map[string]config.Image{},
		next:        "Run the same command again: it continues with the steps that are not done, and does not build again what is pushed.",
	}
	var chosen []service
	sources := ask.Sources
	if len(sources) == 0 {
		sources = d.directories(env)
	}
	for _, s := range services(env) {
		if sources[s.name] != "" {
			chosen = append(chosen, s)
			continue
		}
		running, err := r.runningOtherImage(ctx, s)
		if err != nil {
			return nil, err
		}
		if running != "" {
			p.Refused = fmt.Sprintf("the deploy would change the %[1]s of %[2]s, which is not being released: config/images.json of this checkout "+
				"records %[3]s, and ECS runs %[4]s; "+
				"git pull if the checkout is older than what runs, release it, too, or record what runs with parrotctl rollback %[2]s %[1]s --to %[4]s",
				s.name, env.Name, called(s.image), running)
		}
	}
	p.keepRunning(r)
	signedIn := false
	for _, s := range chosen {
		src, err := committed(ctx, s, sources[s.name])
		if err != nil {
			return nil, err
		}
		existing, err := r.find(ctx, s, s.buildTag(src.commit))
		if err != nil {
			return nil, err
		}
		tag := newReleaseTag(d.Now(), src.commit)
		if existing == nil {
			if err := p.build(ctx, d, r, s, src, &signedIn); err != nil {
				return nil, err
			}
		} else {
			tag = existing.releaseTag(tag)
			p.Notes = append(p.Notes, fmt.Sprintf("the %s of commit %s is pushed already (%s): it is not built again", s.name, src.commit, tag))
		}
		p.mark(r, s, s.buildTag(src.commit), tag, tag, latestTag, releasedTag)
	}
	p.record(d, env)
	p.deploy(d, ask.Profile, recorded(env)+"; if tasks did not become healthy, the images from before still run. "+
		"Run the same command again to deploy them once more, or commit a correction and release that, or go back with parrotctl rollback "+
		""+env.Name+".", env.StackName("*"))
	return p, nil
}

// releaseTag returns the tag that a release gave the image, or another one.
func (i pushed) releaseTag(other string) string {
	for _, tag := range i.tags {
		if releaseTag.MatchString(tag) {
			return tag
		}
	}
	return other
}

// keepRunning adds the step before every push. It tags the images of all services, so
// that the tags show what ran together.
func (p *Plan) keepRunning(r *registry) {
	p.add("Keep the images that run now in "+r.env.Name+" from expiring", func(ctx context.Context) error {
		for _, s := range services(r.env) {
			if err := r.keepRunning(ctx, s); err != nil {
				return err
			}
		}
		return nil
	})
}

// build adds the steps that build a service's image and push it with its build tag:
// once that is in ECR, the build is done.
func (p *Plan) build(ctx context.Context, d *Delivery, r *registry, s service, src source, signedIn *bool) error {
	uri, err := r.uri(ctx, s)
	if err != nil {
		return err
	}
	reference := uri + ":" + s.buildTag(src.commit)
	p.Steps = append(p.Steps, &Step{
		Name:    "Build the " + s.name + " of commit " + src.commit,
		Command: s.build(src.dir, reference).String(),
		do: func(ctx context.Context) error {
			dir, remove, err := program.Checkout(ctx, src.dir, src.commit)
			if err != nil {
				return err
			}
			defer remove() //nolint:errcheck // the build's error counts
			return s.build(dir, reference).Run(ctx, d.Log)
		},
	})
	if !*signedIn {
		*signedIn = true
		p.add("Sign Docker in to the registry", func(ctx context.Context) error {
			host, auth, err := r.credentials(ctx)
			if err != nil {
				return err
			}
			login := program.Command{Input: auth.Password, Args: []string{"docker", "login", "--username", auth.Username, "--password-stdin", host}}
			return login.Run(ctx, d.Log)
		})
	}
	p.run(d, "Push the "+s.name, program.Command{Args: []string{"docker", "push", reference}})
	return nil
}

// mark adds the step that gives an image its tags, and notes it as the one to
// record under the tag name.
func (p *Plan) mark(r *registry, s service, reference, name string, tags ...string) {
	p.Images[s.name] = config.Image{Tag: name}
	p.add("Tag the "+s.name+" "+strings.Join(tags, ", "), func(ctx context.Context) error {
		image, err := r.find(ctx, s, reference)
		if err != nil {
			return err
		}
		if image == nil {
			return fmt.Errorf("%s is not in repository %s: it was pushed, and does not exist any more", reference, s.repository)
		}
		p.Images[s.name] = config.Image{Tag: name, Digest: image.digest}
		p.undo = append(p.undo, func(ctx context.Context) error { return r.tagRecorded(ctx, s) })
		return r.tag(ctx, s, image.digest, tags...)
	})
}
