package rotation_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// postgres is a server that, as RDS with rds.force_ssl, takes nobody without TLS.
type postgres struct {
	t    *testing.T
	port int
	root *pgx.Conn // on the machine itself, as RDS's own user
}

// binary is one of PostgreSQL's programs, which most systems keep off the PATH.
func binary(t *testing.T, name string) string {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if path, err := exec.LookPath(name); err == nil {
		found = append(found, path)
	}
	if len(found) == 0 {
		t.Skipf("SKIPPED: the rotation is not tried on a real database: %s is not installed: apt-get install postgresql, or brew install postgresql", name)
	}
	return found[len(found)-1]
}

func startPostgres(t *testing.T, password string) *postgres {
	t.Helper()
	initdb, server := binary(t, "initdb"), binary(t, "postgres")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	port := listener.Addr().(*net.TCPAddr).Port
	require.NoError(t, listener.Close())

	dir, err := os.MkdirTemp("", "pg") // short: a socket's path may have 107 bytes
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	data := filepath.Join(dir, "data")
	as := unprivileged(t, dir)
	run := func(path string, args ...string) *exec.Cmd {
		command := exec.Command(path, args...)
		command.Dir, command.SysProcAttr = dir, as
		return command
	}
	output, err := run(initdb, "--pgdata", data, "--username", "rdsadmin", "--auth", "trust", "--no-sync").CombinedOutput()
	require.NoError(t, err, string(output))
	writeCertificate(t, data)
	own(t, as, filepath.Join(data, "server.crt"), filepath.Join(data, "server.key"))
	require.NoError(t, os.WriteFile(filepath.Join(data, "pg_hba.conf"), []byte("local all rdsadmin trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n"), 0o600))

	process := run(server, "-D", data, "-p", strconv.Itoa(port), "-c", "ssl=on", "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="+dir, "-c", "fsync=off")
	var log strings.Builder
	process.Stdout, process.Stderr = &log, &log
	require.NoError(t, process.Start())
	t.Cleanup(func() {
		_ = process.Process.Signal(syscall.SIGINT)
		_ = process.Wait()
	})
	p := &postgres{t: t, port: port}
	for deadline := time.Now().Add(30 * time.Second); p.root == nil; time.Sleep(50 * time.Millisecond) {
		if p.root, err = pgx.Connect(t.Context(), fmt.Sprintf("host=%s port=%d user=rdsadmin dbname=postgres", dir, port)); err != nil {
			require.True(t, time.Now().Before(deadline), "%v: %s", err, &log)
		}
	}
	t.Cleanup(func() { p.root.Close(context.Background()) })
	p.exec("CREATE ROLE parrot_admin LOGIN PASSWORD '" + password + "'")
	p.exec("CREATE DATABASE parrot OWNER parrot_admin")
	return p
}

// unprivileged is whom PostgreSQL runs as: it refuses root.
func unprivileged(t *testing.T, dir string) *syscall.SysProcAttr {
	t.Helper()
	if os.Getuid() != 0 {
		return nil
	}
	nobody, err := user.Lookup("postgres")
	if err != nil {
		nobody, err = user.Lookup("nobody")
	}
	require.NoError(t, err)
	uid, err := strconv.ParseUint(nobody.Uid, 10, 32)
	require.NoError(t, err)
	gid, err := strconv.ParseUint(nobody.Gid, 10, 32)
	require.NoError(t, err)
	as := &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	own(t, as, dir)
	return as
}

func own(t *testing.T, as *syscall.SysProcAttr, files ...string) {
	t.Helper()
	for _, file := range files {
		if as != nil {
			require.NoError(t, os.Chown(file, int(as.Credential.Uid), int(as.Credential.Gid)))
		}
	}
}

func writeCertificate(t *testing.T, dir string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "db.example.com"}, NotAfter: time.Now().Add(time.Hour)}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	for name, block := range map[string]*pem.Block{
		"server.crt": {Type: "CERTIFICATE", Bytes: certificate},
		"server.key": {Type: "PRIVATE KEY", Bytes: private},
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600))
	}
}

func (p *postgres) exec(sql string) {
	p.t.Helper()
	_, err := p.root.Exec(context.Background(), sql)
	require.NoError(p.t, err)
}

// login is nil, or why the server refuses.
func login(t *testing.T, url string) error {
	t.Helper()
	connection, err := pgx.Connect(t.Context(), url)
	if err != nil {
		return err
	}
	return connection.Close(t.Context())
}

func assertRefused(t *testing.T, code string, err error) {
	t.Helper()
	var refused *pgconn.PgError
	if assert.ErrorAs(t, err, &refused) {
		assert.Equal(t, code, refused.Code, refused.Message)
	}
}

// The codes of PostgreSQL's refusals.
// https://www.postgresql.org/docs/current/errcodes-appendix.html
const (
	wrongPassword = "28P01"
	noEncryption  = "28000"
)

func TestTheURLOfEachVersionConnectsWhileItIsTheDatabases(t *testing.T) {
	server := startPostgres(t, first)
	c := newCloud(t)
	c.apply = func(password string) { server.exec("ALTER ROLE parrot_admin PASSWORD '" + password + "'") }
	values := c.value(projection, "AWSCURRENT")
	values["host"], values["port"] = "127.0.0.1", strconv.Itoa(server.port)
	values["url"] = fmt.Sprintf("postgresql://parrot_admin:%s@127.0.0.1:%d/parrot?sslmode=require", first, server.port)
	c.project(values)
	stored := func() string { return c.value(projection, "AWSCURRENT")["url"] }

	old := stored()
	require.NoError(t, login(t, old))
	assertRefused(t, noEncryption, login(t, strings.Replace(old, "sslmode=require", "sslmode=disable", 1)))
	open, err := pgx.Connect(t.Context(), old)
	require.NoError(t, err)
	t.Cleanup(func() { open.Close(context.Background()) })

	c.asked = token(1)
	for _, step := range steps {
		require.NoError(t, c.step(step, token(1)))
		switch step {
		case "createSecret", "setSecret":
			require.NoError(t, login(t, stored()), "until RDS has done its work")
		case "testSecret":
			assertRefused(t, wrongPassword, login(t, stored()))
		case "finishSecret":
			require.NoError(t, login(t, stored()))
		}
		require.NoError(t, open.Ping(t.Context()), "an open connection stays")
	}
	assert.NotEqual(t, old, stored())
	assertRefused(t, wrongPassword, login(t, old))

	second := stored()
	require.NoError(t, c.try(token(2)))
	require.NoError(t, login(t, stored()))
	for _, earlier := range []string{old, second} {
		assertRefused(t, wrongPassword, login(t, earlier))
	}
	assert.NoError(t, open.Ping(t.Context()))
}

// The new password is in the database, and no task knows it: what a retry is for.
func TestARotationThatStoppedHalfwayLetsTheURLConnectAgain(t *testing.T) {
	server := startPostgres(t, first)
	c := newCloud(t)
	c.apply = func(password string) { server.exec("ALTER ROLE parrot_admin PASSWORD '" + password + "'") }
	values := c.value(projection, "AWSCURRENT")
	values["url"] = fmt.Sprintf("postgresql://parrot_admin:%s@127.0.0.1:%d/parrot?sslmode=require", first, server.port)
	c.project(values)

	c.asked = token(1)
	for _, step := range steps[:3] {
		require.NoError(t, c.step(step, token(1)))
	}
	assertRefused(t, wrongPassword, login(t, c.value(projection, "AWSCURRENT")["url"]))
	require.NoError(t, c.try(token(1)))
	require.NoError(t, login(t, c.value(projection, "AWSCURRENT")["url"]))
	assert.True(t, slices.Contains(c.calls, "UpdateService"))
}
