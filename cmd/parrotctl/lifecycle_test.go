package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	ecrtypes "github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot/internal/fakes"
)

// lifecyclePolicy is the policy of the synthesized repositories: a test of the
// templates keeps it true.
var lifecyclePolicy = must(filepath.Abs("../../stacks/testdata/lifecycle_policy.json"))

// Whatever is released, rolled back, given up or pushed by hand: the image that
// runs and the image that is recorded are never expired.
func TestAnImageThatIsNeededIsNeverExpired(t *testing.T) {
	fakes.Slow(t)
	w := newWorld(t)
	policy := readPolicy(t)
	backend := w.environments[0].Backend.Repository
	running := ""
	expired, kept := 0, 0
	// Each letter is a step; more than ten in a row push out what nothing keeps.
	for step, what := range "RRR" + strings.Repeat("F", 12) + "B" + strings.Repeat("H", 12) + "F" + strings.Repeat("H", 11) + "RB" {
		r := result{code: exitFailed} // nothing is deployed
		switch what {
		case 'R': // a release
			w.newBackend(step)
			r = w.succeeds("release", "dev", "--yes", "--backend", "../backend")
		case 'F': // one whose deploy fails
			w.newBackend(step)
			t.Setenv(stubFail, "npx cdk deploy")
			r = w.run("", "release", "dev", "--yes", "--backend", "../backend")
			t.Setenv(stubFail, "")
		case 'B': // back
			r = w.succeeds("rollback", "dev", "backend", "--yes")
		case 'H': // a colleague with docker
			w.push(backend, fmt.Sprint("by-hand-", step))
		}
		w.commit(fmt.Sprint("Step ", step))
		if recorded := w.recorded()["dev"]["backend"].Digest; r.code == 0 && recorded != "" {
			running = recorded
		}

		for _, digest := range policy.expires(w.inOrder(backend)) {
			w.expire(backend, digest)
			expired++
		}
		images := w.images(backend)
		kept = max(kept, len(images))
		if running != "" {
			require.Contains(t, images, running, "the image that runs, after step %d", step)
			require.Contains(t, images, w.recorded()["dev"]["backend"].Digest, "the image that is recorded, after step %d", step)
		}
	}
	assert.Greater(t, expired, 5, "the test is about images that expire")
	assert.LessOrEqual(t, kept, 10+10, "images are kept without end")
}

// newBackend is another commit of the backend.
func (w *world) newBackend(version int) {
	w.write("backend/Dockerfile", fmt.Sprintf("FROM scratch AS production\n# %d\n", version))
	w.commit(fmt.Sprint("Backend ", version))
}

// push pushes an image as one does by hand.
func (w *world) push(repository, tag string) {
	w.t.Helper()
	manifest, digest := fmt.Sprintf(`{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": {"digest": %q}}`, tag), fmt.Sprintf("sha256:%064x", []byte(tag))
	_, err := w.ecr.PutImage(w.t.Context(), &ecr.PutImageInput{
		RepositoryName: &repository, ImageManifest: &manifest, ImageTag: &tag, ImageDigest: aws.String(digest[:71]),
	})
	require.NoError(w.t, err)
}

// runs makes ECS run an image in a service, such as parrot-dev-backend.
func (w *world) runs(name, image string) {
	w.t.Helper()
	w.rollsOut(name, image, 1)
}

// rollsOut makes ECS bring up tasks; it never comes to an end with two.
func (w *world) rollsOut(name, image string, tasks int) {
	w.t.Helper()
	cfg, err := awsconfig.LoadDefaultConfig(w.t.Context(), awsconfig.WithRegion("us-east-1"))
	require.NoError(w.t, err)
	require.NoError(w.t, runInECS(ecs.NewFromConfig(cfg), name, image, tasks))
}

// inOrder returns a repository's images, the oldest first.
func (w *world) inOrder(repository string) []ecrtypes.ImageDetail {
	w.t.Helper()
	out, err := w.ecr.DescribeImages(w.t.Context(), &ecr.DescribeImagesInput{RepositoryName: &repository})
	require.NoError(w.t, err)
	return out.ImageDetails // in the order in which they were pushed
}

// policy is a lifecycle policy.
type policy struct {
	Rules []struct {
		RulePriority int
		Selection    struct {
			TagStatus     string
			TagPrefixList []string
			CountType     string
			CountNumber   int
		}
	}
}

func readPolicy(t *testing.T) (p policy) {
	t.Helper()
	require.NoError(t, json.Unmarshal(must(os.ReadFile(lifecyclePolicy)), &p))
	require.NotEmpty(t, p.Rules)
	return p
}

// expires are the digests that ECR would expire. A rule expires what is beyond
// its count, but nothing that a rule of higher priority selects.
// https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html
func (p policy) expires(images []ecrtypes.ImageDetail) (digests []string) {
	images = slices.Clone(images)
	slices.Reverse(images) // the newest first
	taken := map[string]bool{}
	for _, rule := range p.Rules { // in the order of their priorities
		var selected []string
		for _, image := range images {
			if rule.Selection.TagStatus == "any" || slices.ContainsFunc(image.ImageTags, func(tag string) bool {
				return slices.ContainsFunc(rule.Selection.TagPrefixList, func(prefix string) bool { return strings.HasPrefix(tag, prefix) })
			}) {
				selected = append(selected, aws.ToString(image.ImageDigest))
			}
		}
		for i, digest := range selected {
			if i >= rule.Selection.CountNumber && !taken[digest] {
				digests = append(digests, digest)
			}
		}
		for _, digest := range selected {
			taken[digest] = true
		}
	}
	return digests
}
