package constructs

import (
	"encoding/json"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// GeneratedSecretProps are the properties of NewGeneratedSecret.
type GeneratedSecretProps struct {
	// Name is the secret's name. It must not end in a hyphen and six
	// characters: Secrets Manager would read them as the end of an ARN.
	Name string
	// Description says what the value is for.
	Description string
	// Fixed are further keys of the secret, which are no secrets themselves.
	Fixed map[string]string
	// Key is the key whose value Secrets Manager generates.
	Key string
	// Length is the value's length in characters.
	Length int
	// RemovalPolicy says what happens to the secret when it is removed.
	// CloudFormation deletes at once, without Secrets Manager's recovery window.
	RemovalPolicy awscdk.RemovalPolicy
}

// GeneratedSecret is a secret that Secrets Manager generates.
type GeneratedSecret struct {
	// ARN is the secret's.
	ARN *string
	// Value is a reference to the value: templates show the reference,
	// CloudFormation puts the value in its place.
	Value *string
}

// NewGeneratedSecret makes a secret whose value is letters and digits, so that it
// needs no escaping in a URL and in JSON.
func NewGeneratedSecret(scope constructs.Construct, id string, props GeneratedSecretProps) GeneratedSecret {
	fixed := "{}"
	if len(props.Fixed) > 0 {
		text, err := json.Marshal(props.Fixed)
		if err != nil {
			panic(err) // a map of strings always marshals
		}
		fixed = string(text)
	}
	secret := awssecretsmanager.NewSecret(scope, &id, &awssecretsmanager.SecretProps{
		SecretName:  &props.Name,
		Description: &props.Description,
		GenerateSecretString: &awssecretsmanager.SecretStringGenerator{
			SecretStringTemplate: &fixed,
			GenerateStringKey:    &props.Key,
			PasswordLength:       jsii.Number(props.Length),
			ExcludePunctuation:   jsii.Bool(true),
		},
		RemovalPolicy: props.RemovalPolicy,
	})
	arn := secret.SecretArn()
	// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references-secretsmanager.html
	return GeneratedSecret{ARN: arn, Value: jsii.Sprintf("{{resolve:secretsmanager:%s:SecretString:%s::}}", *arn, props.Key)}
}
