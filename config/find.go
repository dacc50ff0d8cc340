package config

import (
	"fmt"
	"strings"
)

// Find is the environment that has a name.
func Find(environments []Environment, name string) (Environment, error) {
	var names []string
	for _, e := range environments {
		if e.Name == name {
			return e, nil
		}
		names = append(names, e.Name)
	}
	return Environment{}, fmt.Errorf("there is no environment %q: want one of %s (config/environments.go)", name, strings.Join(names, ", "))
}
