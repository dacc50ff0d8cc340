// Package drift finds manual changes to deployed resources: changes
// that somebody made by hand, which no diff of templates shows.
package drift

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"parrot/internal/awsclient"
)

// Status is what is known of a stack.
type Status string

// The values of Status.
const (
	InSync        Status = "in-sync"
	Drifted       Status = "drifted"
	NotDeployed   Status = "not-deployed"
	PartlyChecked Status = "partly-checked" // what AWS could read has not drifted
	NotChecked    Status = "not-checked"
)

// Stack is one stack's drift.
type Stack struct {
	Name   string `json:"name"`
	Region string `json:"region"`
	Status Status `json:"status"`
	// Reason is why not all of the stack could be checked, whatever its status.
	// Empty means that all was.
	Reason string `json:"reason,omitempty"`
	// Resources are what has drifted, and what AWS could not read.
	Resources []Resource `json:"resources,omitempty"`
}

// Resource is a resource that is not what was deployed.
type Resource struct {
	LogicalID  string `json:"logicalId"`
	PhysicalID string `json:"physicalId"`
	Type       string `json:"type"`
	// Status is MODIFIED, DELETED, or UNKNOWN with a Reason.
	Status     types.StackResourceDriftStatus `json:"status"`
	Reason     string                         `json:"reason,omitempty"`
	Properties []Property                     `json:"properties,omitempty"`
}

// Property is a property whose value is not the deployed one.
type Property struct {
	// Path is the property's JSON pointer, such as /SecurityGroupIngress/0/CidrIp.
	Path string `json:"path"`
	// Expected is the deployed value; empty when the property was added.
	Expected string `json:"expected"`
	// Actual is the value that runs; empty when the property was removed.
	Actual string `json:"actual"`
}

// Checker asks one account and region.
type Checker struct {
	client *cloudformation.Client
	region string
	poll   time.Duration
}

// NewChecker makes a checker with the credentials and the region of cfg. While
// AWS works, it asks again after each poll. Throttled calls are repeated after
// pauses that grow up to poll.
func NewChecker(cfg aws.Config, poll time.Duration) *Checker {
	return &Checker{
		client: cloudformation.NewFromConfig(cfg, func(o *cloudformation.Options) {
			o.Retryer = retry.NewStandard(func(r *retry.StandardOptions) { r.MaxAttempts, r.MaxBackoff = 20, poll })
		}),
		region: cfg.Region,
		poll:   poll,
	}
}

// Check compares one stack. What fails is the stack's Reason, so that the others
// can still be checked. It takes minutes; end it with ctx, whose cause is then
// the reason.
func (c *Checker) Check(ctx context.Context, name string) Stack {
	stack := Stack{Name: name, Region: c.region, Status: NotChecked}
	if err := c.check(ctx, &stack); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		stack.Reason = err.Error()
	}
	return stack
}

func (c *Checker) check(ctx context.Context, stack *Stack) error {
	deployed, err := c.deployed(ctx, stack.Name)
	if err != nil {
		return err
	}
	if !deployed {
		stack.Status = NotDeployed
		return nil
	}
	detection, err := c.client.DetectStackDrift(ctx, &cloudformation.DetectStackDriftInput{StackName: &stack.Name})
	if err != nil {
		return fmt.Errorf("detection does not start: %w", err)
	}
	finished, err := c.wait(ctx, aws.ToString(detection.StackDriftDetectionId))
	if err != nil {
		return fmt.Errorf("detection does not end: %w", err)
	}
	if stack.Resources, err = c.resources(ctx, stack.Name); err != nil {
		return fmt.Errorf("its result cannot be read: %w", err)
	}
	switch finished.StackDriftStatus {
	case types.StackDriftStatusDrifted:
		stack.Status = Drifted
	case types.StackDriftStatusInSync:
		stack.Status = InSync
	default:
		stack.Status, stack.Reason = PartlyChecked, "AWS could not read all of its resources"
	}
	// "Failed" is said of one resource that cannot be read, too; there are
	// results for the others.
	if finished.DetectionStatus == types.StackDriftDetectionStatusDetectionFailed {
		stack.Reason = "detection failed: " + aws.ToString(finished.DetectionStatusReason)
		if stack.Status == InSync {
			stack.Status = PartlyChecked
		}
	}
	return nil
}

// deployed reports whether there is a stack to compare. One whose change set was
// never executed has no resources.
func (c *Checker) deployed(ctx context.Context, name string) (bool, error) {
	found, err := c.client.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
	switch {
	case awsclient.NoSuchStack(err):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("it cannot be read: %w", err)
	}
	return len(found.Stacks) > 0 && found.Stacks[0].StackStatus != types.StackStatusReviewInProgress, nil
}

func (c *Checker) wait(ctx context.Context, id string) (*cloudformation.DescribeStackDriftDetectionStatusOutput, error) {
	for {
		now, err := c.client.DescribeStackDriftDetectionStatus(ctx,
			&cloudformation.DescribeStackDriftDetectionStatusInput{StackDriftDetectionId: &id})
		if err != nil || now.DetectionStatus != types.StackDriftDetectionStatusDetectionInProgress {
			return now, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(c.poll):
		}
	}
}

func (c *Checker) resources(ctx context.Context, name string) ([]Resource, error) {
	pages := cloudformation.NewDescribeStackResourceDriftsPaginator(c.client, &cloudformation.DescribeStackResourceDriftsInput{
		StackName: &name,
		StackResourceDriftStatusFilters: []types.StackResourceDriftStatus{
			types.StackResourceDriftStatusModified, types.StackResourceDriftStatusDeleted, types.StackResourceDriftStatusUnknown,
		},
	})
	var resources []Resource
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, found := range page.StackResourceDrifts {
			resource := Resource{
				LogicalID:  aws.ToString(found.LogicalResourceId),
				PhysicalID: aws.ToString(found.PhysicalResourceId),
				Type:       aws.ToString(found.ResourceType),
				Status:     found.StackResourceDriftStatus,
				Reason:     aws.ToString(found.DriftStatusReason),
			}
			for _, difference := range found.PropertyDifferences {
				resource.Properties = append(resource.Properties, property(difference))
			}
			resources = append(resources, resource)
		}
	}
	slices.SortFunc(resources, func(a, b Resource) int { return cmp.Compare(a.LogicalID, b.LogicalID) })
	return resources, nil
}

// property leaves the side empty that has no value; AWS writes "null" there.
func property(difference types.PropertyDifference) Property {
	p := Property{
		Path:     aws.ToString(difference.PropertyPath),
		Expected: aws.ToString(difference.ExpectedValue),
		Actual:   aws.ToString(difference.ActualValue),
	}
	if difference.DifferenceType == types.DifferenceTypeAdd {
		p.Expected = ""
	}
	if difference.DifferenceType == types.DifferenceTypeRemove {
		p.Actual = ""
	}
	return p
}
