package stacks

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsecr"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"parrot/config"
)

// keptImages is how many images each repository keeps.
const keptImages = 10

// Registry is the repositories of the services' images.
type Registry struct {
	Stack awscdk.Stack
	// Repositories are by the name of the service.
	Repositories map[string]awsecr.Repository
}

// NewRegistry makes the registry stack.
func NewRegistry(scope constructs.Construct, env config.Environment) *Registry {
	stack := newStack(scope, env, config.RegistryPart, "Image repositories")
	r := &Registry{Stack: stack, Repositories: map[string]awsecr.Repository{}}
	addresses := map[string]*string{}
	for _, service := range env.Services() {
		if service.Build != nil {
			r.Repositories[service.Name] = repository(stack, service.ID(), env, service.Build.Repository)
			addresses[service.Name] = r.Repositories[service.Name].RepositoryUri()
		}
	}
	output(stack, config.RepositoriesOutput, stack.ToJsonString(addresses, nil), "Addresses for docker push, by service")
	return r
}

func repository(stack awscdk.Stack, id string, env config.Environment, name string) awsecr.Repository {
	return awsecr.NewRepository(stack, &id, &awsecr.RepositoryProps{
		RepositoryName:     &name,
		ImageScanOnPush:    jsii.Bool(true),
		ImageTagMutability: awsecr.TagMutability_MUTABLE,
		LifecycleRules: &[]*awsecr.LifecycleRule{
			// An image that a rule of higher priority selects is out of reach
			// of the later ones, however many are pushed after it.
			{
				RulePriority:  jsii.Number(1),
				Description:   jsii.String("Keep released images"),
				TagPrefixList: jsii.Strings(config.ReleasedTag),
				MaxImageCount: jsii.Number(keptImages),
			},
			{
				RulePriority:  jsii.Number(2),
				Description:   jsii.String("Keep the last images"),
				TagStatus:     awsecr.TagStatus_ANY,
				MaxImageCount: jsii.Number(keptImages),
			},
		},
		EmptyOnDelete: jsii.Bool(!env.RetainData),
		RemovalPolicy: dataRemoval(env),
	})
}
