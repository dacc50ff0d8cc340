package delivery

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/crane"

	"parrot/config"
)

// Promotion is what `parrotctl promote` was asked for.
type Promotion struct {
	// From has the images, To gets them.
	From, To config.Environment
	// Sources are the directories of the services' repositories, by service, for images
	// that have to be built again. A service without one has its own directory.
	Sources map[string]string
	// FromProfile and ToProfile are the AWS profiles; empty is the default one.
	FromProfile, ToProfile string
}

// PlanPromotion plans to bring the images that one environment runs to another:
// the same ones, copied by digest, except images with other values compiled into
// them, which are built again. It is refused while ECS does not run what images.json records.
func (d *Delivery) PlanPromotion(ctx context.Context, ask Promotion) (*Plan, error) {
	from, to := ask.From, ask.To
	source, err := signIn(ctx, from, ask.FromProfile)
	if err != nil {
		return nil, err
	}
	target, err := signIn(ctx, to, ask.ToProfile)
	if err != nil {
		return nil, err
	}
	p := &Plan{
		Environment: to.Name,
		Images:      map[string]config.Image{},
		next:        "Run the same command again: it continues with the steps that are not done, and does not copy or build again what exists.",
	}
	fromServices := map[string]service{}
	for _, s := range services(from) {
		fromServices[s.name] = s
	}
	p.keepRunning(target)
	for _, s := range services(to) {
		original, there := fromServices[s.name]
		if !there {
			p.Notes = append(p.Notes, fmt.Sprintf("%s has no service %s: none is promoted", from.Name, s.name))
			continue
		}
		if err := p.promote(ctx, d, ask, source, target, original, s); err != nil {
			return nil, err
		}
	}
	if len(p.Images) == 0 {
		return nil, fmt.Errorf("nothing is released in %s: run parrotctl release %s first", from.Name, from.Name)
	}
	p.record(d, to)
	p.run(d, "Show what a deploy would change", d.cdk(ask.ToProfile, "diff", to.StackName("*")))
	p.Steps[len(p.Steps)-1].next = recorded(to) + ", and nothing is deployed. Run the same command again to see the difference, " +
		"or release and promote a correction, or go back with parrotctl rollback " + to.Name + "."
	return p, nil
}

// promote adds the steps of one service.
func (p *Plan) promote(ctx context.Context, d *Delivery, ask Promotion, source, target *registry, from, to service) error {
	if !from.image.Released() {
		p.Notes = append(p.Notes, fmt.Sprintf("no %s is released in %s: none is promoted", from.name, ask.From.Name))
		return nil
	}
	original, err := source.find(ctx, from, from.image.Reference())
	if err != nil {
		return err
	}
	if original == nil {
		return fmt.Errorf("the %s of %s, %s, is not in repository %s: it expired, or was never pushed; release it again", from.name,
			ask.From.Name, from.image.Reference(), from.repository)
	}
	unproven, err := source.unproven(ctx, from)
	if err != nil {
		return err
	}
	if unproven != "" {
		p.Refused = unproven
	}
	tag := from.image.Tag
	if tag == "" {
		tag = original.releaseTag("promoted-" + strings.TrimPrefix(original.digest, "sha256:")[:12])
	}
	if len(to.arguments) == 0 {
		return p.copy(ctx, d, source, target, from, to, original, tag)
	}

	commit, err := commitOf(config.Image{Tag: tag})
	if err != nil {
		return fmt.Errorf("the %s of %s cannot be promoted: %w", from.name, ask.From.Name, err)
	}
	build := to.buildTag(commit)
	if slices.Contains(original.tags, build) {
		return p.copy(ctx, d, source, target, from, to, original, tag, build)
	}
	p.Notes = append(p.Notes, fmt.Sprintf("the %s cannot be the same image: %s. It is built again from the same commit, %s", to.name,
		differences(from, to, ask), commit))
	existing, err := target.find(ctx, to, build)
	if err != nil {
		return err
	}
	if existing == nil {
		src, err := earlier(ctx, to, cmp.Or(ask.Sources[to.name], d.directory(to)), commit)
		if err != nil {
			return err
		}
		if err := p.build(ctx, d, target, to, src, new(bool)); err != nil {
			return err
		}
	}
	p.mark(target, to, build, tag, tag, latestTag, releasedTag)
	return nil
}

// copy adds the steps that copy an image to another repository unchanged: the digest
// proves that it is the same.
func (p *Plan) copy(ctx context.Context, d *Delivery, source, target *registry, from, to service, image *pushed, tag string,
	tags ...string) error {
	existing, err := target.find(ctx, to, image.digest)
	if err != nil {
		return err
	}
	if existing == nil {
		p.add(fmt.Sprintf("Copy the %s from repository %s to %s, by its digest %s", to.name, from.repository, to.repository, image.digest),
			func(ctx context.Context) error {
				return d.copyImage(ctx, source, target, from, to, image.digest, tag)
			})
	}
	p.mark(target, to, image.digest, tag, append([]string{tag, latestTag, releasedTag}, tags...)...)
	return nil
}

func (d *Delivery) copyImage(ctx context.Context, source, target *registry, from, to service, digest, tag string) error {
	fromURI, err := source.uri(ctx, from)
	if err != nil {
		return err
	}
	toURI, err := target.uri(ctx, to)
	if err != nil {
		return err
	}
	keys := keychain{}
	for _, r := range []*registry{source, target} {
		host, auth, err := r.credentials(ctx)
		if err != nil {
			return err
		}
		keys[host] = auth
	}
	transport := d.Transport
	if transport == nil {
		transport = http.DefaultTransport
	}
	return crane.Copy(fromURI+"@"+digest, toURI+":"+tag, crane.WithContext(ctx), crane.WithAuthFromKeychain(keys),
		crane.WithTransport(transport))
}

// keychain is the credentials of registries by their host.
type keychain map[string]authn.AuthConfig

// Resolve is how a client of registries asks for credentials.
func (k keychain) Resolve(resource authn.Resource) (authn.Authenticator, error) {
	return authn.FromConfig(k[resource.RegistryStr()]), nil
}

// differences says why an image does not fit another environment.
func differences(from, to service, ask Promotion) string {
	var texts []string
	for _, name := range slices.Sorted(maps.Keys(to.arguments)) {
		if from.arguments[name] != to.arguments[name] {
			texts = append(texts,
				fmt.Sprintf("%s is %s in %s and %s in %s", name, from.arguments[name], ask.From.Name, to.arguments[name], ask.To.Name))
		}
	}
	if texts == nil {
		return "it was built with other values of the settings that are compiled into it, or not by parrotctl"
	}
	return "what is compiled into it differs: " + strings.Join(texts, "; ")
}
