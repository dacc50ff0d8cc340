package rotation

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"parrot/internal/ecsservice"
)

// Service is an ECS service.
type Service struct{ Cluster, Name string }

func (s Service) at() ecsservice.Name { return ecsservice.Name{Cluster: s.Cluster, Service: s.Name} }

// InClustersOfTheSameName returns services with the given names, each in a cluster of
// its name, as Parrot's templates have them.
func InClustersOfTheSameName(names []string) []Service {
	var services []Service
	for _, name := range names {
		services = append(services, Service{Cluster: name, Name: name})
	}
	return services
}

// deploy replaces the service's tasks, so that they read their secrets again. It
// reports whether the service exists: before the first deploy of the compute stack it
// does not.
func (s Service) deploy(ctx context.Context, cfg aws.Config) (bool, error) {
	_, err := ecs.NewFromConfig(cfg).UpdateService(ctx, &ecs.UpdateServiceInput{
		Cluster:            &s.Cluster,
		Service:            &s.Name,
		ForceNewDeployment: true,
	})
	if ecsservice.Missing(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("%s gets no new tasks: %w", s.Name, err)
	}
	return true, nil
}

// tasks are what a service runs, compared with a moment.
type tasks struct {
	// old is how many were created before it.
	old int
	// deploying says that ECS works on a deployment, and newer that the deployment was
	// created after the moment.
	deploying, newer bool
}

// tasks reads the service. One that does not exist has no tasks.
func (s Service) tasks(ctx context.Context, cfg aws.Config, moment time.Time) (tasks, error) {
	client := ecs.NewFromConfig(cfg)
	unread := func(err error) error { return fmt.Errorf("service %s cannot be read: %w", s.Name, err) }
	var seen tasks
	service, err := ecsservice.Read(ctx, client, s.at())
	if err != nil {
		return seen, unread(err)
	}
	if service == nil {
		return seen, nil
	}
	if primary := ecsservice.Primary(service); primary != nil {
		seen.deploying = primary.RolloutState == ecstypes.DeploymentRolloutStateInProgress
		seen.newer = aws.ToTime(primary.CreatedAt).After(moment)
	}
	running, err := ecsservice.Tasks(ctx, client, s.at(), "")
	if err != nil {
		return seen, unread(err)
	}
	for _, task := range running {
		if aws.ToTime(task.CreatedAt).Before(moment) {
			seen.old++
		}
	}
	return seen, nil
}
