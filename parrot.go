// Package parrot is the app: what an environment is made of, and how it becomes
// CloudFormation templates. cmd/parrot runs it.
package parrot

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"parrot/config"
	"parrot/internal/bundle"
	"parrot/stacks"
)

// cdkJSON has the feature flags, which the CDK CLI passes on and a test or a
// bare run does not.
//
//go:embed cdk.json
var cdkJSON []byte

// Run synthesizes the environments and their pipeline, or prints what is wrong with the settings,
// and returns the exit status.
func Run(environments []config.Environment, pipeline config.Pipeline, settings error, stderr io.Writer) int {
	if settings != nil {
		fmt.Fprintf(stderr, "Nothing is synthesized: settings are wrong. Correct them in config/environments.go:\n%v\n", settings)
		return 1
	}
	rotationCode, err := BuildRotation(environments)
	if err != nil {
		fmt.Fprintf(stderr, "Nothing is synthesized, because the program that rotates passwords could not be built: %v\nCorrect what it says, "+
			"or set Database.RotationDays to 0 in config\n", err)
		return 1
	}
	defer os.RemoveAll(rotationCode) //nolint:errcheck // the assembly has a copy
	defer jsii.Close()
	app := NewApp(environments)
	App{RotationCode: rotationCode}.DefineAll(app, environments, pipeline)
	app.Synth(nil)
	return 0
}

// BuildRotation builds the program that rotates passwords, once for all
// environments. It returns its directory, or nothing where nobody rotates.
func BuildRotation(environments []config.Environment) (directory string, err error) {
	for _, env := range environments {
		if env.Database.RotationDays > 0 {
			return bundle.Build(".", "./cmd/rotate") // the CDK CLI runs the app where cdk.json is
		}
	}
	return "", nil
}

// App is what all environments share.
type App struct {
	// RotationCode is the directory of the program that rotates passwords.
	RotationCode string
}

// DefineAll builds the environments and, where one is configured, the pipeline
// with a copy of each in its stages.
func (a App) DefineAll(app awscdk.App, environments []config.Environment, pipeline config.Pipeline) {
	for _, env := range environments {
		a.Define(app, env)
	}
	if pipeline.Configured() {
		stacks.NewPipeline(app, pipeline, environments, a.Define)
	}
}

// Define builds one environment's stacks in any scope. An arrow in the
// architecture diagram is an argument here. It returns what runs the images.
func (a App) Define(scope constructs.Construct, env config.Environment) *stacks.Compute {
	network := stacks.NewNetwork(scope, env)
	registry := stacks.NewRegistry(scope, env)
	data := stacks.NewData(scope, env, network, a.RotationCode)
	edge := stacks.NewEdge(scope, env, network)
	compute := stacks.NewCompute(scope, env, network, registry, data, edge)
	stacks.NewMonitoring(scope, env, edge, compute)
	return compute
}

// NewApp makes a CDK app with the feature flags of cdk.json.
func NewApp(environments []config.Environment) awscdk.App {
	var file struct {
		Context map[string]any `json:"context"`
	}
	if err := json.Unmarshal(cdkJSON, &file); err != nil {
		panic(err) // it is compiled in: a test would have failed
	}
	for _, env := range environments {
		// Otherwise CDK asks AWS for the zones of a named account, and synth
		// without credentials fails.
		if env.Account != "" {
			file.Context[fmt.Sprintf("availability-zones:account=%s:region=%s", env.Account, env.Region)] = env.Network.AvailabilityZones
		}
	}
	return awscdk.NewApp(&awscdk.AppProps{
		Context:            &file.Context,
		AnalyticsReporting: jsii.Bool(false),
		// Nobody reads jsii's JavaScript stack traces or tree.json, and both make every
		// synth slower.
		StackTraces:  jsii.Bool(false),
		TreeMetadata: jsii.Bool(false),
	})
}
