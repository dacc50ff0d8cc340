package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	ecrtypes "github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot/config"
	"parrot/internal/fakes/moto"
)

func TestMain(m *testing.M) {
	if os.Getenv(stubVariable) != "" { // a stub has started it
		if err := stub(os.Args[1], os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	code := m.Run()
	moto.Stop()
	os.Exit(code)
}

// environmentsGo is the settings that the tests are built with.
var (
	environmentsGo = must(filepath.Abs("../../config/environments.go"))
	described      = must(filepath.Abs("../../config/testdata/described.json"))
	productPage    = must(filepath.Abs("../../docs/product.md"))
)

// environments returns dev as the system's description has it, and a stage like it.
func environments() []config.Environment {
	document := must(os.ReadFile(described))
	var dev, stage config.Environment
	for _, env := range []*config.Environment{&dev, &stage} {
		if err := json.Unmarshal(document, env); err != nil {
			panic(err)
		}
	}
	stage.Name, stage.Domain, stage.Network.VPC = "stage", "stage."+dev.Domain, "10.11.0.0/24"
	stage.Database.Identifier = stage.PhysicalName("db")
	stage.Backend.Repository, stage.Frontend.Repository = stage.PhysicalName("backend"), stage.PhysicalName("frontend")
	return []config.Environment{dev, stage}
}

// world is a team's machine and AWS account: a repository with Parrot in infra
// beside backend and client, an AWS of moto's, a registry, and docker and npx
// that only note what they are asked.
type world struct {
	t    *testing.T
	repo string
	log  string // what docker and npx were asked
	ecr  *ecr.Client
	// transport reaches the registry under ECR's name.
	transport http.RoundTripper
	// faults breaks AWS.
	faults       *faults
	environments []config.Environment
	pipeline     config.Pipeline
	commits      int
	minutes      int // since the world began; each image has one of its own
}

func newWorld(t *testing.T) *world {
	t.Helper()
	endpoint := moto.Start(t)
	w := &world{t: t, repo: t.TempDir(), faults: &faults{}, environments: environments()}

	target, err := url.Parse(endpoint)
	require.NoError(t, err)
	aws := httptest.NewServer(w.faults.before(httputil.NewSingleHostReverseProxy(target)))
	t.Cleanup(aws.Close)
	t.Setenv("AWS_ENDPOINT_URL", aws.URL)
	images := httptest.NewServer(registry.New(registry.Logger(nopLogger())))
	t.Cleanup(images.Close)
	w.transport = toRegistry{host: strings.TrimPrefix(images.URL, "http://")}

	w.git("init", "--quiet", "--initial-branch=main")
	w.git("config", "user.email", "ada@example.com")
	w.git("config", "user.name", "Ada")
	w.git("config", "maintenance.auto", "false")
	for _, file := range must(filepath.Glob(filepath.Join(filepath.Dir(environmentsGo), "*.go"))) {
		if !strings.HasSuffix(file, "_test.go") {
			w.write("infra/config/"+filepath.Base(file), string(must(os.ReadFile(file))))
		}
	}
	w.write("infra/config/images.json", "{}\n")
	w.write(".gitignore", "node_modules\n")
	w.write("infra/node_modules/aws-cdk/package.json", "{}\n")
	w.write("backend/Dockerfile", "FROM scratch AS production\n")
	w.write("client/Dockerfile", "FROM scratch AS runner\n")
	w.commit("A product")

	bin := t.TempDir()
	for _, program := range []string{"docker", "npx"} {
		require.NoError(t, os.WriteFile(filepath.Join(bin, program), []byte(stubScript), 0o755))
	}
	t.Setenv(stubVariable, must(os.Executable()))
	w.log = filepath.Join(bin, "log")
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	t.Setenv(stubLog, w.log)
	t.Setenv(stubRegistry, images.URL)
	t.Setenv(stubAWS, endpoint)
	t.Setenv(stubEnvironments, string(must(json.Marshal(w.environments))))
	t.Setenv(stubFail, "")
	t.Setenv(stubHang, "")
	t.Chdir(filepath.Join(w.repo, "infra"))

	cfg, err := awsconfig.LoadDefaultConfig(t.Context(), awsconfig.WithRegion("us-east-1"), awsconfig.WithBaseEndpoint(endpoint))
	require.NoError(t, err)
	w.ecr = ecr.NewFromConfig(cfg)
	for _, env := range w.environments {
		for _, repository := range []string{env.Backend.Repository, env.Frontend.Repository} {
			_, err := w.ecr.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: &repository})
			if there := new(ecrtypes.RepositoryAlreadyExistsException); !errors.As(err, &there) { // a retry's first try may have worked
				require.NoError(t, err)
			}
		}
	}
	return w
}

func (w *world) git(args ...string) string {
	w.t.Helper()
	command := exec.Command("git", args...)
	command.Dir = w.repo
	out, err := command.CombinedOutput()
	require.NoError(w.t, err, "git %v: %s", args, out)
	return strings.TrimSpace(string(out))
}

func (w *world) write(path, text string) {
	w.t.Helper()
	path = filepath.Join(w.repo, path)
	require.NoError(w.t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(w.t, os.WriteFile(path, []byte(text), 0o644))
}

func (w *world) commit(message string) {
	w.t.Helper()
	w.commits++ // a minute apart, the same in every world
	date := time.Date(2026, 1, 2, 3, w.commits, 0, 0, time.UTC).Format(time.RFC3339)
	w.t.Setenv("GIT_AUTHOR_DATE", date)
	w.t.Setenv("GIT_COMMITTER_DATE", date)
	w.git("add", "--all")
	w.git("commit", "--quiet", "--allow-empty", "--message", message)
}

// head returns the commit that changed a directory last.
func (w *world) head(dir string) string {
	w.t.Helper()
	return w.git("log", "--max-count=1", "--format=%h", "--abbrev=12", "--", dir)
}

// result is what a command line came to.
type result struct {
	code           int
	stdout, stderr string
}

// run types a command line, and an answer to its question.
func (w *world) run(answer string, args ...string) result {
	w.t.Helper()
	return w.runIn(w.t.Context(), answer, args...)
}

func (w *world) runIn(ctx context.Context, answer string, args ...string) result {
	w.t.Helper()
	var stdout, stderr bytes.Buffer
	p := w.program(&stderr)
	p.stdin, p.stdout = strings.NewReader(answer), &stdout
	code := p.run(ctx, args)
	return result{code, stdout.String(), stderr.String()}
}

func (w *world) program(stderr io.Writer) *app {
	return &app{stderr: stderr, environments: slices.Clone(w.environments), pipeline: w.pipeline, transport: w.transport, now: w.now}
}

// now returns a minute later each time.
func (w *world) now() time.Time {
	w.minutes++
	return time.Date(2026, 1, 2, 3, w.minutes, 0, 0, time.UTC)
}

// succeeds runs a command line that has to work.
func (w *world) succeeds(args ...string) result {
	w.t.Helper()
	r := w.run("", args...)
	require.Zero(w.t, r.code, "parrotctl %v\n%s", args, r.stderr)
	return r
}

// asked returns the command lines that docker and npx got since the last time.
func (w *world) asked() []string {
	w.t.Helper()
	text, err := os.ReadFile(w.log)
	if os.IsNotExist(err) {
		return nil
	}
	require.NoError(w.t, err)
	require.NoError(w.t, os.Remove(w.log))
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

// count returns how many command lines start so.
func count(lines []string, prefix string) int {
	n := 0
	for _, line := range lines {
		if strings.HasPrefix(line, prefix) {
			n++
		}
	}
	return n
}

// recorded returns images.json.
func (w *world) recorded() map[string]config.Release {
	w.t.Helper()
	document, err := os.ReadFile(filepath.Join(w.repo, "infra/config/images.json"))
	require.NoError(w.t, err)
	releases, err := config.ParseReleases(document)
	require.NoError(w.t, err, "%s", document)
	return releases
}

// images returns a repository's images in ECR: tags by digest.
func (w *world) images(repository string) map[string][]string {
	w.t.Helper()
	out, err := w.ecr.DescribeImages(w.t.Context(), &ecr.DescribeImagesInput{RepositoryName: &repository})
	require.NoError(w.t, err)
	images := map[string][]string{}
	for _, image := range out.ImageDetails {
		images[aws.ToString(image.ImageDigest)] = image.ImageTags
	}
	return images
}

// builds returns how many images of docker's are in ECR.
func (w *world) builds() int {
	w.t.Helper()
	n := 0
	for _, env := range w.environments {
		for _, repository := range []string{env.Backend.Repository, env.Frontend.Repository} {
			for _, tags := range w.images(repository) {
				n += min(1, count(tags, "build-"))
			}
		}
	}
	return n
}

// tagged returns the digest of the image with a tag, or nothing.
func (w *world) tagged(repository, tag string) string {
	w.t.Helper()
	for digest, tags := range w.images(repository) {
		for _, t := range tags {
			if t == tag {
				return digest
			}
		}
	}
	return ""
}

// shows asserts that a text has parts, in their order.
func shows(t *testing.T, text string, parts ...string) {
	t.Helper()
	rest := text
	for _, part := range parts {
		_, after, found := strings.Cut(rest, part)
		if !assert.True(t, found, "%q is not in, or not after the others, in\n%s", part, text) {
			return
		}
		rest = after
	}
}

// faults is an AWS that fails at one call.
type faults struct {
	at, calls int // at 0 never fails
}

func (f *faults) before(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.calls++
		if f.calls == f.at {
			w.Header().Set("X-Amzn-Errortype", "AccessDeniedException")
			w.WriteHeader(http.StatusBadRequest)
			_ = json.NewEncoder(w).Encode(map[string]string{"__type": "AccessDeniedException", "message": "no"})
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (f *faults) failAt(call int) { f.at, f.calls = call, 0 }
