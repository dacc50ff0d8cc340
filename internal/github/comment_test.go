package github_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot/internal/github"
)

const bot = "github-actions[bot]"

type comment struct {
	ID   int    `json:"id"`
	Body string `json:"body"`
	URL  string `json:"html_url"`
	User struct {
		Login string `json:"login"`
	} `json:"user"`
}

// gitHub plays GitHub's REST API for pull request 7 of acme/parrot. It shows two
// comments a page, however many are asked for.
type gitHub struct {
	t        *testing.T
	url      string
	comments []*comment
	writes   int
	refuse   func(w http.ResponseWriter, r *http.Request) bool
}

func newGitHub(t *testing.T) (*gitHub, github.PullRequest) {
	g := &gitHub{t: t}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /repos/acme/parrot/issues/7/comments", g.list)
	mux.HandleFunc("POST /repos/acme/parrot/issues/7/comments", g.create)
	mux.HandleFunc("PATCH /repos/acme/parrot/issues/comments/{id}", g.edit)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "Bearer secret", r.Header.Get("Authorization"))
		if g.refuse == nil || !g.refuse(w, r) {
			mux.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	g.url = server.URL
	return g, github.PullRequest{API: server.URL, Token: "secret", Owner: "acme", Name: "parrot", Number: 7, Author: bot}
}

func (g *gitHub) add(author, body string) *comment {
	c := &comment{ID: 100 + len(g.comments), Body: body}
	c.URL = fmt.Sprintf("https://github.com/acme/parrot/pull/7#issuecomment-%d", c.ID)
	c.User.Login = author
	g.comments = append(g.comments, c)
	return c
}

func (g *gitHub) list(w http.ResponseWriter, r *http.Request) {
	page := 1
	if text := r.FormValue("page"); text != "" {
		page, _ = strconv.Atoi(text)
	}
	from := min(2*(page-1), len(g.comments))
	to := min(from+2, len(g.comments))
	if to < len(g.comments) {
		w.Header().Set("Link", fmt.Sprintf(`<%s%s?page=%d>; rel="next"`, g.url, r.URL.Path, page+1))
	}
	assert.NoError(g.t, json.NewEncoder(w).Encode(g.comments[from:to]))
}

func (g *gitHub) create(w http.ResponseWriter, r *http.Request) {
	var sent comment
	assert.NoError(g.t, json.NewDecoder(r.Body).Decode(&sent))
	if utf8.RuneCountInString(sent.Body) > 65536 {
		w.WriteHeader(http.StatusUnprocessableEntity)
		return
	}
	g.writes++
	w.WriteHeader(http.StatusCreated)
	assert.NoError(g.t, json.NewEncoder(w).Encode(g.add(bot, sent.Body)))
}

func (g *gitHub) edit(w http.ResponseWriter, r *http.Request) {
	for _, c := range g.comments {
		if strconv.Itoa(c.ID) == r.PathValue("id") {
			var sent comment
			assert.NoError(g.t, json.NewDecoder(r.Body).Decode(&sent))
			g.writes++
			c.Body = sent.Body
			assert.NoError(g.t, json.NewEncoder(w).Encode(c))
			return
		}
	}
	w.WriteHeader(http.StatusNotFound)
}

func TestAFirstReportIsANewComment(t *testing.T) {
	t.Parallel()
	g, pull := newGitHub(t)
	g.add("somebody", "Looks good")
	address, err := pull.Comment(t.Context(), "# Report\n")
	require.NoError(t, err)
	require.Len(t, g.comments, 2)
	assert.Equal(t, "<!-- parrot-review -->\n# Report\n", g.comments[1].Body)
	assert.Equal(t, g.comments[1].URL, address)
}

func TestALaterReportEditsTheCommentWhereverItStands(t *testing.T) {
	t.Parallel()
	g, pull := newGitHub(t)
	for range 4 {
		g.add("somebody", "Looks good")
	}
	_, err := pull.Comment(t.Context(), "first")
	require.NoError(t, err)
	g.add("somebody", "Thank you")
	address, err := pull.Comment(t.Context(), "second")
	require.NoError(t, err)
	require.Len(t, g.comments, 6, "there is one report, on the third page")
	assert.Contains(t, g.comments[4].Body, "second")
	assert.Equal(t, g.comments[4].URL, address)
	assert.Equal(t, 2, g.writes)
}

func TestSomebodyElsesCommentIsNeverEdited(t *testing.T) {
	t.Parallel()
	g, pull := newGitHub(t)
	g.add("mallory", "<!-- parrot-review -->\nAll is well")
	g.add(bot, "Another workflow says: <!-- parrot-review -->")
	_, err := pull.Comment(t.Context(), "report")
	require.NoError(t, err)
	require.Len(t, g.comments, 3)
	assert.Contains(t, g.comments[0].Body, "All is well")
	assert.Contains(t, g.comments[1].Body, "Another workflow")
}

func TestALongReportIsCutAfterALineAndSaysSo(t *testing.T) {
	t.Parallel()
	for name, report := range map[string]string{
		"many lines": strings.Repeat("→ a line of a report\n", 5000),
		"one line":   strings.Repeat("→", 70000),
	} {
		t.Run(name, func(t *testing.T) {
			g, pull := newGitHub(t)
			_, err := pull.Comment(t.Context(), report)
			require.NoError(t, err)
			body := g.comments[0].Body
			assert.LessOrEqual(t, len(body), github.LongestComment)
			assert.Greater(t, len(body), github.LongestComment-100, "no more is cut than has to be")
			assert.True(t, utf8.ValidString(body))
			assert.NotContains(t, body, "�")
			assert.Contains(t, body[:200], "This report is cut")
		})
	}
	g, pull := newGitHub(t)
	longest := strings.Repeat("x", github.LongestComment-len("<!-- parrot-review -->\n"))
	_, err := pull.Comment(t.Context(), longest)
	require.NoError(t, err)
	assert.Equal(t, "<!-- parrot-review -->\n"+longest, g.comments[0].Body, "what fits is not cut")
}

func TestATokenThatOnlyReadsIsItsOwnError(t *testing.T) {
	t.Parallel()
	g, pull := newGitHub(t)
	g.refuse = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet {
			return false
		}
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`{"message": "Resource not accessible by integration"}`))
		return true
	}
	_, err := pull.Comment(t.Context(), "report")
	require.ErrorIs(t, err, github.ErrReadOnly)
	assert.ErrorContains(t, err, "Resource not accessible by integration")
}

func TestARateLimitIsNotTakenForAMissingPermission(t *testing.T) {
	t.Parallel()
	g, pull := newGitHub(t)
	g.refuse = func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("X-RateLimit-Limit", "1000")
		w.Header().Set("X-RateLimit-Remaining", "0")
		w.Header().Set("X-RateLimit-Reset", "4102444800")
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`{"message": "API rate limit exceeded"}`))
		return true
	}
	_, err := pull.Comment(t.Context(), "report")
	require.ErrorContains(t, err, "rate limit")
	assert.NotErrorIs(t, err, github.ErrReadOnly)
}

func TestAPullRequestThatIsNotThereIsAnError(t *testing.T) {
	t.Parallel()
	_, pull := newGitHub(t)
	pull.Number = 8
	_, err := pull.Comment(t.Context(), "report")
	assert.ErrorContains(t, err, "404")
}
