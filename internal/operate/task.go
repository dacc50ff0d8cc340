package operate

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"parrot/config/keys"
	"parrot/internal/terminal"
)

// ShortID returns the part of an ARN after its last slash.
func ShortID(arn string) string { return arn[strings.LastIndex(arn, "/")+1:] }

// Task is a running task that takes commands.
type Task struct {
	ID, Cluster, Container string
	// RuntimeID is the container's id, which Session Manager asks for.
	RuntimeID string
	// Current reports whether it is of the service's current deployment.
	Current bool
}

// Running returns the task of a service to work in: the newest one whose agent takes
// commands, of the current deployment if there is one.
func (e *Environment) Running(ctx context.Context, at ServiceOutputs) (Task, error) {
	s, err := e.Service(ctx, at)
	if err != nil {
		return Task{}, err
	}
	tasks, err := e.Tasks(ctx, at, ecstypes.DesiredStatusRunning)
	if err != nil {
		return Task{}, err
	}
	slices.SortStableFunc(tasks, func(a, b ecstypes.Task) int {
		return strings.Compare(current(b, s), current(a, s))
	})
	agent, agentless := "", false
	for _, task := range tasks {
		for _, container := range task.Containers {
			if aws.ToString(container.Name) != at.Name || aws.ToString(task.LastStatus) != "RUNNING" {
				continue
			}
			agentless = true
			for _, managed := range container.ManagedAgents {
				if managed.Name != ecstypes.ManagedAgentNameExecuteCommandAgent {
					continue
				}
				if agent = aws.ToString(managed.LastStatus); agent == "RUNNING" {
					return Task{ShortID(aws.ToString(task.TaskArn)), at.ClusterName, at.Name, aws.ToString(container.RuntimeId),
						current(task, s) != ""}, nil
				}
			}
		}
	}
	if agent != "" {
		return Task{}, fmt.Errorf("no task of the %s takes commands: its agent is %s; wait a minute, or start new tasks: aws ecs "+
			"update-service --region %s --cluster %s --service %s --force-new-deployment", at.Name, agent, e.config.Region,
			at.ClusterName, at.Service)
	}
	if agentless {
		return Task{}, fmt.Errorf("no task of the %s takes commands: they run without the agent, because they started before it was allowed; "+
			"start new ones: aws ecs update-service --region %s --cluster %s --service %s "+
			"--force-new-deployment", at.Name, e.config.Region, at.ClusterName, at.Service)
	}
	return Task{}, fmt.Errorf("no task of the %s runs: %d of %d; find out why: %s", at.Name, s.Running, s.Desired,
		terminal.Parrotctl("doctor", e.config.Name))
}

// current returns the deployment of a task, if it is the service's current one.
func current(task ecstypes.Task, s Service) string {
	if id := aws.ToString(task.StartedBy); id == s.Deployment {
		return id
	}
	return ""
}

// Exec returns the AWS CLI's command line that runs a command in a task of a service.
func (e *Environment) Exec(ctx context.Context, service string, command []string) (Task, []string, error) {
	outputs, err := e.Outputs(ctx)
	if err != nil {
		return Task{}, nil, err
	}
	task, err := e.Running(ctx, outputs.Of(service))
	if err != nil {
		return Task{}, nil, err
	}
	text := "/bin/sh"
	switch len(command) {
	case 0:
	case 1: // as it was typed
		text = command[0]
	default:
		text = terminal.Shell(command)
	}
	return task, []string{"aws", "ecs", "execute-command", "--region", e.config.Region, "--cluster", task.Cluster, "--task", task.ID,
		"--container", task.Container, "--interactive", "--command", text}, nil
}

// Forward is how the database is reached from this machine.
type Forward struct {
	// Command is the AWS CLI's command line that keeps the connection open.
	Command []string
	// Client is a shell's command line that connects. It reads the password when
	// it runs, and does not hold it.
	Client string
}

// Forward returns how to reach the database from a local port, through a task of a
// service that may call it. profile is the AWS profile for reading the password; empty
// is none.
func (e *Environment) Forward(ctx context.Context, localPort int, profile string) (Forward, error) {
	outputs, err := e.Outputs(ctx)
	if err != nil {
		return Forward{}, err
	}
	database, err := e.Database(ctx)
	if err != nil {
		return Forward{}, err
	}
	if !database.OK() {
		return Forward{}, fmt.Errorf("the database is %s; find out why: %s", database.Status, terminal.Parrotctl("doctor", e.config.Name))
	}
	task, err := e.Running(ctx, outputs.Of(e.DataService().Name))
	if err != nil {
		return Forward{}, err
	}
	parameters, err := json.Marshal(map[string][]string{"host": {outputs.DBEndpoint}, "portNumber": {outputs.DBPort},
		"localPortNumber": {strconv.Itoa(localPort)}})
	if err != nil {
		return Forward{}, err
	}
	if profile != "" {
		profile = " --profile " + terminal.Shell([]string{profile})
	}
	return Forward{
		Command: []string{"aws", "ssm", "start-session", "--region", e.config.Region,
			"--target", fmt.Sprintf("ecs:%s_%s_%s", task.Cluster, task.ID, task.RuntimeID),
			"--document-name", "AWS-StartPortForwardingSessionToRemoteHost", "--parameters", string(parameters)},
		Client: fmt.Sprintf(`PGPASSWORD="$(aws secretsmanager get-secret-value --region %s --secret-id %s%s --query SecretString --output text \
  | node -p 'JSON.parse(require("fs").readFileSync(0)).`+keys.Password+`')" \
  psql "host=127.0.0.1 port=%d dbname=%s user=%s sslmode=require"`,
			e.config.Region, terminal.Shell([]string{outputs.DBSecretARN}), profile, localPort, database.Name, database.Username),
	}, nil
}
