// Package proof_test keeps proof/run from getting stale, without AWS and Docker: what it
// types is answered by small scripts.
package proof_test

import (
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot/config"
)

const domain = "parrot-proof.example.com"

func TestTheDocumentListsTheSteps(t *testing.T) {
	t.Parallel()
	list, err := exec.Command("bash", script(t), "--list").Output()
	require.NoError(t, err)
	_, table, _ := strings.Cut(read(t, "../docs/proof.md"), "<!-- steps:start -->")
	table, _, _ = strings.Cut(table, "<!-- steps:end -->")
	var documented []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z]+)` \\| (.+?) \\| .+ \\|$").FindAllStringSubmatch(table, -1) {
		documented = append(documented, row[1]+"\t"+row[2])
	}
	assert.Equal(t, strings.Split(strings.TrimSpace(string(list)), "\n"), documented)
}

// guarded is somebody's settings, with all that the proof has to switch off.
const guarded = `package config

import (
	_ "embed"
	"encoding/json"
)

//go:embed described.json
var described []byte

func protected(e Environment) Environment {
	e.Account, e.HostedZoneID = "123456789012", "Z0123456789ABCDEFGHIJ"
	e.Production, e.RetainData, e.DeletionProtection, e.TerminationProtection = true, true, true, true
	e.Edge.AccessLogs = true
	e.Backend.MigrationCommand = []string{"migrate"}
	e.Monitoring.PageEmails, e.Monitoring.TicketEmails = []string{"oncall@acme.example"}, []string{"team@acme.example"}
	return e
}

func All() []Environment {
	var e Environment
	if err := json.Unmarshal(described, &e); err != nil {
		panic(err)
	}
	return []Environment{protected(e)}
}

func Delivery() Pipeline { return Pipeline{ConnectionARN: "arn", Repository: "acme/shop"} }
`

// The script edits the settings by text: what comes out has to be settings.
func TestTheSettingsAreOneEnvironmentThatCanBeDestroyed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "config"), 0o755))
	files, err := filepath.Glob("../config/*.go")
	require.NoError(t, err)
	for _, file := range files {
		if !strings.HasSuffix(file, "_test.go") && filepath.Base(file) != "environments.go" {
			write(t, filepath.Join(dir, "config", filepath.Base(file)), read(t, file), 0o644)
		}
	}
	require.NoError(t, os.CopyFS(filepath.Join(dir, "config", "keys"), os.DirFS("../config/keys")))
	write(t, filepath.Join(dir, "config", "regions.json"), read(t, "../config/regions.json"), 0o644)
	write(t, filepath.Join(dir, "config", "environments.go"), guarded, 0o644)
	write(t, filepath.Join(dir, "config", "described.json"), read(t, "../config/testdata/described.json"), 0o644)
	write(t, filepath.Join(dir, "config", "images.json"), `{"dev": "of somebody"}`, 0o644)
	write(t, filepath.Join(dir, "go.mod"), "module parrot\n\ngo 1.26\n", 0o644)
	write(t, filepath.Join(dir, "main.go"), `package main

import (
	"encoding/json"
	"os"

	"parrot/config"
)

func main() {
	environments, err := config.Load()
	if err != nil || config.Delivery().Configured() {
		panic(err)
	}
	_ = json.NewEncoder(os.Stdout).Encode(environments)
}
`, 0o644)
	edit := exec.Command("bash", "-c", `source "$1" && own_settings "$2" "$3"`, "bash", script(t), dir, domain)
	output, err := edit.CombinedOutput()
	require.NoError(t, err, string(output))
	program := exec.Command("go", "run", ".")
	program.Dir = dir
	output, err = program.CombinedOutput()
	require.NoError(t, err, string(output))
	var environments []config.Environment
	require.NoError(t, json.Unmarshal(output, &environments))

	require.Len(t, environments, 1)
	env := environments[0]
	assert.Equal(t, []string{"proof", domain, "", ""}, []string{env.Name, env.Domain, env.Account, env.HostedZoneID})
	assert.Empty(t, env.Backend.MigrationCommand, "the small product has none")
	for _, name := range []string{env.Backend.Repository, env.Frontend.Repository, env.Database.Identifier} {
		assert.Contains(t, name, "-proof-", "nothing of another environment")
	}
	assert.False(t, env.RetainData || env.DeletionProtection || env.TerminationProtection || env.Edge.AccessLogs)
	assert.Empty(t, append(env.Monitoring.PageEmails, env.Monitoring.TicketEmails...), "nobody is mailed")
}

func TestTheSmallProductIsWhatParrotNeeds(t *testing.T) {
	t.Parallel()
	for server, page := range map[string]string{"backend": "/api/health", "client": "/landing"} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		address := listener.Addr().String()
		require.NoError(t, listener.Close())
		_, port, _ := net.SplitHostPort(address)
		file := filepath.Join("product", server, "server.mjs")
		_ = read(t, file) // go test runs again after a change of it
		process := exec.Command("node", file)
		process.Env = append(os.Environ(), "PORT="+port)
		process.Stderr = os.Stderr
		require.NoError(t, process.Start())
		t.Cleanup(func() { _ = process.Process.Kill() })
		require.Eventually(t, func() bool {
			response, err := http.Get("http://" + address + page)
			if err != nil {
				return false
			}
			defer response.Body.Close()
			return assert.Equal(t, http.StatusOK, response.StatusCode, server) &&
				assert.Equal(t, "timeout=65", response.Header.Get("Keep-Alive"), server)
		}, 20*time.Second, 20*time.Millisecond)
		require.NoError(t, process.Process.Signal(syscall.SIGTERM))
		assert.NoError(t, process.Wait(), "%s ends at SIGTERM", server)
	}
}

// world is a checkout with the script, and the programs that it types.
type world struct {
	*testing.T
	dir, state string
}

func newWorld(t *testing.T) *world {
	w := &world{t, t.TempDir(), t.TempDir()}
	for _, dir := range []string{"bin", "parrot/config"} {
		require.NoError(t, os.MkdirAll(filepath.Join(w.dir, dir), 0o755))
	}
	require.NoError(t, os.CopyFS(filepath.Join(w.dir, "parrot", "proof"), os.DirFS(".")))
	require.NoError(t, os.Chmod(filepath.Join(w.dir, "parrot", "proof", "run"), 0o755))
	write(t, filepath.Join(w.dir, "parrot", "config", "environments.go"), read(t, "../config/environments.go"), 0o644)
	write(t, filepath.Join(w.dir, "parrot", "config", "images.json"), "{}\n", 0o644)
	for _, args := range []string{"init --quiet", "add --all", "-c user.name=t -c user.email=t commit --quiet --message one"} {
		git := exec.Command("git", strings.Fields(args)...)
		git.Dir = filepath.Join(w.dir, "parrot")
		output, err := git.CombinedOutput()
		require.NoError(t, err, string(output))
	}
	node, err := exec.LookPath("node")
	require.NoError(t, err)
	for _, name := range []string{"aws", "curl", "docker", "go", "node", "npm", "npx", "parrotctl"} {
		write(t, filepath.Join(w.dir, "bin", name), "#!/bin/bash\nNODE="+node+"\n"+answers, 0o755)
	}
	return w
}

// answers is all programs: what there is is a file in $STATE.
const answers = `name=$(basename "$0")
echo "$name $*" >> "$STATE/typed"
case "$name $*" in
"$(cat "$STATE/fails" 2> /dev/null)"*) if [ -s "$STATE/fails" ]; then exit 1; fi ;;
esac
case "$name $*" in
"node "*" delegated "*) exit 0 ;; # nobody asks the internet
"node "*) exec "$NODE" "$@" ;;
"go "*) cp "$(dirname "$0")/parrotctl" "$5" ;;
"parrotctl cost "*"--json") echo '[{"lines": [{"sum": 73}]}]' ;;
"parrotctl release "*)
  release=$(cat "$4/release.json")
  case "$release" in *true*) echo "$release" | tr -d ' ' > "$STATE/release" ;; *) exit 1 ;; esac ;;
"parrotctl rollback "*) echo '{"version":1}' > "$STATE/release" ;;
"parrotctl rotate "*) touch "$STATE/rotated" ;;
"parrotctl drift "*) if [ "$(cat "$STATE/days" 2> /dev/null)" = 1 ]; then exit 3; fi ;;
"parrotctl doctor "*) exit 3 ;;
"npx cdk deploy ParrotProofNetwork "*) touch "$STATE/zone" ;;
"npx cdk deploy ParrotProofEdge "*) if [ -e "$STATE/record" ]; then exit 1; fi ;;
"curl "*"/api/health") cat "$STATE/release" ;;
"curl "*"/api/key") ls "$STATE/rotated" 2> /dev/null || echo old ;;
"curl "*"/api/database") echo '{"tls":true}' ;;
"curl "*) printf 503 ;;
"aws cloudformation describe-stacks --stack-name ParrotProofEdge "*) echo ROLLBACK_COMPLETE ;;
"aws cloudformation describe-stacks --stack-name ParrotProofCompute "*) echo UPDATE_ROLLBACK_COMPLETE ;;
"aws route53 list-hosted-zones-by-name --dns-name example.com "*) echo /hostedzone/ZPARENT ;;
"aws route53 list-hosted-zones-by-name "*) if [ -e "$STATE/zone" ]; then echo /hostedzone/ZOWN; else echo None; fi ;;
"aws route53 get-hosted-zone "*) echo ns-1.example.net,ns-2.example.net ;;
"aws route53 delete-hosted-zone "*) rm "$STATE/zone" ;;
"aws route53 list-resource-record-sets "*)
  echo '{"ResourceRecordSets": [{"Name": "` + domain + `.", "Type": "NS"}, {"Name": "_1.` + domain + `.", "Type": "CNAME"}]}' ;;
"aws route53 change-resource-record-sets --hosted-zone-id ZOWN "*UPSERT*) touch "$STATE/record" ;;
"aws route53 change-resource-record-sets --hosted-zone-id ZOWN "*DELETE*) rm "$STATE/record" ;;
"aws secretsmanager rotate-secret "*) echo v1 ;;
"aws secretsmanager describe-secret "*) echo AWSCURRENT ;;
"aws logs describe-log-groups --log-group-name-prefix "*) echo 30 ;;
"aws logs put-retention-policy "*) echo "$6" > "$STATE/days" ;;
esac
`

// run runs the script with the answers of its user.
func (w *world) run(input string, args ...string) (status int, text string) {
	w.Helper()
	command := exec.Command("bash", append([]string{filepath.Join(w.dir, "parrot", "proof", "run"), domain,
		"--dir", filepath.Join(w.dir, "work"), "--wait", "0"}, args...)...)
	command.Env = append(os.Environ(), "PATH="+filepath.Join(w.dir, "bin")+":"+os.Getenv("PATH"), "STATE="+w.state)
	command.Stdin = strings.NewReader(input)
	output, err := command.CombinedOutput()
	if command.ProcessState == nil {
		require.NoError(w, err)
	}
	return command.ProcessState.ExitCode(), string(output)
}

// typed returns what was typed since the last question, a line each.
func (w *world) typed() string {
	text := read(w.T, filepath.Join(w.state, "typed"))
	require.NoError(w, os.Truncate(filepath.Join(w.state, "typed"), 0))
	return text
}

// changes are the command lines that change something in AWS.
var changes = regexp.MustCompile(`(?m)^(npx cdk (?:deploy|destroy)|parrotctl (?:bootstrap|release|rollback|rotate)|aws \S+ (?:change|create|delete|put|rotate|update)\S*) .*$`)

func TestTheProofStopsAndGoesOnAndRemovesWhatItMade(t *testing.T) {
	t.Parallel()
	w := newWorld(t)

	status, text := w.run("no\n")
	assert.Equal(t, 4, status, text)
	assert.Contains(t, text, "$73.00 a month, $0.10 an hour: about $0.20 for 2 hours", "before the question")
	assert.NotRegexp(t, changes, w.typed(), "nothing happens before a yes")

	write(t, filepath.Join(w.state, "fails"), "parrotctl smoke", 0o644)
	status, text = w.run("", "--yes")
	assert.Equal(t, 1, status, text)
	assert.Contains(t, text, "Step release failed")
	assert.Contains(t, text, "proof/run "+domain+" --from destroy")
	before := w.typed()
	assert.Contains(t, before, `"Action":"CREATE"`, "a record that is there is not overwritten")
	assert.NotContains(t, before, "npm", "checkout was done before")

	for _, step := range []string{"checkout", "check"} {
		status, text = w.run("", "--yes", "--from", step)
		assert.Equal(t, 2, status, "what is deployed could not be destroyed any more")
		assert.Contains(t, text, "--from destroy")
	}

	write(t, filepath.Join(w.state, "fails"), "", 0o644)
	status, text = w.run("", "--yes")
	assert.Equal(t, 0, status, text)
	after := w.typed()
	assert.NotContains(t, after, "npx cdk deploy", "what was done is not done again")
	for _, line := range changes.FindAllString(before+after, -1) {
		assert.Regexp(t, `ParrotProof|parrot-proof|ZOWN|parrotctl \w+ (jwt )?proof`, line, "nothing but its own")
	}
	assert.NoFileExists(t, filepath.Join(w.state, "zone"))
	assert.NoFileExists(t, filepath.Join(w.state, "record"))
	assert.Equal(t, "30\n", read(t, filepath.Join(w.state, "days")), "what was changed by hand is undone")
	assert.Regexp(t, `ZPARENT .*"Action":"DELETE".*`+domain, after, "the delegation is removed")

	report := read(t, filepath.Join(w.dir, "work", "report.md"))
	list, err := exec.Command("bash", script(t), "--list").Output()
	require.NoError(t, err)
	for step := range strings.Lines(string(list)) {
		name, _, _ := strings.Cut(step, "\t")
		assert.Regexp(t, `\| `+name+` \| .* \| done \|`, report)
	}
	assert.Equal(t, 1, strings.Count(report, "| **failed** |"))
}

func TestTheProofDestroysNothingThatItHasNotMade(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	status, text := w.run("", "--yes", "--from", "destroy")
	assert.Equal(t, 2, status)
	assert.Contains(t, text, "Nothing was done")

	write(t, filepath.Join(w.state, "zone"), "", 0o644) // somebody's
	status, text = w.run("", "--yes", "--keep-going")
	assert.Equal(t, 1, status)
	assert.Contains(t, text, "this account has a zone of "+domain+" already")
	assert.NotRegexp(t, changes, w.typed())
}

// script returns a copy of the script: go test runs again after a change of what a test itself
// has read.
func script(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "run")
	write(t, path, read(t, "run"), 0o755)
	return path
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, []byte(text), mode))
}
