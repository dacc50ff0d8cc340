// Package moto gives tests an AWS of their own: moto_server, which answers
// AWS's APIs over HTTP on this machine.
package moto

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"
)

// Account is the account that everybody is signed in to.
const Account = "123456789012"

var server struct {
	once     sync.Once
	process  *exec.Cmd
	endpoint string
	err      error
}

// Start points AWS's clients at an empty AWS for the length of a test, and
// returns its address. One server serves all tests of a package; Stop ends it.
func Start(t *testing.T) (endpoint string) {
	t.Helper()
	server.once.Do(start)
	if server.err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(server.err)
		}
		t.Skip("SKIPPED: ", server.err)
	}
	answer, err := http.Post(server.endpoint+"/moto-api/reset", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL":            server.endpoint,
		"AWS_ACCESS_KEY_ID":           "test",
		"AWS_SECRET_ACCESS_KEY":       "test",
		"AWS_SESSION_TOKEN":           "",
		"AWS_PROFILE":                 "",
		"AWS_CONFIG_FILE":             os.DevNull,
		"AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	} {
		t.Setenv(name, value)
	}
	return server.endpoint
}

// Stop ends the server, if a test started it. TestMain calls it.
func Stop() {
	if server.process != nil {
		_ = server.process.Process.Kill()
		_ = server.process.Wait()
	}
}

func start() {
	path, err := exec.LookPath("moto_server")
	if err != nil {
		server.err = fmt.Errorf("moto_server is not installed: %w; install it with pip install 'moto[server]==5.2.1'", err)
		return
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		server.err = err
		return
	}
	address := listener.Addr().(*net.TCPAddr)
	listener.Close()
	server.endpoint = fmt.Sprintf("http://%s", address)
	server.process = exec.Command(path, "-H", address.IP.String(), "-p", fmt.Sprint(address.Port))
	// A service of one task is rolled out at once, one of two never is.
	server.process.Env = append(os.Environ(), "MOTO_ACCOUNT_ID="+Account, "MOTO_ECS_SERVICE_RUNNING=1")
	if server.err = server.process.Start(); server.err != nil {
		server.process = nil
		return
	}
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		answer, err := http.Get(server.endpoint + "/moto-api/")
		if err == nil {
			answer.Body.Close()
			return
		}
		if time.Now().After(deadline) {
			server.err = fmt.Errorf("moto_server does not answer: %w", err)
			return
		}
	}
}
