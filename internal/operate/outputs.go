package operate

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"parrot/config"
	"parrot/internal/awsclient"
	"parrot/internal/ecsservice"
)

// Stack is one of the environment's stacks.
type Stack struct {
	Name string `json:"name"`
	// Status is CloudFormation's, or NotDeployed.
	Status string `json:"status"`
	// Reason is why, if CloudFormation says it.
	Reason string `json:"reason,omitempty"`
	// Changed is when it was deployed last.
	Changed *time.Time `json:"changed,omitempty"`

	outputs map[string]string
}

// Output returns the value of an output, or nothing.
func (s Stack) Output(name string) string { return s.outputs[name] }

// NotDeployed is the status of a stack that does not exist.
const NotDeployed = "NOT_DEPLOYED"

// InProgress reports whether somebody is deploying the stack: nobody else can then.
func (s Stack) InProgress() bool { return strings.HasSuffix(s.Status, "_IN_PROGRESS") }

// RolledBack reports whether the last deploy failed, and CloudFormation has rolled back
// or is rolling back.
func (s Stack) RolledBack() bool {
	return strings.Contains(s.Status, "ROLLBACK_") && !strings.HasPrefix(s.Status, "ROLLBACK_COMPLETE") &&
		!strings.HasSuffix(s.Status, "_FAILED")
}

// FirstDeployFailed reports whether the stack never was complete and its create
// failed: parrotctl unblock deletes it.
func (s Stack) FirstDeployFailed() bool {
	return s.Status == "CREATE_FAILED" || s.Status == "ROLLBACK_COMPLETE" || s.Status == "ROLLBACK_FAILED"
}

// OK reports whether the last deploy of the stack succeeded.
func (s Stack) OK() bool {
	return s.Status == "CREATE_COMPLETE" || s.Status == "UPDATE_COMPLETE" || s.Status == "IMPORT_COMPLETE"
}

// Outputs are where everything of an environment is.
type Outputs struct {
	HostedZoneID     string
	PrivateSubnetIDs []string
	DBEndpoint       string
	DBPort           string
	DBSecretARN      string
	LoadBalancerDNS  string
	// Services are by name.
	Services map[string]ServiceOutputs
}

// ServiceOutputs are where a service is.
type ServiceOutputs struct {
	// Name is the service's name, which is its container's name too.
	Name string
	// Cluster is the cluster's ARN, ClusterName its name.
	Cluster, ClusterName string
	Service              string
	LogGroup             string
	// TargetGroup is empty for a service that no load balancer calls.
	TargetGroup string
}

func (at ServiceOutputs) name() ecsservice.Name {
	return ecsservice.Name{Cluster: at.Cluster, Service: at.Service}
}

// Of returns the outputs of a service.
func (o Outputs) Of(service string) ServiceOutputs { return o.Services[service] }

// Stacks reads the environment's stacks, in the order in which they are deployed.
func (e *Environment) Stacks(ctx context.Context) ([]Stack, error) {
	var stacks []Stack
	for _, name := range e.config.StackNames() {
		stack, err := e.Stack(ctx, name)
		if err != nil {
			return nil, err
		}
		stacks = append(stacks, stack)
	}
	return stacks, nil
}

// Stack reads a stack.
func (e *Environment) Stack(ctx context.Context, name string) (Stack, error) {
	out, err := e.stacks.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
	if awsclient.NoSuchStack(err) || err == nil && len(out.Stacks) == 0 {
		return Stack{Name: name, Status: NotDeployed}, nil
	}
	if err != nil {
		return Stack{}, fmt.Errorf("stack %s cannot be read: %w", name, err)
	}
	found := out.Stacks[0]
	changed := found.LastUpdatedTime
	if changed == nil {
		changed = found.CreationTime
	}
	stack := Stack{Name: name, Status: string(found.StackStatus), Reason: aws.ToString(found.StackStatusReason), Changed: changed,
		outputs: map[string]string{}}
	for _, output := range found.Outputs {
		stack.outputs[aws.ToString(output.OutputKey)] = aws.ToString(output.OutputValue)
	}
	return stack, nil
}

// MissingOutput is the error that a stack does not have an output.
type MissingOutput struct {
	Stack, Output string
	// Next is the command that makes it.
	Next string
	gone bool
}

func (m *MissingOutput) Error() string {
	if m.gone {
		return fmt.Sprintf("stack %s is not deployed; deploy it: %s", m.Stack, m.Next)
	}
	return fmt.Sprintf("stack %s has no output %s: it was deployed by an older version, or its first deploy has not ended; deploy it: %s",
		m.Stack, m.Output, m.Next)
}

// ReadOutputs returns the outputs that Locate reads of an environment. A test proves
// that the templates write them.
func ReadOutputs(env config.Environment) []config.Output {
	outputs := []config.Output{
		config.HostedZoneOutput, config.PrivateSubnetsOutput, config.DBEndpointOutput, config.DBPortOutput, config.DBCredentialsOutput,
		config.LoadBalancerHostOutput,
	}
	for _, service := range env.Services() {
		outputs = append(outputs, service.ClusterOutput(), service.ServiceOutput(), service.LogGroupOutput())
		if service.Web != nil {
			outputs = append(outputs, service.TargetGroupOutput())
		}
	}
	return outputs
}

// Locate returns the outputs of the environment's stacks. A missing one is empty, and
// the first missing one is the error.
func (e *Environment) Locate(stacks []Stack) (Outputs, error) {
	var first error
	values := map[config.Output]string{}
	for _, output := range ReadOutputs(e.config) {
		i := slices.IndexFunc(stacks, func(s Stack) bool { return s.Name == e.config.StackName(output.Part) })
		if i < 0 {
			continue
		}
		stack := stacks[i]
		values[output] = stack.outputs[output.Name]
		if values[output] == "" && first == nil {
			first = e.Missing(output, stack.Status == NotDeployed)
		}
	}
	o := Outputs{
		HostedZoneID:     values[config.HostedZoneOutput],
		PrivateSubnetIDs: strings.Split(values[config.PrivateSubnetsOutput], ","),
		DBEndpoint:       values[config.DBEndpointOutput],
		DBPort:           values[config.DBPortOutput],
		DBSecretARN:      values[config.DBCredentialsOutput],
		LoadBalancerDNS:  values[config.LoadBalancerHostOutput],
		Services:         map[string]ServiceOutputs{},
	}
	for _, service := range e.config.Services() {
		cluster := values[service.ClusterOutput()]
		o.Services[service.Name] = ServiceOutputs{
			Name:        service.Name,
			Cluster:     cluster,
			ClusterName: ShortID(cluster),
			Service:     values[service.ServiceOutput()],
			LogGroup:    values[service.LogGroupOutput()],
			TargetGroup: values[service.TargetGroupOutput()],
		}
	}
	return o, first
}

// Missing returns the error that an output is missing, or its whole stack.
func (e *Environment) Missing(output config.Output, stackIsMissing bool) *MissingOutput {
	name := e.config.StackName(output.Part)
	if stackIsMissing {
		return &MissingOutput{name, output.Name, "npx cdk deploy '" + e.config.StackName("*") + "'", true}
	}
	return &MissingOutput{name, output.Name, "npx cdk deploy " + name, false}
}

// Outputs reads where everything is. If a stack or an output is missing, the error is a
// [MissingOutput], which names the command that makes it.
func (e *Environment) Outputs(ctx context.Context) (Outputs, error) {
	stacks, err := e.Stacks(ctx)
	if err != nil {
		return Outputs{}, err
	}
	return e.Locate(stacks)
}
