package assembly_test

import (
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot/internal/assembly"
)

func TestStackIsFoundByItsName(t *testing.T) {
	t.Parallel()
	a := files{
		"Plain.json": `{}`,
		"Named.json": `{}`,
		"manifest.json": manifest(artifact("Plain", here), `"Named": {
			"type": "aws:cloudformation:stack",
			"environment": "aws://111111111111/eu-west-1",
			"properties": {"templateFile": "Named.json", "stackName": "shop-prod"}
		}`),
	}.load(t)
	assert.Equal(t, []string{"Plain", "shop-prod"}, names(a.Stacks))
	require.NotNil(t, a.Stack("Plain"), "the manifest leaves out a name that is the id")
	assert.Equal(t, "Plain", a.Stack("Plain").Name)
	require.NotNil(t, a.Stack("shop-prod"))
	assert.Nil(t, a.Stack("Named"), "an id is not a name")
}

func TestStackSaysWhatTheManifestKnowsOfIt(t *testing.T) {
	t.Parallel()
	dir := files{
		"Shop.json":  `{"Description": "Sells", "Parameters": {"Size": {"Type": "String", "Default": "small"}}}`,
		"Plain.json": `{}`,
		"manifest.json": `{
			"missing": [{"key": "zone"}],
			"artifacts": {
				"Tree": {"type": "cdk:tree"},
				"Plain": {
					"type": "aws:cloudformation:stack",
					"environment": "aws://unknown-account/unknown-region",
					"properties": {"templateFile": "Plain.json"}
				},
				"ShopA1B2": {
					"type": "aws:cloudformation:stack",
					"environment": "aws://111111111111/eu-west-1",
					"displayName": "Prod/Shop",
					"properties": {"templateFile": "Shop.json", "stackName": "Shop", "terminationProtection": true}
				}
			}
		}`,
	}.write(t)
	a, err := assembly.Load(dir)
	require.NoError(t, err)
	assert.Equal(t, dir, a.Dir)
	assert.Equal(t, []json.RawMessage{[]byte(`{"key": "zone"}`)}, a.Missing)

	shop := a.Stack("Shop")
	assert.Equal(t, "Prod/Shop", shop.Path)
	assert.Equal(t, "111111111111", shop.Account)
	assert.Equal(t, "eu-west-1", shop.Region)
	assert.True(t, shop.TerminationProtection)
	assert.Equal(t, map[string]map[string]any{"Size": {"Type": "String", "Default": "small"}}, shop.Parameters)
	assert.Contains(t, string(shop.Template), "Sells")

	plain := a.Stack("Plain")
	assert.Equal(t, "Plain", plain.Path, "as the CDK CLI has it without a display name")
	assert.Equal(t, "unknown-account", plain.Account)
	assert.Equal(t, "unknown-region", plain.Region)
	assert.False(t, plain.TerminationProtection)
}

func TestStacksOfOneNameAreSortedByPath(t *testing.T) {
	t.Parallel()
	twin := func(id, environment, path string) string {
		return `"` + id + `": {"type": "aws:cloudformation:stack", "environment": "` + environment + `", "displayName": "` + path + `",
			"properties": {"templateFile": "Twin.json", "stackName": "Twin"}}`
	}
	a := files{
		"Twin.json":     `{}`,
		"manifest.json": manifest(twin("A", "aws://111111111111/us-east-1", "US/Twin"), twin("B", "aws://111111111111/eu-west-1", "EU/Twin")),
	}.load(t)
	require.Len(t, a.Stacks, 2)
	assert.Equal(t, "EU/Twin", a.Stacks[0].Path)
	assert.Equal(t, "US/Twin", a.Stacks[1].Path)
	assert.Same(t, a.Stacks[0], a.Stack("Twin"))
}

func TestResourcesAreSortedAndFoundByIdOrType(t *testing.T) {
	t.Parallel()
	shop := stacks(map[string]string{"Shop": `{"Resources": {
		"Web": {"Type": "AWS::S3::Bucket"},
		"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"FifoQueue": true}},
		"Archive": {"Type": "AWS::S3::Bucket"},
		"Other": {"Type": "AWS::S3::BucketPolicy"}
	}}`}).load(t).Stack("Shop")
	var ids []string
	for _, resource := range shop.Resources {
		ids = append(ids, resource.LogicalID)
		assert.Same(t, shop, resource.Stack)
	}
	assert.Equal(t, []string{"Archive", "Other", "Queue", "Web"}, ids)

	buckets := shop.OfType("AWS::S3::Bucket")
	require.Len(t, buckets, 2)
	assert.Equal(t, "Archive", buckets[0].LogicalID)
	assert.Equal(t, "Web", buckets[1].LogicalID)
	assert.Empty(t, shop.OfType("AWS::S3"))

	require.NotNil(t, shop.Resource("Queue"))
	assert.Equal(t, "AWS::SQS::Queue", shop.Resource("Queue").Type)
	assert.Equal(t, map[string]any{"FifoQueue": true}, shop.Resource("Queue").Properties)
	assert.Nil(t, shop.Resource("queue"))
}

func TestResourceSaysWhatStandsBesideItsProperties(t *testing.T) {
	t.Parallel()
	shop := stacks(map[string]string{"Shop": `{"Resources": {
		"One": {"Type": "Test::Thing", "DependsOn": "Two", "DeletionPolicy": "Retain", "UpdateReplacePolicy": "Snapshot", "Condition": "IsProd"},
		"Two": {"Type": "Test::Thing", "DependsOn": ["Three", "Four"]},
		"Three": {"Type": "Test::Thing"},
		"Four": {"Type": "Test::Thing", "DependsOn": null, "DeletionPolicy": {"Ref": "Policy"}}
	}}`}).load(t).Stack("Shop")
	one, two, three, four := shop.Resource("One"), shop.Resource("Two"), shop.Resource("Three"), shop.Resource("Four")
	assert.Equal(t, []string{"Two"}, one.DependsOn)
	assert.Equal(t, []string{"Three", "Four"}, two.DependsOn)
	assert.Empty(t, three.DependsOn)
	assert.Empty(t, four.DependsOn)
	assert.Equal(t, "Retain", one.DeletionPolicy)
	assert.Equal(t, "Snapshot", one.UpdateReplacePolicy)
	assert.Empty(t, two.DeletionPolicy)
	assert.Empty(t, two.UpdateReplacePolicy)
	assert.Equal(t, "${Policy}", four.DeletionPolicy, "language extensions allow a parameter")
	assert.Equal(t, "IsProd", one.Condition)
	assert.Empty(t, two.Condition)
}

func TestOutputsAreSortedAndFoundById(t *testing.T) {
	t.Parallel()
	shop := stacks(map[string]string{"Shop": `{"Outputs": {
		"Url": {"Description": "Where to buy", "Value": "https://shop.example", "Condition": "IsProd"},
		"Queue": {"Value": "q"},
		"Topic": {"Value": "t"},
		"Bucket": {"Value": {"Ref": "Web"}, "Export": {"Name": "Shop:Bucket"}},
		"Role": {"Value": "r"}
	}}`}).load(t).Stack("Shop")
	var ids []string
	for _, output := range shop.Outputs {
		ids = append(ids, output.ID)
	}
	require.Equal(t, []string{"Bucket", "Queue", "Role", "Topic", "Url"}, ids)
	bucket, url := shop.Outputs[0], shop.Outputs[4]
	assert.Same(t, bucket, shop.Output("Bucket"))
	assert.Same(t, url, shop.Output("Url"))
	assert.Nil(t, shop.Output("Shop:Bucket"), "an export's name is not an id")

	assert.Equal(t, "Url", url.ID)
	assert.Equal(t, "Where to buy", url.Description)
	assert.Equal(t, "https://shop.example", url.Value)
	assert.Equal(t, "IsProd", url.Condition)
	assert.Empty(t, url.ExportName)
	assert.Same(t, shop, bucket.Stack)
	assert.Equal(t, map[string]any{"Ref": "Web"}, bucket.Value, "as it stands in the template")
	assert.Equal(t, "Shop:Bucket", bucket.ExportName)
	assert.Empty(t, bucket.Condition)
}

func TestStagesKeepTheirStacksAndExportsApart(t *testing.T) {
	t.Parallel()
	network := outputs(export("Vpc", `"Network:Vpc"`, `"vpc"`))
	a := files{
		"manifest.json": manifest(artifact("Network", here),
			`"assembly-Prod": {"type": "cdk:cloud-assembly", "properties": {"directoryName": "assembly-Prod", "displayName": "Pipeline/Prod"}}`,
			`"assembly-Bare": {"type": "cdk:cloud-assembly", "properties": {"directoryName": "assembly-Bare"}}`),
		"Network.json":                network,
		"assembly-Prod/manifest.json": manifest(artifact("Network", here), artifact("Shop", here)),
		"assembly-Prod/Network.json":  network,
		"assembly-Prod/Shop.json":     properties(`{"Vpc": {"Fn::ImportValue": "Network:Vpc"}}`),
		"assembly-Bare/manifest.json": manifest(artifact("Shop", here)),
		"assembly-Bare/Shop.json":     properties(`{"Vpc": {"Fn::ImportValue": "Network:Vpc"}}`),
	}.load(t)
	require.Len(t, a.Nested, 2)
	prod, bare := a.Nested["Pipeline/Prod"], a.Nested["assembly-Bare"]
	require.NotNil(t, prod)
	require.NotNil(t, bare, "by its id without a display name")

	assert.Equal(t, filepath.Join(a.Dir, "assembly-Prod"), prod.Dir)
	assert.Equal(t, []string{"Network"}, names(a.Stacks))
	assert.Equal(t, []string{"Network", "Shop"}, names(prod.Stacks))
	assert.Same(t, a.Stack("Network"), a.Export("Network:Vpc").Stack)
	assert.Same(t, prod.Stack("Network"), prod.Export("Network:Vpc").Stack)
	assert.Equal(t, []*assembly.Stack{prod.Stack("Network")}, prod.Stack("Shop").Needs())
	assert.Nil(t, bare.Export("Network:Vpc"))
	assert.Empty(t, bare.Stack("Shop").Needs())
}

func TestNeedsAreTheManifestsAndTheImports(t *testing.T) {
	t.Parallel()
	f := stacks(map[string]string{
		"Shop":    properties(`{"A": {"Fn::ImportValue": "vpc"}, "B": {"Fn::ImportValue": "nowhere"}, "C": {"Fn::ImportValue": "zone"}, "D": {"Fn::ImportValue": "key"}}`),
		"Keys":    outputs(export("Key", `"key"`, `1`)),
		"Network": outputs(export("Vpc", `"vpc"`, `1`) + "," + export("Zone", `"zone"`, `{"Fn::ImportValue": "far"}`)),
		"Far":     outputs(export("Far", `"far"`, `1`)),
		"Account": `{}`,
	})
	f["manifest.json"] = manifest(artifact("Shop", here, "Shop.assets", "Network", "Account"),
		artifact("Keys", here), artifact("Network", here), artifact("Far", here), artifact("Account", here))
	a := f.load(t)
	shop := a.Stack("Shop")
	assert.Equal(t, []string{"Account", "Network"}, names(shop.DependsOn), "stacks only, by name")
	assert.Equal(t, []string{"Account", "Keys", "Network"}, names(shop.Needs()), "each once, not what they need themselves")
	assert.Equal(t, []string{"Far"}, names(a.Stack("Network").Needs()), "an output may import")
	assert.Empty(t, a.Stack("Network").DependsOn)
	assert.Empty(t, a.Stack("Account").Needs())
}

func TestDeployOrderPutsEachStackAfterWhatItNeeds(t *testing.T) {
	t.Parallel()
	f := stacks(map[string]string{
		"A": properties(`{"Vpc": {"Fn::ImportValue": "vpc"}}`), // only by import
		"B": `{}`,                                              // only by manifest
		"C": `{}`,
		"D": outputs(export("Vpc", `"vpc"`, `1`)),
	})
	f["manifest.json"] = manifest(artifact("A", here), artifact("B", here, "C"),
		artifact("C", here, "A"), artifact("D", here))
	order, err := f.load(t).DeployOrder()
	require.NoError(t, err)
	assert.Equal(t, []string{"D", "A", "C", "B"}, names(order))
}

func TestDeployOrderShowsACycle(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		templates map[string]string
		want      string
	}{
		"of three": {map[string]string{
			"Entry": properties(`{"X": {"Fn::ImportValue": "one"}}`), // leads to the cycle and is not on it
			"One":   outputs(export("X", `"one"`, `{"Fn::ImportValue": "two"}`)),
			"Two":   outputs(export("X", `"two"`, `{"Fn::ImportValue": "three"}`)),
			"Three": outputs(export("X", `"three"`, `"x"`) + `, "Y": {"Value": {"Fn::ImportValue": "one"}}`),
		}, "no stack can be deployed first: One → Two → Three → One; break the cycle"},
		"of one": {map[string]string{
			"Self": outputs(export("X", `"self"`, `"x"`) + `, "Y": {"Value": {"Fn::ImportValue": "self"}}`),
		}, "no stack can be deployed first: Self → Self; break the cycle"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			order, err := stacks(c.templates).load(t).DeployOrder()
			assert.Nil(t, order)
			assert.EqualError(t, err, c.want)
		})
	}
}
