package delivery

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	ecrtypes "github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/google/go-containerregistry/pkg/authn"

	"parrot/config"
	"parrot/internal/awsclient"
)

// Tags that Parrot moves from image to image.
const (
	latestTag   = "latest"           // for people
	releasedTag = config.ReleasedTag // what images.json names
	runningTag  = config.RunningTag
)

// registry is the images of one environment in ECR, and what ECS runs of them.
type registry struct {
	env config.Environment
	ecr *ecr.Client
	ecs *ecs.Client
}

// pushed is an image in a repository.
type pushed struct {
	digest string
	tags   []string
	at     time.Time
}

// ran reports whether ECS ran the image when the latest command began.
func (i pushed) ran() bool { return slices.Contains(i.tags, runningTag+"0") }

func newRegistry(session *awsclient.Session, env config.Environment) *registry {
	return &registry{env: env, ecr: ecr.NewFromConfig(session.Config), ecs: ecs.NewFromConfig(session.Config)}
}

// signIn is the registry of an environment, in its account.
func signIn(ctx context.Context, env config.Environment, profile string) (*registry, error) {
	session, err := sessionIn(ctx, env, profile)
	if err != nil {
		return nil, err
	}
	return newRegistry(session, env), nil
}

// sessionIn signs in to an environment's account.
func sessionIn(ctx context.Context, env config.Environment, profile string) (*awsclient.Session, error) {
	session, err := awsclient.SignIn(ctx, profile, env.Region)
	if err != nil {
		return nil, err
	}
	return session, session.In(env.Name, env.Account)
}

// uri is what docker push takes, without a tag.
func (r *registry) uri(ctx context.Context, s service) (string, error) {
	out, err := r.ecr.DescribeRepositories(ctx, &ecr.DescribeRepositoriesInput{RepositoryNames: []string{s.repository}})
	if err != nil {
		return "", r.explain(s, err)
	}
	return aws.ToString(out.Repositories[0].RepositoryUri), nil
}

func (r *registry) explain(s service, err error) error {
	if notFound := new(ecrtypes.RepositoryNotFoundException); errors.As(err, &notFound) {
		return fmt.Errorf("repository %s does not exist: the environment's registry is not deployed; run npx cdk deploy %s", s.repository,
			r.env.StackName(config.RegistryPart))
	}
	return fmt.Errorf("repository %s cannot be read: %w", s.repository, err)
}

// images are all images of a service, the newest first.
func (r *registry) images(ctx context.Context, s service) ([]pushed, error) {
	var all []pushed
	pages := ecr.NewDescribeImagesPaginator(r.ecr, &ecr.DescribeImagesInput{RepositoryName: &s.repository})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, r.explain(s, err)
		}
		for _, detail := range page.ImageDetails {
			all = append(all, pushed{aws.ToString(detail.ImageDigest), detail.ImageTags, aws.ToTime(detail.ImagePushedAt)})
		}
	}
	slices.SortStableFunc(all, func(a, b pushed) int {
		return cmp.Or(b.at.Compare(a.at), cmp.Compare(a.digest, b.digest))
	})
	return all, nil
}

// find is the image that has a tag or a digest, or nil.
func (r *registry) find(ctx context.Context, s service, reference string) (*pushed, error) {
	all, err := r.images(ctx, s)
	if err != nil {
		return nil, err
	}
	return findIn(all, reference), nil
}

func findIn(images []pushed, reference string) *pushed {
	for i, image := range images {
		if image.digest == reference || slices.Contains(image.tags, reference) {
			return &images[i]
		}
	}
	return nil
}

// tag moves tags to an image.
func (r *registry) tag(ctx context.Context, s service, digest string, tags ...string) error {
	out, err := r.ecr.BatchGetImage(ctx, &ecr.BatchGetImageInput{
		RepositoryName: &s.repository,
		ImageIds:       []ecrtypes.ImageIdentifier{{ImageDigest: &digest}},
		AcceptedMediaTypes: []string{
			"application/vnd.docker.distribution.manifest.v2+json", "application/vnd.docker.distribution.manifest.list.v2+json",
			"application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.index.v1+json",
		},
	})
	if err != nil {
		return r.explain(s, err)
	}
	if len(out.Images) == 0 {
		return fmt.Errorf("image %s is not in repository %s", digest, s.repository)
	}
	for _, tag := range tags {
		_, err := r.ecr.PutImage(ctx, &ecr.PutImageInput{
			RepositoryName:         &s.repository,
			ImageManifest:          out.Images[0].ImageManifest,
			ImageManifestMediaType: out.Images[0].ImageManifestMediaType,
			ImageTag:               &tag,
		})
		if already := new(ecrtypes.ImageAlreadyExistsException); err != nil && !errors.As(err, &already) {
			return fmt.Errorf("tag %s cannot be moved to %s in repository %s: %w", tag, digest, s.repository, err)
		}
	}
	return nil
}

// tagRecorded moves the tags back to the image that images.json names.
func (r *registry) tagRecorded(ctx context.Context, s service) error {
	if !s.image.Released() {
		return nil
	}
	image, err := r.find(ctx, s, s.image.Reference())
	if err != nil || image == nil { // it expired
		return err
	}
	return r.tag(ctx, s, image.digest, latestTag, releasedTag)
}

// keepRunning tags the images that ECS runs now, so that what is pushed next does
// not expire them: a deploy that fails goes back to them. Tags are numbered,
// because a service runs two images while it is being deployed.
func (r *registry) keepRunning(ctx context.Context, s service) error {
	running, err := r.running(ctx, s)
	if err != nil {
		return err
	}
	for i, reference := range running {
		image, err := r.find(ctx, s, reference)
		if err != nil {
			return err
		}
		if image == nil { // it expired
			continue
		}
		if err := r.tag(ctx, s, image.digest, fmt.Sprint(runningTag, i)); err != nil {
			return err
		}
	}
	return nil
}

// running are the references, tags or digests, of the images that the service's
// deployments run.
func (r *registry) running(ctx context.Context, s service) ([]string, error) {
	_, deployments, err := r.deployments(ctx, s)
	var references []string
	for _, deployment := range deployments {
		if !slices.Contains(references, deployment.image) {
			references = append(references, deployment.image)
		}
	}
	return references, err
}

// credentials are what a registry's client signs in with, for some hours.
func (r *registry) credentials(ctx context.Context) (host string, auth authn.AuthConfig, err error) {
	out, err := r.ecr.GetAuthorizationToken(ctx, nil)
	if err != nil {
		return "", auth, fmt.Errorf("ECR gives no password: %w", err)
	}
	token, err := base64.StdEncoding.DecodeString(aws.ToString(out.AuthorizationData[0].AuthorizationToken))
	if err != nil {
		return "", auth, fmt.Errorf("ECR's password cannot be read: %w", err)
	}
	endpoint, err := url.Parse(aws.ToString(out.AuthorizationData[0].ProxyEndpoint))
	if err != nil {
		return "", auth, fmt.Errorf("ECR's address cannot be read: %w", err)
	}
	auth.Username, auth.Password, _ = strings.Cut(string(token), ":")
	return endpoint.Host, auth, nil
}
