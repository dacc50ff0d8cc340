package repository

import (
	"go/scanner"
	"go/token"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot/config"
)

// Places outside config that may name a service, each with what they name it for.
var namesAService = map[string]map[string]string{
	"stacks/network.go": {
		"DataFromBackend": "a value of the setting DataAccess",
	},
	"stacks/data.go": {
		"Backend":                "the lifetimes of tokens, which are in a secret, are settings of the backend",
		`"Cache of the backend"`: "a description of the replication group, which is in templates",
	},
}

// A service more is one entry in config: nothing else knows which services there are.
func TestNoFileOutsideConfigNamesAService(t *testing.T) {
	var names []string
	for _, service := range (config.Environment{}).Services() {
		names = append(names, service.Name, service.Title)
	}
	require.NotEmpty(t, names)
	anyName := regexp.MustCompile("(?i)" + strings.Join(names, "|"))

	used := map[string]map[string]bool{}
	for _, path := range files(t, func(name string) bool { return strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") }) {
		if strings.HasPrefix(path, "config/") || strings.HasPrefix(path, "internal/fakes/") || strings.HasPrefix(path, "internal/synthtest/") {
			continue
		}
		used[path] = map[string]bool{}
		for _, word := range words(t, path) {
			if !anyName.MatchString(word) {
				continue
			}
			used[path][word] = true
			assert.Contains(t, namesAService[path], word, "%s names a service: make it data of config.Workload", path)
		}
	}
	for path, words := range namesAService {
		for word := range words {
			assert.True(t, used[path][word], "%s does not name %s any more: remove the exception", path, word)
		}
	}
}

// words returns the identifiers and texts of a Go file, without its comments.
func words(t *testing.T, path string) []string {
	t.Helper()
	source := []byte(read(t, path))
	var s scanner.Scanner
	fileSet := token.NewFileSet()
	s.Init(fileSet.AddFile(path, fileSet.Base(), len(source)), source, nil, 0)
	var found []string
	for {
		_, kind, text := s.Scan()
		if kind == token.EOF {
			return found
		}
		if kind == token.IDENT || kind == token.STRING {
			found = append(found, text)
		}
	}
}
