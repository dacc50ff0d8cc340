package operate

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"parrot/config"
	"parrot/internal/awsclient"
	"parrot/internal/fakes/cloud"
	"parrot/internal/fakes/moto"
)

func TestMain(m *testing.M) {
	code := m.Run()
	moto.Stop()
	os.Exit(code)
}

// dev is dev as the system's description has it.
func dev(t *testing.T) config.Environment {
	t.Helper()
	document, err := os.ReadFile("../../config/testdata/described.json")
	require.NoError(t, err)
	var env config.Environment
	require.NoError(t, json.Unmarshal(document, &env))
	return env
}

// deployed is dev, deployed and well, and what reads it.
func deployed(t *testing.T) (*cloud.World, *Environment) {
	t.Helper()
	w := cloud.New(t, dev(t))
	session, err := awsclient.SignIn(t.Context(), "", w.Env.Region)
	require.NoError(t, err)
	return w, New(w.Env, session, w.Delegation)
}
