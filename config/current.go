package config

import (
	"bytes"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
)

// environmentsGo is the settings as this program was built with them.
//
//go:embed environments.go
var environmentsGo []byte

// BuiltFrom returns an error unless this program was built with the settings
// that stand in Parrot's directory now: an installed command keeps the old ones.
func BuiltFrom(dir string) error {
	path := filepath.Join(dir, "config", "environments.go")
	now, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("the settings cannot be read: %w; run the command in Parrot's directory", err)
	}
	if !bytes.Equal(now, environmentsGo) {
		return fmt.Errorf("this command was built with other settings than those in %s: run go run ./cmd/parrotctl, or go install ./cmd/parrotctl again", path)
	}
	return nil
}
