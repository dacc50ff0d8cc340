package config

import (
	"bytes"
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// sources are the files of this package at the time of the build.
//
//go:embed *.go
var sources embed.FS

// BuiltFrom returns an error unless this program was built with the settings
// in Parrot's directory: an installed command still has those of its build.
func BuiltFrom(dir string) error {
	files, err := sources.ReadDir(".")
	if err != nil {
		return err
	}
	for _, file := range files {
		if strings.HasSuffix(file.Name(), "_test.go") {
			continue
		}
		built, err := sources.ReadFile(file.Name())
		if err != nil {
			return err
		}
		path := filepath.Join(dir, "config", file.Name())
		now, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("the settings cannot be read: %w; run the command in Parrot's directory, or go install ./cmd/parrotctl again", err)
		}
		if !bytes.Equal(now, built) {
			return fmt.Errorf("this command was built with other settings than those in %s: run go run ./cmd/parrotctl, or go install "+
				"./cmd/parrotctl again", path)
		}
	}
	return nil
}
