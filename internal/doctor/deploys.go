package doctor

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"parrot/config"
	"parrot/internal/delivery"
	"parrot/internal/operate"
)

// bootstrapVersion is the oldest bootstrap that the CDK CLI deploys with.
const bootstrapVersion = 6

func (d *doctor) bootstrap(ctx context.Context) (string, error) {
	stack, err := d.Stack(ctx, "CDKToolkit")
	if err != nil {
		return "", err
	}
	version := stack.Output("BootstrapVersion")
	if stack.Status == operate.NotDeployed {
		return "", d.finding("not-bootstrapped", "")
	}
	if number, err := strconv.Atoi(version); err != nil || number < bootstrapVersion {
		return "", d.finding("bootstrap-too-old", version)
	}
	return "version " + version, nil
}

// zones checks the Availability Zones of the settings, which are later those of the
// subnets.
func (d *doctor) zones(ctx context.Context) (string, error) {
	zones, err := delivery.Zones(ctx, d.Session())
	if err != nil {
		return "", err
	}
	if err := d.config.CheckZones(zones); err != nil {
		return "", d.finding("zones-unusable", err.Error())
	}
	return strings.Join(d.config.Network.AvailabilityZones, ", "), nil
}

func (d *doctor) stacks(ctx context.Context) (string, error) {
	stacks, err := d.Stacks(ctx)
	if err != nil {
		return "", err
	}
	d.outputs, _ = d.Locate(stacks)
	words, missing := fmt.Sprintf("%d deployed", len(stacks)), operate.Stack{}
	for _, stack := range stacks {
		switch {
		case stack.OK():
		case stack.Status == operate.NotDeployed || stack.Status == "REVIEW_IN_PROGRESS":
			// A failed stack has to be cleared first, wherever it is in the order.
			if missing.Name == "" {
				missing = stack
			}
		case stack.RolledBack():
			finding, err := d.failure(ctx, stack)
			if err != nil {
				return "", err
			}
			d.failed = cmp.Or(d.failed, finding)
			words = stack.Name + " is " + stack.Status
		case stack.InProgress():
			operation, _, _ := strings.Cut(strings.ToLower(stack.Status), "_")
			d.waits = d.finding("in-progress", stack.Status, aboutStack(stack), values{"operation": operation})
			words = stack.Name + " is " + stack.Status
		case stack.Status == "UPDATE_ROLLBACK_FAILED":
			return stack.Name + " is " + stack.Status, d.finding("rollback-failed", stack.Reason, aboutStack(stack))
		default:
			finding, err := d.failure(ctx, stack)
			if err != nil {
				return "", err
			}
			return stack.Name + " is " + stack.Status, finding
		}
	}
	if missing.Name != "" && d.deploy() == nil { // a deploy that is in progress will reach it
		return missing.Name + " is not deployed", d.finding("not-deployed", "", aboutStack(missing))
	}
	return words, nil
}

// aboutStack returns the values that a cause about a stack may use.
func aboutStack(stack operate.Stack) values {
	return values{"stack": stack.Name, "status": stack.Status}
}

// failure returns why the last deploy of a stack failed: the first of its resources
// that did.
func (d *doctor) failure(ctx context.Context, stack operate.Stack) (*Finding, error) {
	first, resource := "", ""
	pages := cloudformation.NewDescribeStackEventsPaginator(d.cloudFormation, &cloudformation.DescribeStackEventsInput{StackName: &stack.Name})
events:
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("the events of stack %s cannot be read: %w", stack.Name, err)
		}
		for _, event := range page.StackEvents { // newest first: those that were cancelled because of the first come before it
			reason, kind := aws.ToString(event.ResourceStatusReason), aws.ToString(event.ResourceType)
			if kind == "AWS::CloudFormation::Stack" && reason == "User Initiated" {
				break events // here the deploy began
			}
			if strings.HasSuffix(string(event.ResourceStatus), "_FAILED") && kind != "AWS::CloudFormation::Stack" {
				resource = aws.ToString(event.LogicalResourceId)
				first = fmt.Sprintf("%s (%s): %s", resource, kind, reason)
			}
		}
	}
	service := d.serviceOf(resource)
	given := []values{d.about(service), aboutStack(stack)}
	if stack.FirstDeployFailed() {
		c := matchCause(stackEvent, first, "first-deploy-failed")
		if stack.Status != "ROLLBACK_COMPLETE" || d.config.TerminationProtection {
			c = withUnblock(c)
		}
		return d.render(c, first, given...), nil
	}
	c := matchCause(stackEvent, first, "stack-failed")
	if c.name != "tasks-not-stable" {
		return d.render(c, first, given...), nil
	}
	// The tasks say why.
	at := d.outputs.Of(service.Name)
	says, task, err := d.stopped(ctx, at, nil)
	if err != nil || says == "" {
		return d.render(c, first, given...), nil //nolint:nilerr // the event says less, and is enough
	}
	running, _ := d.Service(ctx, at) // without it the advice names no security group
	finding := d.render(matchCause(stoppedTask, says, "task-stopped"), says, append(given, task, aboutGroups(running))...)
	if finding.perhapsData && service.ReachesData {
		finding = d.readLog(ctx, finding)
	}
	return finding, nil
}

// serviceOf returns the service that a resource of a stack belongs to, by its logical
// id. Other resources belong to none; the first service is named for them.
func (d *doctor) serviceOf(resource string) config.Workload {
	services := d.config.Services()
	service, longest := services[0], 0
	for _, w := range services {
		if id := w.ID(); strings.HasPrefix(resource, id) && len(id) > longest {
			service, longest = w, len(id)
		}
	}
	return service
}

// withUnblock adds the command that deletes what a failed first deploy left. Without
// it, the CDK CLI deletes only a stack that rolled back and is not protected.
func withUnblock(c cause) cause {
	const unblock = "{parrotctl} unblock {env}"
	if !slices.Contains(c.next, unblock) {
		deploys := slices.IndexFunc(c.next, func(command string) bool { return strings.HasPrefix(command, "npx cdk deploy") })
		if deploys < 0 {
			deploys = len(c.next)
		}
		c.next = slices.Insert(slices.Clone(c.next), deploys, unblock)
	}
	return c
}
