package operate

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"parrot/internal/awsclient"
	"parrot/internal/fakes/cloud"
	"parrot/internal/fakes/moto"
)

func TestMain(m *testing.M) {
	code := m.Run()
	moto.Stop()
	os.Exit(code)
}

// deployed is dev, deployed and well, and what reads it.
func deployed(t *testing.T) (*cloud.World, *Environment) {
	t.Helper()
	w := cloud.New(t, cloud.Described(t))
	session, err := awsclient.SignIn(t.Context(), "", w.Env.Region)
	require.NoError(t, err)
	return w, New(w.Env, session, w.Delegation)
}
