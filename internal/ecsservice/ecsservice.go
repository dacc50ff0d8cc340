// Package ecsservice reads an ECS service: what it wants to run, its deployments and
// its tasks.
package ecsservice

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// Name is where a service is: the names, or the ARNs, of its cluster and itself.
type Name struct{ Cluster, Service string }

// Read returns the service, or nil if it does not exist. ECS shows a deleted service
// for a while; it counts as one that does not exist.
func Read(ctx context.Context, client *ecs.Client, name Name) (*ecstypes.Service, error) {
	out, err := client.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: &name.Cluster, Services: []string{name.Service}})
	if Missing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for _, failure := range out.Failures {
		if reason := aws.ToString(failure.Reason); reason != "MISSING" {
			return nil, errors.New(reason)
		}
	}
	for _, service := range out.Services {
		if aws.ToString(service.Status) != "INACTIVE" {
			return &service, nil
		}
	}
	return nil, nil
}

// Primary returns the deployment that ECS wants to run, or nil.
func Primary(service *ecstypes.Service) *ecstypes.Deployment {
	for i, deployment := range service.Deployments {
		if aws.ToString(deployment.Status) == "PRIMARY" {
			return &service.Deployments[i]
		}
	}
	return nil
}

// Container returns a container of a task definition, or nil.
func Container(ctx context.Context, client *ecs.Client, taskDefinition *string, name string) (*ecstypes.ContainerDefinition, error) {
	out, err := client.DescribeTaskDefinition(ctx, &ecs.DescribeTaskDefinitionInput{TaskDefinition: taskDefinition})
	if err != nil {
		return nil, err
	}
	for _, container := range out.TaskDefinition.ContainerDefinitions {
		if aws.ToString(container.Name) == name {
			return &container, nil
		}
	}
	return nil, nil
}

// Tasks returns the tasks of a service with a desired status. A service that does not
// exist has none.
func Tasks(ctx context.Context, client *ecs.Client, name Name, status ecstypes.DesiredStatus) ([]ecstypes.Task, error) {
	var tasks []ecstypes.Task
	pages := ecs.NewListTasksPaginator(client, &ecs.ListTasksInput{Cluster: &name.Cluster, ServiceName: &name.Service, DesiredStatus: status})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if Missing(err) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if len(page.TaskArns) == 0 {
			continue
		}
		out, err := client.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: &name.Cluster, Tasks: page.TaskArns})
		if err != nil {
			return nil, err
		}
		tasks = append(tasks, out.Tasks...)
	}
	return tasks, nil
}

// Missing reports whether an error means that there is no such service.
func Missing(err error) bool {
	return errors.As(err, new(*ecstypes.ServiceNotFoundException)) ||
		errors.As(err, new(*ecstypes.ServiceNotActiveException)) ||
		errors.As(err, new(*ecstypes.ClusterNotFoundException))
}
