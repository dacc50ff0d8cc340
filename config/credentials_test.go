package config

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Values are put together here, so that no scanner takes this file for a leak.
func filled(prefix, filling string, length int) string {
	return prefix + strings.Repeat(filling, length/len(filling)+1)[:length]
}

// leaks are values of each form of credentials, by what an error says of it.
var leaks = map[string][]string{
	"a private key": {
		"-----BEGIN " + `PRIVATE KEY-----\nMIIEvQ`, "-----BEGIN " + "RSA PRIVATE KEY-----", "-----BEGIN " + "OPENSSH PRIVATE KEY-----\nb3Blbn\n",
		`{"type":"service_account","private_key":"-----BEGIN ` + `PRIVATE KEY-----\n"}`,
	},
	"a private key in Base64": {"LS0tLS1CRUdJTi" + "BQUklWQVRFIEtFWS0tLS0t", "LS0tLS1CRUdJTi" + "BSU0EgUFJJVkFURSBLRVktLS0tLQ"},
	"a URL with a password": {
		"postgresql://app:secret@db.example.com:5432/app", "redis://:secret@cache:6379",
		"mongodb+srv://u:p%40ss@cluster0.example.net/?w=majority",
		"see amqps://a:b@mq.example.com/vhost", "https://key:secret@o0.ingest.sentry.io/1",
	},
	"a signed token (JWT)": {filled("eyJ", "hbGciOiJIUzI1NiJ9", 17) + "." + filled("eyJ", "zdWIiOiIxMjM0NTY3", 17) + "." +
		filled("", "SflKxwRJSMeKKF2QT4", 43)},
	"an AWS access key": {filled("AK"+"IA", "IOSFODNN7EXAMPLE", 16), "id=" + filled("AS"+"IA", "IOSFODNN7EXAMPLE", 16)},
	"a Stripe key": {filled("sk_"+"live_", "4eC39HqL", 24), filled("rk_"+"live_", "4eC39HqL", 24),
		filled("sk_"+"test_", "4eC39HqL", 24)},
	"a webhook's signing secret": {filled("wh"+"sec_", "4eC39HqL", 32)},
	"a GitHub token": {filled("gh"+"p_", "4eC39HqL", 36), filled("gh"+"s_", "4eC39HqL", 36),
		filled("github"+"_pat_", "4eC39HqL_", 82)},
	"a GitLab token":                 {filled("gl"+"pat-", "4eC39HqL", 20)},
	"a Slack token":                  {filled("xo"+"xb-", "1234-", 40), filled("xo"+"xp-", "1234-", 40), filled("xa"+"pp-1-", "A12B", 40)},
	"a Slack webhook":                {"https://hooks.slack.com" + "/services/T00000000/B00000000/" + filled("", "X", 24)},
	"a SendGrid key":                 {filled("S"+"G.", "4eC39HqL", 22) + "." + filled("", "4eC39HqL", 43)},
	"a Resend key":                   {filled("r"+"e_", "4eC39HqL", 8) + "_" + filled("", "4eC39HqL", 24)},
	"a Mailgun key":                  {filled("ke"+"y-", "0f", 32)},
	"a Google API key":               {filled("AI"+"za", "SyA1b2C3", 35)},
	"a Google OAuth client's secret": {filled("GOC"+"SPX-", "4eC39HqL", 28)},
	"an npm token":                   {filled("np"+"m_", "4eC39HqL", 36)},
	"an Anthropic key":               {filled("sk-"+"ant-", "api03-4eC39HqL", 95)},
	"an OpenAI key": {filled("sk-"+"proj-", "4eC39HqL", 48),
		filled("s"+"k-", "4eC39HqL", 20) + "T3Blbk" + filled("FJ", "4eC39HqL", 20)},
	"a Hugging Face token": {filled("h"+"f_", "AbCdEf", 34)},
	"a Shopify token":      {filled("shp"+"at_", "0f", 32)},
	"a DigitalOcean token": {filled("do"+"p_v1_", "0f", 64)},
	"a Sentry token":       {filled("snt"+"rys_", "eyJpYXQ", 60)},
	"a Supabase key":       {filled("sb_"+"secret_", "4eC39HqL", 31), filled("sb"+"p_", "0f", 40)},
}

func TestVariablesHaveNoCredentials(t *testing.T) {
	require.Len(t, leaks, len(credentials), "a value of each form")
	for _, c := range credentials {
		require.NotEmpty(t, leaks[c.what], c.what)
		for i, value := range leaks[c.what] {
			for name, service := range bothServices {
				e := described()
				service(&e).Variables = map[string]string{"TOKEN": value}
				err := Validate([]Environment{e})
				require.ErrorContains(t, err, fmt.Sprintf("%s.Variables is %q: want no credential: its value looks like %s, ", name, "TOKEN", c.what),
					"%s %d", c.what, i)
				assert.NotContains(t, err.Error(), value, "an error never shows a credential")
				assert.NotContains(t, err.Error(), value[len(value)/2:], "nor a part of it")
			}
			e := described()
			e.Backend.MigrationCommand = []string{"migrate", value}
			err := Validate([]Environment{e})
			require.ErrorContains(t, err, `Backend.MigrationCommand is "word 2": want no credential`)
			assert.NotContains(t, err.Error(), value)
		}
	}
}

func TestWhatIsPublicIsNoCredential(t *testing.T) {
	for _, value := range []string{
		filled("pk_"+"live_", "4eC39HqL", 24), filled("pk_"+"test_", "4eC39HqL", 99), // Stripe's publishable keys
		"https://0123456789abcdef0123456789abcdef@o0.ingest.sentry.io/1", // a Sentry DSN
		"https://example.com:8443/@scope/a:b@c", "postgresql://app@db.example.com/app", "http://localhost:3000/callback?next=a:b@c",
		"mailto:a:b@c.example",
		"AC" + strings.Repeat("0f", 16),                                                           // Twilio's account
		"pub-0123456789", "G-ABCDEF1234", "phc_0123456789", "sb_publishable_0123456789abcdefghij", // PostHog, Google Analytics, Supabase
		"eyJhbGciOiJIUzI1NiJ9", "sk-ip", "skip_live_", "task_live_0123456789abcdef", "re_export", "monkey-0123456789", "npm_config_cache", "SG.1",
		"arn:aws:iam::123456789012:role/x", "-----BEGIN CERTIFICATE-----", "-----BEGIN " + "PUBLIC KEY-----", "debug", "",
		"AKIA", "11111111-2222-3333-4444-555555555555", strings.Repeat("0f", 32),
	} {
		assert.Empty(t, credentialIn("ANY", value), value)
	}
	for _, what := range []string{"a Google API key", "a signed token (JWT)"} { // Maps, Firebase; Supabase's anonymous key
		for _, value := range leaks[what] {
			assert.Empty(t, credentialIn("NEXT_PUBLIC_KEY", value), value)
		}
	}
	assert.NotEmpty(t, credentialIn("NEXT_PUBLIC_KEY", leaks["a Stripe key"][0]), "a secret key stays one")
}

func TestACredentialsAdviceIsASectionOfTheEdits(t *testing.T) {
	edits, err := os.ReadFile("../docs/edits.md")
	require.NoError(t, err)
	assert.Contains(t, noCredential(""), `"A secret that you have"`)
	assert.Contains(t, string(edits), "## A secret that you have\n")
}

func TestPublicVariablesAreCompiledIn(t *testing.T) {
	variable := func(of func(*Environment) *Service, name string) func(*Environment) {
		return func(e *Environment) { of(e).Variables = map[string]string{name: "x"} }
	}
	check(t, described, []change{
		{"not compiled in", variable(bothServices["Frontend"], "NEXT_PUBLIC_MAPS_KEY"),
			`Frontend.Variables is "NEXT_PUBLIC_MAPS_KEY": want no NEXT_PUBLIC_ variable: Next.js compiles these into the image, and a task's variable comes too late. Make it a line of frontendBuildArguments in config/services.go`},
		{"only the server reads it", variable(bothServices["Frontend"], "MAPS_KEY"), ""},
		{"of no front end", variable(bothServices["Backend"], "NEXT_PUBLIC_MAPS_KEY"), ""},
	})
	for name := range described().frontendBuildArguments() {
		assert.Contains(t, described().frontend().reserved, name, "a variable that is compiled in is reserved")
		assert.True(t, strings.HasPrefix(name, publicPrefix), name)
	}
}

func TestTaskDefinitionsFitIntoWhatECSTakes(t *testing.T) {
	size := func(service string, bytes int, migration ...string) error {
		e := described()
		e.Backend.MigrationCommand = migration
		bothServices[service](&e).Variables = map[string]string{"BIG": strings.Repeat("x", bytes), "SMALL": "x"}
		return Validate([]Environment{e})
	}
	const kib = 1024
	require.NoError(t, size("Backend", 51*kib))
	require.NoError(t, size("Backend", 25*kib, "migrate"), "half as much in each of two containers")
	require.NoError(t, size("Frontend", 51*kib, "migrate"), "the front end has no migration")
	for _, err := range []error{
		size("Backend", 52*kib), size("Backend", 26*kib, "migrate"), size("Backend", 0, "migrate", strings.Repeat("x", 52*kib)),
		size("Frontend", 52*kib),
	} {
		require.ErrorContains(t, err, "end.Variables is 5")
		require.ErrorContains(t, err, ": want at most 53248 bytes, counted in each container that has them (")
	}
	assert.ErrorContains(t, size("Backend", 26*kib, "migrate"),
		"(2): ECS refuses a task definition of more than 65536. The largest: BIG 53300, CORS_ORIGINS ")
}
