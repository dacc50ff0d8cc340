package config

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Validate knows what a production environment must have; a team that wants it
// without one of these changes the line here, too.
func TestProductionIsReadyForRealUsers(t *testing.T) {
	for _, e := range All() {
		if !e.Production {
			continue
		}
		for guard, on := range map[string]bool{
			"a standby database":            e.Database.MultiAZ,
			"data is for the backend alone": e.Network.DataAccess == DataFromBackend,
			"traffic is recorded":           e.Network.FlowLogs && e.Edge.AccessLogs,
			"migrations change the schema":  len(e.Backend.MigrationCommand) > 0,
		} {
			assert.True(t, on, "%s: %s", e.Name, guard)
		}
	}
}

// Nobody who makes an environment his own has to change a test: other packages
// test with settings of their own, but for the app as a whole.
func TestNoTestKnowsTheShippedSettings(t *testing.T) {
	ships := regexp.MustCompile(`config\.(All|Dev|Stage|Prod|Delivery)\(`)
	var know []string
	for _, pattern := range []string{"../*_test.go", "../*/*_test.go", "../*/*/*_test.go"} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, file := range files {
			source, err := os.ReadFile(file)
			require.NoError(t, err)
			if ships.Match(source) {
				know = append(know, file)
			}
		}
	}
	// The proof's settings are its test's own, under the same names.
	assert.Equal(t, []string{"../proof/proof_test.go", "../stacks/main_test.go", "../stacks/review_test.go"}, know)
}

func TestNamesAreMadeOfTheEnvironments(t *testing.T) {
	for _, name := range []struct{ want, got string }{
		{"parrot-dev-backend", described().PhysicalName("backend")},
		{"parrot-prod-db-credentials", production().PhysicalName("db-credentials")},
		{"parrot-dev", described().LoadBalancerName()},
		{"ParrotDevNetwork", described().StackName("Network")},
		{"ParrotStageData", stage().StackName("Data")},
		{"https://stage.bkgstock.com/api", stage().apiBaseURL()},
	} {
		assert.Equal(t, name.want, name.got)
	}
}

func TestVariablesFollowTheSettings(t *testing.T) {
	e := described()
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
	}, e.backend().Variables)
	assert.Equal(t, map[string]string{
		"NODE_ENV":                   "production",
		"PORT":                       "8081",
		"NEXT_PUBLIC_API_BASE_URL":   "https://example.com/api/v2",
		"NEXT_PUBLIC_AUTH_ONLY_MODE": "true",
		"THEME":                      "dark",
		"HOSTNAME":                   "0.0.0.0",
		"KEEP_ALIVE_TIMEOUT":         "65000",
	}, e.frontend().Variables)
	assert.Equal(t, map[string]string{
		"NEXT_PUBLIC_API_BASE_URL":   "https://example.com/api/v2",
		"NEXT_PUBLIC_AUTH_ONLY_MODE": "true",
	}, e.frontend().Build.Arguments, "what is compiled in is no secret of one task")
	assert.Equal(t, map[string]string{"LOG_LEVEL": "debug"}, e.Backend.Variables, "asking for variables changes no setting")
}

func TestCORSOriginsFollowTheDomain(t *testing.T) {
	e := described()
	e.Domain = "example.com"
	assert.Equal(t, "https://example.com,https://www.example.com", e.backend().Variables["CORS_ORIGINS"])
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
