package config

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"parrot/internal/documents"
)

const introduction = `# Environments

Every setting of every environment, side by side. A value in bold differs from
the first column's; – is an empty one. The released images are in
[config/images.json](../config/images.json).

This file is generated: do not edit it. The values come from
[config/environments.go](../config/environments.go), their meaning from the
comments and tags in [config](../config). After a change there, run

` + "```sh\ngo test ./config -update\n```\n"

func TestEnvironmentsAreDocumented(t *testing.T) {
	require.NoError(t, Validate(All())) // nothing is written of settings that cannot be
	comments := parseComments(t)
	var columns [][]setting
	header := []string{"Setting"}
	for _, e := range All() {
		columns = append(columns, settings("", reflect.ValueOf(e)))
		header = append(header, e.Name)
	}
	header = append(header, "Meaning")

	var text strings.Builder
	text.WriteString(introduction)
	group := ""
	for i, s := range columns[0] {
		if g := s.group(); g != group {
			group = g
			fmt.Fprintf(&text, "\n## %s\n\n%s\n\n", group, comments[group])
			writeHeader(&text, header)
		}
		row := []string{code(s.path)}
		for _, column := range columns {
			value := column[i].String()
			if value != s.String() {
				value = "**" + value + "**"
			}
			row = append(row, value)
		}
		writeRow(&text, append(row, meaning(t, comments, s)))
	}
	fmt.Fprintf(&text, "\n## Pipeline\n\n%s\n\n", comments["Pipeline"])
	writeHeader(&text, []string{"Setting", "Value", "Meaning"})
	for _, s := range settings("", reflect.ValueOf(Delivery())) {
		writeRow(&text, []string{code(s.path), s.String(), meaning(t, comments, s)})
	}
	documents.Golden(t, "docs/environments.md", text.String())
}

// common are the settings that people change most: docs/edits.md shows them.
var common = []string{
	"Domain", "HostedZoneID", "Production", "Network.NATGateways", "Database.InstanceClass", "Redis.Enabled",
	"Backend.CPU", "Backend.DesiredCount", "Backend.Variables", "Backend.MigrationCommand",
}

func TestEditsShowTheCommonSettings(t *testing.T) {
	comments := parseComments(t)
	var table strings.Builder
	writeHeader(&table, []string{"Setting", "Meaning"})
	for _, s := range settings("", reflect.ValueOf(Environment{})) {
		if slices.Contains(common, s.path) {
			firstSentence := new(doc.Package).Synopsis(meaning(t, comments, s))
			writeRow(&table, []string{code(s.path), firstSentence})
		}
	}
	require.Equal(t, len(common)+2, strings.Count(table.String(), "\n"), "each is a setting")
	documents.Generated(t, "docs/edits.md", "settings", table.String())
}

// setting is one value of an environment.
type setting struct {
	path    string // Backend.HealthCheck.Path
	comment string // HealthCheck.Path, whose comment it has
	tag     reflect.StructTag
	value   reflect.Value
}

// settings returns the fields of a struct in their order, with those of the structs
// in it.
func settings(path string, of reflect.Value) []setting {
	var all []setting
	for field, value := range of.Fields() {
		switch {
		case field.Type == reflect.TypeFor[Image](): // released, not set
		case field.Anonymous:
			all = append(all, settings(path, value)...)
		case field.Type.Kind() == reflect.Struct && field.Type.PkgPath() == of.Type().PkgPath():
			all = append(all, settings(path+field.Name+".", value)...)
		default:
			all = append(all, setting{path + field.Name, of.Type().Name() + "." + field.Name, field.Tag, value})
		}
	}
	return all
}

// group returns the struct of Environment that the setting is in.
func (s setting) group() string {
	if group, _, nested := strings.Cut(s.path, "."); nested {
		return group
	}
	return "Environment"
}

// String returns the value in Markdown.
func (s setting) String() string {
	var texts []string
	switch s.value.Kind() {
	case reflect.Bool, reflect.Int:
		return fmt.Sprint(s.value)
	case reflect.Slice:
		for _, item := range s.value.Seq2() {
			texts = append(texts, code(item))
		}
	case reflect.Map:
		for key, item := range s.value.Seq2() {
			texts = append(texts, code(fmt.Sprintf("%v=%v", key, item)))
		}
		slices.Sort(texts)
	default:
		if !s.value.IsZero() {
			texts = append(texts, code(s.value))
		}
	}
	return cmp.Or(strings.Join(texts, ", "), "–")
}

// limits returns what the setting's tags allow, as sentences.
func (s setting) limits() string {
	var text strings.Builder
	for _, limit := range []struct{ tag, format string }{
		{rangeTag, " Allowed: %s."}, {oneOfTag, " Allowed: %s."}, {charactersTag, " At most %s characters."},
		{productionTag, " In production: %s."},
	} {
		if allowed, ok := s.tag.Lookup(limit.tag); ok {
			fmt.Fprintf(&text, limit.format, allowed)
		}
	}
	return text.String()
}

func code(value any) string { return fmt.Sprintf("`%v`", value) }

func writeHeader(text *strings.Builder, columns []string) {
	writeRow(text, columns)
	writeRow(text, slices.Repeat([]string{"---"}, len(columns)))
}

func writeRow(text *strings.Builder, cells []string) {
	for _, cell := range cells {
		fmt.Fprintf(text, "| %s ", strings.ReplaceAll(cell, "|", `\|`))
	}
	text.WriteString("|\n")
}

func meaning(t *testing.T, comments map[string]string, s setting) string {
	t.Helper()
	require.NotEmpty(t, comments[s.comment], "%s has no comment", s.comment)
	return comments[s.comment] + s.limits()
}

// parseComments reads the comments of the package's types (Network) and of their
// fields (Network.VPC), each as one line.
func parseComments(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	comments := map[string]string{}
	add := func(name string, comment *ast.CommentGroup) {
		comments[name] = strings.Join(strings.Fields(comment.Text()), " ")
	}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		require.NoError(t, err)
		for _, declaration := range file.Decls {
			types, ok := declaration.(*ast.GenDecl)
			if !ok || types.Tok != token.TYPE {
				continue
			}
			for _, spec := range types.Specs {
				declared := spec.(*ast.TypeSpec)
				add(declared.Name.Name, types.Doc)
				structure, ok := declared.Type.(*ast.StructType)
				if !ok {
					continue
				}
				for _, field := range structure.Fields.List {
					for _, name := range field.Names {
						add(declared.Name.Name+"."+name.Name, field.Doc)
					}
				}
			}
		}
	}
	return comments
}
