package delivery

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"parrot/config"
	"parrot/internal/program"
)

// Rollback is what `parrotctl rollback` was asked for.
type Rollback struct {
	// Environment goes back.
	Environment config.Environment
	// Service is the one that goes back; empty is all.
	Service string
	// Tag is the tag to go back to; empty is the release before.
	Tag string
	// Profile is the AWS profile; empty is the default one.
	Profile string
}

// Earlier is an image that a service could go back to.
type Earlier struct {
	Service string       `json:"service"`
	Image   config.Image `json:"image"`
	// Released is when images.json named it first; zero where git does not know
	// it and only the registry has it.
	Released time.Time `json:"released,omitzero"`
	// Pushed is when it was pushed; zero if it is not in the registry any more.
	Pushed time.Time `json:"pushed,omitzero"`
	// Now says that images.json names it now.
	Now bool `json:"now"`
	// Ran says that ECS ran it when the latest command of parrotctl began.
	Ran bool `json:"ran"`
}

// PlanRollback lists what ran before, the newest first, and plans to go back to
// one of them. The plan is nil, with the list and an error, where there is
// nothing to go back to.
func (d *Delivery) PlanRollback(ctx context.Context, ask Rollback) ([]Earlier, *Plan, error) {
	env := ask.Environment
	chosen := slices.DeleteFunc(services(env), func(s service) bool { return ask.Service != "" && ask.Service != s.name })
	r, err := signIn(ctx, env, ask.Profile)
	if err != nil {
		return nil, nil, err
	}
	history, err := d.history(ctx, env)
	if err != nil {
		return nil, nil, err
	}
	var list []Earlier
	for _, s := range chosen {
		earlier, err := earlierImages(ctx, r, s, history)
		if err != nil {
			return nil, nil, err
		}
		list = append(list, earlier...)
	}
	images, err := choose(list, chosen, ask.Tag, history)
	if ask.Tag == "" {
		images, err = chooseUncommitted(env, list, chosen, images, err)
	}
	if err != nil {
		return list, nil, err
	}

	p := &Plan{
		Environment: env.Name,
		Images:      map[string]config.Image{},
		next: "Until the images are recorded, run the same command again. Once they are, this deploys what is recorded:\n  " +
			d.cdk(ask.Profile, "deploy", "--exclusively", env.StackName(config.ComputePart)).String(),
	}
	for _, s := range services(env) {
		if _, goes := images[s.name]; goes {
			continue
		}
		running, err := r.runningOtherImage(ctx, s)
		switch {
		case err != nil:
			return nil, nil, err
		case running != "":
			p.Notes = append(p.Notes, fmt.Sprintf("the %s is not rolled back. config/images.json of this checkout records %s, and ECS runs %s: "+
				"the deploy changes it, too", s.name, called(s.image), running))
		case slices.ContainsFunc(chosen, func(c service) bool { return c.name == s.name }):
			p.Notes = append(p.Notes, "the "+s.name+" does not change")
		}
	}
	for _, w := range env.Services() {
		if _, goes := images[w.Name]; goes && w.ReachesData {
			p.Notes = append(p.Notes, migrationWarning(w))
		}
	}
	p.keepRunning(r)
	for _, s := range chosen {
		if image, ok := images[s.name]; ok {
			p.mark(r, s, image.Reference(), image.Tag, latestTag, releasedTag)
		}
	}
	p.record(d, env)
	p.deploy(d, ask.Profile, "", "--exclusively", env.StackName(config.ComputePart))
	return list, p, nil
}

func migrationWarning(w config.Workload) string {
	text := fmt.Sprintf("the database does not roll back: the older %s has to work with the schema of the newer one. If a migration dropped "+
		"or renamed something that it reads, undo that by hand first", w.Title)
	if len(w.MigrationCommand) > 0 {
		text += fmt.Sprintf("; its own migration, %q, runs again when it starts", strings.Join(w.MigrationCommand, " "))
	}
	return text
}

// revision is what images.json named for an environment at some time.
type revision struct {
	at     time.Time
	images map[string]config.Image
}

// history is the revisions of images.json in git, the newest first, after what
// the file says now.
func (d *Delivery) history(ctx context.Context, env config.Environment) ([]revision, error) {
	now := revision{images: map[string]config.Image{}}
	for _, s := range services(env) {
		now.images[s.name] = s.image
	}
	all := []revision{now}
	const path = "./config/images.json"
	log, err := program.Git(d.Dir, "log", "--no-show-signature", "--format=%H %cI", "--max-count=200", "--", path).Output(ctx)
	if err != nil {
		return nil, fmt.Errorf("what ran before is in the history of config/images.json, which cannot be read: %w", err)
	}
	for line := range strings.Lines(log) {
		commit, date, _ := strings.Cut(strings.TrimSpace(line), " ")
		document, err := program.Git(d.Dir, "show", commit+":"+path).Output(ctx)
		if err != nil {
			continue // the commit that removed it
		}
		releases, err := config.ParseReleases([]byte(document))
		if err != nil {
			continue // it was broken then, and ran nothing
		}
		at, err := time.Parse(time.RFC3339, date)
		if err != nil {
			return nil, err
		}
		all = append(all, revision{at, releases[env.Name]})
	}
	return all, nil
}

// earlierImages is what one service could go back to: what git remembers, then what
// only the registry has.
func earlierImages(ctx context.Context, r *registry, s service, history []revision) ([]Earlier, error) {
	images, err := r.images(ctx, s)
	if err != nil {
		return nil, err
	}
	var list []Earlier
	known := map[string]int{} // by digest, or by the reference of what is expired: where in list
	for _, revision := range history {
		image := revision.images[s.name]
		if !image.Released() {
			continue
		}
		key := image.Reference() // a tag and a digest may be one image
		if there := findIn(images, key); there != nil {
			key = there.digest
		}
		at, ok := known[key]
		if !ok {
			at = len(list)
			known[key] = at
			entry := Earlier{Service: s.name, Image: image, Now: same(image, s.image)}
			if there := findIn(images, image.Reference()); there != nil {
				entry.Pushed, entry.Ran = there.at, there.ran()
			}
			list = append(list, entry)
		}
		if !revision.at.IsZero() {
			list[at].Released = revision.at // the last one is the first time
		}
	}
	for _, image := range images {
		tag := image.releaseTag("")
		if _, ok := known[image.digest]; ok || tag == "" {
			continue
		}
		list = append(list, Earlier{Service: s.name, Image: config.Image{Tag: tag, Digest: image.digest}, Pushed: image.at, Ran: image.ran()})
	}
	return list, nil
}

// choose finds the images to go back to: those with a tag, or those of the last
// revision that named others and all of whose images are still there.
func choose(list []Earlier, chosen []service, tag string, history []revision) (map[string]config.Image, error) {
	there := func(service string, match func(config.Image) bool) *Earlier {
		for i, e := range list {
			if e.Service == service && match(e.Image) {
				return &list[i]
			}
		}
		return nil
	}
	images := map[string]config.Image{}
	if tag != "" {
		for _, s := range chosen {
			e := there(s.name, func(i config.Image) bool { return i.Tag == tag || i.Digest == tag })
			switch {
			case e == nil:
			case e.Pushed.IsZero():
				return nil, fmt.Errorf("the %s %s expired: it is not in repository %s any more; choose another one, or release its commit again",
					s.name, tag, s.repository)
			default:
				images[s.name] = e.Image
			}
		}
		if len(images) == 0 {
			return nil, fmt.Errorf("no image has tag %s: choose one of the list with --to", tag)
		}
		return images, nil
	}
	for i, revision := range history {
		candidate := map[string]config.Image{}
		for _, s := range chosen {
			image := revision.images[s.name]
			// Going back never goes forward again to what was rolled back from:
			// a service goes to what was there before its image came first.
			if !image.Released() || i <= firstRelease(history, s) {
				continue
			}
			e := there(s.name, func(i config.Image) bool { return same(i, image) })
			if e == nil || e.Pushed.IsZero() {
				candidate = nil
				break
			}
			candidate[s.name] = image
		}
		if len(candidate) > 0 {
			return candidate, nil
		}
	}
	return nil, errors.New("there is nothing to go back to: no earlier release in git's history of config/images.json is still in the " +
		"registry; choose one of the list with --to, if there is one")
}

// firstRelease returns the oldest revision that named what a service runs now.
func firstRelease(history []revision, s service) int {
	oldest := 0
	for i, revision := range history {
		if same(revision.images[s.name], s.image) {
			oldest = i
		}
	}
	return oldest
}

// same reports whether two records name one image: by digest where both have one.
func same(a, b config.Image) bool {
	if a.Digest != "" && b.Digest != "" {
		return a.Digest == b.Digest
	}
	return a.Tag == b.Tag && a.Tag != ""
}

// WriteEarlier prints the list for people.
func WriteEarlier(w io.Writer, list []Earlier) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SERVICE\tIMAGE\tRELEASED\tIN THE REGISTRY\t")
	day := func(at time.Time, none string) string {
		if at.IsZero() {
			return none
		}
		return at.UTC().Format("2006-01-02 15:04")
	}
	for _, e := range list {
		image := e.Image.Tag
		if image == "" {
			image = e.Image.Digest
		}
		now := ""
		if e.Now {
			now = "now"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", e.Service, image, day(e.Released, "–"), day(e.Pushed, "no (expired)"), now)
	}
	return table.Flush()
}
