package smoke

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot/config"
)

// site is a server with TLS, as an environment whose domain is its address.
func site(t *testing.T, handle http.HandlerFunc) (config.Environment, Test, *strings.Builder) {
	t.Helper()
	server := httptest.NewTLSServer(handle)
	t.Cleanup(server.Close)
	env := config.Environment{Name: "dev"}
	env.Backend.HealthCheck.Path, env.Frontend.HealthCheck.Path = "/api/health", "/landing"
	env.Domain = strings.TrimPrefix(server.URL, "https://")
	env.Backend.Image, env.Frontend.Image = config.Image{Tag: "1"}, config.Image{Tag: "1"}
	log := new(strings.Builder)
	return env, Test{
		Timeout: 50 * time.Millisecond, Interval: time.Millisecond, Transport: server.Client().Transport, Log: log,
	}, log
}

func TestBothServicesAreAskedForTheirHealthCheck(t *testing.T) {
	t.Parallel()
	var asked []string
	env, test, log := site(t, func(_ http.ResponseWriter, r *http.Request) { asked = append(asked, r.URL.Path) })
	require.NoError(t, test.Run(t.Context(), Pages(env)))
	assert.Equal(t, []string{"/api/health", "/landing"}, asked)
	assert.Equal(t, "ok: https://"+env.Domain+"/api/health\nok: https://"+env.Domain+"/landing\n", log.String())
}

func TestASiteThatNeedsAMomentIsAskedAgain(t *testing.T) {
	t.Parallel()
	tries := 0
	env, test, log := site(t, func(w http.ResponseWriter, _ *http.Request) {
		if tries++; tries < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	test.Timeout = time.Minute
	require.NoError(t, test.Run(t.Context(), Pages(env)))
	assert.Contains(t, log.String(), "/api/health: it answers 503 Service Unavailable\n")
}

func TestEveryServiceThatDoesNotAnswerIsNamed(t *testing.T) {
	t.Parallel()
	env, test, _ := site(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/landing" {
			w.WriteHeader(http.StatusBadGateway)
		} else {
			w.WriteHeader(http.StatusNotFound)
		}
	})
	err := test.Run(t.Context(), Pages(env))
	require.ErrorContains(t, err, "/api/health does not answer 200 within 50ms, after ")
	require.ErrorContains(t, err, "it answers 404 Not Found")
	require.ErrorContains(t, err, "/landing does not answer 200")
	require.ErrorContains(t, err, "it answers 502 Bad Gateway")
}

func TestAnotherHostsPageIsNoAnswer(t *testing.T) {
	t.Parallel()
	other := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("another host was asked") }))
	defer other.Close()
	env, test, _ := site(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, http.StatusFound) })
	require.ErrorContains(t, test.Run(t.Context(), Pages(env)), "it answers 302 Found to "+other.URL+", which is another host")
}

func TestARedirectOnTheSameHostIsFollowed(t *testing.T) {
	t.Parallel()
	env, test, _ := site(t, func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/") {
			http.Redirect(w, r, r.URL.Path+"/", http.StatusPermanentRedirect)
		}
	})
	require.NoError(t, test.Run(t.Context(), Pages(env)))
}

func TestARedirectInACircleEnds(t *testing.T) {
	t.Parallel()
	env, test, _ := site(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) })
	require.ErrorContains(t, test.Run(t.Context(), Pages(env)), "or a circle")
}

func TestWhatIsNotReleasedIsSkippedAndSaidSo(t *testing.T) {
	t.Parallel()
	env, test, log := site(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	env.Backend.Image, env.Frontend.Image = config.Image{}, config.Image{}
	require.NoError(t, test.Run(t.Context(), Pages(env)))
	assert.Contains(t, log.String(), "skipped: https://"+env.Domain+"/api/health, because no image of the backend is released\n")
	assert.Contains(t, log.String(), "because no image of the front end is released\n")
}

func TestAWrongCertificateIsNoAnswer(t *testing.T) {
	t.Parallel()
	env, test, _ := site(t, func(http.ResponseWriter, *http.Request) {})
	test.Transport = http.DefaultTransport // which does not know the server's certificate
	require.ErrorContains(t, test.Run(t.Context(), Pages(env)), "certificate")
}

func TestAnInterruptEndsTheWait(t *testing.T) {
	t.Parallel()
	ctx, interrupt := context.WithCancel(t.Context())
	env, test, _ := site(t, func(w http.ResponseWriter, _ *http.Request) {
		interrupt()
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	test.Timeout, test.Interval = time.Hour, time.Hour
	require.ErrorIs(t, test.Run(ctx, Pages(env)), context.Canceled)
}
