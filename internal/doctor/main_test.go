package doctor

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"parrot/internal/awsclient"
	"parrot/internal/fakes/cloud"
	"parrot/internal/fakes/moto"
	"parrot/internal/operate"
)

func TestMain(m *testing.M) {
	code := m.Run()
	moto.Stop()
	os.Exit(code)
}

// deployed returns the described dev, deployed and healthy, and what reads it.
func deployed(t *testing.T) (*cloud.World, *operate.Environment) {
	t.Helper()
	w := cloud.New(t, cloud.Described(t))
	session, err := awsclient.SignIn(t.Context(), "", w.Env.Region)
	require.NoError(t, err)
	return w, operate.New(w.Env, session, w.Delegation)
}
