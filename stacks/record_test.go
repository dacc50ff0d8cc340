package stacks_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot/config"
	"parrot/internal/assembly"
	"parrot/internal/documents"
	. "parrot/internal/synthtest"
)

// This file keeps the record of what the templates carry: names of properties,
// without their values. A property that is added shows there, in one line.

// recorded returns the stacks that the record is of, by a name: the environments of the
// fixtures, of which prod has every option on, and both pipelines.
func recorded(t *testing.T) map[string][]*assembly.Stack {
	t.Helper()
	found := map[string][]*assembly.Stack{
		"pipeline":        {together(t).stack},
		"pipeline across": {across(t).stack},
	}
	for _, env := range Fixtures() {
		for _, part := range config.Parts {
			found[env.Name] = append(found[env.Name], StackOf(t, Direct(t), env, part))
		}
	}
	return found
}

func TestTheRecordHasEveryPropertyOfEveryResource(t *testing.T) {
	t.Parallel()
	documents.Golden(t, "stacks/testdata/properties.golden", record(recorded(t)))
}

// A setting brings no property that the record does not know.
func TestNoSettingBringsAPropertyThatIsNotInTheRecord(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, stacks := range recorded(t) {
		for _, stack := range stacks {
			for _, resource := range stack.Resources {
				for _, path := range paths(resource) {
					known[resource.Type+" "+unnamed(path)] = true
				}
			}
		}
	}
	for _, a := range everything(t) {
		for _, stack := range a.Stacks {
			for _, resource := range stack.Resources {
				for _, path := range paths(resource) {
					if line := resource.Type + " " + unnamed(path); !known[line] {
						assert.Fail(t, "not in the record", "%s of %s in %s of %s", line, resource.LogicalID, stack.Name, a.Dir)
						known[line] = true // once is enough
					}
				}
			}
		}
	}
}

// unnamed returns a path without the names of list elements.
func unnamed(path string) string {
	return brackets.ReplaceAllString(path, "[]")
}

var brackets = regexp.MustCompile(`\[[^\]]*\]`)

// record returns each type with its resources, and each of its properties, with those
// that carry it where not all do.
func record(stacks map[string][]*assembly.Stack) string {
	there := map[string]carriers{}                 // by type
	properties := map[string]map[string]carriers{} // by type and path
	for where, all := range stacks {
		for _, stack := range all {
			for _, resource := range stack.Resources {
				if properties[resource.Type] == nil {
					there[resource.Type], properties[resource.Type] = carriers{}, map[string]carriers{}
				}
				there[resource.Type].add(where, resource)
				for _, path := range paths(resource) {
					if properties[resource.Type][path] == nil {
						properties[resource.Type][path] = carriers{}
					}
					properties[resource.Type][path].add(where, resource)
				}
			}
		}
	}
	var text strings.Builder
	for _, resourceType := range slices.Sorted(maps.Keys(there)) {
		all := there[resourceType]
		fmt.Fprintf(&text, "%s of %s\n", resourceType, all.text(nil))
		for _, path := range slices.Sorted(maps.Keys(properties[resourceType])) {
			text.WriteString("  " + path)
			text.WriteString(properties[resourceType][path].among(all) + "\n")
		}
	}
	return text.String()
}

// carriers are resources by their logical id without its hash, with the places of
// each.
type carriers map[string]map[string]bool

func (c carriers) add(where string, resource *assembly.Resource) {
	id := withoutHash(resource.LogicalID)
	if c[id] == nil {
		c[id] = map[string]bool{}
	}
	c[id][where] = true
}

// among names the carriers of a property among all of a type: nobody, where all carry
// it, and those that do not, where they are fewer.
func (c carriers) among(all carriers) string {
	without := carriers{}
	for id, places := range all {
		for place := range places {
			if !c[id][place] {
				if without[id] == nil {
					without[id] = map[string]bool{}
				}
				without[id][place] = true
			}
		}
	}
	switch {
	case len(without) == 0:
		return ""
	case len(without) < len(c):
		return " of all but " + without.text(all)
	default:
		return " of " + c.text(all)
	}
}

// text names the carriers, with their places where these are not all of the id's.
func (c carriers) text(all carriers) string {
	var names []string
	for _, id := range slices.Sorted(maps.Keys(c)) {
		name := id
		if all == nil || !maps.Equal(c[id], all[id]) {
			name += " (" + strings.Join(slices.Sorted(maps.Keys(c[id])), ", ") + ")"
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}

// paths returns the paths of a resource's properties. Elements of a list are named
// where they have a name or a key, which alone counts where the rest is its value, and
// counted where they have none and nobody else does.
// JSON in a text counts as properties, and a function ends a path. Tags and a
// pipeline's actions are tests of their own.
func paths(resource *assembly.Resource) []string {
	found := map[string]bool{}
	var walk func(path string, value any)
	walk = func(path string, value any) {
		switch v := value.(type) {
		case map[string]any:
			if len(v) == 0 {
				found[path] = true
			}
			for name, member := range v {
				walk(path+"."+name, member)
			}
		case []any:
			if len(v) == 0 {
				found[path] = true
			}
			for _, element := range v {
				name, isPair := elementName(element)
				switch {
				case isPair:
					found[path+"["+name+"]"] = true
				case name == "" && !listed.MatchString(path):
					walk(fmt.Sprintf("%s[%d]", path, len(v)), element)
				default:
					walk(path+"["+name+"]", element)
				}
			}
		case string:
			var document any
			if strings.HasPrefix(v, "{") && json.Unmarshal([]byte(v), &document) == nil {
				walk(path, document)
				return
			}
			found[path] = true
		default:
			found[path] = true
		}
	}
	for name, value := range resource.Properties {
		switch {
		case strings.HasSuffix(name, "Tags"):
			found[name] = true
		case resource.Type == "AWS::CodePipeline::Pipeline":
			for _, path := range propertyNames(&assembly.Resource{Properties: map[string]any{name: value}}) {
				found[strings.TrimPrefix(path, ".")] = true
			}
		default:
			walk(name, resource.Stack.Resolve(value))
		}
	}
	if len(resource.Properties) == 0 {
		return nil
	}
	return slices.Sorted(maps.Keys(found))
}

// listed are the documents whose elements principals_test.go and metrics_test.go know.
var listed = regexp.MustCompile(`^(AssumeRolePolicyDocument|PolicyDocument|Policies|KeyPolicy|DashboardBody)\b`)

// elementName is what names an object in a list, if something does, and whether the
// object is nothing but a name and its value.
func elementName(element any) (name string, isPair bool) {
	object, _ := element.(map[string]any)
	for _, key := range []string{"Name", "Key"} {
		if name, ok := object[key].(string); ok {
			_, hasValue := object["Value"]
			_, hasSource := object["ValueFrom"]
			return name, len(object) == 2 && (hasValue || hasSource)
		}
	}
	return "", false
}

func TestAPropertyThatIsAddedShowsInTheRecord(t *testing.T) {
	t.Parallel()
	before := record(recorded(t))
	changed := edited(t, Direct(t), func(all templates) {
		for _, properties := range all.of(t, "Compute", "AWS::ECS::TaskDefinition") {
			properties["ContainerDefinitions"].([]any)[0].(map[string]any)["Command"] = []any{"sh"}
		}
	})
	stacks := recorded(t)
	for i, stack := range stacks["dev"] {
		stacks["dev"][i] = changed.Stack(stack.Name)
	}
	after := strings.Split(record(stacks), "\n")
	added := slices.DeleteFunc(after, func(line string) bool { return strings.Contains(before, line+"\n") })
	require.Len(t, added, 2, "one of each service")
	for i, name := range []string{"backend", "frontend"} {
		assert.Regexp(t, `ContainerDefinitions\[`+name+`\]\.Command\[1\] of \w+ \(dev\)`, added[i])
	}
}
