// Package moto gives tests an AWS of their own: moto_server, which answers
// AWS's APIs over HTTP on this machine.
package moto

import (
	"bufio"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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
	python   string // the directory with faster
	resets   int
	err      error
}

// faster runs when Python starts. At each request moto looks for its services in
// a directory of 200 entries, which takes two thirds of its time.
const faster = `try:
    import moto.backends

    modules = frozenset(moto.backends.list_of_moto_modules())
    moto.backends.list_of_moto_modules = lambda: modules
except (ImportError, AttributeError):  # another Python, or another moto: slower
    pass
`

// Start points AWS's clients at an empty AWS for the length of a test, and
// returns its address. One server serves all tests of a package; Stop ends it.
func Start(t *testing.T) (endpoint string) {
	t.Helper()
	endpoint = Keep(t)
	server.resets++
	reset(t)
	return endpoint
}

// Resets returns how often the AWS was emptied.
func Resets() int { return server.resets }

// Keep does what Start does, but leaves in AWS what an earlier test has made.
func Keep(t *testing.T) (endpoint string) {
	t.Helper()
	server.once.Do(start)
	if server.err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(server.err)
		}
		t.Skip("SKIPPED: ", server.err)
	}
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL":            server.endpoint,
		"AWS_ACCESS_KEY_ID":           "test",
		"AWS_SECRET_ACCESS_KEY":       "test",
		"AWS_SESSION_TOKEN":           "",
		"AWS_PROFILE":                 "",
		"AWS_CA_BUNDLE":               "", // reading it takes longer than a call
		"AWS_CONFIG_FILE":             os.DevNull,
		"AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	} {
		t.Setenv(name, value)
	}
	return server.endpoint
}

// reset forgets everything. While a request of the test before is still being
// answered, moto stops half way with an error: what it did not forget would fail
// the next test, so it is asked again.
func reset(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		answer, err := http.Post(server.endpoint+"/moto-api/reset", "", nil)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode == http.StatusOK {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("moto_server cannot be reset: ", answer.Status)
		}
	}
}

// Stop ends the server, if a test started it. TestMain calls it.
func Stop() {
	if server.process != nil {
		_ = server.process.Process.Kill()
		_ = server.process.Wait()
	}
	_ = os.RemoveAll(server.python)
}

func start() {
	path, err := exec.LookPath("moto_server")
	if err != nil {
		server.err = fmt.Errorf("moto_server is not installed: %w; install it with pip install 'moto[server]'", err)
		return
	}
	if server.python, server.err = os.MkdirTemp("", "moto-"); server.err != nil {
		return
	}
	if server.err = os.WriteFile(filepath.Join(server.python, "sitecustomize.py"), []byte(faster), 0o644); server.err != nil {
		return
	}
	// moto picks the port itself: one picked for it may be gone when it has started,
	// and tests of another package would share its AWS.
	server.process = exec.Command(path, "-H", "127.0.0.1", "-p", "0")
	// A service of one task is rolled out at once, one of two never is.
	server.process.Env = append(os.Environ(), "MOTO_ACCOUNT_ID="+Account, "MOTO_ECS_SERVICE_RUNNING=1",
		"PYTHONPATH="+server.python, "MOTO_DISABLE_GLOBAL_CORS=true", "MOTO_EC2_LOAD_DEFAULT_AMIS=false")
	output, err := server.process.StderrPipe()
	if err == nil {
		err = server.process.Start()
	}
	if err != nil {
		server.process, server.err = nil, err
		return
	}
	address := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(output)
		for lines.Scan() { // to the end: a full pipe would stop it
			if _, url, running := strings.Cut(lines.Text(), "Running on "); running {
				address <- url
			}
		}
		close(address)
	}()
	select {
	case server.endpoint = <-address:
	case <-time.After(60 * time.Second):
	}
	if server.endpoint == "" {
		server.err = errors.New("moto_server did not start")
	}
}
