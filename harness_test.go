package parrot

import (
	"encoding/json"
	"flag"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
	"github.com/stretchr/testify/require"

	"parrot/config"
	"parrot/internal/assembly"
)

// update rewrites the golden files with what is there now.
var update = flag.Bool("update", false, "rewrite golden files")

// keptFixtures is the variable that names an empty directory where the fixtures'
// assembly is left, for tools that read templates.
const keptFixtures = "PARROT_KEPT_FIXTURES"

func TestMain(m *testing.M) {
	if app := os.Getenv(measuredApp); app != "" {
		synthesizeMeasured(app)
		return
	}
	code := m.Run()
	if keep := os.Getenv(keptFixtures); keep != "" && code == 0 {
		if err := os.CopyFS(keep, os.DirFS(synthesized.direct.Dir)); err != nil {
			panic(err)
		}
	}
	jsii.Close() // it removes the assemblies, too
	os.Exit(code)
}

// The released images of the tests.
var (
	taggedImage   = config.Image{Tag: "20260102030405-0a1b2c3"}
	digestedImage = config.Image{Tag: "20260102030405-0a1b2c3", Digest: "sha256:" + strings.Repeat("ab", 32)}
)

// released is an environment as it runs, with an image of each service.
func released(env config.Environment) config.Environment {
	env.Backend.Image, env.Frontend.Image = digestedImage, taggedImage
	return env
}

// testProgram stands for the program that rotates passwords: no test of templates
// has to build it.
var testProgram = App{RotationCode: "testdata/rotation"}

// environments are the shipped environments as they run.
func environments() []config.Environment {
	all := config.All()
	for i, env := range all {
		all[i] = released(env)
	}
	return all
}

// described is dev as the system's description has it: what the tests say of
// Parrot they say of this, and not of the shipped settings, which change.
func described() config.Environment {
	document, err := os.ReadFile("config/testdata/described.json")
	if err != nil {
		panic(err)
	}
	var env config.Environment
	if err := json.Unmarshal(document, &env); err != nil {
		panic(err)
	}
	return released(env)
}

// production is the described system with all guards and options on.
func production() config.Environment {
	env := described()
	env.Name, env.Domain, env.Network.VPC = "prod", "prod.bkgstock.com", "10.12.0.0/24"
	env.Database.Identifier = env.PhysicalName("db")
	env.Backend.Repository, env.Frontend.Repository = env.PhysicalName("backend"), env.PhysicalName("frontend")
	env.Production, env.RetainData, env.DeletionProtection, env.TerminationProtection = true, true, true, true
	env.Network.NATGateways, env.Network.TaskSubnets = config.NATOnePerAZ, config.TasksPrivate
	env.Network.DataAccess, env.Network.FlowLogs, env.Edge.AccessLogs = config.DataFromBackend, true, true
	env.Database.MultiAZ, env.Database.BackupRetentionDays, env.Database.RotationDays = true, 30, 30
	env.Redis.Enabled = true
	env.Backend.SeedDB, env.Backend.MigrationCommand = false, []string{"npx", "prisma", "migrate", "deploy"}
	env.Backend.CABundle = "/etc/ssl/certs/rds-global-bundle.pem"
	env.Backend.DesiredCount, env.Frontend.DesiredCount = 2, 2
	env.Monitoring.Alarms, env.Monitoring.RollbackOnErrors = config.AlarmsAll, true
	env.Monitoring.PageEmails = []string{"oncall@acme.example"}
	env.Monitoring.TicketEmails = []string{"team@acme.example", "oncall@acme.example"}
	return env
}

// fixtures are the environments that the tests know.
func fixtures() []config.Environment { return []config.Environment{described(), production()} }

// delivery is the pipeline of the fixtures, configured as a user would.
func delivery() config.Pipeline {
	return config.Pipeline{
		ConnectionARN:      "arn:aws:codeconnections:us-east-1:123456789012:connection/01234567-89ab-cdef-0123-456789abcdef",
		Repository:         "acme/shop",
		Branch:             "main",
		NotificationEmails: []string{"team@acme.example"},
	}
}

// apart are three environments and a pipeline, each in an account of its own.
func apart() ([]config.Environment, config.Pipeline) {
	stage := production()
	stage.Name = "stage"
	environments := []config.Environment{described(), stage, production()}
	for i, account := range []string{"111111111111", "222222222222", "333333333333"} {
		environments[i].Account = account
	}
	pipeline := delivery()
	pipeline.Account, pipeline.Directory = "999999999999", "infra"
	return environments, pipeline
}

// synthesized is the apps that all tests read, each synthesized once: shipped has
// the environments as they are deployed, direct has the fixtures and their
// pipeline, both checked against the policies; variants has a pipeline across
// accounts, and each variant in its own stage.
var synthesized struct {
	once                      sync.Once
	err                       error
	shipped, direct, variants *assembly.Assembly
}

func synthesize(t *testing.T) (shipped, direct, variants *assembly.Assembly) {
	t.Helper()
	synthesized.once.Do(func() { synthesized.err = synthesizeAll() })
	require.NoError(t, synthesized.err)
	for _, a := range []*assembly.Assembly{synthesized.shipped, synthesized.direct, synthesized.variants} {
		require.NotEmpty(t, a.Stacks, "of %s", a.Dir)
	}
	return synthesized.shipped, synthesized.direct, synthesized.variants
}

func synthesizeAll() (err error) {
	startJSII()
	if synthesized.shipped, err = synthesizeChecked(environments(), config.Delivery()); err != nil {
		return err
	}
	if synthesized.direct, err = synthesizeChecked(fixtures(), delivery()); err != nil {
		return err
	}

	promoted, pipeline := apart()
	all := promoted
	for _, v := range variants() {
		all = append(all, v.env)
	}
	app := testApp(all)
	testProgram.DefineAll(app, promoted, pipeline)
	for _, v := range append(variants(), reviewedVariants()...) {
		testProgram.Define(awscdk.NewStage(app, &v.name, nil), v.env)
	}
	synthesized.variants, err = assembly.Load(*app.Synth(nil).Directory())
	return err
}

// synthesizeChecked synthesizes environments and their pipeline as the app does,
// with the policies.
func synthesizeChecked(environments []config.Environment, pipeline config.Pipeline) (*assembly.Assembly, error) {
	app := testApp(environments)
	checkPolicy(app)
	testProgram.DefineAll(app, environments, pipeline)
	return assembly.Load(*app.Synth(nil).Directory())
}

// startJSII starts jsii's process without the validation that CDK runs in every
// synth, and which takes most of it: checkPolicy asks for it once.
var startJSII = sync.OnceFunc(func() {
	os.Setenv("CDK_VALIDATION", "false")
	os.Setenv("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")
	jsii.Close() // it copied the environment when the program started
})

// testApp is the app whose findings are read from reports, not thrown.
func testApp(environments []config.Environment) awscdk.App {
	app := NewApp(environments)
	app.Node().SetContext(jsii.String("@aws-cdk/core:annotationsInValidationReport"), false)
	return app
}

// direct is the fixtures as a laptop deploys them.
func direct(t *testing.T) *assembly.Assembly {
	t.Helper()
	_, direct, _ := synthesize(t)
	return direct
}

// nested is the assembly of a stage.
func nested(t *testing.T, path string) *assembly.Assembly {
	t.Helper()
	_, _, variants := synthesize(t)
	stage := variants.Nested[path]
	require.NotNil(t, stage, "stage %s", path)
	require.NotEmpty(t, stage.Stacks, "stage %s", path)
	return stage
}

// changed is one of the described stacks in a variant.
func changed[P ~string](t *testing.T, variant string, part P) *assembly.Stack {
	t.Helper()
	return stackOf(t, nested(t, variant), described(), part)
}

// stackOf is one of an environment's stacks, which is not empty.
func stackOf[P ~string](t *testing.T, a *assembly.Assembly, env config.Environment, part P) *assembly.Stack {
	t.Helper()
	stack := a.Stack(env.StackName(config.Part(part)))
	require.NotNil(t, stack, "stack %s", env.StackName(config.Part(part)))
	require.NotEmpty(t, stack.Resources, "stack %s", env.StackName(config.Part(part)))
	return stack
}

// dev is one of the described stacks.
func dev[P ~string](t *testing.T, part P) *assembly.Stack {
	t.Helper()
	return stackOf(t, direct(t), described(), part)
}

// resources are the stack's resources of a type, at least one: a loop over none
// asserts nothing.
func resources(t *testing.T, stack *assembly.Stack, resourceType string) []*assembly.Resource {
	t.Helper()
	found := stack.OfType(resourceType)
	require.NotEmpty(t, found, "%s in %s", resourceType, stack.Name)
	return found
}

// only is the stack's one resource of a type.
func only(t *testing.T, stack *assembly.Stack, resourceType string) *assembly.Resource {
	t.Helper()
	found := stack.OfType(resourceType)
	require.Len(t, found, 1, "%s in %s", resourceType, stack.Name)
	return found[0]
}

// with is the stack's one resource of a type whose property has a value.
func with(t *testing.T, stack *assembly.Stack, resourceType, property, value string) *assembly.Resource {
	t.Helper()
	var found []*assembly.Resource
	for _, resource := range stack.OfType(resourceType) {
		if resource.Text(property) == value {
			found = append(found, resource)
		}
	}
	require.Len(t, found, 1, "%s with %s %s in %s", resourceType, property, value, stack.Name)
	return found[0]
}
