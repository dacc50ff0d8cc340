package stacks_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"parrot/config"
	. "parrot/internal/synthtest"
)

// FuzzValidSettingsSynthesize changes settings at will: whatever passes
// validation has to synthesize, because a panic of jsii tells nobody which
// setting is wrong.
func FuzzValidSettingsSynthesize(f *testing.F) {
	for _, overlay := range []string{
		`{"Name": "a", "CostCenter": "R+D"}`,
		`{"Network": {"VPC": "10.0.0.0/16", "NATGateways": "one"}, "Redis": {"Enabled": true, "NodeType": "cache.t4g.small"}}`,
		`{"Region": "ap-southeast-7", "Network": {"VPC": "192.168.0.0/25", "AvailabilityZones": ["ap-southeast-7a", "ap-southeast-7c"]}, "Edge": {"AccessLogs": true}, "Monitoring": {"BudgetUSD": 0}}`,
		`{"Backend": {"Port": 65535, "HealthCheck": {"Path": "/%2e?a=b"}, "Variables": {"A": "${A} {{b}} \"c\" \\ é"}}}`,
		`{"Backend": {"MigrationCommand": ["sh", "-c", "exit 1"], "APIPrefix": "a-b/c_d"}, "Frontend": {"Port": 1, "CPU": 4096, "MemoryMiB": 30720}}`,
		`{"Database": {"AllocatedStorageGiB": 65536, "MaxAllocatedStorageGiB": 65536, "InstanceClass": "db.r7g.16xlarge", "RotationDays": 365}}`,
	} {
		f.Add([]byte(overlay), "v1", "")
	}
	f.Fuzz(func(t *testing.T, overlay []byte, tag, digest string) {
		env := Described()
		if json.Unmarshal(overlay, &env) != nil {
			t.Skip("no settings")
		}
		env.Backend.Image = config.Image{Tag: tag, Digest: digest}
		if config.Validate([]config.Environment{env}) != nil {
			t.Skip("not valid")
		}
		app := NewApp([]config.Environment{env})
		App.Define(app, env)
		require.NotNil(t, app.Synth(nil))
	})
}
