package config

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// FuzzValidateNeverPanics lays JSON over dev: whatever someone may write into
// the settings is answered with errors, and with the same ones each time.
func FuzzValidateNeverPanics(f *testing.F) {
	for _, e := range three() {
		whole, err := json.Marshal(e)
		require.NoError(f, err)
		f.Add(whole)
	}
	for _, overlay := range []string{
		`{}`,
		`{"Name": ""}`,
		`{"Name": "stage"}`,
		`{"Name": "prod", "Account": "1", "Domain": "prod.bkgstock.com"}`,
		`{"Name": "démo\u0000", "Domain": "bücher.de", "CostCenter": "\ud83e\udd9c", "Region": "\n"}`,
		`{"Domain": "www.", "HostedZoneID": "Z%s%d%!", "Region": "%n"}`,
		`{"LogRetentionDays": -9223372036854775808, "Edge": {"AccessLogRetentionDays": 9223372036854775807}}`,
		`{"Database": {"AllocatedStorageGiB": 9223372036854775807, "MaxAllocatedStorageGiB": -922337203685477581}}`,
		`{"Network": {"VPC": "", "AvailabilityZones": null}}`,
		`{"Network": {"VPC": "0.0.0.0/0", "AvailabilityZones": []}}`,
		`{"Network": {"VPC": "::ffff:10.10.0.0/120", "AvailabilityZones": ["", "us-east-1", "us-east-1é"]}}`,
		`{"Network": {"NATGateways": "none", "TaskSubnets": "private", "DataAccess": ""}}`,
		`{"Backend": {"Port": -1, "CPU": 0, "MemoryMiB": -1, "DesiredCount": -1, "HealthCheck": {"Path": "%zz", "IntervalSeconds": 0}}}`,
		`{"Monitoring": {"Alarms": "all", "Thresholds": {"": -1, "database-cpu": 1e308}, "PageEmails": [""], "LatencyField": "é"}, "Database": {"InstanceClass": "db.x"}}`,
		`{"Backend": {"CORSOrigins": null, "MigrationCommand": [""], "APIPrefix": "//", "Repository": "/"}}`,
		`{"Backend": {"CORSOrigins": ["", "*", "http://[::1", "https://%", "https://a:b@c:99999/?#", "javascript:alert(1)"]}}`,
		`{"Backend": {"Variables": {"": "", "PORT": "1", "A": "2", "%s": "3", "É": "4"}}, "Frontend": {"Variables": null}}`,
		`{"Frontend": {"CPU": 256, "MemoryMiB": 1536, "Repository": "parrot-backend"}}`,
	} {
		f.Add([]byte(overlay))
	}
	f.Fuzz(func(t *testing.T, overlay []byte) {
		changed := described()
		if err := json.Unmarshal(overlay, &changed); err != nil {
			t.Skip(err)
		}
		environments := []Environment{stage(), changed, production()}
		first, second := Validate(environments), Validate(environments)
		assert.Equal(t, fmt.Sprint(first), fmt.Sprint(second))
	})
}
