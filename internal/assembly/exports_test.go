package assembly_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"parrot/internal/assembly"
)

func TestExportsAreFoundByNameAndSorted(t *testing.T) {
	t.Parallel()
	a := stacks(map[string]string{
		"B": outputs(export("One", `"m"`, `1`) + "," + export("Two", `"a"`, `2`)),
		"A": outputs(export("Three", `"z"`, `3`) + `, "Four": {"Value": 4}`),
	}).load(t)
	var got []string
	for _, output := range a.Exports() {
		got = append(got, output.ExportName+" of "+output.Stack.Name)
	}
	assert.Equal(t, []string{"a of B", "m of B", "z of A"}, got)
	assert.Same(t, a.Stack("B").Output("Two"), a.Export("a"))
	assert.Nil(t, a.Export("Two"), "an id is not a name")
	assert.Nil(t, a.Export(""), "an output without a name is no export")
}

func TestExportMadeTwiceIsAnErrorThatNamesBothStacks(t *testing.T) {
	t.Parallel()
	dir := stacks(map[string]string{
		"Network": outputs(export("Vpc", `"vpc"`, `1`)),
		"Legacy":  outputs(export("Old", `"vpc"`, `2`)),
	}).write(t)
	a, err := assembly.Load(dir)
	assert.Nil(t, a)
	assert.EqualError(t, err, "cloud assembly "+dir+`: export "vpc" is made twice, by Legacy.Old and Network.Vpc; give one of them another name`)
}

func TestExportUnderTwoConditionsIsMadeByOneOfThem(t *testing.T) {
	t.Parallel()
	conditional := func(first, second string) files {
		return stacks(map[string]string{"Network": outputs(`
			"A": {"Value": "new", "Export": {"Name": "vpc"}` + first + `},
			"B": {"Value": "old", "Export": {"Name": "vpc"}` + second + `}`)})
	}
	a := conditional(`, "Condition": "New"`, `, "Condition": "Old"`).load(t)
	assert.Equal(t, "A", a.Export("vpc").ID)
	assert.Len(t, a.Exports(), 2)

	_, err := assembly.Load(conditional(``, `, "Condition": "Old"`).write(t))
	assert.ErrorContains(t, err, "by Network.A and Network.B", "one of them is always there")
}

func TestExportsOfAnotherAccountOrRegionAreOthers(t *testing.T) {
	t.Parallel()
	network := outputs(export("Vpc", `"vpc"`, `{"Ref": "AWS::StackName"}`))
	shop := properties(`{"Vpc": {"Fn::ImportValue": "vpc"}}`)
	a := files{
		"manifest.json": manifest(
			artifact("AccountNetwork", "aws://222222222222/eu-west-1"), artifact("AccountShop", "aws://222222222222/eu-west-1"),
			artifact("Network", here), artifact("Shop", here),
			artifact("RegionNetwork", "aws://111111111111/us-east-1"), artifact("RegionShop", "aws://111111111111/us-east-1"),
			artifact("LonelyShop", "aws://222222222222/us-east-1"),
		),
		"AccountNetwork.json": network, "AccountShop.json": shop,
		"Network.json": network, "Shop.json": shop,
		"RegionNetwork.json": network, "RegionShop.json": shop,
		"LonelyShop.json": shop,
	}.load(t)
	assert.Len(t, a.Exports(), 3)
	assert.Equal(t, "AccountNetwork", a.Export("vpc").Stack.Name, "the first stack's")
	for _, prefix := range []string{"", "Account", "Region"} {
		assert.Equal(t, []string{prefix + "Network"}, names(a.Stack(prefix+"Shop").Needs()))
	}
	assert.Empty(t, a.Stack("LonelyShop").Needs())
}

func TestImportsAreNamesOfTheWholeTemplate(t *testing.T) {
	t.Parallel()
	a := stacks(map[string]string{
		"Shop": `{
			"Resources": {"Web": {
				"Type": "Test::Thing",
				"Properties": {"List": ["x", {"Fn::Join": ["", [{"Fn::ImportValue": "in-join"}]]}], "Again": {"Fn::ImportValue": "in-join"}},
				"Metadata": {"AWS::CloudFormation::Init": {"Fn::ImportValue": "in-metadata"}},
				"UpdatePolicy": {"Size": {"Fn::ImportValue": "in-policy"}}
			}},
			"Outputs": {"Passed": {"Value": {"Fn::Sub": ["${It}", {"It": {"Fn::ImportValue": "in-output"}}]}}}
		}`,
		"Alone": properties(`{"Name": "Fn::ImportValue"}`),
	}).load(t)
	shop := a.Stack("Shop")
	assert.Equal(t, []string{"in-join", "in-metadata", "in-output", "in-policy"}, shop.Imports())
	assert.Empty(t, a.Stack("Alone").Imports())

	shop.Imports()[0] = "changed"
	assert.Equal(t, "in-join", shop.Imports()[0], "the list is the caller's own")
}

func TestNamesOfExportsAndImportsAreFilledIn(t *testing.T) {
	t.Parallel()
	a := stacks(map[string]string{
		"Network": outputs(
			export("A", `{"Fn::Sub": "${AWS::StackName}-${AWS::Region}"}`, `"a"`) + "," +
				export("B", `{"Fn::Join": ["-", [{"Ref": "AWS::StackName"}, {"Ref": "AWS::AccountId"}]]}`, `"b"`) + "," +
				export("C", `{"Fn::Sub": "${Prefix}-c"}`, `"c"`)),
		"Legacy": outputs(export("C", `{"Fn::Sub": "${Prefix}-c"}`, `"c"`)),
		"Shop": properties(`{
			"A": {"Fn::ImportValue": {"Fn::Join": ["", ["Network-", {"Ref": "AWS::Region"}]]}},
			"B": {"Fn::ImportValue": {"Fn::Sub": ["${Stack}-${AWS::AccountId}", {"Stack": "Network"}]}},
			"C": {"Fn::ImportValue": {"Fn::Sub": "${Prefix}-c"}}
		}`),
	}).load(t)
	thing := a.Stack("Shop").Resource("Thing")
	assert.NotNil(t, a.Export("Network-eu-west-1"))
	assert.NotNil(t, a.Export("Network-111111111111"))
	assert.Equal(t, "a", thing.Text("A"))
	assert.Equal(t, "b", thing.Text("B"))
	assert.Equal(t, []string{"${Prefix}-c", "Network-111111111111", "Network-eu-west-1"}, a.Stack("Shop").Imports())

	assert.NotNil(t, a.Export("${Prefix}-c"), "an export whatever its name will be, and no duplicate")
	assert.Equal(t, `{"Fn::ImportValue":"${Prefix}-c"}`, thing.Text("C"), "one stack's parameter is not another's")
}

func TestExportMadeOfItselfLeadsNowhere(t *testing.T) {
	t.Parallel()
	a := stacks(map[string]string{
		"Self":  outputs(export("X", `"self"`, `{"Fn::ImportValue": "self"}`)),
		"There": outputs(export("X", `"there"`, `{"Fn::Join": ["", ["a", {"Fn::ImportValue": "back"}]]}`)),
		"Back":  outputs(export("X", `"back"`, `{"Fn::Sub": ["${It}", {"It": {"Fn::ImportValue": "there"}}]}`)),
		// Not on the loop, though made of it.
		"Onto": outputs(export("X", `"onto"`, `{"Fn::Join": ["", ["a", {"Fn::ImportValue": "there"}]]}`)),
		// A name made of an import, which CloudFormation does not take.
		"Name": outputs(export("X", `"name"`, `{"Fn::ImportValue": {"Fn::Join": ["", [{"Fn::ImportValue": "plain"}]]}}`) + "," +
			export("Y", `"plain"`, `"name"`)),
		"Shop": properties(`{
			"Self": {"Fn::ImportValue": "self"},
			"There": {"Fn::ImportValue": "there"},
			"Onto": {"Fn::ImportValue": "onto"},
			"Name": {"Fn::ImportValue": "name"}
		}`),
	}).load(t)
	shop := a.Stack("Shop")
	thing := shop.Resource("Thing")
	assert.Equal(t, `{"Fn::ImportValue":"self"}`, thing.Text("Self"))
	assert.Equal(t, `{"Fn::ImportValue":"there"}`, thing.Text("There"))
	assert.Equal(t, `a{"Fn::ImportValue":"there"}`, thing.Text("Onto"))
	assert.Contains(t, thing.Text("Name"), "Fn::ImportValue")
	assert.Empty(t, thing.References())
	for property, value := range thing.Properties {
		_, ok := shop.Target(value)
		assert.False(t, ok, property)
	}
	assert.Equal(t, []string{"Name", "Onto", "Self", "There"}, names(shop.Needs()), "they are imports all the same")
	assert.Equal(t, []string{"plain"}, a.Stack("Name").Imports(), "what has no name before deployment is not listed")
}
