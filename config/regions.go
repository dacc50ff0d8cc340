package config

import (
	_ "embed"
	"encoding/json"
	"slices"
	"strings"
)

// regionsJSON is what AWS's regions offer; .ci/regions.py writes it from cfn-lint's
// data, and CI compares it with them.
//
//go:embed regions.json
var regionsJSON []byte

// offers are what AWS's commercial regions offer.
// https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html
var offers = func() (o struct {
	Regions []string
	// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.DBInstanceClass.Support.html
	DatabaseClasses []family
	// https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/CacheNodes.SupportedTypes.html
	NodeTypes []family
	// ResourceTypes are the types of the templates, each with the regions whose
	// CloudFormation does not know it.
	ResourceTypes map[string][]string
},
) {
	if err := json.Unmarshal(regionsJSON, &o); err != nil {
		panic(err) // it is compiled in: a test would have failed
	}
	return o
}()

// family is classes of instances that the same regions lack.
type family struct {
	Family  string
	Sizes   []string
	Lacking []string
}

func (f family) has(class string) bool {
	size, found := strings.CutPrefix(class, f.Family+".")
	return found && slices.Contains(f.Sizes, size)
}

// offeredClass rejects a class that does not exist, or that the region lacks.
func (v *validator) offeredClass(setting, class, region string, families []family, allowed string) {
	exists, here := false, []string(nil)
	for _, f := range families {
		inRegion := !slices.Contains(f.Lacking, region)
		if f.has(class) {
			if inRegion {
				return
			}
			exists = true
		}
		if inRegion && !slices.Contains(here, f.Family) {
			here = append(here, f.Family)
		}
	}
	if exists {
		v.reject(setting, class, "a class that %s has, of %s. If AWS has it there by now, add it to SINCE_THEN in .ci/regions.py and run it "+
			"with --update", region, list(here))
		return
	}
	v.reject(setting, class, "%s", allowed)
}

// Types that a setting asks for and that not every region has.
const (
	budgetType = "AWS::Budgets::Budget"
	buildType  = "AWS::CodeBuild::Project"
)

// lacks reports whether a region's CloudFormation does not know a type.
func lacks(region, resourceType string) bool {
	return slices.Contains(offers.ResourceTypes[resourceType], region)
}
