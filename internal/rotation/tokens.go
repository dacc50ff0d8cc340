package rotation

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
)

// keyLength is that of the keys that the template generates.
const keyLength = 64

// Tokens replaces the keys that sign tokens, which signs everybody out.
type Tokens struct {
	// Config is what AWS's clients are made of.
	Config aws.Config
	// Sources are the secrets with a key each, by the key of Projection that
	// holds a copy.
	Sources map[string]string
	// Projection is the secret that tasks read.
	Projection string
	// Backend is the service that reads Projection when its tasks start.
	Backend Service
}

// There says whether there are keys: before the first deploy there are none.
func (t *Tokens) There(ctx context.Context) (bool, error) {
	_, err := secretsmanager.NewFromConfig(t.Config).DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: &t.Projection})
	if missing := new(types.ResourceNotFoundException); errors.As(err, &missing) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("%s is not described: %w", t.Projection, err)
	}
	return true, nil
}

// Rotate gives each source a new key, copies them to the projection and starts
// new tasks. It says whether there is a backend to start tasks of. Sources come
// first: whatever composes the projection again after a failure, a template's
// update or another try, takes the new keys.
func (t *Tokens) Rotate(ctx context.Context) (deployed bool, err error) {
	client := secretsmanager.NewFromConfig(t.Config)
	keys := map[string]string{}
	for projected, source := range t.Sources {
		key, err := generate(ctx, client, keyLength)
		if err != nil {
			return false, err
		}
		if err := rewrite(ctx, client, source, func(values map[string]string) error {
			values["key"] = key
			return nil
		}); err != nil {
			return false, err
		}
		keys[projected] = key
	}
	if err := rewrite(ctx, client, t.Projection, func(values map[string]string) error {
		for projected, key := range keys {
			values[projected] = key
		}
		return nil
	}); err != nil {
		return false, err
	}
	return t.Backend.deploy(ctx, t.Config)
}
