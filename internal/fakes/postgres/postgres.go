// Package postgres gives tests a PostgreSQL of their own, which takes nobody
// without TLS, as RDS does with rds.force_ssl.
package postgres

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
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// Host is the server's name, for which its certificate is.
const Host = "localhost"

// The user, and the database that it owns.
const (
	User     = "parrot_admin"
	Database = "parrot"
)

// Server is a PostgreSQL that runs until the test ends.
type Server struct {
	// Port is where it listens, on Host.
	Port int
	// CA is the file with the certificate of the authority that has signed the
	// server's. As RDS's, it is known to no system.
	CA string

	t    *testing.T
	root *pgx.Conn // on the machine itself, as RDS's own user
}

// Start starts a server whose User has a password. Without PostgreSQL on this
// machine the test is skipped; in CI it fails.
func Start(t *testing.T, password string) *Server {
	t.Helper()
	initdb, server := Program(t, "initdb"), Program(t, "postgres")
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
	s := &Server{t: t, Port: port, CA: filepath.Join(t.TempDir(), "ca.pem")}
	s.writeCertificates(data)
	own(t, as, filepath.Join(data, "server.crt"), filepath.Join(data, "server.key"))
	require.NoError(t,
		os.WriteFile(filepath.Join(data, "pg_hba.conf"), []byte("local all rdsadmin trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n"), 0o600))

	process := run(server, "-D", data, "-p", strconv.Itoa(port), "-c", "ssl=on", "-c", "listen_addresses=127.0.0.1", "-c",
		"unix_socket_directories="+dir, "-c", "fsync=off")
	var log strings.Builder
	process.Stdout, process.Stderr = &log, &log
	require.NoError(t, process.Start())
	t.Cleanup(func() {
		_ = process.Process.Signal(syscall.SIGINT)
		_ = process.Wait()
	})
	for deadline := time.Now().Add(30 * time.Second); s.root == nil; time.Sleep(50 * time.Millisecond) {
		if s.root, err = pgx.Connect(t.Context(), fmt.Sprintf("host=%s port=%d user=rdsadmin dbname=postgres", dir, port)); err != nil {
			require.True(t, time.Now().Before(deadline), "%v: %s", err, &log)
		}
	}
	t.Cleanup(func() { s.root.Close(context.Background()) })
	s.Exec("CREATE ROLE " + User + " LOGIN PASSWORD '" + password + "'")
	s.Exec("CREATE DATABASE " + Database + " OWNER " + User)
	return s
}

// Program returns one of PostgreSQL's, which most systems keep off the PATH.
func Program(t *testing.T, name string) string {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if path, err := exec.LookPath(name); err == nil {
		found = append(found, path)
	}
	if len(found) == 0 {
		Missing(t, name+" is not installed: apt-get install postgresql, or brew install postgresql")
	}
	return found[len(found)-1]
}

// Missing ends a test that cannot run on this machine. In CI that is a failure.
func Missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip("SKIPPED: not tried on a real database: ", what)
}

// Exec runs a statement as the server's owner.
func (s *Server) Exec(sql string) {
	s.t.Helper()
	_, err := s.root.Exec(context.Background(), sql)
	require.NoError(s.t, err)
}

// unprivileged returns whom PostgreSQL runs as: it refuses root.
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

// writeCertificates makes an authority and, signed by it, the server's
// certificate. The server shows both, as RDS does.
func (s *Server) writeCertificates(dir string) {
	s.t.Helper()
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "an authority that nobody knows"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	server := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: Host}, DNSNames: []string{Host},
		NotAfter: time.Now().Add(time.Hour)}
	newKey := func() *ecdsa.PrivateKey {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		require.NoError(s.t, err)
		return key
	}
	sign := func(template *x509.Certificate, of, by *ecdsa.PrivateKey) []byte {
		certificate, err := x509.CreateCertificate(rand.Reader, template, authority, &of.PublicKey, by)
		require.NoError(s.t, err)
		return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})
	}
	authorityKey, serverKey := newKey(), newKey()
	private, err := x509.MarshalPKCS8PrivateKey(serverKey)
	require.NoError(s.t, err)
	root := sign(authority, authorityKey, authorityKey)
	for file, text := range map[string][]byte{
		s.CA:                             root,
		filepath.Join(dir, "server.crt"): append(sign(server, serverKey, authorityKey), root...),
		filepath.Join(dir, "server.key"): pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}),
	} {
		require.NoError(s.t, os.WriteFile(file, text, 0o600))
	}
}
