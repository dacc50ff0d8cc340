package assembly_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTextIsWhatAReaderWouldWrite(t *testing.T) {
	t.Parallel()
	data := shop(t, `{}`).Stack("Data")
	for value, want := range map[string]string{
		// Plain values.
		`"a ${b}"`:                        "a ${b}",
		`""`:                              "",
		`null`:                            "",
		`true`:                            "true",
		`false`:                           "false",
		`0`:                               "0",
		`5432`:                            "5432",
		`0.25`:                            "0.25",
		`123456789012`:                    "123456789012",
		`["a", 1, true]`:                  "a,1,true",
		`[]`:                              "",
		`[["a", "b"], {"Ref": "Bucket"}]`: "a,b,${Data.Bucket}",

		// References.
		`{"Ref": "Bucket"}`:                        "${Data.Bucket}",
		`{"Ref": "Size"}`:                          "${Size}",
		`{"Ref": "AWS::Region"}`:                   "${AWS::Region}",
		`{"Fn::GetAtt": ["Bucket", "Arn"]}`:        "${Data.Bucket.Arn}",
		`{"Fn::GetAtt": "Database.Endpoint.Port"}`: "${Data.Database.Endpoint.Port}",
		`{"Fn::GetAtt": ["Nothing", "Arn"]}`:       `{"Fn::GetAtt":["Nothing","Arn"]}`,

		// Imports.
		`{"Fn::ImportValue": "Network:Group"}`:   "${Network.Group.GroupId}",
		`{"Fn::ImportValue": "Network:Tier"}`:    "gold",
		`{"Fn::ImportValue": "Network:Url"}`:     "https://${Network.Zone}.${Network.Vpc.CidrBlock}",
		`{"Fn::ImportValue": "Network:Nowhere"}`: `{"Fn::ImportValue":"Network:Nowhere"}`,

		// Joins.
		`{"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":s3:::", {"Ref": "Bucket"}]]}`: "arn:${AWS::Partition}:s3:::${Data.Bucket}",
		`{"Fn::Join": [", ", ["a", 1, {"Fn::Join": ["-", ["b", "c"]]}]]}`:                      "a, 1, b-c",
		`{"Fn::Join": [",", []]}`: "",
		`{"Fn::Join": ["", ["{{resolve:secretsmanager:", {"Ref": "Secret"}, ":SecretString:password::}}"]]}`: "{{resolve:secretsmanager:${Data.Secret}:SecretString:password::}}",
		`{"Fn::Join": [",", {"Fn::GetAtt": ["Database", "Names"]}]}`:                                         `{"Fn::Join":[",","${Data.Database.Names}"]}`,
		`{"Fn::Join": "a"}`: `{"Fn::Join":"a"}`,

		// Substitutions.
		`{"Fn::Sub": "${Bucket}/${Database.Endpoint.Address}/${AWS::Region}/${Size}/${Nothing.Arn}"}`:                          "${Data.Bucket}/${Data.Database.Endpoint.Address}/${AWS::Region}/${Size}/${Nothing.Arn}",
		`{"Fn::Sub": "${!Bucket} ${ Bucket } $ {Bucket} ${}"}`:                                                                 "${Bucket} ${Data.Bucket} $ {Bucket} ${}",
		`{"Fn::Sub": ["${A}-${Bucket}-${C}", {"A": {"Ref": "Secret"}, "Bucket": 1, "C": {"Fn::ImportValue": "Network:Vpc"}}]}`: "${Data.Secret}-1-${Network.Vpc}",
		`{"Fn::Sub": ["${A} ${B}", {"A": "${B}", "B": "b"}]}`:                                                                  "${B} b",
		`{"Fn::Sub": ["${A}"]}`:      `{"Fn::Sub":["${A}"]}`,
		`{"Fn::Sub": [1, {"A": 1}]}`: `{"Fn::Sub":[1,{"A":1}]}`,

		// What has no shorter form.
		`{}`: `{}`,
		`{"b": [1, {"Ref": "Bucket"}], "a": {"c": null, "d": "<&>"}}`:        `{"a":{"c":null,"d":"<&>"},"b":[1,"${Data.Bucket}"]}`,
		`{"Fn::Select": [1, {"Fn::Split": ["/", {"Ref": "Bucket"}]}]}`:       `{"Fn::Select":[1,{"Fn::Split":["/","${Data.Bucket}"]}]}`,
		`{"Fn::If": ["Prod", {"Ref": "Bucket"}, {"Ref": "AWS::NoValue"}]}`:   `{"Fn::If":["Prod","${Data.Bucket}","${AWS::NoValue}"]}`,
		`{"Ref": {"Ref": "Bucket"}}`:                                         `{"Ref":"${Data.Bucket}"}`,
		`[{"Key": "a", "Value": {"Ref": "Size"}}, {"Key": "b", "Value": 2}]`: `{"Key":"a","Value":"${Size}"},{"Key":"b","Value":2}`,
	} {
		assert.Equal(t, want, data.Text(parse(t, value)), value)
	}
}

func TestLookupFindsAPropertyByNamesAndIndexes(t *testing.T) {
	t.Parallel()
	thing := stacks(map[string]string{"Shop": properties(`{
		"": "empty",
		"Null": null,
		"Rules": [{"Port": 80}, {"Port": 443, "Hosts": ["a", "b"]}],
		"Url": {"Fn::Join": ["", ["https://", "shop"]]}
	}`)}).load(t).Stack("Shop").Resource("Thing")
	for _, c := range []struct {
		path []any
		want any
		text string
	}{
		{[]any{"Rules", 1, "Port"}, 443., "443"},
		{[]any{"Rules", 1, "Hosts", 0}, "a", "a"},
		{[]any{"Rules", 1, "Hosts"}, []any{"a", "b"}, "a,b"},
		{[]any{"Url", "Fn::Join", 1, 1}, "shop", "shop"},
		{[]any{"Url"}, map[string]any{"Fn::Join": []any{"", []any{"https://", "shop"}}}, "https://shop"},
		{[]any{"Null"}, nil, ""},
		{[]any{""}, "empty", "empty"},
	} {
		got, ok := thing.Lookup(c.path...)
		assert.True(t, ok, c.path)
		assert.Equal(t, c.want, got, c.path)
		assert.Equal(t, c.text, thing.Text(c.path...), c.path)
	}
	all, ok := thing.Lookup()
	assert.True(t, ok)
	assert.Equal(t, thing.Properties, all)
}

func TestLookupOfAWrongPathFindsNothing(t *testing.T) {
	t.Parallel()
	thing := stacks(map[string]string{"Shop": properties(`{"": "empty", "Rules": [{"Port": 80}], "0": "zero"}`)}).load(t).Stack("Shop").Resource("Thing")
	for _, path := range [][]any{
		{"Nothing"}, {"rules"}, {"Rules", 1}, {"Rules", -1}, {"Rules", "0"}, {"Rules", 0, "Port", "Deeper"}, {"Rules", 0, 0}, {0}, {nil}, {1.5},
		{"Rules", nil}, {"Nothing", "Deeper"},
	} {
		got, ok := thing.Lookup(path...)
		assert.False(t, ok, path)
		assert.Nil(t, got, path)
		assert.Empty(t, thing.Text(path...), path)
	}
}
