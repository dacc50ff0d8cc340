package parrot

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot/config"
	"parrot/internal/assembly"
)

// everyResource is every resource of an assembly and of those in it.
func everyResource(a *assembly.Assembly) (all []*assembly.Resource) {
	for _, stack := range a.Stacks {
		all = append(all, stack.Resources...)
	}
	for _, nested := range a.Nested {
		all = append(all, everyResource(nested)...)
	}
	return all
}

// notEverywhere are the types that some regions lack, and the settings that ask for
// one in a region: they are refused there.
var notEverywhere = map[string]func(region string) error{
	"AWS::Budgets::Budget": func(region string) error {
		env := described()
		env.Region, env.Network.AvailabilityZones = region, []string{region + "a", region + "b"}
		return config.Validate([]config.Environment{env})
	},
	"AWS::CodeBuild::Project": func(region string) error {
		env := described()
		env.Region = region
		return config.ValidatePipeline(delivery(), []config.Environment{env})
	},
}

func TestEveryRegionHasWhatTheTemplatesAreMadeOf(t *testing.T) {
	shipped, direct, variants := synthesize(t)
	types := map[string]bool{}
	for _, a := range []*assembly.Assembly{shipped, direct, variants} {
		for _, resource := range everyResource(a) {
			types[resource.Type] = true
		}
	}
	lacking := config.RegionsWithout()
	require.Equal(t, slices.Sorted(maps.Keys(lacking)), slices.Sorted(maps.Keys(types)),
		"resourceTypes in config/regions.json are those of the templates; then run .ci/regions.py --update")
	for resourceType, regions := range lacking {
		refused := notEverywhere[resourceType]
		if len(regions) > 0 {
			require.NotNil(t, refused, "%v lack %s: refuse the setting that asks for it, or leave it out there", regions, resourceType)
		}
		for _, region := range regions {
			require.ErrorContains(t, refused(region), " in "+region+", where CloudFormation ", "%s in %s", resourceType, region)
		}
	}
	for resourceType := range notEverywhere {
		assert.NotEmpty(t, lacking[resourceType], "%s is everywhere", resourceType)
	}
	// What is refused can be left out.
	without := everyResource(nested(t, "NoMonitoring"))
	require.NotEmpty(t, without)
	assert.False(t, slices.ContainsFunc(without, func(r *assembly.Resource) bool { return r.Type == "AWS::Budgets::Budget" }))
}

// The settings are checked against what is left of ECS's limit for variables: the
// rest of a definition has to fit into what is set aside for it.
func TestATaskDefinitionWithoutItsVariablesIsSmall(t *testing.T) {
	t.Parallel()
	const setAside = 12 * 1024 // config's otherDefinitionBytes
	definitions := 0
	for _, resource := range everyResource(direct(t)) {
		if resource.Type != "AWS::ECS::TaskDefinition" {
			continue
		}
		definitions++
		text, err := json.Marshal(resource.Properties)
		require.NoError(t, err)
		var definition struct{ ContainerDefinitions []map[string]any }
		require.NoError(t, json.Unmarshal(text, &definition))
		require.NotEmpty(t, definition.ContainerDefinitions)
		rest := len(text)
		for _, container := range definition.ContainerDefinitions {
			require.NotEmpty(t, container["Environment"])
			variables, err := json.Marshal(container["Environment"])
			require.NoError(t, err)
			rest -= len(variables)
		}
		assert.Less(t, rest, setAside*3/4, "%s of %s: secrets of one's own need room, too", resource.LogicalID, resource.Stack.Name)
	}
	assert.Equal(t, 8, definitions, "from a laptop and by the pipeline")
}
