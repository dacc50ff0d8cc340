package github_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"parrot/internal/documents"
)

// workflow is what the tests read of a file in .github/workflows.
type workflow struct {
	On          map[string]any    `yaml:"on"`
	Permissions map[string]string `yaml:"permissions"`
	Jobs        map[string]struct {
		If          string            `yaml:"if"`
		Permissions map[string]string `yaml:"permissions"`
		Timeout     int               `yaml:"timeout-minutes"`
		Steps       []struct {
			Uses string         `yaml:"uses"`
			Run  string         `yaml:"run"`
			With map[string]any `yaml:"with"`
		} `yaml:"steps"`
	} `yaml:"jobs"`
}

func workflows(t *testing.T) map[string]workflow {
	t.Helper()
	all := map[string]workflow{}
	for _, file := range documents.Files(t, ".github/workflows/*") {
		var w workflow
		require.NoError(t, yaml.Unmarshal([]byte(documents.Read(t, file)), &w), file)
		all[file] = w
	}
	return all
}

func TestActionsArePinnedByCommitWithTheirVersion(t *testing.T) {
	t.Parallel()
	commits := map[string]string{}
	for file := range workflows(t) {
		for _, found := range documents.Mentions(t, `(?m)^.*\buses:.*$`, documents.Read(t, file)) {
			line := found[0]
			pin := regexp.MustCompile(`uses: ([\w./-]+)@([0-9a-f]{40}) # v\d+\.\d+\.\d+$`).FindStringSubmatch(line)
			if assert.NotNil(t, pin, "%s: %s", file, line) {
				if earlier, ok := commits[pin[1]]; ok {
					assert.Equal(t, earlier, pin[2], "%s: %s is another commit elsewhere", file, pin[1])
				}
				commits[pin[1]] = pin[2]
			}
		}
	}
}

func TestNoForksCodeRunsWithTheRepositorysRights(t *testing.T) {
	t.Parallel()
	for file, w := range workflows(t) {
		require.NotEmpty(t, w.On, file)
		assert.NotContains(t, w.On, "pull_request_target", file)
		assert.NotContains(t, w.On, "workflow_run", file)
	}
}

func TestJobsHaveOnlyTheRightsThatTheyUse(t *testing.T) {
	t.Parallel()
	for file, w := range workflows(t) {
		assert.Empty(t, w.Permissions, file)
		assert.NotNil(t, w.Permissions, "%s: without permissions: {} GitHub gives its default", file)
		for name, job := range w.Jobs {
			needed := map[string]string{"contents": "read"}
			for _, step := range job.Steps {
				if strings.Contains(step.Run, "parrotctl\" comment") {
					needed["pull-requests"] = "write"
				}
				if strings.HasPrefix(step.Uses, "aws-actions/configure-aws-credentials@") {
					needed["id-token"] = "write"
					assert.Contains(t, job.If, "vars.AWS_ROLE_ARN != ''", "%s: %s is skipped without a role", file, name)
					if _, ok := w.On["pull_request"]; ok {
						assert.Contains(t, job.If, "github.event.pull_request.head.repo.full_name == github.repository", "%s: %s is skipped for forks", file,
							name)
					}
				}
				if strings.HasPrefix(step.Uses, "actions/checkout@") {
					assert.Equal(t, false, step.With["persist-credentials"], "%s: %s leaves no token in the checkout", file, name)
				}
				assert.NotContains(t, step.Run, "${{", "%s: %s takes values from env, where none can be a command", file, name)
			}
			assert.Equal(t, needed, job.Permissions, "%s: %s", file, name)
			assert.Positive(t, job.Timeout, "%s: %s has a timeout", file, name)
		}
	}
}

func TestCIRunsWhatAContributorRuns(t *testing.T) {
	t.Parallel()
	ci := workflows(t)[".github/workflows/ci.yml"]
	assert.Contains(t, ci.On, "pull_request")
	steps := ci.Jobs["checks"].Steps
	assert.Equal(t, "bash .ci/run", steps[len(steps)-1].Run)
	assert.Contains(t, documents.Read(t, "CONTRIBUTING.md"), "`bash .ci/run`")
}
