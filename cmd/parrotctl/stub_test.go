package main

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	ecrtypes "github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/google/go-containerregistry/pkg/crane"
	"github.com/google/go-containerregistry/pkg/v1"
)

// The variables that tell a stub what to do.
const (
	stubVariable = "PARROT_TEST_PUSH"     // the program that pushes
	stubLog      = "PARROT_TEST_LOG"      // where it notes its arguments
	stubFail     = "PARROT_TEST_FAIL"     // the start of the command line that fails
	stubHang     = "PARROT_TEST_HANG"     // the start of the command line that never ends
	stubRegistry = "PARROT_TEST_REGISTRY" // where docker pushes
	stubAWS      = "PARROT_TEST_AWS"      // where ECR is
)

// stubScript is docker and npx: it notes its command line, and fails where the
// test wants it to. What docker builds is the Dockerfile and the arguments; the
// test's program pushes it.
const stubScript = `#!/bin/sh
program=$(basename "$0")
line="$program $*"
echo "$line" >> "$` + stubLog + `"
if [ -n "$` + stubFail + `" ]; then
  case "$line" in "$` + stubFail + `"*) echo "$program fails" >&2; exit 1;; esac
fi
if [ -n "$` + stubHang + `" ]; then
  case "$line" in "$` + stubHang + `"*) exec sleep 60;; esac
fi
case "$line" in
"docker push "*) exec "$` + stubVariable + `" "$2" ;;
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
  { printf %s "$arguments"; cat "$1/Dockerfile"; } > "$(dirname "$0")/$(echo "$reference" | tr /: __)"
  ;;
esac
`

// built is where a local image is kept.
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
	cfg, err := awsconfig.LoadDefaultConfig(context.Background(), awsconfig.WithRegion("us-east-1"), awsconfig.WithBaseEndpoint(os.Getenv(stubAWS)))
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
