package delivery

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"

	"github.com/google/renameio/v2"

	"parrot/config"
)

// record writes the images of an environment's services into images.json; those
// of other environments and services stay as they are. The file is replaced
// atomically: a reader sees the old one or the new one. It returns the old text.
func record(path, environment string, images map[string]config.Image) (old []byte, err error) {
	old, err = os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("the released images cannot be read: %w", err)
	}
	releases, err := config.ParseReleases(old)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w; correct it, or restore it with git restore", path, err)
	}
	if releases[environment] == nil {
		releases[environment] = config.Release{}
	}
	maps.Copy(releases[environment], images)
	document, err := json.MarshalIndent(releases, "", "  ")
	if err != nil {
		return nil, err
	}
	return old, write(path, append(document, '\n'))
}

func write(path string, document []byte) error {
	if err := renameio.WriteFile(path, document, 0o644); err != nil {
		return fmt.Errorf("the released images cannot be recorded: %w", err)
	}
	return nil
}
