// Package smoke asks a deployed environment whether it answers, from outside as
// a browser would.
package smoke

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"parrot/config"
)

// Page is an address of a service that has to answer.
type Page struct {
	Service, URL string
	// Released says whether the service has an image. Without one it runs no
	// task, and the load balancer answers 503 for it.
	Released bool
}

// Pages returns the addresses of an environment: the health check of each service
// behind the load balancer.
func Pages(env config.Environment) []Page {
	var pages []Page
	for _, w := range env.Services() {
		if w.Web != nil {
			pages = append(pages, Page{w.Title, "https://" + env.Domain + w.Web.HealthCheck.Path, w.Image.Released()})
		}
	}
	return pages
}

// Test is how pages are asked for.
type Test struct {
	// Timeout is how long all pages together may take to answer 200.
	Timeout time.Duration
	// Interval is the time between two tries of a page.
	Interval time.Duration
	// Transport carries the requests; nil is Go's own.
	Transport http.RoundTripper
	// Log gets a line for each thing that happens.
	Log io.Writer
}

// answerTimeout is how long one try may take.
const answerTimeout = 10 * time.Second

// Run asks for each page until it answers 200. What is not released is skipped.
// The error names every page that did not answer in time, and its last answer.
func (t Test) Run(ctx context.Context, pages []Page) error {
	deadline, cancel := context.WithTimeout(ctx, t.Timeout)
	defer cancel()
	var errs []error
	for _, page := range pages {
		if !page.Released {
			fmt.Fprintf(t.Log, "skipped: %s, because no image of the %s is released\n", page.URL, page.Service)
			continue
		}
		if err := t.await(ctx, deadline, page); err != nil {
			errs = append(errs, err)
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return errors.Join(errs...)
}

// await asks for a page at least once, and again until it answers or time is up.
func (t Test) await(ctx, deadline context.Context, page Page) error {
	for try := 1; ; try++ {
		err := t.get(ctx, page.URL)
		if err == nil {
			fmt.Fprintf(t.Log, "ok: %s\n", page.URL)
			return nil
		}
		select {
		case <-deadline.Done():
			return fmt.Errorf("%s does not answer 200 within %s, after %d tries: %w", page.URL, t.Timeout, try, err)
		case <-time.After(t.Interval):
		}
		fmt.Fprintf(t.Log, "waiting: %s: %v\n", page.URL, err)
	}
}

// get asks for an address once. A redirect is followed on the same host alone:
// another host's page says nothing about this one.
func (t Test) get(ctx context.Context, url string) error {
	client := http.Client{Timeout: answerTimeout, Transport: t.Transport}
	client.CheckRedirect = func(next *http.Request, via []*http.Request) error {
		first := via[0].URL
		if next.URL.Host != first.Host || next.URL.Scheme != first.Scheme || len(via) > 5 {
			return http.ErrUseLastResponse
		}
		return nil
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }() // nothing of it is read
	switch location := response.Header.Get("Location"); {
	case response.StatusCode == http.StatusOK:
		return nil
	case location != "":
		return fmt.Errorf("it answers %s to %s, which is another host or a circle", response.Status, location)
	default:
		return fmt.Errorf("it answers %s", response.Status)
	}
}
