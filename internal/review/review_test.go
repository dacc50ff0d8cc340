package review_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot/internal/assembly"
	"parrot/internal/fakes"
	"parrot/internal/review"
)

// repository is where npm ci installs the library.
const repository = "../.."

// app returns an assembly of templates by stack.
func app(t testing.TB, templates map[string]string) *assembly.Assembly {
	t.Helper()
	dir := t.TempDir()
	var artifacts []string
	for name, template := range templates {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name+".json"), []byte(template), 0o600))
		artifacts = append(artifacts, fmt.Sprintf(
			`%q: {"type": "aws:cloudformation:stack", "environment": "aws://111111111111/eu-west-1", "properties": {"templateFile": "%s.json"}}`, name, name))
	}
	manifest := fmt.Sprintf(`{"artifacts": {%s}}`, strings.Join(artifacts, ","))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "manifest.json"), []byte(manifest), 0o600))
	a, err := assembly.Load(dir)
	require.NoError(t, err)
	return a
}

func compare(t *testing.T, base, head map[string]string) *review.Report {
	t.Helper()
	before, after := app(t, base), app(t, head)
	changes, err := review.Diff(context.Background(), repository, before, after, nil)
	require.NoError(t, err)
	return review.Compare(before, after, changes, review.Options{})
}

// together compares many single stacks in one run, and returns each one's
// findings of a category.
func together(t *testing.T, category review.Category, base, head []map[string]string) [][]string {
	t.Helper()
	before, after := map[string]string{}, map[string]string{}
	for i := range base {
		before[fmt.Sprintf("S%d", i)], after[fmt.Sprintf("S%d", i)] = base[i]["S"], head[i]["S"]
	}
	report := compare(t, before, after)
	found := make([][]string, len(base))
	for _, f := range report.Findings {
		i, err := strconv.Atoi(strings.TrimPrefix(f.Stack, "S"))
		require.NoError(t, err)
		if f.Category == category {
			found[i] = append(found[i], f.Text)
		}
	}
	return found
}

// one returns the templates of a single stack with a single resource.
func one(resourceType, properties, more string) map[string]string {
	return map[string]string{"S": fmt.Sprintf(`{"Resources": {"Thing": {"Type": %q, "Properties": %s %s}}}`, resourceType, properties, more)}
}

// texts returns a report's findings of a category.
func texts(r *review.Report, category review.Category) []string {
	var found []string
	for _, f := range r.Findings {
		if f.Category == category {
			found = append(found, f.Text)
		}
	}
	return found
}

func TestWhatIsReplacedThroughAReferenceIsReplaced(t *testing.T) {
	fakes.Slow(t)
	// Written with each function that can hold a reference, over two steps.
	for _, reference := range []string{
		`{"Ref": "Vpc"}`, `{"Fn::Sub": "${Vpc}"}`, `{"Fn::Join": ["", [{"Ref": "Vpc"}]]}`, `{"Fn::GetAtt": ["Vpc", "VpcId"]}`,
	} {
		template := func(cidr string) map[string]string {
			return map[string]string{"S": fmt.Sprintf(`{"Resources": {
				"Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": %q}},
				"Subnet": {"Type": "AWS::EC2::Subnet", "Properties": {"VpcId": %s}},
				"Files": {"Type": "AWS::EFS::MountTarget", "Properties": {"SubnetId": {"Ref": "Subnet"}}},
				"Other": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.9.0.0/16"}}}}`, cidr, reference)}
		}
		report := compare(t, template("10.0.0.0/16"), template("10.1.0.0/16"))
		actions := map[string]review.Action{}
		for _, r := range report.Stacks[0].Resources {
			actions[r.ID] = r.Action
		}
		assert.Equal(t, map[string]review.Action{"Vpc": review.Replaced, "Subnet": review.Replaced, "Files": review.Replaced}, actions, reference)
	}
}

func TestDeletedDataIsFoundUnlessItIsKept(t *testing.T) {
	fakes.Slow(t)
	tests := []struct{ resourceType, policy, says string }{
		{"AWS::S3::Bucket", ``, "deleted with all that is in it"},
		{"AWS::S3::Bucket", `, "DeletionPolicy": "Delete"`, "deleted with all that is in it"},
		{"AWS::S3::Bucket", `, "DeletionPolicy": "Retain"`, ""},
		{"AWS::S3::Bucket", `, "DeletionPolicy": "RetainExceptOnCreate"`, ""},
		{"AWS::RDS::DBInstance", `, "DeletionPolicy": "Delete"`, "deleted with all that is in it"},
		{"AWS::RDS::DBInstance", ``, "a snapshot of it is kept"},
		{"AWS::ECR::Repository", ``, "deleted with all that is in it"},
		{"AWS::EFS::FileSystem", ``, "deleted with all that is in it"},
		{"AWS::Route53::HostedZone", ``, "deleted with all that is in it"},
		{"AWS::ECS::Service", ``, ""},
		{"AWS::IAM::Role", ``, ""},
	}
	var base, head []map[string]string
	for _, test := range tests {
		base, head = append(base, one(test.resourceType, `{}`, test.policy)), append(head, map[string]string{"S": `{"Resources": {}}`})
	}
	for i, found := range together(t, review.DataLoss, base, head) {
		checkFound(t, fmt.Sprint(tests[i]), tests[i].says, found)
	}
	report := compare(t, one("AWS::S3::Bucket", `{}`, `, "DeletionPolicy": "Retain"`), map[string]string{"S": `{"Resources": {}}`})
	assert.Contains(t, report.Markdown(), "left behind")
}

func TestWhatMayBeReplacedIsDataAtRiskUnlessItsNameForbidsIt(t *testing.T) {
	named := func(token string) map[string]string {
		return one("AWS::ElastiCache::ReplicationGroup", fmt.Sprintf(`{"ReplicationGroupId": "cache", "AuthToken": %q}`, token), "")
	}
	unnamed := func(token string) map[string]string {
		return one("AWS::ElastiCache::ReplicationGroup", fmt.Sprintf(`{"AuthToken": %q}`, token), "")
	}
	assert.Empty(t, compare(t, named("a"), named("b")).Findings)
	assert.Len(t, texts(compare(t, unnamed("a"), unnamed("b")), review.DataLoss), 1)
}

func TestOnlyWhatReallyOpensIsABroadening(t *testing.T) {
	fakes.Slow(t)
	rule := func(cidr string, from, to int) map[string]string {
		return one("AWS::EC2::SecurityGroup", fmt.Sprintf(
			`{"GroupDescription": "g", "SecurityGroupIngress": [{"IpProtocol": "tcp", "CidrIp": %q, "FromPort": %d, "ToPort": %d}]}`, cidr, from, to), "")
	}
	egress := one("AWS::EC2::SecurityGroup",
		`{"GroupDescription": "g", "SecurityGroupEgress": [{"IpProtocol": "tcp", "CidrIp": "10.0.0.0/8", "FromPort": 80, "ToPort": 80}]}`, "")
	allow := func(actions, resource string) map[string]string {
		return one("AWS::IAM::Policy", fmt.Sprintf(`{"PolicyName": "p", "Roles": ["r"], "PolicyDocument": {"Statement": [
			{"Effect": "Allow", "Action": %s, "Resource": %q}]}}`, actions, resource), "")
	}
	deny := func(action string) map[string]string {
		return one("AWS::IAM::Policy", fmt.Sprintf(`{"PolicyName": "p", "Roles": ["r"], "PolicyDocument": {"Statement": [
			{"Effect": "Deny", "Action": %q, "Resource": "*"}]}}`, action), "")
	}
	role := func(policies string) map[string]string {
		return one("AWS::IAM::Role", fmt.Sprintf(`{"AssumeRolePolicyDocument": {}, "ManagedPolicyArns": %s}`, policies), "")
	}
	tests := []struct {
		name       string
		base, head map[string]string
		says       string
	}{
		{"the world", rule("10.0.0.0/8", 80, 80), rule("0.0.0.0/0", 80, 80), "**the internet** (`0.0.0.0/0`) on tcp 80"},
		{"a smaller range", rule("10.0.0.0/8", 80, 80), rule("10.1.0.0/16", 80, 80), ""},
		{"a wider range that starts alike", rule("10.0.0.0/24", 80, 80), rule("10.0.0.0/16", 80, 80), "`10.0.0.0/16` on tcp 80"},
		{"in instead of out", egress, rule("10.0.0.0/8", 80, 80), "lets in `10.0.0.0/8` on tcp 80"},
		{"fewer ports", rule("10.0.0.0/8", 80, 90), rule("10.0.0.0/8", 80, 80), ""},
		{"more ports", rule("10.0.0.0/8", 80, 80), rule("10.0.0.0/8", 80, 90), "tcp 80-90"},
		{"another action", allow(`"s3:Get*"`, "a"), allow(`["s3:Get*", "s3:PutObject"]`, "a"), "`r` may now `s3:PutObject` on `a`"},
		{"fewer actions", allow(`["s3:Get*", "s3:PutObject"]`, "a"), allow(`"s3:PutObject"`, "a"), ""},
		{"a narrower action", allow(`"s3:*"`, "*"), allow(`"s3:GetObject"`, "arn:aws:s3:::a/*"), ""},
		{"a wider resource", allow(`"s3:GetObject"`, "arn:aws:s3:::a/*"), allow(`"s3:GetObject"`, "*"), "`s3:GetObject` on `*`"},
		{"a denial gone", deny("s3:*"), map[string]string{"S": `{"Resources": {}}`}, "`s3:*` is no longer denied"},
		{"a wider denial", deny("s3:GetObject"), deny("s3:*"), ""},
		{"a managed policy", role(`[]`), role(`["arn:aws:iam::aws:policy/AdministratorAccess"]`), "AdministratorAccess"},
		{"a public database", one("AWS::RDS::DBInstance", `{"PubliclyAccessible": false}`, ""), one("AWS::RDS::DBInstance", `{"PubliclyAccessible": true}`, ""), "is made public"},
		{
			"a bucket without its block",
			one("AWS::S3::Bucket", `{"PublicAccessBlockConfiguration": {"BlockPublicAcls": true}}`, ""), one("AWS::S3::Bucket", `{}`, ""), "is made public",
		},
		{
			"a bucket's policy for all", one("AWS::S3::BucketPolicy", `{"Bucket": "b", "PolicyDocument": {"Statement": []}}`, ""),
			one("AWS::S3::BucketPolicy", `{"Bucket": "b", "PolicyDocument": {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}]}}`, ""),
			"**anyone** may now `s3:GetObject`",
		},
	}
	var base, head []map[string]string
	for _, test := range tests {
		base, head = append(base, test.base), append(head, test.head)
	}
	for i, found := range together(t, review.Broadening, base, head) {
		checkFound(t, tests[i].name, tests[i].says, found)
	}
}

// checkFound checks that the only finding says something; with nothing to say there is none.
func checkFound(t *testing.T, name, says string, found []string) {
	t.Helper()
	if says == "" {
		assert.Empty(t, found, name)
		return
	}
	require.Len(t, found, 1, name)
	assert.Contains(t, found[0], says, name)
}

func TestWhatProtectsIsMissed(t *testing.T) {
	fakes.Slow(t)
	tests := []struct{ name, before, after, says string }{
		{"deletion protection", `{"DeletionProtection": true}`, `{}`, "`DeletionProtection` of `Thing` in `S0` is switched off"},
		{"backups", `{"BackupRetentionPeriod": 7}`, `{"BackupRetentionPeriod": 0}`, "fewer days: `7` → `0`"},
		{"a standby", `{"MultiAZ": true}`, `{"MultiAZ": false}`, "`MultiAZ`"},
		{"more backups", `{"BackupRetentionPeriod": 1}`, `{"BackupRetentionPeriod": 7}`, ""},
		{"new protection", `{}`, `{"DeletionProtection": true}`, ""},
	}
	var base, head []map[string]string
	for _, test := range tests {
		base, head = append(base, one("AWS::RDS::DBInstance", test.before, "")), append(head, one("AWS::RDS::DBInstance", test.after, ""))
	}
	for i, found := range together(t, review.Protection, base, head) {
		checkFound(t, tests[i].name, tests[i].says, found)
	}
	weaker := compare(t, one("AWS::S3::Bucket", `{}`, `, "DeletionPolicy": "Retain"`), one("AWS::S3::Bucket", `{}`, `, "DeletionPolicy": "Delete"`))
	assert.Equal(t, []string{"DeletionPolicy of `Thing` in `S`: `Retain` → `Delete`."}, texts(weaker, review.Protection))
}

func TestADeployOrderThatIsRefusedIsSaidWithTheSafeOne(t *testing.T) {
	queue := func(exports ...string) string {
		var outputs []string
		for _, name := range exports {
			outputs = append(outputs, fmt.Sprintf(`%q: {"Value": {"Ref": "Q"}, "Export": {"Name": %q}}`, name, name))
		}
		return fmt.Sprintf(`{"Resources": {"Q": {"Type": "Test::Q"}}, "Outputs": {%s}}`, strings.Join(outputs, ","))
	}
	user := func(imports ...string) string {
		var all []string
		for _, name := range imports {
			all = append(all, fmt.Sprintf(`{"Fn::ImportValue": %q}`, name))
		}
		return fmt.Sprintf(`{"Resources": {"U": {"Type": "Test::U", "Properties": {"Q": [%s]}}}}`, strings.Join(all, ","))
	}
	literal := func(value string) string {
		return fmt.Sprintf(`{"Resources": {}, "Outputs": {"a": {"Value": %q, "Export": {"Name": "a"}}}}`, value)
	}
	const safe, none = "**Safe order:** `npx cdk deploy --exclusively Consumer`, then the rest as usual.", "**No order works.**"
	for _, test := range []struct {
		name       string
		base, head map[string]string
		says       []string // empty: nothing is refused
	}{
		{
			"a free export goes",
			map[string]string{"Producer": queue("a"), "Consumer": user()}, map[string]string{"Producer": queue(), "Consumer": user()}, nil,
		},
		{
			"an export comes with its import",
			map[string]string{"Producer": queue(), "Consumer": user()}, map[string]string{"Producer": queue("a"), "Consumer": user("a")}, nil,
		},
		{
			"an export goes with its import",
			map[string]string{"Producer": queue("a"), "Consumer": user("a")}, map[string]string{"Producer": queue(), "Consumer": user()},
			[]string{"`Producer` does not export any more", "`Consumer` still imports it", safe},
		},
		{
			"an export is exchanged for another",
			map[string]string{"Producer": queue("a"), "Consumer": user("a")}, map[string]string{"Producer": queue("b"), "Consumer": user("b")},
			[]string{none},
		},
		{
			"an export goes and its import stays",
			map[string]string{"Producer": queue("a"), "Consumer": user("a")}, map[string]string{"Producer": queue(), "Consumer": user("a") + " "},
			[]string{none},
		},
		{
			"a value in use changes",
			map[string]string{"Producer": literal("1"), "Consumer": user("a")}, map[string]string{"Producer": literal("2"), "Consumer": user("a")},
			[]string{"changes the export of `1`", none},
		},
		{
			"a stack goes that still imports",
			map[string]string{"Producer": queue("a"), "Consumer": user("a")}, map[string]string{"Producer": queue()},
			[]string{"**Safe order:** delete the stack `Consumer`, then the rest as usual."},
		},
		{
			"an export of another app",
			map[string]string{"Producer": queue(), "Consumer": user()}, map[string]string{"Producer": queue(), "Consumer": user("elsewhere")}, nil,
		},
		{
			"an export moves with its import to another stack",
			map[string]string{"Producer": queue("a"), "Consumer": user("a"), "Other": queue()},
			map[string]string{"Producer": queue(), "Consumer": user(), "Other": queue("b")},
			[]string{safe},
		},
	} {
		// The order is in the templates alone: nothing of the library's is needed.
		report := review.Compare(app(t, test.base), app(t, test.head), &review.Changes{}, review.Options{})
		found := strings.Join(texts(report, review.Deadlock), "\n")
		if len(test.says) == 0 {
			assert.Empty(t, found, test.name)
		}
		for _, text := range test.says {
			assert.Contains(t, found, text, test.name)
		}
	}
}

func TestAReplacedExportInUseIsRefused(t *testing.T) {
	templates := func(description string) map[string]string {
		return map[string]string{
			"Network": fmt.Sprintf(`{"Resources": {"Group": {"Type": "AWS::EC2::SecurityGroup", "Properties": {"GroupDescription": %q}}},
				"Outputs": {"Id": {"Value": {"Fn::GetAtt": ["Group", "GroupId"]}, "Export": {"Name": "group"}}}}`, description),
			"Data": `{"Resources": {"Db": {"Type": "AWS::RDS::DBInstance", "Properties": {"VPCSecurityGroups": [{"Fn::ImportValue": "group"}]}}}}`,
		}
	}
	found := texts(compare(t, templates("a"), templates("b")), review.Deadlock)
	require.Len(t, found, 1)
	assert.Contains(t, found[0], "`Network` replaces what it exports, `Group.GroupId`, and `Data` still imports it")
}

func TestMetadataIsNoChange(t *testing.T) {
	base := one("AWS::S3::Bucket", `{}`, `, "Metadata": {"aws:cdk:path": "a"}`)
	head := one("AWS::S3::Bucket", `{}`, `, "Metadata": {"aws:cdk:path": "b"}`)
	head["S"] = strings.Replace(head["S"], `"Resources": {`, `"Resources": {"CDKMetadata": {"Type": "AWS::CDK::Metadata", "Properties": {"Analytics": "x"}}, `, 1)
	assert.Equal(t, "No template changes.\n", compare(t, base, head).Markdown())
}

func TestStacksThatChangeAlikeAreOneSection(t *testing.T) {
	template := func(env string, days int) string {
		return fmt.Sprintf(`{"Resources": {"Db": {"Type": "AWS::RDS::DBInstance", "Properties": {"DBInstanceIdentifier": "parrot-%s-db", "BackupRetentionPeriod": %d}}}}`, env, days)
	}
	base := app(t,
		map[string]string{"ParrotDevData": template("dev", 1), "ParrotProdData": template("prod", 1), "ParrotStageData": template("stage", 2)})
	head := app(t,
		map[string]string{"ParrotDevData": template("dev", 3), "ParrotProdData": template("prod", 3), "ParrotStageData": template("stage", 3)})
	changes, err := review.Diff(context.Background(), repository, base, head, nil)
	require.NoError(t, err)
	report := review.Compare(base, head, changes, review.Options{Environments: []review.Environment{
		{Name: "dev", StackPrefix: "ParrotDev"}, {Name: "stage", StackPrefix: "ParrotStage"}, {Name: "prod", StackPrefix: "ParrotProd"},
	}})
	assert.Contains(t, report.Markdown(), "## ParrotDevData, ParrotProdData\n")
	assert.Contains(t, report.Markdown(), "## ParrotStageData\n")
	assert.Contains(t, report.Headline, "3 stacks change in dev, prod and stage")
}

func TestTheSummaryFitsAndCountsWhatItLeavesOut(t *testing.T) {
	base, resources := map[string]string{}, []string{}
	for i := range 40 {
		resources = append(resources, fmt.Sprintf(`"Bucket%d": {"Type": "AWS::S3::Bucket"}`, i))
	}
	base["S"] = fmt.Sprintf(`{"Resources": {%s}}`, strings.Join(resources, ","))
	report := compare(t, base, map[string]string{"S": `{"Resources": {}}`})
	for _, limit := range []int{1000, 200, 20, 0} {
		assert.LessOrEqual(t, len([]rune(report.Summary(limit))), limit)
	}
	summary := report.Summary(1000)
	assert.Contains(t, summary, report.Headline)
	assert.Contains(t, summary, "more: read the report.")
	assert.NotContains(t, summary, "`")
}

func TestValuesCannotWriteMarkdown(t *testing.T) {
	fakes.Slow(t)
	base, head := one("AWS::S3::Bucket", `{"BucketName": "a"}`, ""), one("AWS::S3::Bucket", `{"BucketName": "b`+"`"+`\n# @everyone <img>"}`, "")
	assert.Contains(t, compare(t, base, head).Markdown(), "→ `` b` # @everyone <img> ``")
}

func TestAMissingLibraryIsSaid(t *testing.T) {
	_, err := review.Diff(context.Background(), t.TempDir(), app(t, nil), app(t, one("Test::T", `{}`, "")), nil)
	assert.ErrorContains(t, err, "run npm ci")
}

// FuzzCompareNeverPanics compares any two templates, with impacts that the
// library may have found in them. Files and Node.js would take most of the time:
// there are none. Go looks for a smaller input for a minute each time it finds an
// interesting one: -fuzzminimizetime 100x looks for others instead.
func FuzzCompareNeverPanics(f *testing.F) {
	seed := one("AWS::RDS::DBInstance", `{"Tags": [{"Key": "a", "Value": "b"}], "X": [1, {"Name": "n"}], "MultiAZ": true}`, `, "DeletionPolicy": "Retain", "DependsOn": "Thing"`)["S"]
	f.Add(seed, `{"Resources": {"Thing": {"Type": "AWS::ECS::TaskDefinition", "Properties": {"ContainerDefinitions": [{"Name": "a", "Image": "b:c@d"}]}}}}`)
	f.Add(`{"Resources": {"Thing": null}}`, `{"Resources": {"Thing": {"Properties": {"Ref": "Thing"}}}, "Outputs": {"O": {"Value": {"Ref": "Thing"}, "Export": {"Name": "a"}}}}`)
	f.Add(`{"Parameters": {"P": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "p"}}, "Resources": {"S": {"Type": "AWS::SSM::Parameter", "Properties": {"Name": "p", "Value": {"Ref": "P"}}}}}`, seed)
	f.Add(one("AWS::S3::BucketPolicy", `{"PolicyDocument": {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:*"}]}}`, "")["S"], `a text | with "quotes"`)
	f.Fuzz(func(t *testing.T, before, after string) {
		load := func(template string) *assembly.Assembly {
			if !json.Valid([]byte(template)) { // most are: they are a property's text
				text, err := json.Marshal(template)
				require.NoError(t, err)
				template = one("AWS::RDS::DBInstance", `{"DBInstanceIdentifier": `+string(text)+`}`, "")["S"]
			}
			a, err := assembly.LoadFS(fstest.MapFS{
				"S.json": {Data: []byte(template)},
				"T.json": {Data: []byte(`{"Resources": {"U": {"Type": "T", "Properties": {"A": {"Fn::ImportValue": "a"}}}}}`)},
				"manifest.json": {Data: []byte(`{"artifacts": {
					"S": {"type": "aws:cloudformation:stack", "environment": "aws://a/b", "properties": {"templateFile": "S.json"}},
					"T": {"type": "aws:cloudformation:stack", "environment": "aws://a/b", "properties": {"templateFile": "T.json"}}}}`)},
			})
			if err != nil {
				t.Skip("no assembly")
			}
			return a
		}
		base, head := load(before), load(after)
		changes := &review.Changes{Stacks: map[string]review.StackChanges{},
			Types: map[string]review.Type{"AWS::RDS::DBInstance": {Stateful: true, Name: "X"}}}
		resources := map[string]review.ResourceChange{}
		for i, resource := range append(base.Stack("S").Resources, head.Stack("S").Resources...) {
			properties := map[string]review.Impact{}
			for name := range resource.Properties {
				properties[name] = []review.Impact{review.WillReplace, review.MayReplace, "WILL_UPDATE"}[i%3]
			}
			resources[resource.LogicalID] = review.ResourceChange{
				Impact: []review.Impact{review.WillReplace, review.MayReplace, "WILL_UPDATE"}[i%3], Properties: properties,
				Attributes: []string{"DependsOn", "Type"},
			}
		}
		changes.Stacks[review.Key(head.Stack("S"))] = review.StackChanges{Resources: resources}
		report := review.Compare(base, head, changes, review.Options{})
		report.Markdown()
		report.Summary(100)
		_, err := json.Marshal(report)
		require.NoError(t, err)
	})
}
