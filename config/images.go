package config

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
)

// imagesJSON is the released images, written by tools and reviewed in git.
//
//go:embed images.json
var imagesJSON []byte

// Image is a container image in a service's repository. The zero Image means
// that nothing is released yet.
type Image struct {
	// Tag is the image's tag. Tags can be moved, so "latest" is refused: the
	// same tag twice is the same template, and nothing would be deployed.
	Tag string `json:"tag,omitempty"`
	// Digest is the image's digest, "sha256:" and 64 hexadecimal digits. Where
	// both are given the digest is deployed and the tag is for people.
	Digest string `json:"digest,omitempty"`
}

// Released says whether there is an image.
func (i Image) Released() bool { return i != Image{} }

// Reference is the digest, or the tag where there is none.
func (i Image) Reference() string {
	if i.Digest != "" {
		return i.Digest
	}
	return i.Tag
}

// Release is the released images of one environment, as images.json holds them.
type Release struct {
	Backend  Image `json:"backend,omitzero"`
	Frontend Image `json:"frontend,omitzero"`
}

// Load returns every environment with its released images, or all errors of the
// settings joined into one.
func Load() ([]Environment, error) { return LoadWith(All(), imagesJSON) }

// LoadWith is Load of other environments, and of another images.json than the
// one that is compiled in.
func LoadWith(environments []Environment, images []byte) ([]Environment, error) {
	err := errors.Join(applyReleases(environments, images), Validate(environments))
	if err != nil {
		return nil, err
	}
	return environments, nil
}

// applyReleases puts the images of images.json into the environments.
func applyReleases(environments []Environment, document []byte) error {
	releases, err := ParseReleases(document)
	if err != nil {
		return fmt.Errorf("config/images.json: cannot be read: %w; want {\"dev\": {\"backend\": {\"tag\": \"…\", \"digest\": \"sha256:…\"}, \"frontend\": {…}}}", err)
	}
	for i := range environments {
		e := &environments[i]
		e.Backend.Image, e.Frontend.Image = releases[e.Name].Backend, releases[e.Name].Frontend
		delete(releases, e.Name)
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(releases)) {
		errs = append(errs, fmt.Errorf("config/images.json: %q is no environment; remove its entry, or add the environment to config/environments.go", name))
	}
	return errors.Join(errs...)
}

// ParseReleases reads an images.json: releases by the environment's name.
func ParseReleases(document []byte) (map[string]Release, error) {
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.DisallowUnknownFields()
	var releases map[string]Release
	if err := decoder.Decode(&releases); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("text after the closing brace")
	}
	return releases, nil
}
