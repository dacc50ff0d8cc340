package stacks_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot/internal/documents"
	"parrot/internal/fakes"
	"parrot/internal/fakes/postgres"
	. "parrot/internal/synthtest"
)

const (
	encrypted = "encrypted"
	// sslInUse is the question whether the connection that asks it is encrypted.
	sslInUse = "select ssl from pg_stat_ssl where pid = pg_backend_pid()"
)

// databaseURL returns what the template gives the backend, for another database.
func databaseURL(t *testing.T, password, host, port string) string {
	t.Helper()
	return strings.NewReplacer(
		DBPassword(t), password, DatabaseAttribute(t, "Endpoint.Address"), host, DatabaseAttribute(t, "Endpoint.Port"), port,
	).Replace(Projected(t, Secret(t, "parrot-dev-db-credentials"))["url"])
}

// The one URL, and clients that read it differently: node-postgres and Prisma's
// adapter verify the server's certificate, psql and pgx only encrypt.
func TestEachClientConnectsWithTheURLThatTheTemplateComposes(t *testing.T) {
	fakes.Slow(t)
	const password = "aPassword1"
	url := databaseURL(t, password, "HOST", "PORT")
	backend := With(t, StackOf(t, Direct(t), Production(), "Compute"), "AWS::ECS::TaskDefinition", "Family", "parrot-prod-backend")
	variable := caBundle(t, backend)["backend"]
	server := postgres.Start(t, password)
	at := strings.NewReplacer("HOST", postgres.Host, "PORT", strconv.Itoa(server.Port)).Replace(url)
	elsewhere := strings.NewReplacer("HOST", "127.0.0.1", "PORT", strconv.Itoa(server.Port)).Replace(url)

	t.Run("Node.js's clients verify it with the bundle", func(t *testing.T) {
		outcomes := nodeClients(t, variable+"="+server.CA, at, elsewhere)
		assert.Equal(t, map[string]string{"node-postgres": encrypted, "@prisma/adapter-pg": encrypted}, outcomes[0])
		for client, outcome := range outcomes[1] {
			assert.Contains(t, outcome, "Hostname/IP does not match certificate's altnames", client)
		}
	})
	t.Run("Node.js's clients refuse it where the bundle is missing", func(t *testing.T) {
		outcome := nodeClients(t, variable+"=/missing.pem", at)[0]
		assert.Contains(t, outcome["node-postgres"], "SELF_SIGNED_CERT_IN_CHAIN")
		for client, outcome := range outcome {
			assert.Contains(t, outcome, "self-signed certificate in certificate chain", client)
		}
	})
	t.Run("psql", func(t *testing.T) {
		command := exec.Command(postgres.Program(t, "psql"), at, "--no-psqlrc", "--tuples-only", "--no-align", "--command", sslInUse)
		command.Env = []string{"HOME=" + t.TempDir()} // without certificates of the user's own
		output, err := command.CombinedOutput()
		require.NoError(t, err, string(output))
		assert.Equal(t, "t\n", string(output))
	})
	t.Run("pgx", func(t *testing.T) {
		connection, err := pgx.Connect(t.Context(), at)
		require.NoError(t, err)
		defer connection.Close(t.Context())
		var ssl bool
		require.NoError(t, connection.QueryRow(t.Context(), sslInUse).Scan(&ssl))
		assert.True(t, ssl)
	})
}

// nodeClients returns how Node.js's clients end, for each URL: encrypted, or why they
// refuse.
func nodeClients(t *testing.T, variable string, urls ...string) []map[string]string {
	t.Helper()
	const clients = "stacks/testdata/clients"
	if _, err := os.Stat(documents.Path(clients + "/node_modules/@prisma/adapter-pg")); err != nil {
		postgres.Missing(t, "node-postgres and Prisma's adapter are not installed: npm ci --prefix "+clients)
	}
	command := exec.Command("node", append([]string{documents.Path(clients + "/connect.mjs")}, urls...)...)
	command.Env = append(os.Environ(), variable)
	var messages bytes.Buffer
	command.Stderr = &messages
	output, err := command.Output()
	require.NoError(t, err, messages.String())
	var outcomes []map[string]string
	require.NoError(t, json.Unmarshal(output, &outcomes), string(output))
	require.Len(t, outcomes, len(urls))
	for _, outcome := range outcomes {
		require.Len(t, outcome, 2, "each client")
	}
	return outcomes
}
