// Command rotate is the Lambda function that Secrets Manager calls to give the
// database a new password. docs/rotation.md says how it works.
package main

import (
	"context"
	"log"
	"os"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"

	"parrot/config/keys"
	"parrot/internal/rotation"
)

func main() {
	cfg, err := awsconfig.LoadDefaultConfig(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	setting := os.Getenv //nolint:forbidigo // stacks/rotation.go sets them; a function has no other settings
	database := &rotation.Database{
		Config:     cfg,
		Instance:   setting(keys.DBInstance),
		Projection: setting(keys.Projection),
		Services:   services(setting(keys.Clusters), setting(keys.Services)),
		Patience:   rotation.Lambda,
	}
	lambda.Start(func(ctx context.Context, event events.SecretsManagerSecretRotationEvent) error {
		err := database.Step(ctx, event)
		if err != nil { // Secrets Manager shows it nowhere
			log.Printf("%s of version %s failed: %v", event.Step, event.ClientRequestToken, err)
			return err
		}
		log.Printf("%s of version %s is done", event.Step, event.ClientRequestToken)
		return nil
	})
}

// services returns the services in two lists of names.
func services(clusters, names string) []rotation.Service {
	var services []rotation.Service
	inCluster := strings.Split(clusters, ",")
	for i, name := range strings.Split(names, ",") {
		services = append(services, rotation.Service{Cluster: inCluster[i], Name: name})
	}
	return services
}
