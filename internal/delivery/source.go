package delivery

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"parrot/config"
	"parrot/internal/program"
)

// platform is what the tasks run on. It is named because a laptop's own may be
// another one.
const platform = "linux/amd64"

// releaseTag is the form of the tags that Parrot gives: when, and which commit.
var releaseTag = regexp.MustCompile(`^\d{14}-([0-9a-f]{7,40})$`)

func newReleaseTag(now time.Time, commit string) string {
	return now.UTC().Format("20060102150405") + "-" + commit
}

// source is a service's code at a commit.
type source struct {
	dir    string // with the Dockerfile
	commit string
}

// committed is the source in a directory, all of which has to be committed: the
// image's tag says which commit changed it last.
func committed(ctx context.Context, s service, dir string) (source, error) {
	if _, err := os.Stat(filepath.Join(dir, "Dockerfile")); err != nil {
		return source{}, fmt.Errorf("the %s cannot be built: %w; name the directory of its Dockerfile with --%s", s.name, err, s.name)
	}
	// The last commit that changed the directory: a service is not built again
	// because of somebody else's commit.
	commit, err := program.Git(dir, "log", "--no-show-signature", "--max-count=1", "--format=%h", "--abbrev=12", "--", ".").Output(ctx)
	if err != nil {
		return source{}, fmt.Errorf("the %s's commit is unknown: %w; its image is named after a commit", s.name, err)
	}
	changes, err := program.Git(dir, "status", "--porcelain", "--untracked-files=normal", "--", ".").Output(ctx)
	if err != nil {
		return source{}, err
	}
	if changes != "" || commit == "" {
		return source{}, fmt.Errorf("the %s has changes that are not committed, and its image is named after a commit: commit or stash them\n%s",
			s.name, changes)
	}
	return source{dir: dir, commit: commit}, nil
}

// earlier is the source in a directory as it was at a commit.
func earlier(ctx context.Context, s service, dir, commit string) (source, error) {
	if _, err := program.Git(dir, "cat-file", "-e", commit+"^{commit}").Output(ctx); err != nil {
		return source{}, fmt.Errorf("commit %s of the %s is not in %s: %w; fetch it, or name the directory with --%s", commit, s.name, dir, err,
			s.name)
	}
	return source{dir: dir, commit: commit}, nil
}

// buildTag returns a tag that says what an image was made of: two builds with the
// same one are the same build. It is how a release finds what is pushed already,
// and how a promotion knows whether an image fits.
func (s service) buildTag(commit string) string {
	text := strings.Join([]string{s.name, s.target, platform, commit}, "\n")
	for _, name := range slices.Sorted(maps.Keys(s.arguments)) {
		text += "\n" + name + "=" + s.arguments[name]
	}
	sum := sha256.Sum256([]byte(text))
	return "build-" + hex.EncodeToString(sum[:8])
}

// build returns the command that builds the service's image. An attestation or a
// second platform would make one push several images in ECR.
func (s service) build(dir, reference string) program.Command {
	args := []string{"docker", "build", "--platform", platform, "--provenance=false", "--target", s.target}
	for _, name := range slices.Sorted(maps.Keys(s.arguments)) {
		args = append(args, "--build-arg", name+"="+s.arguments[name])
	}
	return program.Command{Args: append(args, "--tag", reference, dir)}
}

// commitOf is the commit in an image's tag.
func commitOf(image config.Image) (string, error) {
	found := releaseTag.FindStringSubmatch(image.Tag)
	if found == nil {
		return "", fmt.Errorf("tag %q names no commit: want YYYYMMDDHHMMSS-commit, as parrotctl release makes", image.Tag)
	}
	return found[1], nil
}
