package operate

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot/internal/fakes/cloud"
)

// paper is what a log is written on, and can be read meanwhile.
type paper struct {
	lock sync.Mutex
	text strings.Builder
}

func (p *paper) Write(b []byte) (int, error) {
	p.lock.Lock()
	defer p.lock.Unlock()
	return p.text.Write(b)
}

func (p *paper) String() string {
	p.lock.Lock()
	defer p.lock.Unlock()
	return p.text.String()
}

func TestALogIsShownFromItsFirstPageToItsLast(t *testing.T) {
	w, e := deployed(t)
	start := cloud.Deployed
	w.Log("backend", "0", start.Add(-time.Second), "too early")
	for i, text := range []string{"one", "two", "three", "four", "five"} {
		w.Log("backend", text, start.Add(time.Duration(i)*time.Second), text+"\n")
	}
	w.Log("frontend", "f", start, "another service's")
	var out paper
	require.NoError(t, e.Logs(t.Context(), &out, Logs{Service: "backend", Since: start, Filter: "?ERROR"}))
	assert.Equal(t, `2026-01-02T03:04:05.000Z backend/backend/01234567 one
2026-01-02T03:04:06.000Z backend/backend/01234567 two
2026-01-02T03:04:07.000Z backend/backend/01234567 three
2026-01-02T03:04:08.000Z backend/backend/01234567 four
2026-01-02T03:04:09.000Z backend/backend/01234567 five
`, out.String())
	assert.Equal(t, []string{"?ERROR", "?ERROR", "?ERROR"}, w.Filters, "on every page")
}

func TestAFollowedLogHasEachEventOnceThoseThatComeLateToo(t *testing.T) {
	w, e := deployed(t)
	e.logsInterval = 5 * time.Millisecond
	start := cloud.Deployed
	e.Clock = func() time.Time { return start.Add(time.Minute) }
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var out paper
	ended := make(chan error)
	go func() { ended <- e.Logs(ctx, &out, Logs{Service: "backend", Since: start, Follow: true}) }()
	shown := func(text string) {
		t.Helper()
		require.Eventually(t, func() bool { return strings.Contains(out.String(), text) }, 10*time.Second, 5*time.Millisecond, text)
	}
	w.Log("backend", "1", start.Add(time.Minute), "first")
	shown("first")
	w.Log("backend", "2", start.Add(time.Minute), "same time")
	shown("same time")
	w.Log("backend", "3", start.Add(time.Minute-20*time.Second), "late")
	shown("late")
	w.Log("backend", "4", start.Add(time.Hour), "much later")
	shown("much later")
	w.Log("backend", "5", start.Add(time.Hour+time.Second), "last")
	shown("last")
	time.Sleep(50 * time.Millisecond)
	stop()
	require.NoError(t, <-ended, "Ctrl-C is its normal end")
	for _, text := range []string{"first", "same time", "late", "much later", "last"} {
		assert.Equal(t, 1, strings.Count(out.String(), " "+text+"\n"), text)
	}
}

// Or CloudWatch would search a whole day every two seconds.
func TestAFollowedLogThatNothingFitsIsNotReadFromTheBeginningAgain(t *testing.T) {
	w, e := deployed(t)
	e.logsInterval = time.Millisecond
	start := cloud.Deployed
	e.Clock = func() time.Time { return start.Add(24 * time.Hour) }
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error)
	go func() {
		ended <- e.Logs(ctx, &paper{}, Logs{Service: "backend", Since: start, Filter: "nothing", Follow: true})
	}()
	require.Eventually(t, func() bool { return len(w.Searched()) > 2 }, 10*time.Second, time.Millisecond)
	stop()
	require.NoError(t, <-ended)
	assert.Equal(t, start, w.Searched()[0])
	assert.Equal(t, start.Add(24*time.Hour-logsReach), w.Searched()[1])
}

func TestNoLogPlaysWithTheTerminal(t *testing.T) {
	w, e := deployed(t)
	w.Log("backend", "1", cloud.Deployed, "\x1b[2J\x1b]0;title\x07red\rover\u009b31m\u202eback\tÜmläut 木 é\nsecond \x1b line\r\n")
	var out paper
	require.NoError(t, e.Logs(t.Context(), &out, Logs{Service: "backend", Since: cloud.Deployed}))
	assert.Equal(t, `2026-01-02T03:04:05.000Z backend/backend/01234567 \x1b[2J\x1b]0;title\ared\rover\u009b31m\u202eback`+"\tÜmläut 木 é\n"+`    second \x1b line`+"\n", out.String())
}

func TestALogThatCannotBeReadSaysWhy(t *testing.T) {
	w, e := deployed(t)
	w.Denied["FilterLogEvents"] = true
	err := e.Logs(t.Context(), &paper{}, Logs{Service: "backend", Follow: true})
	require.ErrorContains(t, err, "log group /aws/ecs/parrot-dev-backend cannot be read")
	require.ErrorContains(t, err, "you may not logs:FilterLogEvents")
}
