package rotation

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// Service is an ECS service.
type Service struct{ Cluster, Name string }

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
// says whether there is such a service: before the first deploy of the compute
// stack there is none.
func (s Service) deploy(ctx context.Context, cfg aws.Config) (bool, error) {
	_, err := ecs.NewFromConfig(cfg).UpdateService(ctx, &ecs.UpdateServiceInput{
		Cluster:            &s.Cluster,
		Service:            &s.Name,
		ForceNewDeployment: true,
	})
	if noService(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("%s gets no new tasks: %w", s.Name, err)
	}
	return true, nil
}

// tasks are what a service runs, as seen from a moment.
type tasks struct {
	// old is how many were created before it.
	old int
	// deploying says that ECS is at work on a deployment, and newer that the
	// deployment was made after the moment.
	deploying, newer bool
}

// tasks looks at the service; one that is not there has none.
func (s Service) tasks(ctx context.Context, cfg aws.Config, moment time.Time) (tasks, error) {
	client := ecs.NewFromConfig(cfg)
	unread := func(err error) error { return fmt.Errorf("what %s runs is not read: %w", s.Name, err) }
	var seen tasks
	out, err := client.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: &s.Cluster, Services: []string{s.Name}})
	if noService(err) {
		return seen, nil
	}
	if err != nil {
		return seen, unread(err)
	}
	for _, service := range out.Services {
		for _, deployment := range service.Deployments {
			if aws.ToString(deployment.Status) == "PRIMARY" {
				seen.deploying = deployment.RolloutState == ecstypes.DeploymentRolloutStateInProgress
				seen.newer = aws.ToTime(deployment.CreatedAt).After(moment)
			}
		}
	}
	pages := ecs.NewListTasksPaginator(client, &ecs.ListTasksInput{Cluster: &s.Cluster, ServiceName: &s.Name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if noService(err) {
			return seen, nil
		}
		if err != nil {
			return seen, unread(err)
		}
		if len(page.TaskArns) == 0 {
			continue
		}
		found, err := client.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: &s.Cluster, Tasks: page.TaskArns})
		if err != nil {
			return seen, unread(err)
		}
		for _, task := range found.Tasks {
			if aws.ToTime(task.CreatedAt).Before(moment) {
				seen.old++
			}
		}
	}
	return seen, nil
}

// noService says whether an error means that there is no such ECS service.
func noService(err error) bool {
	return errors.As(err, new(*ecstypes.ServiceNotFoundException)) ||
		errors.As(err, new(*ecstypes.ServiceNotActiveException)) ||
		errors.As(err, new(*ecstypes.ClusterNotFoundException))
}
