package stacks_test

import (
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot/config"
	"parrot/internal/assembly"
	. "parrot/internal/synthtest"
)

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
		if err := KeepFixtures(keep); err != nil {
			panic(err)
		}
	}
	jsii.Close() // it removes the assemblies, too
	os.Exit(code)
}

// environments returns the shipped environments as they run.
func environments() []config.Environment {
	all := config.All()
	for i, env := range all {
		all[i] = Released(env)
	}
	return all
}

// shipped is the environments as they are deployed, checked against the policies.
var shipped = Once(func() awscdk.App { return checked(environments(), config.Delivery()) })

// shippedValidated is the same with CDK's own validation.
var shippedValidated = Once(func() awscdk.App { return validated(environments(), config.Delivery()) })

// promoted is a pipeline across accounts with its environments, and each
// variant in a stage of its own.
var promoted = Once(func() awscdk.App {
	all, pipeline := apart()
	for _, v := range variants() {
		all = append(all, v.env)
	}
	app := NewApp(all)
	App.DefineAll(app, all[:3], pipeline)
	for _, v := range append(variants(), reviewedVariants()...) {
		App.Define(awscdk.NewStage(app, &v.name, nil), v.env)
	}
	return app
})

// nested returns the assembly of a stage.
func nested(t *testing.T, path string) *assembly.Assembly {
	t.Helper()
	stage := promoted.Assembly(t).Nested[path]
	require.NotNil(t, stage, "stage %s", path)
	require.NotEmpty(t, stage.Stacks, "stage %s", path)
	return stage
}

// changed returns one of the described stacks in a variant.
func changed[P ~string](t *testing.T, variant string, part P) *assembly.Stack {
	t.Helper()
	return StackOf(t, nested(t, variant), Described(), part)
}

// everything returns every assembly there is: the shipped one, the fixtures', and each stage's.
func everything(t *testing.T) []*assembly.Assembly {
	t.Helper()
	all := []*assembly.Assembly{shipped.Assembly(t), Direct(t)}
	for _, stage := range promoted.Assembly(t).Nested {
		all = append(all, stage)
	}
	for _, a := range all {
		require.NotEmpty(t, a.Stacks, "of %s", a.Dir)
	}
	return all
}

// assertSameLines compares two templates and shows the first line that differs.
func assertSameLines(t *testing.T, want, got []byte, message string) {
	t.Helper()
	wanted, gotten := strings.Split(string(want), "\n"), strings.Split(string(got), "\n")
	for i := range min(len(wanted), len(gotten)) {
		if wanted[i] != gotten[i] {
			t.Errorf("%s: line %d is %q: want %q", message, i+1, gotten[i], wanted[i])
			return
		}
	}
	assert.Len(t, gotten, len(wanted), message)
}
