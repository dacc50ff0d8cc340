package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	ecrtypes "github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/google/go-containerregistry/pkg/crane"
	"github.com/google/go-containerregistry/pkg/v1"

	"parrot/config"
)

// The variables that tell a stub what to do.
const (
	stubVariable     = "PARROT_TEST_STUB"         // the program that pushes and deploys
	stubLog          = "PARROT_TEST_LOG"          // where it notes its arguments
	stubFail         = "PARROT_TEST_FAIL"         // the start of the command line that fails
	stubHang         = "PARROT_TEST_HANG"         // the start of the command line that never ends
	stubRegistry     = "PARROT_TEST_REGISTRY"     // where docker pushes
	stubAWS          = "PARROT_TEST_AWS"          // where ECR and ECS are
	stubEnvironments = "PARROT_TEST_ENVIRONMENTS" // the settings, as JSON
)

// stubScript is docker and npx: it notes its command line, and fails where the
// test wants it to. What docker builds is the Dockerfile and the arguments; the
// test's program pushes it, and brings ECS what images.json says.
const stubScript = `#!/bin/sh
program=${0##*/}
line="$program $*"
echo "$line" >> "$` + stubLog + `"
if [ -n "$` + stubFail + `" ]; then
  case "$line" in "$` + stubFail + `"*) echo "$program fails" >&2; exit 1;; esac
fi
if [ -n "$` + stubHang + `" ]; then
  case "$line" in "$` + stubHang + `"*) exec sleep 60;; esac
fi
case "$line" in
"docker push "*) exec "$` + stubVariable + `" push "$2" ;;
"npx cdk deploy "*)
  for stack; do :; done # the last word
  exec "$` + stubVariable + `" deploy "$stack" ;;
"docker build "*)
  arguments=
  while [ $# -gt 1 ]; do
    case "$1" in
    --tag) reference=$2 ;;
    --build-arg) arguments="$arguments$2
" ;;
    esac
    shift
  done
  if [ -e "$1/.env" ]; then echo ".env is in the context" >&2; exit 1; fi
  { printf %s "$arguments"; cat "$1/Dockerfile"; } > "${0%/*}/$(echo "$reference" | tr /: __)"
  ;;
esac
`

// stub does what is more than a shell script.
func stub(what, argument string) error {
	if what == "deploy" {
		return cdkDeploy(argument)
	}
	return dockerPush(argument)
}

// cdkDeploy makes ECS run what images.json records for the environment of the
// stacks.
func cdkDeploy(stacks string) error {
	document, err := os.ReadFile("config/images.json")
	if err != nil {
		return err
	}
	var environments []config.Environment
	if err := json.Unmarshal([]byte(os.Getenv(stubEnvironments)), &environments); err != nil {
		return err
	}
	all, err := config.LoadWith(environments, document)
	if err != nil {
		return err
	}
	cfg, err := awsconfig.LoadDefaultConfig(context.Background(), awsconfig.WithRegion("us-east-1"),
		awsconfig.WithBaseEndpoint(os.Getenv(stubAWS)))
	if err != nil {
		return err
	}
	for _, env := range all {
		if !strings.HasPrefix(stacks, env.StackName("")) {
			continue
		}
		for _, s := range env.Services() {
			image := s.Build.Repository + ":unreleased"
			if s.Image.Released() {
				image = s.Build.Repository + "@" + s.Image.Digest
			}
			if err := runInECS(ecs.NewFromConfig(cfg), s.PhysicalName(), ecrHost+"/"+image, min(1, s.RunningCount())); err != nil {
				return err
			}
		}
	}
	return nil
}

// runInECS makes a service, parrot-dev-backend, run an image. ECS has rolled out
// one task, and never rolls out two.
func runInECS(client *ecs.Client, name, image string, tasks int) error {
	ctx := context.Background()
	container, count := name[strings.LastIndex(name, "-")+1:], int32(tasks)
	if _, err := client.CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: &name}); err != nil {
		return err
	}
	task, err := client.RegisterTaskDefinition(ctx, &ecs.RegisterTaskDefinitionInput{
		Family: &name, ContainerDefinitions: []ecstypes.ContainerDefinition{{Name: &container, Image: &image, Memory: aws.Int32(128)}},
	})
	if err != nil {
		return err
	}
	// moto's deployments keep their first task definition, so it is a new service.
	_, _ = client.DeleteService(ctx, &ecs.DeleteServiceInput{Cluster: &name, Service: &name, Force: aws.Bool(true)})
	_, err = client.CreateService(ctx, &ecs.CreateServiceInput{
		Cluster: &name, ServiceName: &name, TaskDefinition: task.TaskDefinition.TaskDefinitionArn, DesiredCount: &count,
	})
	return err
}

// built returns where a local image is kept.
func built(reference string) string {
	return filepath.Join(filepath.Dir(os.Getenv(stubLog)), strings.NewReplacer("/", "_", ":", "_").Replace(reference))
}

// dockerPush puts the image into the registry and into ECR's list.
func dockerPush(reference string) error {
	content, err := os.ReadFile(built(reference))
	if err != nil {
		return err
	}
	image, err := crane.Image(map[string][]byte{"app": content})
	if err != nil {
		return err
	}
	host := strings.TrimPrefix(os.Getenv(stubRegistry), "http://")
	_, path, _ := strings.Cut(reference, "/")
	if err := crane.Push(image, host+"/"+path, crane.Insecure); err != nil {
		return err
	}
	repository, tag, _ := strings.Cut(path, ":")
	return listInECR(image, repository, tag)
}

// listInECR makes ECR know an image that was pushed.
func listInECR(image v1.Image, repository, tag string) error {
	cfg, err := awsconfig.LoadDefaultConfig(context.Background(), awsconfig.WithRegion("us-east-1"),
		awsconfig.WithBaseEndpoint(os.Getenv(stubAWS)))
	if err != nil {
		return err
	}
	manifest, err := image.RawManifest()
	if err != nil {
		return err
	}
	digest, err := image.Digest()
	if err != nil {
		return err
	}
	text, id := string(manifest), digest.String()
	_, err = ecr.NewFromConfig(cfg).PutImage(context.Background(), &ecr.PutImageInput{
		RepositoryName: &repository, ImageManifest: &text, ImageDigest: &id, ImageTag: &tag,
	})
	if there := new(ecrtypes.ImageAlreadyExistsException); errors.As(err, &there) { // a retry's first try worked
		return nil
	}
	return err
}

// toRegistry is the way to the registry under the name that ECR has. ECR lists
// what is put there.
type toRegistry struct {
	host string
	fail string // the method and the start of the path of what fails
}

func (t toRegistry) RoundTrip(r *http.Request) (*http.Response, error) {
	if t.fail != "" && strings.HasPrefix(r.Method+" "+r.URL.Path, t.fail) {
		return nil, errors.New("the registry fails")
	}
	there := r.Clone(r.Context())
	there.URL.Scheme, there.URL.Host, there.Host = "http", t.host, t.host
	answer, err := http.DefaultTransport.RoundTrip(there)
	if err != nil || answer.StatusCode >= 300 || r.Method != http.MethodPut || !strings.Contains(r.URL.Path, "/manifests/") {
		return answer, err
	}
	repository, tag, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v2/"), "/manifests/")
	image, err := crane.Pull(t.host+"/"+repository+":"+tag, crane.Insecure)
	if err != nil {
		return nil, err
	}
	return answer, listInECR(image, repository, tag)
}

func nopLogger() *log.Logger { return log.New(io.Discard, "", 0) }
