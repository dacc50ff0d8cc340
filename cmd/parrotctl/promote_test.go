package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot/internal/delivery"
	"parrot/internal/fakes"
)

// inDev is a world with a release in dev.
func inDev(w *world) { w.succeeds("release", "dev", "--yes") }

func TestPromoteBringsTheSameBackend(t *testing.T) {
	w := newWorld(t)
	inDev(w)
	w.asked()
	dev := w.recorded()["dev"]

	r := w.succeeds("promote", "dev", "stage")

	stage := w.recorded()["stage"]
	assert.Equal(t, dev["backend"], stage["backend"], "tag and digest")
	for _, tag := range []string{stage["backend"].Tag, "latest", "released"} {
		assert.Equal(t, dev["backend"].Digest, w.tagged("parrot-stage-backend", tag), tag)
	}
	assert.Equal(t, dev, w.recorded()["dev"])
	shows(t, r.stderr, "Copy the backend from repository parrot-backend to parrot-stage-backend",
		"The images are recorded. Commit config/images.json", "npx cdk deploy 'ParrotStage*'")
}

func TestPromoteBuildsAFrontEndForAnotherDomainFromTheSameCommit(t *testing.T) {
	w := newWorld(t)
	dev, stage := w.environments[0], w.environments[1]
	inDev(w)
	inDev := w.recorded()["dev"]["frontend"]
	w.write("client/Dockerfile", "FROM scratch AS runner\n# not in dev yet\n")
	w.commit("The next front end")
	w.write("client/untidy", "in no commit\n")
	w.asked()

	r := w.succeeds("promote", "dev", "stage")

	asked := w.asked()
	require.Equal(t, 1, count(asked, "docker build"))
	assert.Contains(t, asked[0], "--build-arg NEXT_PUBLIC_API_BASE_URL="+stage.Services()[1].Build.Arguments["NEXT_PUBLIC_API_BASE_URL"])
	inStage := w.recorded()["stage"]["frontend"]
	assert.Equal(t, inDev.Tag, inStage.Tag, "the same commit")
	assert.NotEqual(t, inDev.Digest, inStage.Digest)
	shows(t, r.stderr,
		"Note: the frontend cannot be the same image: what is compiled into it differs: NEXT_PUBLIC_API_BASE_URL is "+
			""+dev.Services()[1].Build.Arguments["NEXT_PUBLIC_API_BASE_URL"]+" in dev and "+
			""+stage.Services()[1].Build.Arguments["NEXT_PUBLIC_API_BASE_URL"]+" in stage")

	built, err := os.ReadFile(filepath.Join(filepath.Dir(w.log), localName(asked[0])))
	require.NoError(t, err)
	assert.Contains(t, string(built), "FROM scratch AS runner\n")
	assert.NotContains(t, string(built), "not in dev yet")
	assert.Equal(t, 1, count(strings.Split(w.git("worktree", "list", "--porcelain"), "\n"), "worktree"), "the checkout is gone")
}

// localName returns the file of what a docker build made.
func localName(line string) string {
	_, rest, _ := strings.Cut(line, "--tag ")
	reference, _, _ := strings.Cut(rest, " ")
	return filepath.Base(built(reference))
}

func TestPromoteBringsTheSameFrontEndWhereTheSameIsCompiledIn(t *testing.T) {
	w := newWorld(t)
	inDev(w)
	w.asked()
	d, named, err := w.program(t.Output()).delivery(false, "dev", "stage")
	require.NoError(t, err)
	dev, stage := named[0], named[1]
	stage.Domain = dev.Domain // which Validate refuses while both exist

	plan, err := d.PlanPromotion(t.Context(), delivery.Promotion{From: dev, To: stage})
	require.NoError(t, err)
	require.NoError(t, plan.Run(t.Context(), t.Output()))

	assert.Zero(t, count(w.asked(), "docker"), "nothing is built, and Docker is not needed")
	assert.Equal(t, w.recorded()["dev"], w.recorded()["stage"])
}

func TestPromoteAgainDoesNothingTwice(t *testing.T) {
	w := newWorld(t)
	inDev(w)
	w.succeeds("promote", "dev", "stage")
	w.asked()
	want := w.recorded()

	r := w.succeeds("promote", "dev", "stage")

	assert.Zero(t, count(w.asked(), "docker"))
	assert.NotContains(t, r.stderr, "Copy the backend")
	assert.Equal(t, want, w.recorded())
}

func TestAPromotionSaysWhatIsRecordedAndBothWaysOn(t *testing.T) {
	w := newWorld(t)
	inDev(w)
	t.Setenv(stubFail, "npx cdk diff")
	r := w.run("", "promote", "dev", "stage")
	assert.Equal(t, exitFailed, r.code)
	shows(t, r.stderr, "failed:   Show what a deploy would change",
		"config/images.json, and the tags latest and released in the registry, name these images for stage",
		"release and promote a correction", "parrotctl rollback stage")
	t.Setenv(stubFail, "")
	r = w.succeeds("promote", "dev", "stage")
	shows(t, r.stderr, "npx cdk deploy 'ParrotStage*'", "If that fails", "promote a correction", "parrotctl rollback stage")
}

func TestPromoteGoesOnAfterAFaultAnywhere(t *testing.T) {
	fakes.Slow(t)
	everyFault(t, []string{"docker build", "docker login", "docker push", "npx cdk diff"}, inDev, "promote", "dev", "stage")
}

func TestPromoteGoesOnAfterTheRegistryFails(t *testing.T) {
	fakes.Slow(t)
	for _, fault := range []string{"GET /v2/parrot-backend/manifests/", "PUT /v2/parrot-stage-backend/manifests/"} {
		t.Run(fault, func(t *testing.T) {
			w := newWorld(t)
			inDev(w)
			before := w.recorded()
			works := w.transport
			w.transport = toRegistry{host: works.(toRegistry).host, fail: fault}
			r := w.run("", "promote", "dev", "stage")
			require.Equal(t, exitFailed, r.code)
			shows(t, r.stderr, "the registry fails", "\n  failed:   Copy the backend")
			assert.Equal(t, before, w.recorded())

			w.transport = works
			w.succeeds("promote", "dev", "stage")
			assert.Equal(t, before["dev"]["backend"], w.recorded()["stage"]["backend"])
		})
	}
}

func TestPromoteNeedsARelease(t *testing.T) {
	w := newWorld(t)
	r := w.run("", "promote", "dev", "stage")
	assert.Equal(t, exitFailed, r.code)
	assert.Contains(t, r.stderr, "nothing is released in dev: run parrotctl release dev first")
}

func TestPromoteTakesOnlyWhatRuns(t *testing.T) {
	for name, test := range map[string]struct {
		prepare func(*world)
		want    []string
	}{
		"never deployed": {func(w *world) {
			w.t.Setenv(stubFail, "npx cdk deploy")
			w.run("", "release", "dev", "--yes")
		}, []string{"does not run there: ECS has nothing"}},
		"failed": {func(w *world) {
			inDev(w)
			w.newBackend(2)
			w.t.Setenv(stubFail, "npx cdk deploy")
			w.run("", "release", "dev", "--yes", "--backend", "../backend")
		}, []string{"the backend that config/images.json records for dev", "does not run there: ECS has 20", "git pull",
			"npx cdk deploy 'ParrotDev*'", "parrotctl rollback dev"}},
		"still rolled out": {func(w *world) {
			inDev(w)
			w.rollsOut("parrot-dev-frontend", ecrHost+"/parrot-frontend@"+w.recorded()["dev"]["frontend"].Digest, 2)
		}, []string{"the frontend 20", "does not run in dev yet: its rollout is IN_PROGRESS"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			test.prepare(w)
			w.asked()
			r := w.run("", "promote", "dev", "stage")
			assert.Equal(t, exitFailed, r.code)
			shows(t, r.stderr, test.want...)
			assert.Nil(t, w.asked())
			assert.Empty(t, w.recorded()["stage"])
			r = w.succeeds("promote", "dev", "stage", "--plan")
			shows(t, r.stdout, "Note: this would be refused: the ")
		})
	}
}

func TestPromoteTakesWhatIsStoppedForTheNight(t *testing.T) {
	w := newWorld(t)
	inDev(w)
	w.rollsOut("parrot-dev-backend", ecrHost+"/parrot-backend@"+w.recorded()["dev"]["backend"].Digest, 0)
	w.succeeds("promote", "dev", "stage")
}

func TestPromoteNamesTheImageThatIsGone(t *testing.T) {
	w := newWorld(t)
	w.write("infra/config/images.json", `{"dev": {"backend": {"tag": "20260102030405-0a1b2c3d4e5f"}}}`)
	r := w.run("", "promote", "dev", "stage")
	assert.Equal(t, exitFailed, r.code)
	assert.Contains(t, r.stderr, "20260102030405-0a1b2c3d4e5f, is not in repository parrot-backend")
	assert.Empty(t, w.recorded()["stage"])
}

func TestPromoteKeepsWhatRunsInTheNextEnvironment(t *testing.T) {
	w := newWorld(t)
	w.push("parrot-stage-backend", "by-hand")
	w.runs("parrot-stage-backend", ecrHost+"/parrot-stage-backend:by-hand")
	inDev(w)
	w.succeeds("promote", "dev", "stage")
	running := w.tagged("parrot-stage-backend", "by-hand")
	require.NotEmpty(t, running)
	assert.Equal(t, running, w.tagged("parrot-stage-backend", "released-running-0"))
}
