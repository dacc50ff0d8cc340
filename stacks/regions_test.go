package stacks_test

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot/config"
	"parrot/internal/assembly"
	"parrot/internal/documents"
	. "parrot/internal/synthtest"
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
		env := Described()
		env.Region, env.Network.AvailabilityZones = region, []string{region + "a", region + "b"}
		return config.Validate([]config.Environment{env})
	},
	"AWS::CodeBuild::Project": func(region string) error {
		env := Described()
		env.Region = region
		return config.ValidatePipeline(Delivery(), []config.Environment{env})
	},
}

func TestEveryRegionHasWhatTheTemplatesAreMadeOf(t *testing.T) {
	t.Parallel()
	types := map[string]bool{}
	for _, a := range []*assembly.Assembly{shipped.Assembly(t), Direct(t), promoted.Assembly(t)} {
		for _, resource := range everyResource(a) {
			types[resource.Type] = true
		}
	}
	var offers struct{ ResourceTypes map[string][]string }
	require.NoError(t, json.Unmarshal([]byte(documents.Read(t, "config/regions.json")), &offers))
	lacking := offers.ResourceTypes
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
