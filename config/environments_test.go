package config

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The facts are what the owner's description of the running system says.
func TestDevIsTheSystemAsItsOwnerRunsIt(t *testing.T) {
	dev := Dev()
	task := func(s Service) string {
		return fmt.Sprintf("%s, port %d, CPU %d, %d MB, %d running", s.Repository, s.Port, s.CPU, s.MemoryMiB, s.DesiredCount)
	}
	health := func(h HealthCheck) string {
		return fmt.Sprintf("%s every %d s within %d s, %d successes, %d failures",
			h.Path, h.IntervalSeconds, h.TimeoutSeconds, h.HealthyThreshold, h.UnhealthyThreshold)
	}
	for _, fact := range []struct {
		name      string
		want, got any
	}{
		{"name", "dev", dev.Name},
		{"region", "us-east-1", dev.Region},
		{"domain", "bkgstock.com", dev.Domain},
		{"log retention", 30, dev.LogRetentionDays},

		{"VPC", "10.10.0.0/24", dev.Network.VPC},
		{"zones", []string{"us-east-1a", "us-east-1b"}, dev.Network.AvailabilityZones},
		{"NAT gateway disabled", NATNone, dev.Network.NATGateways},
		{"tasks in public subnets", TasksPublic, dev.Network.TaskSubnets},
		{"database and Redis open to the VPC", DataFromVPC, dev.Network.DataAccess},

		{"database", "parrot-dev-db", dev.Database.Identifier},
		{"database class", "db.t3.micro", dev.Database.InstanceClass},
		{"storage", 20, dev.Database.AllocatedStorageGiB},
		{"backup retention", 1, dev.Database.BackupRetentionDays},
		{"Multi-AZ disabled", false, dev.Database.MultiAZ},
		{"Redis disabled", Redis{NodeType: "cache.t3.micro"}, dev.Redis},

		{"backend", "parrot-backend, port 3001, CPU 256, 512 MB, 1 running", task(dev.Backend.Service)},
		{"backend's health", "/api/health every 30 s within 5 s, 2 successes, 2 failures", health(dev.Backend.HealthCheck)},
		{"backend's variables", map[string]string{
			"NODE_ENV":                "production",
			"PORT":                    "3001",
			"API_PREFIX":              "api",
			"CORS_ORIGINS":            "https://bkgstock.com,https://www.bkgstock.com",
			"SEED_DB":                 "true",
			"PRISMA_DB_PUSH_ON_START": "false",
		}, dev.BackendVariables()},
		{"access token", "15m", dev.Backend.JWTExpiresIn},
		{"refresh token", "7d", dev.Backend.JWTRefreshExpiresIn},

		{"front end", "parrot-frontend, port 3000, CPU 256, 512 MB, 1 running", task(dev.Frontend.Service)},
		{"front end's health", "/landing every 30 s within 5 s, 2 successes, 2 failures", health(dev.Frontend.HealthCheck)},
		{"front end's variables", map[string]string{
			"NODE_ENV":                   "production",
			"PORT":                       "3000",
			"NEXT_PUBLIC_API_BASE_URL":   "https://bkgstock.com/api",
			"NEXT_PUBLIC_AUTH_ONLY_MODE": "false",
		}, dev.FrontendVariables()},
	} {
		assert.Equal(t, fact.want, fact.got, fact.name)
	}
}

func TestDevCanBeDestroyed(t *testing.T) {
	dev := Dev()
	assert.False(t, dev.RetainData, "its data would stay behind")
	assert.False(t, dev.DeletionProtection, "AWS would refuse")
	assert.False(t, dev.TerminationProtection, "CloudFormation would refuse")
}

func TestStageAndProdAreGuarded(t *testing.T) {
	for _, e := range []Environment{Stage(), Prod()} {
		t.Run(e.Name, func(t *testing.T) {
			for guard, on := range map[string]bool{
				"data is retained":                    e.RetainData,
				"deletion is refused":                 e.DeletionProtection,
				"termination is refused":              e.TerminationProtection,
				"a week of backups":                   e.Database.BackupRetentionDays >= 7,
				"a standby database":                  e.Database.MultiAZ,
				"data is for the backend alone":       e.Network.DataAccess == DataFromBackend,
				"traffic is recorded":                 e.Network.FlowLogs && e.Edge.AccessLogs,
				"a task can be lost":                  min(e.Backend.DesiredCount, e.Frontend.DesiredCount) >= 2,
				"migrations change the schema":        len(e.Backend.MigrationCommand) > 0,
				"nothing else changes it":             !e.Backend.PrismaDBPushOnStart,
				"no sample data is written over real": !e.Backend.SeedDB,
			} {
				assert.True(t, on, guard)
			}
			assert.NotContains(t, e.BackendVariables(), "SEED_DB")
		})
	}
}

func TestNamesAreMadeOfTheEnvironments(t *testing.T) {
	for _, name := range []struct{ want, got string }{
		{"parrot-dev-backend", Dev().PhysicalName("backend")},
		{"parrot-prod-db-credentials", Prod().PhysicalName("db-credentials")},
		{"parrot-dev", Dev().LoadBalancerName()},
		{"ParrotDevNetwork", Dev().StackName("Network")},
		{"ParrotStageData", Stage().StackName("Data")},
		{"https://stage.bkgstock.com/api", Stage().APIBaseURL()},
	} {
		assert.Equal(t, name.want, name.got)
	}
}

func TestVariablesFollowTheSettings(t *testing.T) {
	e := Dev()
	e.Domain = "example.com"
	e.Backend.Port, e.Frontend.Port = 8080, 8081
	e.Backend.APIPrefix = "api/v2"
	e.Backend.CORSOrigins = []string{"https://a.example.com", "http://localhost:3000", "https://b.example.com"}
	e.Backend.SeedDB = false
	e.Backend.PrismaDBPushOnStart = true
	e.Backend.Variables = map[string]string{"LOG_LEVEL": "debug"}
	e.Frontend.Variables = map[string]string{"THEME": "dark"}
	e.Frontend.AuthOnlyMode = true
	require.NoError(t, Validate([]Environment{e}))

	assert.Equal(t, map[string]string{
		"NODE_ENV":                "production",
		"PORT":                    "8080",
		"API_PREFIX":              "api/v2",
		"CORS_ORIGINS":            "https://a.example.com,http://localhost:3000,https://b.example.com",
		"PRISMA_DB_PUSH_ON_START": "true",
		"LOG_LEVEL":               "debug",
	}, e.BackendVariables())
	assert.Equal(t, map[string]string{
		"NODE_ENV":                   "production",
		"PORT":                       "8081",
		"NEXT_PUBLIC_API_BASE_URL":   "https://example.com/api/v2",
		"NEXT_PUBLIC_AUTH_ONLY_MODE": "true",
		"THEME":                      "dark",
	}, e.FrontendVariables())
	assert.Equal(t, map[string]string{
		"NEXT_PUBLIC_API_BASE_URL":   "https://example.com/api/v2",
		"NEXT_PUBLIC_AUTH_ONLY_MODE": "true",
	}, e.FrontendBuildArguments(), "what is compiled in is no secret of one task")
	assert.Equal(t, map[string]string{"LOG_LEVEL": "debug"}, e.Backend.Variables, "asking for variables changes no setting")
}

func TestCORSOriginsFollowTheDomain(t *testing.T) {
	e := Dev()
	e.Domain = "example.com"
	assert.Equal(t, "https://example.com,https://www.example.com", e.BackendVariables()["CORS_ORIGINS"])
}

func TestEnvironmentsShareNothing(t *testing.T) {
	scribbled, untouched := All(), All()
	before := fmt.Sprintf("%+v", untouched)
	for i := range scribbled {
		for _, s := range settings("", reflect.ValueOf(&scribbled[i]).Elem()) {
			switch s.value.Kind() {
			case reflect.Slice:
				for i := range s.value.Len() {
					s.value.Index(i).SetZero()
				}
			case reflect.Map:
				s.value.Clear()
			}
		}
	}
	assert.NotEqual(t, before, fmt.Sprintf("%+v", scribbled), "nothing was changed")
	assert.Equal(t, before, fmt.Sprintf("%+v", untouched))
}
