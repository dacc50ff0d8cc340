package rotation

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"parrot/config/keys"
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
	// Services read Projection when their tasks start.
	Services []Service
}

// There reports whether there are keys: before the first deploy there are none.
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
// new tasks. It reports whether a service is there to start tasks of. Sources come
// first: whatever composes the projection again after a failure, a template's
// update or another try, takes the new keys.
func (t *Tokens) Rotate(ctx context.Context) (deployed bool, err error) {
	client := secretsmanager.NewFromConfig(t.Config)
	fresh := map[string]string{}
	for projected, source := range t.Sources {
		key, err := generate(ctx, client, keyLength)
		if err != nil {
			return false, err
		}
		if err := rewrite(ctx, client, source, func(values map[string]string) error {
			values[keys.SigningKey] = key
			return nil
		}); err != nil {
			return false, err
		}
		fresh[projected] = key
	}
	if err := rewrite(ctx, client, t.Projection, func(values map[string]string) error {
		for projected, key := range fresh {
			values[projected] = key
		}
		return nil
	}); err != nil {
		return false, err
	}
	var errs []error
	for _, service := range t.Services {
		started, err := service.deploy(ctx, t.Config)
		deployed = deployed || started
		errs = append(errs, err)
	}
	return deployed, errors.Join(errs...)
}
