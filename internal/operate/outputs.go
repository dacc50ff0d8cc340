package operate

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"parrot/internal/awsclient"
)

// Stack is one of the environment's stacks.
type Stack struct {
	Name string `json:"name"`
	// Status is CloudFormation's, or NotDeployed.
	Status string `json:"status"`
	// Reason is why, where CloudFormation says it.
	Reason string `json:"reason,omitempty"`
	// Changed is when it was deployed last.
	Changed *time.Time `json:"changed,omitempty"`

	outputs map[string]string
}

// NotDeployed is the status of a stack that is not there.
const NotDeployed = "NOT_DEPLOYED"

// InProgress says whether somebody deploys the stack right now: nobody else can.
func (s Stack) InProgress() bool { return strings.HasSuffix(s.Status, "_IN_PROGRESS") }

// RolledBack says whether the last deploy failed and what was there before is, or
// is being brought, back.
func (s Stack) RolledBack() bool {
	return strings.Contains(s.Status, "ROLLBACK_") && !strings.HasPrefix(s.Status, "ROLLBACK_COMPLETE") && !strings.HasSuffix(s.Status, "_FAILED")
}

// FirstDeployFailed says whether the stack never was complete and its create has
// failed: parrotctl unblock removes it.
func (s Stack) FirstDeployFailed() bool {
	return s.Status == "CREATE_FAILED" || s.Status == "ROLLBACK_COMPLETE" || s.Status == "ROLLBACK_FAILED"
}

// OK says whether the stack is as its last deploy wanted it.
func (s Stack) OK() bool {
	return s.Status == "CREATE_COMPLETE" || s.Status == "UPDATE_COMPLETE" || s.Status == "IMPORT_COMPLETE"
}

// Outputs are where everything of an environment is.
type Outputs struct {
	HostedZoneID      string
	PrivateSubnetIDs  []string
	DBEndpoint        string
	DBPort            string
	DBSecretARN       string
	LoadBalancerDNS   string
	Backend, Frontend ServiceOutputs
}

// ServiceOutputs are where a service is.
type ServiceOutputs struct {
	// Name is backend or frontend, which is its container's name too.
	Name string
	// Cluster is the cluster's ARN, ClusterName its name.
	Cluster, ClusterName  string
	Service               string
	TargetGroup, LogGroup string
}

// Of are the outputs of a service.
func (o Outputs) Of(service string) ServiceOutputs {
	if service == "frontend" {
		return o.Frontend
	}
	return o.Backend
}

// Stacks are the environment's stacks in the order that they are deployed.
func (e *Environment) Stacks(ctx context.Context) ([]Stack, error) {
	var stacks []Stack
	for _, name := range e.config.StackNames() {
		stack, err := e.stack(ctx, name)
		if err != nil {
			return nil, err
		}
		stacks = append(stacks, stack)
	}
	return stacks, nil
}

func (e *Environment) stack(ctx context.Context, name string) (Stack, error) {
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
	stack := Stack{Name: name, Status: string(found.StackStatus), Reason: aws.ToString(found.StackStatusReason), Changed: changed, outputs: map[string]string{}}
	for _, output := range found.Outputs {
		stack.outputs[aws.ToString(output.OutputKey)] = aws.ToString(output.OutputValue)
	}
	return stack, nil
}

// MissingOutput is the error that a stack does not say where something is.
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
	return fmt.Sprintf("stack %s has no output %s: it was deployed by an older version, or its first deploy has not ended; deploy it: %s", m.Stack, m.Output, m.Next)
}

// find reads the outputs of stacks. What is missing is empty, and the first
// that is missing is the error.
func find(stacks []Stack) (Outputs, error) {
	var first error
	get := func(part, output string) string {
		for _, stack := range stacks {
			if !strings.HasSuffix(stack.Name, part) {
				continue
			}
			value := stack.outputs[output]
			if value == "" && first == nil {
				first = &MissingOutput{stack.Name, output, "npx cdk deploy " + stack.Name, false}
				if stack.Status == NotDeployed {
					first = &MissingOutput{stack.Name, output, "npx cdk deploy '" + strings.TrimSuffix(stack.Name, part) + "*'", true}
				}
			}
			return value
		}
		return ""
	}
	service := func(name, prefix string) ServiceOutputs {
		s := ServiceOutputs{
			Name:        name,
			Cluster:     get("Compute", "Ecs"+prefix+"ClusterId"),
			Service:     get("Compute", "Ecs"+prefix+"ServiceName"),
			TargetGroup: get("Compute", prefix+"TargetGroupArn"),
			LogGroup:    get("Compute", prefix+"LogGroupName"),
		}
		s.ClusterName = s.Cluster[strings.LastIndex(s.Cluster, "/")+1:]
		return s
	}
	o := Outputs{
		HostedZoneID:     get("Network", "HostedZoneId"),
		PrivateSubnetIDs: strings.Split(get("Network", "PrivateSubnetIds"), ","),
		DBEndpoint:       get("Data", "DbEndpoint"),
		DBPort:           get("Data", "DbPort"),
		DBSecretARN:      get("Data", "DbCredentialsSecretArn"),
		LoadBalancerDNS:  get("Edge", "AlbDnsName"),
		Backend:          service("backend", "Backend"),
		Frontend:         service("frontend", "Frontend"),
	}
	return o, first
}

// Outputs reads where everything is. A stack or an output that is missing is a
// [MissingOutput], which names the command that makes it.
func (e *Environment) Outputs(ctx context.Context) (Outputs, error) {
	stacks, err := e.Stacks(ctx)
	if err != nil {
		return Outputs{}, err
	}
	return find(stacks)
}
