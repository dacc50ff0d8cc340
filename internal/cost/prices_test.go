package cost_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot/internal/cost"
)

// A price cannot be looked up in a test. But AWS's prices have an order: a size is twice
// the one before, ARM is cheaper than x86, a month's storage costs cents. One that is
// ten times too high, of the wrong unit or of another line breaks it.

// sizes are how often a size is the smallest one.
var sizes = map[string]float64{"micro": 1, "small": 2, "medium": 4, "large": 8, "xlarge": 16, "2xlarge": 32, "4xlarge": 64, "8xlarge": 128}

// families are what the smallest size of a family costs an hour, as a range: micro of
// the burstable ones, what a micro would be of the others.
var families = map[string][2]float64{
	"rds-db.t3": {0.017, 0.019}, "rds-db.t4g": {0.0155, 0.017}, "rds-db.m7g": {0.020, 0.022},
	"redis-cache.t3": {0.0165, 0.0175}, "redis-cache.t4g": {0.0155, 0.0165}, "redis-cache.m7g": {0.019, 0.0205},
}

func TestASizeCostsTwiceTheOneBelowIt(t *testing.T) {
	members := map[string]int{}
	for name, p := range cost.ListPrices().Prices {
		if !strings.Contains(name, "-db.") && !strings.Contains(name, "-cache.") {
			continue
		}
		dot := strings.LastIndex(name, ".")
		family, size := name[:dot], name[dot+1:]
		expected, known := families[family]
		require.True(t, known, "%s: what does its family cost?", name)
		require.Contains(t, sizes, size, name)
		assert.Equal(t, "hour", p.Unit, name)
		assert.GreaterOrEqual(t, p.USD/sizes[size], expected[0], name)
		assert.LessOrEqual(t, p.USD/sizes[size], expected[1], name)
		members[family]++
	}
	for family := range families {
		assert.NotZero(t, members[family], "there is no price of %s any more", family)
	}
}

// single are the prices that belong to no family: their unit, and a range that AWS's
// price of us-east-1 has been in for years.
var single = map[string]struct {
	unit        string
	least, most float64
}{
	"fargate-vcpu": {"vCPU-hour", 0.036, 0.045}, "fargate-gb": {"GB-hour", 0.0040, 0.0050},
	"fargate-arm-vcpu": {"vCPU-hour", 0.029, 0.036}, "fargate-arm-gb": {"GB-hour", 0.0032, 0.0040},
	"rds-gp2": {"GB-month", 0.10, 0.13}, "rds-backup": {"GB-month", 0.085, 0.105},
	"alb-hour": {"hour", 0.020, 0.025}, "alb-lcu": {"LCU-hour", 0.007, 0.009},
	"ipv4": {"hour", 0.0045, 0.0055}, "nat-hour": {"hour", 0.04, 0.05}, "nat-gb": {"GB", 0.04, 0.05}, "endpoint-hour": {"hour", 0.009, 0.011},
	"secret": {"secret-month", 0.36, 0.44}, "zone": {"zone-month", 0.45, 0.55},
	"log-written": {"GB", 0.45, 0.55}, "log-kept": {"GB-month", 0.027, 0.033},
	"alarm": {"alarm-metric-month", 0.09, 0.11}, "composite-alarm": {"alarm-month", 0.45, 0.55},
	"dashboard": {"dashboard-month", 2.7, 3.3}, "metric": {"metric-month", 0.27, 0.33},
	"image-kept": {"GB-month", 0.09, 0.11}, "s3-kept": {"GB-month", 0.021, 0.025}, "traffic-out": {"GB", 0.08, 0.10},
	"kms-key": {"key-month", 0.9, 1.1}, "pipeline-minute": {"action-minute", 0.0018, 0.0022},
	"build-minute-medium": {"minute", 0.009, 0.011}, "build-minute": {"minute", 0.0045, 0.0055},
}

func TestEveryOtherPriceIsOfItsUnitAndInItsRange(t *testing.T) {
	prices := cost.ListPrices().Prices
	var others []string
	for name, p := range prices {
		if strings.Contains(name, "-db.") || strings.Contains(name, "-cache.") {
			continue
		}
		others = append(others, name)
		assert.Equal(t, single[name].unit, p.Unit, name)
		assert.GreaterOrEqual(t, p.USD, single[name].least, name)
		assert.LessOrEqual(t, p.USD, single[name].most, name)
	}
	assert.ElementsMatch(t, slices.Collect(maps.Keys(single)), others)
}

func TestPricesStandInTheirOrder(t *testing.T) {
	for _, order := range [][2]string{ // the first is less
		{"fargate-arm-vcpu", "fargate-vcpu"}, {"fargate-arm-gb", "fargate-gb"}, {"fargate-gb", "fargate-vcpu"},
		{"rds-db.t4g.micro", "rds-db.t3.micro"}, {"rds-db.t4g.small", "rds-db.t3.small"}, {"rds-db.t4g.medium", "rds-db.t3.medium"},
		{"rds-db.t4g.large", "rds-db.t3.large"},
		{"redis-cache.t4g.micro", "redis-cache.t3.micro"}, {"redis-cache.t4g.small", "redis-cache.t3.small"},
		{"s3-kept", "log-kept"}, {"log-kept", "image-kept"}, {"alarm", "composite-alarm"}, {"build-minute", "build-minute-medium"},
	} {
		assert.Less(t, price(t, order[0]), price(t, order[1]), order)
	}
	assert.InDelta(t, 0.8, price(t, "fargate-arm-vcpu")/price(t, "fargate-vcpu"), 0.01, "ARM is a fifth cheaper")
	assert.InDelta(t, 0.8, price(t, "fargate-arm-gb")/price(t, "fargate-gb"), 0.01, "ARM is a fifth cheaper")
}

func TestAPriceNamesThePageOfItsService(t *testing.T) {
	for name, p := range cost.ListPrices().Prices {
		for start, page := range map[string]string{
			"fargate-": "fargate", "rds-": "rds/postgresql", "redis-": "elasticache", "alb-": "elasticloadbalancing", "nat-": "vpc",
			"log-": "cloudwatch", "build-": "codebuild",
		} {
			if strings.HasPrefix(name, start) {
				assert.Equal(t, "https://aws.amazon.com/"+page+"/pricing/", p.Source, name)
			}
		}
	}
}
