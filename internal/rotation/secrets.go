package rotation

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

// read returns the keys of a secret's version: that of an id, of a stage, or of
// both at once.
func read(ctx context.Context, client *secretsmanager.Client, secret, id, stage string) (map[string]string, error) {
	input := &secretsmanager.GetSecretValueInput{SecretId: &secret}
	if id != "" {
		input.VersionId = &id
	}
	if stage != "" {
		input.VersionStage = &stage
	}
	out, err := client.GetSecretValue(ctx, input)
	if err != nil {
		return nil, fmt.Errorf("%s is not read: %w", secret, err)
	}
	var values map[string]string
	if json.Unmarshal([]byte(aws.ToString(out.SecretString)), &values) != nil || values == nil {
		// the cause would quote it
		return nil, fmt.Errorf("%s is not a JSON object of texts: somebody has written it by hand; put its keys back", secret)
	}
	return values, nil
}

// rewrite changes keys of a secret and keeps the others. Where nothing changes it
// stores nothing.
func rewrite(ctx context.Context, client *secretsmanager.Client, secret string, change func(map[string]string) error) error {
	was, err := read(ctx, client, secret, "", current)
	if err != nil {
		return err
	}
	values := maps.Clone(was)
	if err := change(values); err != nil {
		return fmt.Errorf("%s is not rewritten: %w", secret, err)
	}
	if maps.Equal(was, values) {
		return nil
	}
	document, err := json.Marshal(values)
	if err != nil {
		return err
	}
	if _, err := client.PutSecretValue(ctx,
		&secretsmanager.PutSecretValueInput{SecretId: &secret, SecretString: aws.String(string(document))}); err != nil {
		return fmt.Errorf("%s is not rewritten: %w", secret, err)
	}
	return nil
}

// generate returns letters and digits, which nothing has to escape.
func generate(ctx context.Context, client *secretsmanager.Client, length int64) (string, error) {
	out, err := client.GetRandomPassword(ctx,
		&secretsmanager.GetRandomPasswordInput{PasswordLength: &length, ExcludePunctuation: aws.Bool(true)})
	if err != nil {
		return "", fmt.Errorf("no new value is generated: %w", err)
	}
	return aws.ToString(out.RandomPassword), nil
}
