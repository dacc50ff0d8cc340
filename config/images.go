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
	"strings"
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

// Released reports whether there is an image.
func (i Image) Released() bool { return i != Image{} }

// Reference returns the digest, or the tag where there is none.
func (i Image) Reference() string {
	if i.Digest != "" {
		return i.Digest
	}
	return i.Tag
}

// Release is the released images of one environment by service, as images.json holds
// them.
type Release map[string]Image

// Load returns every environment with its released images, or all errors of the
// settings, the pipeline's too, joined into one.
func Load() ([]Environment, error) {
	environments, err := LoadWith(All(), imagesJSON)
	if err := errors.Join(err, ValidatePipeline(Delivery(), All())); err != nil {
		return nil, err
	}
	return environments, nil
}

// LoadWith does the same for other environments, without a pipeline, and with
// another images.json than the one that is compiled in.
func LoadWith(environments []Environment, images []byte) ([]Environment, error) {
	err := errors.Join(applyReleases(environments, images), Validate(environments))
	if err != nil {
		return nil, err
	}
	return environments, nil
}

// applyReleases gives the environments their images from images.json.
func applyReleases(environments []Environment, document []byte) error {
	releases, err := ParseReleases(document)
	if err != nil {
		return fmt.Errorf("config/images.json: %w; it must look like {\"dev\": {\"backend\": {\"tag\": \"…\", \"digest\": \"sha256:…\"}, "+
			"\"frontend\": {…}}}", err)
	}
	var errs []error
	for i := range environments {
		e := &environments[i]
		errs = append(errs, e.setImages(releases[e.Name]))
		delete(releases, e.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(releases)) {
		errs = append(errs,
			fmt.Errorf("config/images.json: %q is no environment; remove its entry, or add the environment to config/environments.go", name))
	}
	return errors.Join(errs...)
}

// setImages gives each service its released image.
func (e *Environment) setImages(release Release) error {
	e.Backend.Image, e.Frontend.Image = release[e.backend().Name], release[e.frontend().Name]
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(release)) {
		if _, err := e.Service(name); err != nil {
			errs = append(errs, fmt.Errorf("config/images.json: %s: %w", e.Name, err))
		}
	}
	return errors.Join(errs...)
}

// ParseReleases reads an images.json: releases by the environment's name. An
// entry that names no image is an error, and so is a name that is there twice:
// both would stop a service silently.
func ParseReleases(document []byte) (map[string]Release, error) {
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.DisallowUnknownFields()
	var releases map[string]Release
	if err := decoder.Decode(&releases); err != nil {
		return nil, atLine(document, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("text after the closing brace")
	}
	if err := eachNameOnce(json.NewDecoder(bytes.NewReader(document)), ""); err != nil {
		return nil, err
	}
	var entries map[string]map[string]*Image
	if err := json.Unmarshal(document, &entries); err != nil {
		return nil, err
	}
	if entries == nil {
		return nil, errors.New("null is no document; nothing released is {}")
	}
	var empty []string
	for _, environment := range slices.Sorted(maps.Keys(entries)) {
		services := entries[environment]
		if len(services) == 0 {
			empty = append(empty, environment+" names no service")
		}
		for _, service := range slices.Sorted(maps.Keys(services)) {
			if image := services[service]; image == nil || image.Reference() == "" {
				empty = append(empty, environment+"."+service+" has neither a tag nor a digest")
			}
		}
	}
	if len(empty) > 0 {
		return nil, fmt.Errorf("%s; remove the entry if nothing is released", strings.Join(empty, ", "))
	}
	return releases, nil
}

// atLine adds the line of an error in the document, where JSON knows it.
func atLine(document []byte, err error) error {
	var syntax *json.SyntaxError
	var wrongType *json.UnmarshalTypeError
	offset := int64(len(document))
	switch {
	case errors.As(err, &syntax):
		offset = syntax.Offset
	case errors.As(err, &wrongType):
		offset = wrongType.Offset
	case !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		return err
	}
	return fmt.Errorf("line %d: %w", 1+bytes.Count(document[:offset], []byte("\n")), err)
}

// eachNameOnce reads one value and refuses a name that is twice in its object: JSON
// would use the last one. JSON ignores case. There are no lists: the document has
// been read into its types before.
func eachNameOnce(decoder *json.Decoder, path string) error {
	token, err := decoder.Token()
	if err != nil || token != json.Delim('{') {
		return err
	}
	seen := map[string]bool{}
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return err
		}
		name := path + token.(string)
		if seen[strings.ToLower(name)] {
			return fmt.Errorf("%s is there twice", name)
		}
		seen[strings.ToLower(name)] = true
		if err := eachNameOnce(decoder, name+"."); err != nil {
			return err
		}
	}
	_, err = decoder.Token()
	return err
}
