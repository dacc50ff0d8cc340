package synthtest

import (
	"os"
	"sync"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
	"github.com/stretchr/testify/require"

	"parrot"
	"parrot/config"
	"parrot/internal/assembly"
)

// StartJSII starts jsii's process without the validation that CDK runs in every
// synth, and which takes most of it: one slow test asks for it.
var StartJSII = sync.OnceFunc(func() {
	os.Setenv("CDK_VALIDATION", "false")
	os.Setenv("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")
	jsii.Close() // it copied the environment when the program started
})

// NewApp makes an app whose findings are read from reports, not thrown.
func NewApp(environments []config.Environment) awscdk.App {
	StartJSII()
	app := parrot.NewApp(environments)
	app.Node().SetContext(jsii.String("@aws-cdk/core:annotationsInValidationReport"), false)
	return app
}

// Synthesis is an app that is synthesized once, when a test reads it first.
type Synthesis func() (*assembly.Assembly, error)

// oneAtATime is for jsii's process, which all apps share.
var oneAtATime sync.Mutex

// Once returns the synthesis of the app that define returns.
func Once(define func() awscdk.App) Synthesis {
	return sync.OnceValues(func() (*assembly.Assembly, error) {
		oneAtATime.Lock()
		defer oneAtATime.Unlock()
		return assembly.Load(*define().Synth(nil).Directory())
	})
}

// Assembly returns what is synthesized, which is not empty.
func (s Synthesis) Assembly(t *testing.T) *assembly.Assembly {
	t.Helper()
	a, err := s()
	require.NoError(t, err)
	require.NotEmpty(t, a.Stacks, "of %s", a.Dir)
	return a
}

var direct = Once(func() awscdk.App {
	app := NewApp(Fixtures())
	App.DefineAll(app, Fixtures(), Delivery())
	return app
})

// KeepFixtures copies the assembly of Direct to an empty directory, for tools that
// read templates.
func KeepFixtures(dir string) error {
	a, err := direct()
	if err != nil {
		return err
	}
	return os.CopyFS(dir, os.DirFS(a.Dir))
}

// Direct returns the fixtures and their pipeline, as a laptop deploys them.
func Direct(t *testing.T) *assembly.Assembly {
	t.Helper()
	return direct.Assembly(t)
}

// StackOf returns one of an environment's stacks, which is not empty.
func StackOf[P ~string](t *testing.T, a *assembly.Assembly, env config.Environment, part P) *assembly.Stack {
	t.Helper()
	stack := a.Stack(env.StackName(config.Part(part)))
	require.NotNil(t, stack, "stack %s", env.StackName(config.Part(part)))
	require.NotEmpty(t, stack.Resources, "stack %s", env.StackName(config.Part(part)))
	return stack
}

// Dev returns one of the described stacks.
func Dev[P ~string](t *testing.T, part P) *assembly.Stack {
	t.Helper()
	return StackOf(t, Direct(t), Described(), part)
}
