package rotation_test

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot/config"
	"parrot/internal/fakes"
	"parrot/internal/fakes/postgres"
)

// login returns nil, or why the server refuses.
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
	fakes.Slow(t)
	server := postgres.Start(t, first)
	c := newCloud(t)
	c.apply = func(password string) { server.Exec("ALTER ROLE " + postgres.User + " PASSWORD '" + password + "'") }
	values := c.value(projection, "AWSCURRENT")
	values["host"], values["port"] = postgres.Host, strconv.Itoa(server.Port)
	values["url"] = config.DatabaseURL(postgres.User, first, postgres.Host, strconv.Itoa(server.Port), postgres.Database)
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
	fakes.Slow(t)
	server := postgres.Start(t, first)
	c := newCloud(t)
	c.apply = func(password string) { server.Exec("ALTER ROLE " + postgres.User + " PASSWORD '" + password + "'") }
	values := c.value(projection, "AWSCURRENT")
	values["url"] = config.DatabaseURL(postgres.User, first, postgres.Host, strconv.Itoa(server.Port), postgres.Database)
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
