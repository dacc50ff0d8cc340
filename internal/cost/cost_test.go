package cost_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot/internal/assembly"
	"parrot/internal/cost"
)

// load returns an assembly with stacks of resources, all in a region.
func load(t *testing.T, region string, stacks map[string]string) *assembly.Assembly {
	t.Helper()
	dir := t.TempDir()
	var artifacts []string
	for name, resources := range stacks {
		artifacts = append(artifacts, fmt.Sprintf(`%q: {"type": "aws:cloudformation:stack", "environment": "aws://unknown-account/%s", "properties": {"templateFile": "%s.json"}}`, name, region, name))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name+".json"), []byte(`{"Resources": {`+resources+`}}`), 0o644))
	}
	manifest := `{"version": "54.0.0", "artifacts": {` + strings.Join(artifacts, ",") + `}}`
	require.NoError(t, os.WriteFile(filepath.Join(dir, "manifest.json"), []byte(manifest), 0o644))
	a, err := assembly.Load(dir)
	require.NoError(t, err)
	return a
}

// options take a stack's first word for its environment.
var options = cost.Options{
	Environments: []string{"dev", "prod"},
	Environment: func(stack string) string {
		name, _, _ := strings.Cut(stack, "-")
		if name == "other" {
			return ""
		}
		return name
	},
	Tasks: func(string) int { return 3 },
	Usage: func(string) cost.Usage { return cost.QuietUsage() },
}

// bills returns those of stacks in the region of the prices.
func bills(t *testing.T, stacks map[string]string) []*cost.Bill {
	t.Helper()
	all, err := cost.Estimate(load(t, cost.ListPrices().Region, stacks), cost.ListPrices(), options)
	require.NoError(t, err)
	return all
}

// of returns the sum that resources come to.
func of(t *testing.T, resources string) float64 {
	t.Helper()
	return bills(t, map[string]string{"dev-all": resources})[0].Sum()
}

func price(t *testing.T, name string) float64 {
	t.Helper()
	p, known := cost.ListPrices().Prices[name]
	require.True(t, known, name)
	return p.USD
}

const (
	secret = `"S": {"Type": "AWS::SecretsManager::Secret"}`
	task   = `"T": {"Type": "AWS::ECS::TaskDefinition", "Properties": {"Cpu": "512", "Memory": "1024"%s}}`
	runs   = `"R": {"Type": "AWS::ECS::Service", "Properties": {"ServiceName": "r", "DesiredCount": %d, "TaskDefinition": {"Ref": "T"}%s}}`
	public = `, "NetworkConfiguration": {"AwsvpcConfiguration": {"AssignPublicIp": "ENABLED"}}`
)

func TestTasksCostTheirSizeTheirHoursAndTheirAddresses(t *testing.T) {
	private := of(t, fmt.Sprintf(task, "")+","+fmt.Sprintf(runs, 2, ""))
	logs := of(t, fmt.Sprintf(task, "")+","+fmt.Sprintf(runs, 1, ""))*2 - private
	assert.InDelta(t, 2*730*(0.5*price(t, "fargate-vcpu")+1*price(t, "fargate-gb")), private-logs, 1e-9)
	withAddresses := of(t, fmt.Sprintf(task, "")+","+fmt.Sprintf(runs, 2, public))
	assert.InDelta(t, 2*730*price(t, "ipv4"), withAddresses-private, 1e-9)
	arm := of(t, fmt.Sprintf(task, `, "RuntimePlatform": {"CpuArchitecture": "ARM64"}`)+","+fmt.Sprintf(runs, 2, ""))
	assert.InDelta(t, 2*730*(0.5*price(t, "fargate-arm-vcpu")+1*price(t, "fargate-arm-gb")), arm-logs, 1e-9)
}

func TestAServiceWithoutAReleaseCountsAsItWillRun(t *testing.T) {
	assert.InDelta(t, of(t, fmt.Sprintf(task, "")+","+fmt.Sprintf(runs, 3, "")), of(t, fmt.Sprintf(task, "")+","+fmt.Sprintf(runs, 0, "")),
		1e-9)
}

func TestAStandbyCostsAsMuchAsTheDatabase(t *testing.T) {
	const database = `"D": {"Type": "AWS::RDS::DBInstance", "Properties": {"DBInstanceClass": "db.t3.micro", "AllocatedStorage": "20", "MultiAZ": %t}}`
	one, two := of(t, fmt.Sprintf(database, false)), of(t, fmt.Sprintf(database, true))
	assert.InDelta(t, 730*price(t, "rds-db.t3.micro")+20*price(t, "rds-gp2"), two-one, 1e-9)
}

func TestAnAlarmCostsForEachMetricItWatches(t *testing.T) {
	const simple = `"A": {"Type": "AWS::CloudWatch::Alarm", "Properties": {"MetricName": "CPUUtilization"}}`
	const rate = `"A": {"Type": "AWS::CloudWatch::Alarm", "Properties": {"Metrics": [
		{"Id": "r", "Expression": "a/b"}, {"Id": "a", "MetricStat": {"Stat": "Sum"}}, {"Id": "b", "MetricStat": {"Stat": "Sum"}}]}}`
	assert.InDelta(t, price(t, "alarm"), of(t, simple), 1e-9)
	assert.InDelta(t, 2*price(t, "alarm"), of(t, rate), 1e-9)
}

func TestTrafficIsCountedOnceForAllNATGateways(t *testing.T) {
	const gateway = `"N%d": {"Type": "AWS::EC2::NatGateway"}`
	one := of(t, fmt.Sprintf(gateway, 1))
	two := of(t, fmt.Sprintf(gateway, 1)+","+fmt.Sprintf(gateway, 2))
	assert.InDelta(t, 730*price(t, "nat-hour"), two-one, 1e-9)
}

func TestLogsAreKeptAsLongAsTheirGroupSays(t *testing.T) {
	const group = `"G": {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": %d}}`
	const flow = `"F": {"Type": "AWS::EC2::FlowLog"}`
	month, quarter := of(t, flow+","+fmt.Sprintf(group, 30)), of(t, flow+","+fmt.Sprintf(group, 90))
	assert.InDelta(t, 2*cost.QuietUsage().FlowLogGB*price(t, "log-kept"), quarter-month, 1e-9)
}

func TestEveryAssumptionIsStated(t *testing.T) {
	for field := range reflect.TypeFor[cost.Usage]().Fields() {
		usage := cost.QuietUsage()
		reflect.ValueOf(&usage).Elem().FieldByName(field.Name).SetFloat(98765)
		assert.Contains(t, strings.ReplaceAll(usage.Assumptions(), ",", ""), "98765", field.Name)
	}
}

func TestWhatIsUnknownIsNamed(t *testing.T) {
	all := bills(t, map[string]string{"dev-a": secret + `, "Q": {"Type": "AWS::SQS::Queue"}`, "dev-b": `"P": {"Type": "AWS::SQS::Queue"}`})
	assert.Equal(t, []string{"AWS::SQS::Queue"}, all[0].Unknown)
}

func TestWhatHasNoPriceIsAnError(t *testing.T) {
	a := load(t, cost.ListPrices().Region, map[string]string{"dev-a": `"D": {"Type": "AWS::RDS::DBInstance", "Properties": {"DBInstanceClass": "db.x9.mega"}}`})
	_, err := cost.Estimate(a, cost.ListPrices(), options)
	require.ErrorContains(t, err, `D in dev-a: there is no price "rds-db.x9.mega"`)
}

func TestAnotherRegionIsRefused(t *testing.T) {
	_, err := cost.Estimate(load(t, "eu-west-1", map[string]string{"dev-a": secret}), cost.ListPrices(), options)
	require.ErrorContains(t, err, "dev-a is in eu-west-1: there are only prices of us-east-1")
}

func TestBillsStandInTheOrderOfTheEnvironments(t *testing.T) {
	all := bills(t, map[string]string{"prod-a": secret, "dev-a": secret, "other-a": secret})
	require.Len(t, all, 2)
	assert.Equal(t, "dev", all[0].Environment)
	assert.Equal(t, "prod", all[1].Environment)
	assert.Contains(t, cost.Sums(all), "| Component | dev | prod |")
}

func TestTheFreeTierIsShownApart(t *testing.T) {
	const alarms = `"A": {"Type": "AWS::CloudWatch::Alarm", "Properties": {"MetricName": "M"}}`
	bill := bills(t, map[string]string{"dev-a": alarms})[0]
	assert.InDelta(t, price(t, "alarm"), bill.Sum(), 1e-9)
	require.Len(t, bill.Free, 1)
	assert.InDelta(t, -price(t, "alarm"), bill.Free[0].Sum, 1e-9)
}

func TestAChangeNamesItsReasons(t *testing.T) {
	before := bills(t, map[string]string{"dev-a": secret, "prod-a": secret})
	after := bills(t, map[string]string{"dev-a": secret, "prod-a": secret + `, "N": {"Type": "AWS::EC2::NatGateway"}`})
	changes := cost.Compare(before, after)
	require.Len(t, changes, 1)
	assert.Equal(t, "prod: $0.40 → $33.48 a month (+33.08: NAT +33.08)", changes[0].Text())
	assert.Empty(t, cost.Compare(after, after))
	unknown := bills(t, map[string]string{"dev-a": secret + `, "Q": {"Type": "AWS::OpenSearchService::Domain"}`, "prod-a": secret})
	assert.Equal(t, "dev: $0.40 → $0.40 a month, not included, because no price is known: AWS::OpenSearchService::Domain",
		cost.Compare(before, unknown)[0].Text())
	assert.Equal(t, "prod: $33.48 → $0.00 a month (-33.48: NAT -33.08, Secrets -0.40)", cost.Compare(after, before[:1])[0].Text())
}

func TestEveryPriceHasItsSource(t *testing.T) {
	prices := cost.ListPrices()
	assert.NotEmpty(t, prices.Date)
	for name, p := range prices.Prices {
		assert.Positive(t, p.USD, name)
		assert.NotEmpty(t, p.Unit, name)
		assert.True(t, strings.HasPrefix(p.Source, "https://aws.amazon.com/"), name)
	}
}
