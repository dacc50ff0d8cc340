package operate

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMissingStacksAndOutputsNameTheCommandThatMakesThem(t *testing.T) {
	w, e := deployed(t)
	_, err := e.Outputs(t.Context())
	require.NoError(t, err)

	w.Undeploy("ParrotDevCompute")
	_, err = e.Outputs(t.Context())
	require.EqualError(t, err, "stack ParrotDevCompute is not deployed; deploy it: npx cdk deploy 'ParrotDev*'")

	w.Undeploy("ParrotDevEdge")
	w.Stack("ParrotDevEdge", map[string]string{"Other": "x"})
	_, err = e.Outputs(t.Context())
	require.ErrorContains(t, err, "stack ParrotDevEdge has no output AlbDnsName")
	require.ErrorContains(t, err, "npx cdk deploy ParrotDevEdge")
}
