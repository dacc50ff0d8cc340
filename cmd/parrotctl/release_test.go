package main

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot/config"
	"parrot/internal/fakes"
)

const ecrHost = "123456789012.dkr.ecr.us-east-1.amazonaws.com"

func TestReleaseBuildsPushesRecordsAndDeploys(t *testing.T) {
	w := newWorld(t)
	backend, frontend := w.head("backend"), w.head("client")

	r := w.run("y\n", "release", "dev")
	require.Zero(t, r.code, r.stderr)

	asked := w.asked()
	require.Len(t, asked, 7, strings.Join(asked, "\n"))
	assert.Regexp(t, `^docker build --platform linux/amd64 --provenance=false --target production --tag `+ecrHost+`/parrot-backend:build-[0-9a-f]{16} .*/backend$`, asked[0])
	assert.Equal(t, "docker login --username AWS --password-stdin "+ecrHost, asked[1])
	assert.Regexp(t, `^docker push `+ecrHost+`/parrot-backend:build-[0-9a-f]{16}$`, asked[2])
	assert.Regexp(t, `^docker build .* --target runner --build-arg NEXT_PUBLIC_API_BASE_URL=`+regexp.QuoteMeta(environments()[0].Services()[1].Build.Arguments["NEXT_PUBLIC_API_BASE_URL"])+` --build-arg NEXT_PUBLIC_AUTH_ONLY_MODE=false --tag .*/client$`, asked[3])
	assert.Regexp(t, `^docker push `+ecrHost+`/parrot-frontend:build-[0-9a-f]{16}$`, asked[4])
	assert.Equal(t, []string{"npx cdk diff ParrotDev*", "npx cdk deploy --require-approval never ParrotDev*"}, asked[5:])

	dev := w.recorded()["dev"]
	assert.Regexp(t, `^\d{14}-`+backend+`$`, dev["backend"].Tag)
	assert.Regexp(t, `^\d{14}-`+frontend+`$`, dev["frontend"].Tag)
	for repository, image := range map[string]config.Image{"parrot-backend": dev["backend"], "parrot-frontend": dev["frontend"]} {
		require.NotEmpty(t, image.Digest)
		for _, tag := range []string{image.Tag, "latest", "released"} {
			assert.Equal(t, image.Digest, w.tagged(repository, tag), "%s:%s", repository, tag)
		}
	}
	_, err := config.LoadWith(w.environments, must(os.ReadFile("config/images.json")))
	assert.NoError(t, err, "the settings take what was recorded")
}

// A file of this machine, perhaps with secrets, must not get into an image.
func TestWhatGitIgnoresIsNotBuilt(t *testing.T) {
	w := newWorld(t)
	w.write(".gitignore", "node_modules\n.env\n")
	w.commit("Ignore")
	w.write("backend/.env", "DATABASE_URL=postgresql://hush\n") // docker's stub would fail
	w.succeeds("release", "dev", "--yes")
	assert.Equal(t, 1, count(strings.Split(w.git("worktree", "list", "--porcelain"), "\n"), "worktree"), "the checkouts are gone")
}

func TestReleaseOfOneServiceLeavesTheOther(t *testing.T) {
	w := newWorld(t)
	w.succeeds("release", "dev", "--yes")
	before := w.recorded()["dev"]
	w.write("backend/Dockerfile", "FROM scratch AS production\n# 2\n")
	w.commit("Another backend")
	w.asked()

	w.succeeds("release", "dev", "--yes", "--backend", "../backend")

	after := w.recorded()["dev"]
	assert.Equal(t, before["frontend"], after["frontend"])
	assert.NotEqual(t, before["backend"].Digest, after["backend"].Digest)
	assert.Equal(t, 1, count(w.asked(), "docker build"))
	assert.Len(t, w.images("parrot-backend"), 2, "the image before is kept")
}

// A colleague has released a front end since this checkout was pulled.
func TestReleaseOfOneServiceNeverTakesTheOtherBack(t *testing.T) {
	fakes.Slow(t)
	w := newWorld(t)
	w.succeeds("release", "dev", "--yes")
	old := w.recorded()["dev"]["frontend"]
	w.commit("Release dev")
	w.write("client/Dockerfile", "FROM scratch AS runner\n# 2\n")
	w.commit("Another front end")
	w.succeeds("release", "dev", "--yes", "--frontend", "../client")
	newer := w.recorded()["dev"]["frontend"]
	w.git("restore", "infra/config/images.json")
	w.write("backend/Dockerfile", "FROM scratch AS production\n# 2\n")
	w.commit("Another backend")
	w.asked()
	before := w.recorded()

	r := w.run("y\n", "release", "dev", "--backend", "../backend")
	assert.Equal(t, exitFailed, r.code)
	shows(t, r.stderr, "the deploy would change the frontend of dev, which is not being released",
		"records "+old.Tag+", and ECS runs "+newer.Tag, "git pull", "parrotctl rollback dev frontend --to "+newer.Tag)
	r = w.run("", "release", "dev", "--backend", "../backend", "--plan")
	assert.Zero(t, r.code, r.stderr)
	shows(t, r.stdout, "Note: this would be refused: the deploy would change the frontend of dev", "1. ")
	assert.Nil(t, w.asked())
	assert.Equal(t, before, w.recorded())

	w.succeeds("rollback", "dev", "frontend", "--to", newer.Tag, "--yes")
	w.succeeds("release", "dev", "--yes", "--backend", "../backend")
	assert.Equal(t, newer, w.recorded()["dev"]["frontend"])
}

func TestReleaseOfOneServiceDoesNotMindWhatRunsNothing(t *testing.T) {
	w := newWorld(t)
	w.succeeds("release", "dev", "--yes")
	w.rollsOut("parrot-dev-frontend", ecrHost+"/parrot-frontend:stopped", 0)
	w.succeeds("release", "dev", "--yes", "--backend", "../backend")
}

func TestAReleaseWhoseDeployFailsSaysWhatIsRecordedAndBothWaysOn(t *testing.T) {
	w := newWorld(t)
	t.Setenv(stubFail, "npx cdk deploy")
	r := w.run("", "release", "dev", "--yes")
	assert.Equal(t, exitFailed, r.code)
	shows(t, r.stderr, "failed:   Ask, and deploy",
		"config/images.json, and the tags latest and released in the registry, name these images for dev",
		"Run the same command again", "commit a correction and release that", "parrotctl rollback dev")
	assert.Equal(t, w.recorded()["dev"]["backend"].Digest, w.tagged("parrot-backend", "released"), "as the text says")
}

// Also where an earlier release is in no commit yet.
func TestANoPutsBackWhatWasRecorded(t *testing.T) {
	w := newWorld(t)
	w.succeeds("release", "dev", "--yes")
	before := w.recorded()["dev"]
	text := strings.ReplaceAll(string(must(os.ReadFile("config/images.json"))), "  ", "\t") // as somebody may have written it
	w.write("infra/config/images.json", text)
	backend := w.head("backend")
	w.write("backend/Dockerfile", "FROM scratch AS production\n# 2\n")
	w.git("add", "backend")
	w.git("commit", "--quiet", "--message", "Another backend")
	require.NotEqual(t, backend, w.head("backend"))

	r := w.run("n\n", "release", "dev")

	assert.Equal(t, exitDeclined, r.code, r.stderr)
	shows(t, r.stderr, "config/images.json is restored")
	assert.Equal(t, text, string(must(os.ReadFile("config/images.json"))))
	for _, tag := range []string{"latest", "released"} {
		assert.Equal(t, before["backend"].Digest, w.tagged("parrot-backend", tag), tag)
	}
	assert.Len(t, w.images("parrot-backend"), 2, "the new one is there for the next time")
}

func TestReleaseBuildsNothingForSomebodyElsesCommit(t *testing.T) {
	w := newWorld(t)
	w.succeeds("release", "dev", "--yes")
	released := w.recorded()
	w.asked()
	w.commit("Release dev")
	w.write("client/README.md", "A front end\n")
	w.commit("A README")

	r := w.succeeds("release", "dev", "--yes")

	assert.Equal(t, 1, count(w.asked(), "docker build"))
	assert.Equal(t, released["dev"]["backend"], w.recorded()["dev"]["backend"])
	assert.Contains(t, r.stderr, "is pushed already")
}

// A fault anywhere leaves images.json as it was or as it is to be, and the same
// command finishes the work.
func TestReleaseGoesOnAfterAFaultAnywhere(t *testing.T) {
	fakes.Slow(t)
	everyFault(t, []string{
		"docker build --platform linux/amd64 --provenance=false --target production",
		"docker build --platform linux/amd64 --provenance=false --target runner",
		"docker login",
		"docker push " + ecrHost + "/parrot-backend",
		"docker push " + ecrHost + "/parrot-frontend",
		"npx cdk diff",
		"npx cdk deploy",
	}, func(*world) {}, "release", "dev", "--yes")
}

// everyFault runs a command with one of its programs or one of its calls to AWS
// failing, and again without.
func everyFault(t *testing.T, programs []string, prepare func(*world), args ...string) {
	start := func(t *testing.T) (w *world, images map[string]config.Release, builds int) {
		w = newWorld(t)
		prepare(w)
		w.asked()
		w.faults.failAt(0)
		return w, w.recorded(), w.builds()
	}
	w, _, _ := start(t)
	w.succeeds(args...)
	calls, want, builds := w.faults.calls, w.recorded(), count(w.asked(), "docker build")
	require.Greater(t, calls, 10, "calls to AWS")
	require.Positive(t, builds)

	// finishes checks what a fault left, and that the next run finishes the work.
	finishes := func(t *testing.T, w *world, before map[string]config.Release, there int, broken result) {
		require.Equal(t, exitFailed, broken.code, broken.stderr)
		if left := withoutTimes(w.recorded()); left != withoutTimes(before) {
			assert.Equal(t, withoutTimes(want), left, "images.json is neither old nor new")
		}
		pushed := w.builds() - there
		if w.asked() == nil && pushed == 0 {
			return // nothing was done, and the next run is a first one
		}
		w.faults.failAt(0)
		t.Setenv(stubFail, "")
		w.succeeds(args...)
		assert.Equal(t, withoutTimes(want), withoutTimes(w.recorded()))
		assert.Equal(t, builds-pushed, count(w.asked(), "docker build"), "builds, when %d are pushed", pushed)
	}
	for i := 0; i < len(programs); i += fakes.Every(3) {
		program := programs[i]
		t.Run(program, func(t *testing.T) {
			w, before, there := start(t)
			t.Setenv(stubFail, program)
			broken := w.run("", args...)
			shows(t, broken.stderr, " fails\n", "Error: ", "\n  failed: ", "Run the same command again")
			finishes(t, w, before, there, broken)
		})
	}
	for call := 1; call <= calls; call += fakes.Every(12) {
		t.Run("AWS", func(t *testing.T) {
			w, before, there := start(t)
			w.faults.failAt(call)
			broken := w.run("", args...)
			assert.Contains(t, broken.stderr, "Error: ")
			finishes(t, w, before, there, broken)
		})
	}
}

// withoutTimes returns a record without the times in its tags.
func withoutTimes(releases map[string]config.Release) string {
	for _, release := range releases {
		for service, image := range release {
			if _, commit, found := strings.Cut(image.Tag, "-"); found {
				image.Tag = commit
				release[service] = image
			}
		}
	}
	return string(must(json.Marshal(releases)))
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// Who builds as the page says before the first release, builds what a release does.
func TestTheProductsPageBuildsAsAReleaseDoes(t *testing.T) {
	page := strings.ReplaceAll(string(must(os.ReadFile(productPage))), "\\\n ", "")
	plan := newWorld(t).succeeds("release", "dev", "--plan").stdout
	builds := regexp.MustCompile(`docker build .* --target \S+`).FindAllString(plan, -1)
	services := environments()[0].Services()
	require.Len(t, builds, len(services))
	for i, service := range services {
		assert.Regexp(t, regexp.QuoteMeta(builds[i])+` .*`+regexp.QuoteMeta(service.Build.Directory)+`\n`, page)
	}
}
