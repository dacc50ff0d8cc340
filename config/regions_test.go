package config

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// in moves an environment to a region.
func in(region string) func(*Environment) {
	return func(e *Environment) {
		e.Region, e.Network.AvailabilityZones = region, []string{region + "a", region + "b"}
		if lacks(region, budgetType) {
			e.Monitoring.BudgetUSD = 0
		}
	}
}

func TestTheDescribedSystemFitsEveryRegion(t *testing.T) {
	require.NotEmpty(t, offers.Regions)
	for _, region := range offers.Regions {
		e := described()
		e.Redis.Enabled = true
		in(region)(&e)
		assert.NoError(t, Validate([]Environment{e}))
	}
}

func TestAClassIsOneThatTheRegionHas(t *testing.T) {
	class := func(region, class string) func(*Environment) {
		return func(e *Environment) {
			in(region)(e)
			e.Database.InstanceClass = class
		}
	}
	check(t, described, []change{
		{"has it", class("eu-central-1", "db.t4g.micro"), ""},
		{"lacks it", class("ca-west-1", "db.t4g.micro"), `Database.InstanceClass is "db.t4g.micro": want a class that ca-west-1 has, of db.m6g, db.m6gd, `},
	})
	e := described()
	class("ca-west-1", "db.t4g.micro")(&e)
	assert.NotContains(t, Validate([]Environment{e}).Error(), "of db.t4g", "a family that the region lacks is no advice")
}

func TestAlarmsKnowTheMemoryOfEveryClass(t *testing.T) {
	families := slices.Concat(offers.DatabaseClasses, offers.NodeTypes)
	require.NotEmpty(t, families)
	for _, f := range families {
		require.NotEmpty(t, f.Sizes, f.Family)
		for _, size := range f.Sizes {
			assert.Positive(t, memoryGiB(f.Family+"."+size))
		}
	}
	e := described()
	for _, f := range offers.DatabaseClasses {
		e.Database.InstanceClass = f.Family + "." + f.Sizes[0]
		assert.NotPanics(t, func() { e.Alarms() }, e.Database.InstanceClass)
	}
}

func TestBudgetsAreRefusedWhereCloudFormationMakesNone(t *testing.T) {
	budget := func(region string, usd int) func(*Environment) {
		return func(e *Environment) {
			in(region)(e)
			e.Monitoring.BudgetUSD = usd
		}
	}
	check(t, described, []change{
		{"where it does", budget("eu-west-1", 100), ""},
		{"none", budget("eu-north-1", 0), ""},
		{"where it does not", budget("eu-north-1", 100), `Monitoring.BudgetUSD is 100: want 0 in eu-north-1, where CloudFormation makes no budgets. Make one by hand`},
	})
}

func TestAPipelineIsRefusedWhereThereIsNoCodeBuild(t *testing.T) {
	environments := three()
	for i := range environments {
		in("ca-west-1")(&environments[i])
	}
	require.NoError(t, Validate(environments))
	require.ErrorContains(t, ValidatePipeline(delivered(), environments),
		"want nothing in ca-west-1, where CloudFormation has no AWS CodeBuild")
	require.NoError(t, ValidatePipeline(Pipeline{}, environments))

	document, err := os.ReadFile("../docs/pipeline.md")
	require.NoError(t, err)
	lacking := offers.ResourceTypes[buildType]
	last := len(lacking) - 1
	assert.Contains(t, string(document), "AWS CodeBuild: "+strings.Join(lacking[:last], ", ")+" and "+lacking[last]+" do not")
}

func TestZonesAreThoseOfTheAccountAndOfFargate(t *testing.T) {
	west := []Zone{{"us-west-1b", "usw1-az2"}, {"us-west-1c", "usw1-az3"}, {"us-west-1a", "usw1-az1"}}
	for _, c := range []struct {
		name  string
		zones []string
		has   []Zone
		want  string
	}{
		{"both are", []string{"us-west-1a", "us-west-1c"}, west, ""},
		{
			"Fargate is not in one", []string{"us-west-1a", "us-west-1b"}, west,
			"Network.AvailabilityZones of dev cannot be used: Fargate is not in us-west-1b (usw1-az2). Choose two of us-west-1a, us-west-1c in " +
				"config/environments.go before the first deploy",
		},
		{
			"the account lacks one", []string{"us-west-1d", "us-west-1b"}, west,
			"cannot be used: the account has no us-west-1d, and Fargate is not in us-west-1b (usw1-az2). Choose two of us-west-1a, us-west-1c",
		},
		{"the same names are other places elsewhere", []string{"us-west-1a", "us-west-1b"},
			[]Zone{{"us-west-1a", "usw1-az3"}, {"us-west-1b", "usw1-az1"}}, ""},
		{
			"there are not two", []string{"us-west-1a", "us-west-1b"}, west[:2],
			"the account has no us-west-1a, and Fargate is not in us-west-1b (usw1-az2). The account has fewer than two zones in us-west-1 that " +
				"can (us-west-1c): choose another Region",
		},
		{"there is none", []string{"us-west-1a", "us-west-1b"}, nil, "that can (none): choose another Region"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := described()
			e.Region, e.Network.AvailabilityZones = "us-west-1", c.zones
			if c.want == "" {
				require.NoError(t, e.CheckZones(c.has))
				return
			}
			require.ErrorContains(t, e.CheckZones(c.has), c.want)
		})
	}
	e := described()
	in("eu-west-1")(&e)
	require.NoError(t, e.CheckZones([]Zone{{"eu-west-1a", "euw1-az3"}, {"eu-west-1b", "any"}}), "elsewhere Fargate is in all of them")
	for region, ids := range fargateZones {
		assert.Contains(t, offers.Regions, region)
		assert.GreaterOrEqual(t, len(ids), 2, region)
	}
}
