package delivery

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/google/renameio/v2"

	"parrot/config"
)

// record writes the images of an environment's services into images.json; those
// of other environments and services stay as they are. The file is replaced in
// one go: whoever reads it sees the old one or the new one.
func record(path, environment string, images map[string]config.Image) error {
	old, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("the released images cannot be read: %w", err)
	}
	releases, err := config.ParseReleases(old)
	if err != nil {
		return fmt.Errorf("%s cannot be read: %w; put it right, or take it back with git restore", path, err)
	}
	release := releases[environment]
	for service, image := range images {
		switch service {
		case "backend":
			release.Backend = image
		case "frontend":
			release.Frontend = image
		}
	}
	releases[environment] = release
	document, err := json.MarshalIndent(releases, "", "  ")
	if err != nil {
		return err
	}
	if err := renameio.WriteFile(path, append(document, '\n'), 0o644); err != nil {
		return fmt.Errorf("the released images cannot be recorded: %w", err)
	}
	return nil
}
