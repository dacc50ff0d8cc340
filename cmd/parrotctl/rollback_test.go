package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	ecrtypes "github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot/config"
	"parrot/internal/fakes"
)

// threeReleases is a world with three releases of both services in dev, each
// committed.
func threeReleases(t *testing.T) (w *world, releases []config.Release) {
	w = newWorld(t)
	for i := range 3 {
		w.write("backend/Dockerfile", fmt.Sprintf("FROM scratch AS production\n# %d\n", i))
		w.write("client/Dockerfile", fmt.Sprintf("FROM scratch AS runner\n# %d\n", i))
		w.commit(fmt.Sprintf("Version %d", i))
		inDev(w)
		w.commit(fmt.Sprintf("Release %d", i))
		releases = append(releases, w.recorded()["dev"])
	}
	w.asked()
	return w, releases
}

// expire takes an image out of the registry.
func (w *world) expire(repository, digest string) {
	w.t.Helper()
	_, err := w.ecr.BatchDeleteImage(w.t.Context(), &ecr.BatchDeleteImageInput{
		RepositoryName: &repository, ImageIds: []ecrtypes.ImageIdentifier{{ImageDigest: &digest}},
	})
	require.NoError(w.t, err)
	require.NotContains(w.t, w.images(repository), digest)
}

func TestRollbackGoesToTheReleaseBeforeAndDeploysComputeAlone(t *testing.T) {
	w, releases := threeReleases(t)

	r := w.run("y\n", "rollback", "dev")

	require.Zero(t, r.code, r.stderr)
	assert.Equal(t, releases[1], w.recorded()["dev"])
	assert.Equal(t, []string{
		"npx cdk diff --exclusively ParrotDevCompute",
		"npx cdk deploy --require-approval never --exclusively ParrotDevCompute",
	}, w.asked())
	assert.Equal(t, releases[1]["backend"].Digest, w.tagged("parrot-backend", "released"))
	shows(t, r.stderr, "SERVICE", "backend", releases[2]["backend"].Tag, "now", releases[1]["backend"].Tag, releases[0]["backend"].Tag,
		"frontend",
		"Note: the database does not roll back", "Deploy this to dev?")
}

func TestRollbackTwiceGoesFurtherBackAndNeverForward(t *testing.T) {
	fakes.Slow(t)
	w, releases := threeReleases(t)
	w.succeeds("rollback", "dev", "--yes")
	w.commit("Back")
	w.succeeds("rollback", "dev", "--yes")
	assert.Equal(t, releases[0], w.recorded()["dev"])
	w.commit("Further back")
	r := w.run("", "rollback", "dev", "--yes")
	assert.Equal(t, exitFailed, r.code)
	assert.Contains(t, r.stderr, "there is nothing to go back to")
	assert.Equal(t, releases[0], w.recorded()["dev"])
}

func TestRollbackOfBothNeverBringsBackWhatOneWasRolledBackFrom(t *testing.T) {
	fakes.Slow(t)
	w, releases := threeReleases(t)
	w.succeeds("rollback", "dev", "frontend", "--yes")
	w.commit("The front end back")
	w.succeeds("rollback", "dev", "--yes")
	after := w.recorded()["dev"]
	assert.Equal(t, releases[1]["backend"], after["backend"])
	assert.Equal(t, releases[1]["frontend"], after["frontend"])
}

func TestARollbackWhoseDeployFailsSaysWhatFinishesIt(t *testing.T) {
	fakes.Slow(t)
	w, releases := threeReleases(t)
	t.Setenv(stubFail, "npx cdk deploy")
	r := w.run("", "rollback", "dev", "--yes")
	assert.Equal(t, exitFailed, r.code)
	assert.Equal(t, releases[1], w.recorded()["dev"])
	assert.Contains(t, r.stderr, "npx cdk deploy --exclusively ParrotDevCompute")
}

func TestATagAndItsDigestAreOneImage(t *testing.T) {
	fakes.Slow(t)
	w, releases := threeReleases(t)
	now := releases[2]
	w.write("infra/config/images.json", `{"dev": {"backend": {"tag": "`+now["backend"].Tag+`"}, "frontend": {"tag": "`+now["frontend"].Tag+`"}}}`)
	w.commit("By hand, without digests")
	r := w.succeeds("rollback", "dev", "--yes")
	assert.Equal(t, releases[1], w.recorded()["dev"])
	list, _, _ := strings.Cut(r.stderr, "Note:")
	assert.Equal(t, 6, strings.Count(list, "\nbackend")+strings.Count(list, "\nfrontend"), "each image is listed once\n%s", list)
}

func TestRollbackOfOneServiceLeavesTheOther(t *testing.T) {
	fakes.Slow(t)
	w, releases := threeReleases(t)
	r := w.succeeds("rollback", "dev", "frontend", "--yes")
	assert.Equal(t, config.Release{"backend": releases[2]["backend"], "frontend": releases[1]["frontend"]}, w.recorded()["dev"])
	assert.NotContains(t, r.stderr, "the database does not go back")
}

func TestRollbackOfOneServiceSaysThatTheOtherOneChangesToo(t *testing.T) {
	fakes.Slow(t)
	w, releases := threeReleases(t)
	w.runs("parrot-dev-backend", ecrHost+"/parrot-backend@"+releases[1]["backend"].Digest)
	r := w.succeeds("rollback", "dev", "frontend", "--plan")
	shows(t, r.stdout, "Note: the backend is not rolled back. config/images.json of this checkout records "+releases[2]["backend"].Tag,
		"ECS runs "+releases[1]["backend"].Tag)
}

func TestRollbackGoesToATag(t *testing.T) {
	w, releases := threeReleases(t)
	w.succeeds("rollback", "dev", "backend", "--to", releases[0]["backend"].Tag, "--yes")
	assert.Equal(t, releases[0]["backend"], w.recorded()["dev"]["backend"])
}

func TestRollbackKnowsImagesThatWereNeverCommitted(t *testing.T) {
	fakes.Slow(t)
	w := newWorld(t)
	inDev(w)
	first := w.recorded()["dev"]["backend"]
	uncommitted := string(must(os.ReadFile("config/images.json")))
	w.git("checkout", "--quiet", "--", "infra/config/images.json")
	w.newBackend(2)
	w.write("infra/config/images.json", uncommitted)
	w.succeeds("release", "dev", "--yes", "--backend", "../backend")
	w.git("checkout", "--quiet", "--", "infra/config/images.json")

	r := w.succeeds("rollback", "dev", "backend", "--to", first.Tag, "--yes")

	assert.Equal(t, first, w.recorded()["dev"]["backend"])
	assert.Contains(t, r.stderr, first.Tag)
}

// uncommittedReleases is a world with a release in dev that is committed, and
// more that are not, of the services of each letter: b, f, or both.
func uncommittedReleases(t *testing.T, more ...string) (w *world, releases []config.Release) {
	w = newWorld(t)
	for i, services := range append([]string{"bf"}, more...) {
		args := []string{"release", "dev", "--yes"}
		for _, s := range []struct{ letter, dir, flag string }{{"b", "backend", "--backend"}, {"f", "client", "--frontend"}} {
			if strings.Contains(services, s.letter) {
				w.write(s.dir+"/Dockerfile", fmt.Sprintf("FROM scratch\n# %d\n", i))
				w.git("add", s.dir)
				args = append(args, s.flag, "../"+s.dir)
			}
		}
		w.git("commit", "--quiet", "--message", fmt.Sprint("Version ", i))
		w.succeeds(args...)
		if i == 0 {
			w.commit("Release")
		}
		releases = append(releases, w.recorded()["dev"])
	}
	return w, releases
}

func TestRollbackGoesToTheReleaseBeforeThoughItIsInNoCommit(t *testing.T) {
	fakes.Slow(t)
	all := [][]string{{"b", "bf"}, {"bf", "bf"}, {"bf", "b"}, {"b", "f", "f"}, {"f", "bf"}, {"b", "b"}}
	for i := 0; i < len(all); i += fakes.Every(3) {
		more := all[i]
		t.Run(fmt.Sprint(more), func(t *testing.T) {
			w, releases := uncommittedReleases(t, more...)
			w.succeeds("rollback", "dev", "--yes")
			assert.Equal(t, releases[len(releases)-2], w.recorded()["dev"])
		})
	}
}

func TestRollbackFromAFailedReleaseGoesToWhatRuns(t *testing.T) {
	fakes.Slow(t)
	w, releases := uncommittedReleases(t, "bf")
	w.write("backend/Dockerfile", "FROM scratch\n# fails\n")
	w.git("commit", "--quiet", "--message", "Broken", "backend")
	t.Setenv(stubFail, "npx cdk deploy")
	for range 2 {
		require.Equal(t, exitFailed, w.run("", "release", "dev", "--yes").code)
	}
	t.Setenv(stubFail, "")
	require.NotEqual(t, releases[1], w.recorded()["dev"])
	w.succeeds("rollback", "dev", "--yes")
	assert.Equal(t, releases[1], w.recorded()["dev"])

	r := w.run("", "rollback", "dev", "--yes")
	require.Zero(t, r.code, r.stderr)
	assert.Equal(t, releases[0], w.recorded()["dev"], "further back, and never forward")
}

func TestRollbackAsksForTheTagWhereNothingSaysWhatRanBefore(t *testing.T) {
	fakes.Slow(t)
	w, releases := uncommittedReleases(t, "b", "b")
	w.succeeds("release", "dev", "--yes", "--backend", "../backend") // the tags say now what this one found
	w.asked()
	r := w.run("", "rollback", "dev", "--yes")
	assert.Equal(t, exitFailed, r.code)
	shows(t, r.stderr,
		"which images ran before is not known: "+releases[1]["backend"].Tag+" may have been released, and no commit of config/images.json names",
		"parrotctl rollback dev backend --to "+releases[1]["backend"].Tag, "parrotctl rollback dev backend --to "+releases[0]["backend"].Tag)
	assert.Nil(t, w.asked())
	assert.Equal(t, releases[2], w.recorded()["dev"])

	w.succeeds("rollback", "dev", "backend", "--to", releases[1]["backend"].Tag, "--yes")
	assert.Equal(t, releases[1], w.recorded()["dev"])
}

func TestRollbackDoesNotTrustATagThatIsOlderThanGitsHistory(t *testing.T) {
	fakes.Slow(t)
	w, releases := threeReleases(t)
	w.runs("parrot-dev-backend", ecrHost+"/parrot-backend@"+releases[0]["backend"].Digest)
	require.Equal(t, exitDeclined, w.run("n\n", "release", "dev").code) // it has seen the first release run
	between := releases[1]["backend"].Tag[:14] + "-ffffffffffff"
	w.push("parrot-backend", between)
	r := w.run("", "rollback", "dev", "--yes")
	assert.Equal(t, exitFailed, r.code)
	assert.Contains(t, r.stderr, "which images ran before is not known: "+between)
}

func TestRollbackDoesNotMindAnOldPushOfAServiceThatStays(t *testing.T) {
	fakes.Slow(t)
	w := newWorld(t)
	inDev(w)
	first := w.recorded()["dev"]
	w.commit("Release")
	w.newBackend(2)
	w.succeeds("release", "dev", "--yes", "--backend", "../backend")
	w.push("parrot-frontend", "20251231000000-ffffffffffff") // whose release was given up
	w.succeeds("rollback", "dev", "--yes")
	assert.Equal(t, first, w.recorded()["dev"])
}

func TestRollbackPassesOverWhatIsExpired(t *testing.T) {
	fakes.Slow(t)
	w, releases := threeReleases(t)
	w.expire("parrot-backend", releases[1]["backend"].Digest)

	r := w.run("", "rollback", "dev", "--to", releases[1]["backend"].Tag, "--yes")
	assert.Equal(t, exitFailed, r.code)
	assert.Contains(t, r.stderr, "expired: it is not in repository parrot-backend any more")
	assert.Equal(t, releases[2], w.recorded()["dev"])

	w.succeeds("rollback", "dev", "--yes")
	assert.Equal(t, releases[0], w.recorded()["dev"])
}

func TestRollbackThatIsDeclinedDeploysNothing(t *testing.T) {
	fakes.Slow(t)
	w, releases := threeReleases(t)
	r := w.run("n\n", "rollback", "dev")
	assert.Equal(t, exitDeclined, r.code)
	assert.Zero(t, count(w.asked(), "npx cdk deploy"))
	assert.Equal(t, releases[2], w.recorded()["dev"])
	assert.Equal(t, releases[2]["backend"].Digest, w.tagged("parrot-backend", "released"))
}
