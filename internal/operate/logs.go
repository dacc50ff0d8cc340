package operate

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"parrot/internal/terminal"
)

// How a log is followed: CloudWatch shows an event some seconds after it was
// written, and not in the order of time, so that each look goes back a while.
const (
	logsInterval = 2 * time.Second
	logsOverlap  = 30 * time.Second
	// logsReach is how far back a look goes at most. Without it, a filter without
	// matches would read everything again and again. It allows for clocks that differ.
	logsReach = 5 * time.Minute
)

// Logs is a request for a service's log.
type Logs struct {
	Service string
	// Since is the first event's time.
	Since time.Time
	// Filter is a filter pattern of CloudWatch; empty is everything.
	Filter string
	// Follow continues until the context ends.
	Follow bool
}

// Logs writes a service's log, a line for each event. Following ends with the
// context, which is no error.
func (e *Environment) Logs(ctx context.Context, w io.Writer, ask Logs) error {
	outputs, err := e.Outputs(ctx)
	if err != nil {
		return err
	}
	group := outputs.Of(ask.Service).LogGroup
	start := ask.Since
	// Events that the next look may see again.
	seen := map[string]time.Time{}
	for {
		began := e.Clock()
		newest, err := e.look(ctx, w, group, ask.Filter, start, seen)
		switch {
		case ask.Follow && ctx.Err() != nil:
			return nil
		case err != nil:
			return fmt.Errorf("log group %s cannot be read: %w", group, err)
		case !ask.Follow:
			return nil
		}
		for _, again := range []time.Time{newest.Add(-logsOverlap), began.Add(-logsReach)} {
			if again.After(start) {
				start = again
			}
		}
		for id, at := range seen {
			if at.Before(start) {
				delete(seen, id)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(e.logsInterval):
		}
	}
}

// look writes the events since a time that were not seen, and returns the time
// of the newest.
func (e *Environment) look(ctx context.Context, w io.Writer, group, filter string, since time.Time,
	seen map[string]time.Time) (newest time.Time, err error) {
	input := &cloudwatchlogs.FilterLogEventsInput{LogGroupName: &group, StartTime: aws.Int64(since.UnixMilli())}
	if filter != "" {
		input.FilterPattern = &filter
	}
	newest = since
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(e.logs, input)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return newest, err
		}
		for _, event := range page.Events {
			at, id := time.UnixMilli(aws.ToInt64(event.Timestamp)), aws.ToString(event.EventId)
			if at.After(newest) {
				newest = at
			}
			if _, again := seen[id]; again {
				continue
			}
			seen[id] = at
			if _, err := fmt.Fprintf(w, "%s %s %s\n", at.UTC().Format("2006-01-02T15:04:05.000Z"), stream(aws.ToString(event.LogStreamName)),
				message(aws.ToString(event.Message))); err != nil {
				return newest, err
			}
		}
	}
	return newest, nil
}

// stream returns a log stream's name, prefix/container/task, with as much of the task's
// id as distinguishes tasks.
func stream(name string) string {
	at := strings.LastIndex(name, "/") + 1
	return terminal.Printable(name[:at] + name[at:min(len(name), at+8)])
}

// message returns an event's message. Its lines after the first are indented, so that
// none of them looks like an event of its own.
func message(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\r\n"), "\n")
	for i, line := range lines {
		lines[i] = terminal.Printable(strings.TrimSuffix(line, "\r"))
	}
	return strings.Join(lines, "\n    ")
}
