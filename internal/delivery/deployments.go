package delivery

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"parrot/config"
	"parrot/internal/ecsservice"
)

// deployment is one revision of a service that ECS runs, starts or stops.
type deployment struct {
	image   string // reference, a tag or a digest, of the service's own container
	primary bool   // the newest one: what ECS wants to run
	rollout ecstypes.DeploymentRolloutState
}

// deployments returns those of a service, and how many tasks it wants to run. A service
// that is not deployed yet has none.
func (r *registry) deployments(ctx context.Context, s service) (tasks int32, all []deployment, err error) {
	name := r.env.PhysicalName(s.name)
	unreadable := func(err error) error { return fmt.Errorf("service %s cannot be read: %w", name, err) }
	found, err := ecsservice.Read(ctx, r.ecs, ecsservice.Name{Cluster: name, Service: name})
	if err != nil {
		return 0, nil, unreadable(err)
	}
	if found == nil {
		return 0, nil, nil
	}
	for _, d := range found.Deployments {
		container, err := ecsservice.Container(ctx, r.ecs, d.TaskDefinition, s.name)
		if err != nil {
			return 0, nil, unreadable(err)
		}
		if container != nil {
			all = append(all, deployment{referenceOf(aws.ToString(container.Image)), aws.ToString(d.Status) == "PRIMARY", d.RolloutState})
		}
	}
	return found.DesiredCount, all, nil
}

// referenceOf returns the digest or the tag in an image's name.
func referenceOf(image string) string {
	if _, digest, found := strings.Cut(image, "@"); found {
		return digest
	}
	return image[strings.LastIndex(image, ":")+1:]
}

// primary returns the deployment that ECS wants to run, or nil.
func (r *registry) primary(ctx context.Context, s service) (tasks int32, primary *deployment, err error) {
	tasks, all, err := r.deployments(ctx, s)
	for i := range all {
		if all[i].primary {
			primary = &all[i]
		}
	}
	return tasks, primary, err
}

// runningOtherImage returns the image that ECS runs of a service, if images.json does
// not record it. It returns nothing if it does, or if the service runs nothing.
func (r *registry) runningOtherImage(ctx context.Context, s service) (running string, err error) {
	tasks, primary, err := r.primary(ctx, s)
	if err != nil || primary == nil || tasks == 0 {
		return "", err
	}
	running, recorded, err := r.compare(ctx, s, primary.image)
	if err != nil || recorded {
		return "", err
	}
	return running, nil
}

// unproven returns why it is not known that the recorded image of a service runs, and
// what to do. It returns nothing if the image runs.
func (r *registry) unproven(ctx context.Context, s service) (string, error) {
	_, primary, err := r.primary(ctx, s)
	if err != nil {
		return "", err
	}
	running, recorded := "nothing", false
	if primary != nil {
		if running, recorded, err = r.compare(ctx, s, primary.image); err != nil {
			return "", err
		}
	}
	switch name := r.env.Name; {
	case !recorded:
		return fmt.Sprintf("the %[1]s that config/images.json records for %[2]s, %[3]s, does not run there: ECS has %[4]s. Its deploy failed, "+
			"was declined or has not happened, or this checkout is old; "+
			"git pull, deploy it with npx cdk deploy '%[5]s', release another, or go back with parrotctl rollback %[2]s",
			s.name, name, called(s.image), running, r.env.StackName("*")), nil
	case primary.rollout != ecstypes.DeploymentRolloutStateCompleted:
		return fmt.Sprintf("the %[1]s %[3]s does not run in %[2]s yet: its rollout is %[4]s; "+
			"run this again when it is COMPLETED, or release another, or go back with parrotctl rollback %[2]s, if it fails",
			s.name, name, called(s.image), primary.rollout), nil
	}
	return "", nil
}

// compare reports whether the image of a reference is the one that images.json
// records for a service, and what people call it: its release's tag.
func (r *registry) compare(ctx context.Context, s service, reference string) (name string, recorded bool, err error) {
	images, err := r.images(ctx, s)
	if err != nil {
		return "", false, err
	}
	image := findIn(images, reference)
	if image == nil {
		return reference, reference == s.image.Reference(), nil
	}
	now := findIn(images, s.image.Reference())
	return image.releaseTag(image.digest), now != nil && now.digest == image.digest, nil
}

// called returns what people call a recorded image.
func called(image config.Image) string {
	switch {
	case !image.Released():
		return "none"
	case image.Tag != "":
		return image.Tag
	default:
		return image.Digest
	}
}
