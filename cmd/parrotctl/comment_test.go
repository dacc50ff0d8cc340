package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// comment runs parrotctl comment on a pull request whose comments cannot be
// written with this answer to a POST.
func comment(t *testing.T, answer int, token string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "Bearer "+strings.TrimSpace(token), r.Header.Get("Authorization"))
		if r.Method == http.MethodGet {
			_, _ = w.Write([]byte("[]"))
			return
		}
		w.WriteHeader(answer)
		_, _ = w.Write([]byte(`{"html_url": "https://github.com/acme/parrot/pull/7#issuecomment-1", "message": "Resource not accessible by integration"}`))
	}))
	defer server.Close()
	report := filepath.Join(t.TempDir(), "review.md")
	require.NoError(t, os.WriteFile(report, []byte("# Review\n"), 0o600))
	var out, errs strings.Builder
	p := &app{stdin: strings.NewReader(token), stdout: &out, stderr: &errs}
	code = p.run(t.Context(), append([]string{"comment", report, "--api", server.URL}, args...))
	return code, out.String(), errs.String()
}

func TestCommentPrintsWhereTheReportStands(t *testing.T) {
	t.Parallel()
	code, stdout, _ := comment(t, http.StatusCreated, "secret\n", "--repository", "acme/parrot", "--pull-request", "7")
	assert.Zero(t, code)
	assert.Equal(t, "https://github.com/acme/parrot/pull/7#issuecomment-1\n", stdout)
}

func TestCommentOnAForksPullRequestIsNoFailure(t *testing.T) {
	t.Parallel()
	code, stdout, stderr := comment(t, http.StatusForbidden, "secret", "--repository", "acme/parrot", "--pull-request", "7")
	assert.Zero(t, code)
	assert.Empty(t, stdout)
	assert.Contains(t, stderr, "No comment is written, because the token may not write")
}

func TestCommentFailsWhenGitHubDoes(t *testing.T) {
	t.Parallel()
	code, _, stderr := comment(t, http.StatusUnprocessableEntity, "secret", "--repository", "acme/parrot", "--pull-request", "7")
	assert.Equal(t, exitFailed, code)
	assert.Contains(t, stderr, "no comment is written")
}

func TestCommentSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"want OWNER/NAME":                {"--repository", "parrot", "--pull-request", "7"},
		"want the pull request's number": {"--repository", "acme/parrot"},
		"no token":                       {"--repository", "acme/parrot", "--pull-request", "7"},
	} {
		code, _, stderr := comment(t, http.StatusCreated, "", args...)
		assert.Equal(t, exitUsage, code)
		assert.Contains(t, stderr, want)
	}
}
