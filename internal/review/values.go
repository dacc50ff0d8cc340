package review

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"parrot/internal/assembly"
)

// text returns a resolved value in one line.
func text(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	var line strings.Builder
	encoder := json.NewEncoder(&line)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return fmt.Sprint(value) // not a value of a template, all of which are JSON
	}
	return strings.TrimSuffix(line.String(), "\n")
}

// identities are the keys that identify the elements of a list.
var identities = []string{"Name", "Key", "Sid", "Id", "AttributeName", "ContainerName"}

// byIdentity is a list of objects as an object, so that an element that moves is
// no change. [{Key, Value}] is {key: value}.
func byIdentity(list []any) (map[string]any, bool) {
	for _, identity := range identities {
		object := map[string]any{}
		for _, element := range list {
			members, _ := element.(map[string]any)
			name, isText := members[identity].(string)
			if !isText || name == "" {
				break
			}
			value, isPair := members["Value"]
			if isPair && len(members) == 2 {
				object[name] = value
				continue
			}
			rest := maps.Clone(members)
			delete(rest, identity)
			object[name] = rest
		}
		if len(object) == len(list) && len(list) > 0 {
			return object, true
		}
	}
	return nil, false
}

// members are what a value is made of, by name: an object's, a list's elements
// where these have names, and those of a text that is JSON.
func members(value any) (map[string]any, bool) {
	switch v := value.(type) {
	case map[string]any:
		return v, true
	case []any:
		return byIdentity(v)
	case string:
		if strings.HasPrefix(v, "{") {
			var object map[string]any
			if json.Unmarshal([]byte(v), &object) == nil {
				return object, true
			}
		}
	}
	return nil, false
}

// between returns the differences between two resolved values, by path.
func (c *comparison) between(p *pair, path string, before, after any) []Property {
	if text(before) == text(after) {
		return nil
	}
	oldMembers, oldHas := members(before)
	newMembers, newHas := members(after)
	if oldHas && newHas {
		names := maps.Clone(oldMembers)
		maps.Copy(names, newMembers)
		var found []Property
		for _, name := range slices.Sorted(maps.Keys(names)) {
			found = append(found, c.between(p, join(path, name), oldMembers[name], newMembers[name])...)
		}
		return found
	}
	oldList, oldHas := before.([]any)
	newList, newHas := after.([]any)
	if oldHas && newHas && len(oldList) == len(newList) {
		var found []Property
		for i := range oldList {
			found = append(found, c.between(p, join(path, strconv.Itoa(i)), oldList[i], newList[i])...)
		}
		return found
	}
	if oldHas && newHas {
		// Of a list that grows or shrinks, what comes and what goes.
		return []Property{{Path: path, Old: c.names.in(p.name(), without(oldList, newList)),
			New: c.names.in(p.name(), without(newList, oldList))}}
	}
	return []Property{{Path: path, Old: c.names.in(p.name(), text(before)), New: c.names.in(p.name(), text(after))}}
}

// without returns the elements of a list that are not in another.
func without(list, other []any) string {
	var texts []string
	for _, element := range list {
		if !slices.ContainsFunc(other, func(o any) bool { return text(o) == text(element) }) {
			texts = append(texts, text(element))
		}
	}
	return strings.Join(texts, ", ")
}

// leaf is a single value in a resource: its path, and the last name in it.
type leaf struct{ path, name string }

// leaves returns all single values of a resolved value.
func leaves(value any) map[leaf]string {
	found := map[leaf]string{}
	var walk func(path, name string, value any)
	walk = func(path, name string, value any) {
		if object, ok := members(value); ok {
			for member, inner := range object {
				walk(join(path, member), member, inner)
			}
			return
		}
		if list, ok := value.([]any); ok {
			for i, element := range list {
				walk(join(path, strconv.Itoa(i)), name, element)
			}
			return
		}
		found[leaf{path, name}] = text(value)
	}
	walk("", "", value)
	return found
}

// sorted returns the leaves in either of two values, by path.
func sorted(before, after map[leaf]string) []leaf {
	all := maps.Clone(before)
	maps.Copy(all, after)
	return slices.SortedFunc(maps.Keys(all), func(a, b leaf) int {
		return cmp.Or(cmp.Compare(a.path, b.path), cmp.Compare(a.name, b.name))
	})
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// imagesBetween are the containers of two revisions whose image is of the same
// repository, and the paths of their images.
func imagesBetween(was, is map[string]any) (images []Image, paths []string) {
	const definitions = "ContainerDefinitions"
	oldContainers, _ := members(was[definitions])
	newContainers, _ := members(is[definitions])
	for _, name := range slices.Sorted(maps.Keys(newContainers)) {
		before, _ := oldContainers[name].(map[string]any)
		after, _ := newContainers[name].(map[string]any)
		oldRepository, oldVersion := splitImage(text(before["Image"]))
		newRepository, newVersion := splitImage(text(after["Image"]))
		if oldRepository != newRepository || oldVersion == newVersion {
			continue
		}
		paths = append(paths, definitions+"."+name+".Image")
		// Containers of one image, like a migration's, are released together.
		if !slices.ContainsFunc(images, func(i Image) bool { return i.Old == oldVersion && i.New == newVersion }) {
			images = append(images, Image{name, oldVersion, newVersion})
		}
	}
	return images, paths
}

// splitImage splits an image's name into its repository and its tag or digest.
func splitImage(image string) (repository, version string) {
	if repository, digest, ok := strings.Cut(image, "@"); ok {
		return repository, digest
	}
	if i := strings.LastIndex(image, ":"); i > strings.LastIndex(image, "/") {
		return image[:i], image[i+1:]
	}
	return image, ""
}

// names are the logical ids of all stacks without the hash that CDK appends, by
// stack, where two do not become the same.
type names map[string]map[string]string

var hash = regexp.MustCompile(`^(.+?)[0-9A-F]{8}$`)

func nameResources(assemblies ...*assembly.Assembly) names {
	all := names{}
	for _, a := range assemblies {
		for _, stack := range a.Stacks {
			if all[stack.Name] == nil {
				all[stack.Name] = map[string]string{}
			}
			for _, resource := range stack.Resources {
				all[stack.Name][resource.LogicalID] = hash.ReplaceAllString(resource.LogicalID, "$1")
			}
		}
	}
	for _, ids := range all {
		ofName := map[string]int{}
		for _, name := range ids {
			ofName[name]++
		}
		for id, name := range ids {
			if ofName[name] > 1 {
				ids[id] = id
			}
		}
	}
	return all
}

func (n names) of(stack, id string) string { return cmp.Or(n[stack][id], id) }

var (
	reference = regexp.MustCompile(`\$\{([^${}]+)\}`)
	whole     = regexp.MustCompile(`^\$\{([^${}]+)\}$`)
)

// in returns a text with references as a reader of the stack would name them:
// Database.Endpoint.Address, and with the stack where it is another one. Inside
// of a longer text a reference keeps ${}.
func (n names) in(stack, text string) string {
	text = reference.ReplaceAllStringFunc(text, func(match string) string {
		steps := strings.Split(match[2:len(match)-1], ".")
		of := stack
		if n[steps[0]] != nil && len(steps) > 1 {
			of, steps = steps[0], steps[1:]
		}
		steps[0] = n.of(of, steps[0])
		if of != stack {
			steps = append([]string{of}, steps...)
		}
		return "${" + strings.Join(steps, ".") + "}"
	})
	return whole.ReplaceAllString(text, "$1")
}
