// Package github keeps one comment on a pull request.
//
// It is built on go-github rather than on net/http: pages, refused calls and
// rate limits come in several shapes, and a wrong guess is a second comment.
package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/go-github/v84/github"
)

// LongestComment is GitHub's limit, in characters. Texts are measured in bytes
// here, which are never fewer.
const LongestComment = 65536

const (
	// marker is how the comment is found again. Nobody sees it.
	marker = "<!-- parrot-review -->\n"
	cut    = "> This report is cut: GitHub allows a comment of 65536 characters. The summary of the check has all of it.\n\n"
)

// ErrReadOnly says that the token may not write comments, as that of a pull
// request from a fork.
var ErrReadOnly = errors.New("the token may not write comments on pull requests")

// PullRequest is where the comment is.
type PullRequest struct {
	// API is the address of GitHub's REST API, https://api.github.com but for
	// GitHub Enterprise Server.
	API string
	// Token signs in.
	Token string
	// Owner and Name are the repository's.
	Owner, Name string
	Number      int
	// Author is who the token writes as. Somebody else's comment is never
	// edited: its author could change it afterwards.
	Author string
}

// Comment edits the comment to say report, or makes it, and returns its
// address. A report that is too long is cut.
func (p PullRequest) Comment(ctx context.Context, report string) (string, error) {
	base, err := url.Parse(strings.TrimSuffix(p.API, "/") + "/")
	if err != nil {
		return "", fmt.Errorf("GitHub's API address is wrong: %w", err)
	}
	client := github.NewClient(nil).WithAuthToken(p.Token)
	client.BaseURL = base

	earlier, err := p.find(ctx, client)
	if err != nil {
		return "", fmt.Errorf("the comments cannot be read: %w", err)
	}
	comment := &github.IssueComment{Body: github.Ptr(body(report))}
	if earlier != 0 {
		comment, _, err = client.Issues.EditComment(ctx, p.Owner, p.Name, earlier, comment)
	} else {
		comment, _, err = client.Issues.CreateComment(ctx, p.Owner, p.Name, p.Number, comment)
	}
	var refused *github.ErrorResponse // rate limits have types of their own
	if errors.As(err, &refused) && refused.Response.StatusCode == http.StatusForbidden {
		return "", fmt.Errorf("%w: %s", ErrReadOnly, refused.Message)
	}
	if err != nil {
		return "", fmt.Errorf("the comment cannot be written: %w", err)
	}
	return comment.GetHTMLURL(), nil
}

// find returns the id of the comment that an earlier run made, or 0.
func (p PullRequest) find(ctx context.Context, client *github.Client) (int64, error) {
	options := &github.IssueListCommentsOptions{ListOptions: github.ListOptions{PerPage: 100}}
	for {
		comments, response, err := client.Issues.ListComments(ctx, p.Owner, p.Name, p.Number, options)
		if err != nil {
			return 0, err
		}
		for _, comment := range comments {
			if comment.GetUser().GetLogin() == p.Author && strings.HasPrefix(comment.GetBody(), strings.TrimSpace(marker)) {
				return comment.GetID(), nil
			}
		}
		if response.NextPage == 0 {
			return 0, nil
		}
		options.Page = response.NextPage
	}
}

// body returns the report with the marker, cut after a line. That it is cut is said
// first, because the cut may be inside of a block that hides what follows.
func body(report string) string {
	if len(marker+report) <= LongestComment {
		return marker + report
	}
	report = report[:LongestComment-len(marker+cut)]
	if end := strings.LastIndexByte(report, '\n'); end > 0 {
		report = report[:end+1]
	}
	return marker + cut + strings.ToValidUTF8(report, "") // a line that is all there is may be cut inside a character
}
