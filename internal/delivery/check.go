package delivery

import (
	"context"
	"errors"
	"fmt"

	"parrot/config"
	"parrot/internal/awsclient"
)

// MissingImages checks that the released images of an environment are in its registry:
// ECS would try for hours to start a missing one. The errors of all missing images are
// joined; the texts describe those that exist.
func MissingImages(ctx context.Context, env config.Environment, session *awsclient.Session) (found []string, err error) {
	r := newRegistry(session, env)
	var missing []error
	for _, s := range services(env) {
		if !s.image.Released() {
			found = append(found, fmt.Sprintf("%s: nothing is released", s.name))
			continue
		}
		image, err := r.find(ctx, s, s.image.Reference())
		if err != nil {
			return nil, err
		}
		if image == nil {
			missing = append(missing, MissingImage{env.Name, s.name, s.image.Reference(), s.repository})
			continue
		}
		found = append(found, fmt.Sprintf("%s: %s %s", s.name, s.image.Tag, image.digest))
	}
	return found, errors.Join(missing...)
}

// MissingImage is the error that a released image is not in its repository.
type MissingImage struct{ Environment, Service, Reference, Repository string }

func (m MissingImage) Error() string {
	return fmt.Sprintf("the released %s of %s, %s, is not in repository %s: ECS could not start it; run parrotctl release or promote for %s "+
		"again, or name another image in config/images.json",
		m.Service, m.Environment, m.Reference, m.Repository, m.Environment)
}
