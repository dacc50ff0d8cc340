package main

import (
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

func TestMain(m *testing.M) {
	if app := os.Getenv(measuredApp); app != "" {
		synthesizeMeasured(app)
		return
	}
	code := m.Run()
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

// environments are the shipped environments as they run.
func environments() []config.Environment {
	all := config.All()
	for i, env := range all {
		all[i] = released(env)
	}
	return all
}

// full is an environment with all options on, so that the policies see them.
func full() config.Environment {
	env := released(config.Stage())
	env.Name, env.Domain = "full", "full.bkgstock.com"
	env.Network.VPC = "192.168.255.0/24"
	env.Database.Identifier = env.PhysicalName("db")
	env.Backend.Repository, env.Frontend.Repository = env.PhysicalName("backend"), env.PhysicalName("frontend")
	env.Network.NATGateways, env.Network.TaskSubnets = config.NATOnePerAZ, config.TasksPrivate
	env.Redis.Enabled = true
	return env
}

// synthesized is the two apps that all tests read, each synthesized once: shipped
// has the environments as they are deployed, checked against the policies;
// variants has them nested as in a pipeline, and each variant in its own stage.
var synthesized struct {
	once              sync.Once
	err               error
	shipped, variants *assembly.Assembly
}

func synthesize(t *testing.T) (shipped, variants *assembly.Assembly) {
	t.Helper()
	synthesized.once.Do(func() { synthesized.err = synthesizeAll() })
	require.NoError(t, synthesized.err)
	return synthesized.shipped, synthesized.variants
}

func synthesizeAll() (err error) {
	startJSII()
	shipped := testApp(environments())
	checkPolicy(shipped)
	for _, env := range append(environments(), full()) {
		define(shipped, env)
	}
	if synthesized.shipped, err = assembly.Load(*shipped.Synth(nil).Directory()); err != nil {
		return err
	}

	var all []config.Environment
	for _, v := range variants() {
		all = append(all, v.env)
	}
	app := testApp(all)
	pipeline := awscdk.NewStack(app, jsii.String("ParrotPipeline"), nil)
	stage := awscdk.NewStage(pipeline, jsii.String("Environments"), nil)
	for _, env := range environments() {
		define(stage, env)
	}
	for _, v := range variants() {
		define(awscdk.NewStage(app, &v.name, nil), v.env)
	}
	synthesized.variants, err = assembly.Load(*app.Synth(nil).Directory())
	return err
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
	app := newApp(environments)
	app.Node().SetContext(jsii.String("@aws-cdk/core:annotationsInValidationReport"), false)
	return app
}

// direct is the app's own environments, as a laptop deploys them.
func direct(t *testing.T) *assembly.Assembly {
	t.Helper()
	shipped, _ := synthesize(t)
	return shipped
}

// pipelined is the same environments nested in a stage, as a pipeline has them.
func pipelined(t *testing.T) *assembly.Assembly {
	t.Helper()
	return nested(t, "ParrotPipeline/Environments")
}

// nested is the assembly of a stage.
func nested(t *testing.T, path string) *assembly.Assembly {
	t.Helper()
	_, variants := synthesize(t)
	stage := variants.Nested[path]
	require.NotNil(t, stage, "stage %s", path)
	return stage
}

// changed is one of dev's stacks in a variant.
func changed(t *testing.T, variant, part string) *assembly.Stack {
	t.Helper()
	return stackOf(t, nested(t, variant), config.Dev(), part)
}

// stackOf is one of an environment's stacks.
func stackOf(t *testing.T, a *assembly.Assembly, env config.Environment, part string) *assembly.Stack {
	t.Helper()
	stack := a.Stack(env.StackName(part))
	require.NotNil(t, stack, "stack %s", env.StackName(part))
	return stack
}

// dev is one of the stacks of dev.
func dev(t *testing.T, part string) *assembly.Stack {
	t.Helper()
	return stackOf(t, direct(t), config.Dev(), part)
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
