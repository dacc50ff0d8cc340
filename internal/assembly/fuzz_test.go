package assembly_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot/internal/assembly"
)

// FuzzTextNeverPanics reads any JSON object as the properties of a resource, and
// as what is exported: an export may be made of itself then, in any way.
func FuzzTextNeverPanics(f *testing.F) {
	for _, properties := range []string{
		`{}`,
		`{"A": null, "B": [true, 1e300, "x", {}], "C": {"D": [[]]}}`,
		`{"Ref": "Thing"}`,
		`{"Ref": {"Ref": "Thing"}}`,
		`{"A": {"Ref": "Thing"}, "B": {"Ref": "AWS::Region"}, "C": {"Ref": 1}}`,
		`{"A": {"Fn::GetAtt": ["Thing", "Endpoint.Address"]}, "B": {"Fn::GetAtt": "Thing.Arn"}, "C": {"Fn::GetAtt": ["Thing"]}}`,
		`{"A": {"Fn::GetAtt": ["Thing", {"Fn::ImportValue": "a"}]}}`,
		`{"A": {"Fn::Join": ["", ["{{resolve:secretsmanager:", {"Ref": "Thing"}, ":SecretString:password::}}"]]}}`,
		`{"A": {"Fn::Join": [{"Ref": "X"}, {"Fn::Split": [",", {"Fn::ImportValue": "b"}]}]}, "B": {"Fn::Join": []}}`,
		`{"A": {"Fn::Sub": "${Thing} ${Thing.A.B} ${!Thing} ${} ${ ${A}"}, "B": {"Fn::Sub": ["${A}", {"A": {"Fn::ImportValue": "a"}}]}}`,
		`{"A": {"Fn::Sub": ["${A}"]}, "B": {"Fn::Sub": [1, 2]}, "C": {"Fn::Sub": {}}, "D": {"Fn::Sub": ["", null]}}`,
		`{"A": {"Fn::If": ["C", {"Ref": "Thing"}, {"X": [{"Ref": "AWS::NoValue"}]}]}}`,
		`{"A": {"Fn::Select": [0, {"Fn::Split": ["||", {"Fn::ImportValue": "a"}]}]}}`,
		`{"Fn::ImportValue": "a"}`,
		`{"Fn::ImportValue": "b"}`,
		`{"Fn::ImportValue": {"Fn::ImportValue": "a"}}`,
		`{"Fn::ImportValue": {"Fn::Join": ["", [{"Fn::ImportValue": "b"}]]}}`,
		`{"Fn::Join": ["", [{"Fn::ImportValue": "a"}, {"Fn::ImportValue": "b"}]]}`,
		`{"A": {"Fn::ImportValue": {"Fn::Sub": "${AWS::StackName}-a"}}, "B": {"Fn::ImportValue": null}, "C": {"Fn::ImportValue": ["a"]}}`,
		`{"Fn::Anything": [{"Fn::Anything": {}}], "": {"": ""}}`,
	} {
		f.Add([]byte(properties))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var properties map[string]any
		if json.Unmarshal(data, &properties) != nil {
			t.Skip("no properties")
		}
		text, err := json.Marshal(properties)
		require.NoError(t, err)
		value := string(text)
		a, err := assembly.Load(stacks(map[string]string{
			"A": `{
				"Resources": {"Thing": {"Type": "Test::Thing", "DeletionPolicy": ` + value + `, "Properties": ` + value + `}},
				"Outputs": {` + export("A", `"a"`, value) + "," + export("Own", value, `"own"`) + `}
			}`,
			"B": outputs(export("B", `"b"`, `{"Fn::Sub": ["${A}", {"A": {"Fn::ImportValue": "a"}}]}`)),
		}).write(t))
		if err != nil {
			require.ErrorContains(t, err, "is made twice") // the third export's name is anything
			return
		}
		for _, stack := range a.Stacks {
			stack.Needs()
			for _, output := range stack.Outputs {
				stack.Text(output.Value)
				stack.Target(output.Value)
			}
		}
		_, _ = a.DeployOrder() // a cycle is fine
		readAll(t, a.Stack("A").Resource("Thing"))
	})
}

// readAll reads whatever there is of a resource's properties.
func readAll(t *testing.T, resource *assembly.Resource) {
	t.Helper()
	resource.Text()
	for name, value := range resource.Properties {
		resource.Text(name)
		resource.Text(name, 0)
		resource.Text(name, "Fn::Join", 1, 0)
		found, ok := resource.Lookup(name)
		assert.True(t, ok, name)
		assert.Equal(t, value, found, name)
	}
	for _, reference := range resource.References() {
		assert.Contains(t, reference.To.Resource.UsedBy(), reference)
	}
}
