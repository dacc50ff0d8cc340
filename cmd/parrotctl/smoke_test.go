package main

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestSmokeNamesTheServiceThatDoesNotAnswer(t *testing.T) {
	w := newWorld(t)
	site := httptest.NewTLSServer(http.HandlerFunc(func(answer http.ResponseWriter, r *http.Request) {
		if r.Host != "bkgstock.com" || r.URL.Path != "/api/health" {
			answer.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer site.Close()
	transport := site.Client().Transport.(*http.Transport).Clone()
	transport.TLSClientConfig.ServerName = "example.com" // the test certificate's
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, site.Listener.Addr().String())
	}
	w.transport = transport

	r := w.run("", "smoke", "dev")
	assert.Zero(t, r.code, "nothing is released")
	assert.Contains(t, r.stdout, "skipped: https://bkgstock.com/landing")

	w.write("infra/config/images.json", `{"dev": {"backend": {"tag": "1"}}}`)
	r = w.run("", "smoke", "dev", "--timeout", "1ms")
	assert.Zero(t, r.code, r.stderr)
	shows(t, r.stdout, "ok: https://bkgstock.com/api/health\n", "skipped: https://bkgstock.com/landing")

	w.write("infra/config/images.json", `{"dev": {"backend": {"tag": "1"}, "frontend": {"tag": "1"}}}`)
	r = w.run("", "smoke", "dev", "--timeout", "1ms")
	assert.Equal(t, exitFound, r.code)
	shows(t, r.stderr, "Error: dev does not answer as it should: https://bkgstock.com/landing", "503 Service Unavailable",
		"docs/troubleshooting.md")

	assert.Equal(t, exitUsage, w.run("", "smoke", "production").code)
}
