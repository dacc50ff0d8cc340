package operate

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"

	"parrot/config"
	"parrot/internal/ecsservice"
)

// shownEvents is how many of a service's events are shown.
const shownEvents = 3

// Service is one service as ECS describes it.
type Service struct {
	Name    string `json:"name"`
	Running int32  `json:"running"`
	Desired int32  `json:"desired"`
	Pending int32  `json:"pending"`
	// Rollout is the state of the latest deployment: IN_PROGRESS, COMPLETED or FAILED. Reason is why.
	Rollout string `json:"rollout"`
	Reason  string `json:"reason,omitempty"`
	// Image is what it runs, and Since when it was deployed.
	Image string     `json:"image"`
	Since *time.Time `json:"since,omitempty"`
	// Events are the last ones, newest first.
	Events []Event `json:"events"`

	// Deployments are the ids of all that ECS still knows, those that it replaces
	// and gave up among them.
	Deployments []string `json:"-"`
	// Deployment is the id of the deployment, which its tasks carry.
	Deployment     string   `json:"deployment"`
	TaskDefinition string   `json:"taskDefinition"`
	SecurityGroups []string `json:"securityGroups"`
	// ContainerPorts are the ports of the container, PortVariable the value of its
	// variable PORT.
	ContainerPorts []int32 `json:"containerPorts"`
	PortVariable   string  `json:"portVariable,omitempty"`
}

// Event is what ECS noted of a service.
type Event struct {
	At      time.Time `json:"at"`
	Message string    `json:"message"`
}

// ServiceGone is the error that a stack names a service that does not exist.
type ServiceGone struct{ Service, Cluster, Stack string }

func (s ServiceGone) Error() string {
	return fmt.Sprintf("there is no service %s in cluster %s: somebody deleted it by hand; deploy it again: npx cdk deploy --revert-drift %s",
		s.Service, s.Cluster, s.Stack)
}

// Settled reports whether the desired number of tasks runs, and the last deployment
// succeeded.
func (s Service) Settled() bool {
	return s.Running == s.Desired && s.Pending == 0 && s.Rollout != "FAILED" && s.Rollout != "IN_PROGRESS"
}

// Target is a task as the load balancer sees it.
type Target struct {
	Address string `json:"address"`
	Port    int32  `json:"port"`
	Zone    string `json:"zone,omitempty"`
	State   string `json:"state"`
	// Reason is the load balancer's code, Description its sentence.
	Reason      string `json:"reason,omitempty"`
	Description string `json:"description,omitempty"`
}

// OK reports whether the target is healthy, or is being removed as planned.
func (t Target) OK() bool {
	return t.State == "healthy" || t.State == "draining" || t.State == "unhealthy.draining"
}

// Service reads one service.
func (e *Environment) Service(ctx context.Context, at ServiceOutputs) (Service, error) {
	found, err := ecsservice.Read(ctx, e.ecs, at.name())
	if err != nil {
		return Service{}, fmt.Errorf("service %s cannot be read: %w", at.Service, err)
	}
	if found == nil || aws.ToString(found.Status) != "ACTIVE" {
		return Service{}, ServiceGone{at.Service, at.ClusterName, e.config.StackName(config.ComputePart)}
	}
	s := Service{
		Name: at.Name, Running: found.RunningCount, Desired: found.DesiredCount, Pending: found.PendingCount,
		TaskDefinition: aws.ToString(found.TaskDefinition), Events: []Event{},
	}
	for _, deployment := range found.Deployments {
		s.Deployments = append(s.Deployments, aws.ToString(deployment.Id))
	}
	if primary := ecsservice.Primary(found); primary != nil {
		s.Rollout, s.Reason = string(primary.RolloutState), aws.ToString(primary.RolloutStateReason)
		s.Since, s.Deployment = primary.CreatedAt, aws.ToString(primary.Id)
	}
	if network := found.NetworkConfiguration; network != nil && network.AwsvpcConfiguration != nil {
		s.SecurityGroups = network.AwsvpcConfiguration.SecurityGroups
	}
	for _, event := range found.Events[:min(shownEvents, len(found.Events))] {
		s.Events = append(s.Events, Event{aws.ToTime(event.CreatedAt), aws.ToString(event.Message)})
	}
	container, err := ecsservice.Container(ctx, e.ecs, found.TaskDefinition, at.Name)
	if err != nil {
		return s, fmt.Errorf("the task definition of service %s cannot be read: %w", at.Service, err)
	}
	if container == nil {
		return s, nil
	}
	s.Image = aws.ToString(container.Image)
	for _, port := range container.PortMappings {
		s.ContainerPorts = append(s.ContainerPorts, aws.ToInt32(port.ContainerPort))
	}
	for _, variable := range container.Environment {
		if aws.ToString(variable.Name) == config.PortVariable {
			s.PortVariable = aws.ToString(variable.Value)
		}
	}
	return s, nil
}

// Targets reads the health of a service's targets.
func (e *Environment) Targets(ctx context.Context, at ServiceOutputs) ([]Target, error) {
	out, err := e.elb.DescribeTargetHealth(ctx, &elb.DescribeTargetHealthInput{TargetGroupArn: &at.TargetGroup})
	if err != nil {
		return nil, fmt.Errorf("the targets of the %s cannot be read: %w", at.Name, err)
	}
	targets := []Target{}
	for _, found := range out.TargetHealthDescriptions {
		target := Target{}
		if found.Target != nil {
			target.Address, target.Port = aws.ToString(found.Target.Id), aws.ToInt32(found.Target.Port)
			target.Zone = aws.ToString(found.Target.AvailabilityZone)
		}
		if health := found.TargetHealth; health != nil {
			target.State, target.Reason, target.Description = string(health.State), string(health.Reason), aws.ToString(health.Description)
		}
		targets = append(targets, target)
	}
	slices.SortFunc(targets, func(a, b Target) int { return strings.Compare(a.Address, b.Address) })
	return targets, nil
}

// Tasks reads a service's tasks with a status, newest first.
func (e *Environment) Tasks(ctx context.Context, at ServiceOutputs, want ecstypes.DesiredStatus) ([]ecstypes.Task, error) {
	tasks, err := ecsservice.Tasks(ctx, e.ecs, at.name(), want)
	if err != nil {
		return nil, fmt.Errorf("the tasks of the %s cannot be read: %w", at.Name, err)
	}
	slices.SortFunc(tasks, func(a, b ecstypes.Task) int { return aws.ToTime(b.CreatedAt).Compare(aws.ToTime(a.CreatedAt)) })
	return tasks, nil
}
