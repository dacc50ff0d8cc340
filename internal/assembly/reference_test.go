package assembly_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot/internal/assembly"
)

// shop returns an app of two stacks: Data, and Network from which it imports. Thing,
// in Data, has the properties.
func shop(t *testing.T, properties string) *assembly.Assembly {
	t.Helper()
	return stacks(map[string]string{
		"Network": `{
			"Resources": {
				"Group": {"Type": "AWS::EC2::SecurityGroup", "Properties": {"VpcId": {"Ref": "Vpc"}}},
				"Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
				"Zone": {"Type": "AWS::Route53::HostedZone"}
			},
			"Outputs": {` +
			export("Group", `"Network:Group"`, `{"Fn::GetAtt": ["Group", "GroupId"]}`) + "," +
			export("Servers", `"Network:Servers"`, `{"Fn::Join": ["||", {"Fn::GetAtt": ["Zone", "NameServers"]}]}`) + "," +
			export("Url", `"Network:Url"`, `{"Fn::Sub": "https://${Zone}.${Vpc.CidrBlock}"}`) + "," +
			export("Tier", `"Network:Tier"`, `"gold"`) + "," +
			export("Vpc", `"Network:Vpc"`, `{"Ref": "Vpc"}`) + `}
		}`,
		"Data": `{
			"Parameters": {"Size": {"Type": "String"}},
			"Resources": {
				"Bucket": {"Type": "AWS::S3::Bucket"},
				"Database": {"Type": "AWS::RDS::DBInstance", "Properties": {
					"VPCSecurityGroups": [{"Fn::ImportValue": "Network:Group"}, {"Fn::ImportValue": "Passed:Group"}]
				}},
				"Secret": {"Type": "AWS::SecretsManager::Secret"},
				"Thing": {"Type": "Test::Thing", "Properties": ` + properties + `}
			},
			"Outputs": {` + export("Group", `"Passed:Group"`, `{"Fn::ImportValue": "Network:Group"}`) + `}
		}`,
	}).load(t)
}

func TestTargetFollowsAValueToItsResource(t *testing.T) {
	t.Parallel()
	a := shop(t, `{}`)
	for value, want := range map[string]string{
		`{"Ref": "Bucket"}`:                                            "${Data.Bucket}",
		`{"Fn::GetAtt": ["Bucket", "Arn"]}`:                            "${Data.Bucket.Arn}",
		`{"Fn::GetAtt": "Bucket.Arn"}`:                                 "${Data.Bucket.Arn}",
		`{"Fn::GetAtt": ["Database", "Endpoint.Address"]}`:             "${Data.Database.Endpoint.Address}",
		`{"Fn::GetAtt": "Database.Endpoint.Address"}`:                  "${Data.Database.Endpoint.Address}",
		`{"Fn::GetAtt": ["Bucket", {"Ref": "Size"}]}`:                  "${Data.Bucket.${Size}}",
		`{"Fn::ImportValue": "Network:Vpc"}`:                           "${Network.Vpc}",
		`{"Fn::ImportValue": "Network:Group"}`:                         "${Network.Group.GroupId}",
		`{"Fn::ImportValue": "Passed:Group"}`:                          "${Network.Group.GroupId}",
		`{"Fn::ImportValue": {"Fn::Join": [":", ["Network", "Vpc"]]}}`: "${Network.Vpc}",
	} {
		target, ok := a.Stack("Data").Target(parse(t, value))
		if assert.True(t, ok, value) {
			assert.Equal(t, want, target.String(), value)
		}
	}

	target, _ := a.Stack("Data").Target(parse(t, `{"Fn::GetAtt": ["Database", "Endpoint.Address"]}`))
	assert.Same(t, a.Stack("Data").Resource("Database"), target.Resource)
	assert.Equal(t, "Endpoint.Address", target.Attribute)
	target, _ = a.Stack("Data").Target(parse(t, `{"Ref": "Database"}`))
	assert.Empty(t, target.Attribute)
}

func TestTargetIsOfNothingButAResource(t *testing.T) {
	t.Parallel()
	data := shop(t, `{}`).Stack("Data")
	for _, value := range []string{
		`{"Ref": "Size"}`, `{"Ref": "AWS::Region"}`, `{"Ref": "Vpc"}`, `{"Ref": ["Bucket"]}`,
		`{"Fn::GetAtt": ["Vpc", "Arn"]}`, `{"Fn::GetAtt": ["Bucket"]}`, `{"Fn::GetAtt": "Bucket"}`, `{"Fn::GetAtt": ["Bucket", ""]}`,
		`{"Fn::GetAtt": [1, 2]}`, `{"Fn::GetAtt": {"Bucket": "Arn"}}`,
		`{"Fn::ImportValue": "Network:Nowhere"}`, `{"Fn::ImportValue": "Network:Tier"}`, `{"Fn::ImportValue": "Network:Url"}`,
		`{"Fn::ImportValue": {"Ref": "Size"}}`, `{"Fn::ImportValue": null}`,
		`{"Fn::Sub": "${Bucket}"}`, `{"Fn::Join": ["", [{"Ref": "Bucket"}]]}`, `{"Fn::If": ["Prod", {"Ref": "Bucket"}, {"Ref": "Bucket"}]}`,
		`{"Ref": "Bucket", "Other": 1}`, `{"Reference": "Bucket"}`, `{}`, `[{"Ref": "Bucket"}]`, `"Bucket"`, `1`, `null`,
	} {
		target, ok := data.Target(parse(t, value))
		assert.False(t, ok, value)
		assert.Zero(t, target, value)
		assert.Empty(t, target.String(), value)
	}
}

func TestReferencesSayWhichPropertyRefersToWhat(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		properties string
		want       []string
	}{
		"Ref and GetAtt at names and indexes": {
			`{"B": [{"Key": {"Ref": "Bucket"}}, "x", {"Key": {"Fn::GetAtt": ["Bucket", "Arn"]}}], "A.b": {"Fn::GetAtt": "Database.Endpoint.Port"}}`,
			[]string{"A.b → ${Data.Database.Endpoint.Port}", "B.0.Key → ${Data.Bucket}", "B.2.Key → ${Data.Bucket.Arn}"},
		},
		"ImportValue": {
			`{"Vpc": {"Fn::ImportValue": "Network:Vpc"}, "Named": {"Fn::ImportValue": {"Fn::Sub": "${AWS::StackName}:Group"}}, "Passed": {"Fn::ImportValue": "Passed:Group"}}`,
			[]string{"Passed → ${Network.Group.GroupId} through Passed:Group", "Vpc → ${Network.Vpc} through Network:Vpc"},
		},
		"ImportValue of a text with references": {
			`{"Servers": {"Fn::Split": ["||", {"Fn::ImportValue": "Network:Servers"}]}, "Url": {"Fn::ImportValue": "Network:Url"}}`,
			[]string{
				"Servers → ${Network.Zone.NameServers} through Network:Servers",
				"Url → ${Network.Zone} through Network:Url", "Url → ${Network.Vpc.CidrBlock} through Network:Url",
			},
		},
		"Join": {
			`{"Arns": [{"Fn::Join": ["", [{"Fn::GetAtt": ["Bucket", "Arn"]}, "/*", {"Ref": "Secret"}]]}]}`,
			[]string{"Arns.0 → ${Data.Bucket.Arn}", "Arns.0 → ${Data.Secret}"},
		},
		"one property twice to the same": {
			`{"Url": {"Fn::Join": ["", [{"Ref": "Bucket"}, {"Ref": "Bucket"}, {"Fn::GetAtt": ["Bucket", "Arn"]}]]}}`,
			[]string{"Url → ${Data.Bucket}", "Url → ${Data.Bucket.Arn}"},
		},
		"Sub of a text": {
			`{"Url": {"Fn::Sub": "${Bucket} ${Database.Endpoint.Address} ${ Secret } ${!Bucket} ${AWS::Region} ${Size} ${Nothing}"}}`,
			[]string{"Url → ${Data.Bucket}", "Url → ${Data.Database.Endpoint.Address}", "Url → ${Data.Secret}"},
		},
		"Sub with variables": {
			`{"Url": {"Fn::Sub": ["${Bucket} ${Secret} ${Vpc}", {"Bucket": "mine", "Vpc": {"Fn::ImportValue": "Network:Vpc"}}]}}`,
			[]string{"Url → ${Data.Secret}", "Url → ${Network.Vpc} through Network:Vpc"},
		},
		"both sides of If": {
			`{"A": {"Fn::If": ["Prod", {"Name": {"Ref": "Bucket"}}, {"Ref": "Secret"}]}}`,
			[]string{"A → ${Data.Bucket}", "A → ${Data.Secret}"},
		},
		"Select and Split": {
			`{"Id": {"Fn::Select": [5, {"Fn::Split": [":", {"Fn::ImportValue": "Network:Group"}]}]}}`,
			[]string{"Id → ${Network.Group.GroupId} through Network:Group"},
		},
		"names like those of functions": {
			`{"A": {"Reference": {"Ref": "Bucket"}}, "B": {"Fn": {"Ref": "Bucket"}}, "C": {"Ref": {"Ref": "Bucket"}, "Other": 1}}`,
			[]string{"A.Reference → ${Data.Bucket}", "B.Fn → ${Data.Bucket}", "C.Ref → ${Data.Bucket}"},
		},
		"nothing": {
			`{"A": {"Ref": "Size"}, "B": {"Ref": "AWS::AccountId"}, "C": {"Fn::ImportValue": "Network:Nowhere"}, "D": {"Fn::ImportValue": "Network:Tier"}, "E": "Bucket"}`,
			nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			thing := shop(t, c.properties).Stack("Data").Resource("Thing")
			references := thing.References()
			assert.Equal(t, c.want, lines(references))
			for _, reference := range references {
				assert.Same(t, thing, reference.From)
			}
		})
	}
}

func TestUsedByReachesAcrossStacks(t *testing.T) {
	t.Parallel()
	a := shop(t, `{}`)
	network, database := a.Stack("Network"), a.Stack("Data").Resource("Database")
	uses := network.Resource("Group").UsedBy()
	assert.Equal(t, []string{
		"VPCSecurityGroups.0 → ${Network.Group.GroupId} through Network:Group",
		"VPCSecurityGroups.1 → ${Network.Group.GroupId} through Passed:Group",
	}, lines(uses))
	for _, use := range uses {
		assert.Same(t, database, use.From)
	}
	assert.Equal(t, []string{"VpcId → ${Network.Vpc}"}, lines(network.Resource("Vpc").UsedBy()))
	assert.Empty(t, database.UsedBy())

	uses[0].Path = "changed"
	require.Equal(t, "VPCSecurityGroups.0", network.Resource("Group").UsedBy()[0].Path, "the list is the caller's own")
}
