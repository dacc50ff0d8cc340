package stacks_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot/config"
	"parrot/internal/documents"
	. "parrot/internal/synthtest"
)

// parrotctl's test of what expires reads the policy from a file.
func TestRepositoriesHaveTheLifecyclePolicyThatReleasesAreTestedWith(t *testing.T) {
	for _, env := range Fixtures() {
		for _, repository := range Resources(t, StackOf(t, Direct(t), env, "Registry"), "AWS::ECR::Repository") {
			var policy bytes.Buffer
			require.NoError(t, json.Indent(&policy, []byte(repository.Text("LifecyclePolicy", "LifecyclePolicyText")), "", "  "))
			policy.WriteByte('\n')
			documents.Golden(t, "stacks/testdata/lifecycle_policy.json", policy.String())
		}
	}
}

// A rule of another prefix than parrotctl's tags would keep nothing.
func TestTheRepositoriesKeepTheTagsThatReleasesWrite(t *testing.T) {
	t.Parallel()
	for _, env := range Fixtures() {
		for _, repository := range Resources(t, StackOf(t, Direct(t), env, "Registry"), "AWS::ECR::Repository") {
			var policy struct {
				Rules []struct {
					Selection struct{ TagPrefixList []string }
				}
			}
			require.NoError(t, json.Unmarshal([]byte(repository.Text("LifecyclePolicy", "LifecyclePolicyText")), &policy))
			var prefixes []string
			for _, rule := range policy.Rules {
				prefixes = append(prefixes, rule.Selection.TagPrefixList...)
			}
			require.Equal(t, []string{config.ReleasedTag}, prefixes)
			assert.True(t, strings.HasPrefix(config.RunningTag, config.ReleasedTag))
		}
	}
}
