package delivery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cloudformationtypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/smithy-go"

	"parrot/config"
	"parrot/internal/awsclient"
)

// How long AWS may take for what a step waits for.
const (
	stackDeletion    = 60 * time.Minute
	databaseDeletion = 40 * time.Minute
)

// failedDeployDocument says what a failed first deploy leaves, and what to do.
const failedDeployDocument = "docs/failed-first-deploy.md"

// protectingAttribute is the load balancer's attribute that refuses to delete it.
const protectingAttribute = "deletion_protection.enabled"

// Unblock is what `parrotctl unblock` was asked for.
type Unblock struct {
	// Environment is the one whose first deploy failed.
	Environment config.Environment
	// Profile is the AWS profile; empty is the default one.
	Profile string
}

// PlanUnblock plans to remove what failed first deploys have left of an
// environment's stacks, so that cdk deploy can make them. A stack that was ever
// complete, one with a database or load balancer that is older than itself, and what no
// failed stack has made itself, are left alone.
func (d *Delivery) PlanUnblock(ctx context.Context, ask Unblock) (*Plan, error) {
	env := ask.Environment
	session, err := sessionIn(ctx, env, ask.Profile)
	if err != nil {
		return nil, err
	}
	u := &unblocker{
		plan:    &Plan{Environment: env.Name, next: "Run the same command again: the plan has only the steps that are left."},
		stacks:  cloudformation.NewFromConfig(session.Config),
		elb:     elb.NewFromConfig(session.Config),
		rds:     rds.NewFromConfig(session.Config),
		logs:    cloudwatchlogs.NewFromConfig(session.Config),
		secrets: secretsmanager.NewFromConfig(session.Config),
		ecr:     ecr.NewFromConfig(session.Config),
	}
	names := env.StackNames()
	slices.Reverse(names) // who needs a stack goes before it
	for _, name := range names {
		if err := u.stack(ctx, name); err != nil {
			return nil, err
		}
	}
	return u.plan, nil
}

// unblocker makes the plan of one environment.
type unblocker struct {
	plan    *Plan
	stacks  *cloudformation.Client
	elb     *elb.Client
	rds     *rds.Client
	logs    *cloudwatchlogs.Client
	secrets *secretsmanager.Client
	ecr     *ecr.Client
}

func (u *unblocker) note(format string, args ...any) {
	u.plan.Notes = append(u.plan.Notes, fmt.Sprintf(format, args...))
}

// failedCreates are the statuses that a stack which never was complete can have
// once its create has failed. DELETE_FAILED can be another's, too: the events say
// which.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
var failedCreates = []cloudformationtypes.StackStatus{
	cloudformationtypes.StackStatusCreateFailed,
	cloudformationtypes.StackStatusRollbackComplete,
	cloudformationtypes.StackStatusRollbackFailed,
	cloudformationtypes.StackStatusDeleteFailed,
}

// stack adds the steps for one stack.
func (u *unblocker) stack(ctx context.Context, name string) error {
	out, err := u.stacks.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
	if awsclient.NoSuchStack(err) || err == nil && len(out.Stacks) == 0 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("stack %s cannot be read: %w", name, err)
	}
	s := &failedStack{unblocker: u, name: name, id: aws.ToString(out.Stacks[0].StackId), created: aws.ToTime(out.Stacks[0].CreationTime)}
	status := out.Stacks[0].StackStatus
	switch {
	case status == cloudformationtypes.StackStatusReviewInProgress: // nothing was made; the next deploy continues with it
		return nil
	case strings.HasSuffix(string(status), "_IN_PROGRESS"):
		u.note("%s is %s and is left alone: wait until that has ended, and run the command again", name, status)
		return nil
	case !slices.Contains(failedCreates, status):
		if strings.HasSuffix(string(status), "_FAILED") {
			u.note("%s is %s and is left alone, because its first deploy had succeeded: parrotctl doctor %s says what to do", name, status,
				u.plan.Environment)
		}
		return nil
	}
	if err := s.readEvents(ctx); err != nil {
		return err
	}
	switch {
	case s.complete:
		u.note("%s is %s and is left alone, because its first deploy had succeeded: docs/way-back.md says how to delete it", name, status)
		return nil
	case !s.failed: // CloudFormation keeps events for 90 days
		u.note("%s is %s and is left alone, because CloudFormation has no events any more that say whether it ever was complete: delete it by "+
			"hand", name, status)
		return nil
	}
	return s.add(ctx, aws.ToBool(out.Stacks[0].EnableTerminationProtection))
}

// failedStack is a stack of which the create failed.
type failedStack struct {
	*unblocker
	name, id string
	created  time.Time

	// What its events say: whether it was ever complete, whether a create failed,
	// and what became of its resources, in the order that they were made.
	complete, failed bool
	resources        []*stackResource
	// hasOlder says that something which its events call made was there before it.
	hasOlder bool
}

// stackResource is a resource of a stack, according to the stack's events.
type stackResource struct {
	logicalID, kind, physicalID string
	// initiated says that AWS has begun to make it, made that this stack made it
	// and has not deleted it since.
	initiated, made bool
	// failure is why it could not be made, stuck why it could not be deleted.
	failure, stuck string
}

// alreadyThere is how AWS says that somebody else made it.
var alreadyThere = regexp.MustCompile(`(?i)already ?exists|already in use|scheduled for deletion`)

func (s *failedStack) readEvents(ctx context.Context) error {
	var events []cloudformationtypes.StackEvent
	pages := cloudformation.NewDescribeStackEventsPaginator(s.stacks, &cloudformation.DescribeStackEventsInput{StackName: &s.id})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("the events of stack %s cannot be read: %w", s.name, err)
		}
		events = append(events, page.StackEvents...)
	}
	slices.Reverse(events) // they come newest first
	for _, event := range events {
		status := string(event.ResourceStatus)
		if aws.ToString(event.ResourceType) == "AWS::CloudFormation::Stack" {
			s.complete = s.complete || status == "CREATE_COMPLETE" || status == "IMPORT_COMPLETE" || strings.HasPrefix(status, "UPDATE_")
			s.failed = s.failed || status == "CREATE_FAILED" || strings.HasPrefix(status, "ROLLBACK_")
			continue
		}
		s.resource(event).apply(status, aws.ToString(event.ResourceStatusReason))
	}
	return nil
}

// resource returns the resource of an event.
func (s *failedStack) resource(event cloudformationtypes.StackEvent) *stackResource {
	logicalID := aws.ToString(event.LogicalResourceId)
	i := slices.IndexFunc(s.resources, func(r *stackResource) bool { return r.logicalID == logicalID })
	if i < 0 {
		s.resources = append(s.resources, &stackResource{logicalID: logicalID, kind: aws.ToString(event.ResourceType)})
		i = len(s.resources) - 1
	}
	if physicalID := aws.ToString(event.PhysicalResourceId); physicalID != "" {
		s.resources[i].physicalID = physicalID
	}
	return s.resources[i]
}

// apply reads the next event of a resource. What was there before, or was imported, is
// never made by the stack.
func (r *stackResource) apply(status, reason string) {
	switch status {
	case "CREATE_IN_PROGRESS":
		r.initiated = r.initiated || strings.Contains(reason, "Resource creation Initiated")
	case "CREATE_COMPLETE":
		r.made = r.physicalID != ""
	case "CREATE_FAILED":
		r.failure = reason
		r.made = r.initiated && r.physicalID != "" && !alreadyThere.MatchString(reason)
	case "DELETE_FAILED":
		r.stuck = reason
	case "DELETE_COMPLETE":
		r.made = false
	}
}

// add adds the steps that remove the stack and what it would leave.
func (s *failedStack) add(ctx context.Context, protected bool) error {
	s.explain()
	before := len(s.plan.Steps)
	kept, err := s.kept(ctx)
	if err != nil {
		return err
	}
	for _, r := range s.resources {
		if !r.made {
			continue
		}
		switch r.kind {
		case "AWS::ElasticLoadBalancingV2::LoadBalancer":
			err = s.loadBalancer(ctx, r)
		case "AWS::RDS::DBInstance":
			err = s.database(ctx, r, kept[r.logicalID])
		}
		if err != nil {
			return err
		}
	}
	if s.hasOlder {
		s.plan.Steps = s.plan.Steps[:before]
		return nil
	}
	for _, l := range s.leftovers() {
		for _, r := range s.resources {
			if r.made && r.kind == l.kind && kept[r.logicalID] {
				s.step("Delete "+l.name+" "+r.physicalID, func(ctx context.Context) error { return unlessGone(l.delete(ctx, r.physicalID)) })
			}
		}
	}
	if protected {
		s.step("Switch off termination protection of "+s.name, func(ctx context.Context) error {
			_, err := s.stacks.UpdateTerminationProtection(ctx,
				&cloudformation.UpdateTerminationProtectionInput{StackName: &s.id, EnableTerminationProtection: aws.Bool(false)})
			return err
		})
	}
	s.step("Delete stack "+s.name, s.delete)
	return nil
}

// explain notes why the create failed, since the events go with the stack, and
// what no step of the plan removes.
func (s *failedStack) explain() {
	first := true
	for _, r := range s.resources {
		there := alreadyThere.MatchString(r.failure)
		if there || r.failure != "" && first && !strings.Contains(r.failure, "cancelled") { // for the failure of another
			s.note("%s failed at %s (%s): %s", s.name, r.logicalID, r.kind, r.failure)
			first = false
		}
		if there {
			s.note("the %s that existed before is not changed. Import it, or delete it if it holds nothing: %s#already-exists", r.logicalID,
				failedDeployDocument)
		}
		if r.made && r.stuck != "" {
			s.note("CloudFormation could not delete %s (%s): %s", r.logicalID, r.kind, r.stuck)
		}
		switch {
		case r.made && r.kind == "AWS::Route53::HostedZone":
			s.note("zone %s stays. Set HostedZoneID to it before the next deploy, or delete it: %s#already-exists", r.physicalID,
				failedDeployDocument)
		case r.made && r.kind == "AWS::S3::Bucket":
			s.note("bucket %s stays. It blocks nothing. To delete it: aws s3 rb --force s3://%s", r.physicalID, r.physicalID)
		}
	}
}

// kept are the logical ids that deleting the stack leaves: RetainExceptOnCreate
// lets a rollback delete them, and a deletion not.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html
func (s *failedStack) kept(ctx context.Context) (map[string]bool, error) {
	out, err := s.stacks.GetTemplate(ctx, &cloudformation.GetTemplateInput{StackName: &s.id})
	if err != nil {
		return nil, fmt.Errorf("the template of stack %s cannot be read: %w", s.name, err)
	}
	var template struct {
		Resources map[string]struct{ DeletionPolicy string }
	}
	if err := json.Unmarshal([]byte(aws.ToString(out.TemplateBody)), &template); err != nil {
		return nil, fmt.Errorf("the template of stack %s is not JSON, so not one of Parrot's: %w", s.name, err)
	}
	kept := map[string]bool{}
	for _, r := range s.resources {
		resource, there := template.Resources[r.logicalID]
		if r.made && !there { // what is kept is not known then, and would be in the way
			return nil, fmt.Errorf("the template of stack %s has no resource %s, which its events name: read it again in a minute", s.name,
				r.logicalID)
		}
		kept[r.logicalID] = strings.HasPrefix(resource.DeletionPolicy, "Retain")
	}
	return kept, nil
}

// older says, and notes, that something is older than the stack: then the stack
// has not made it, whatever its events say.
func (s *failedStack) older(what string, made *time.Time) bool {
	older := made != nil && made.Before(s.created)
	if older {
		s.hasOlder = true
		s.note("%s is older than %s. The stack would delete it, so neither is touched: find out whose it is, and delete the stack by hand with "+
			"what it has to keep", what, s.name)
	}
	return older
}

// loadBalancer lets the load balancer be deleted with its stack.
func (s *failedStack) loadBalancer(ctx context.Context, r *stackResource) error {
	found, err := s.elb.DescribeLoadBalancers(ctx, &elb.DescribeLoadBalancersInput{LoadBalancerArns: []string{r.physicalID}})
	if notFound(err) || err == nil && len(found.LoadBalancers) == 0 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("load balancer %s cannot be read: %w", r.physicalID, err)
	}
	name := aws.ToString(found.LoadBalancers[0].LoadBalancerName)
	if s.older("load balancer "+name, found.LoadBalancers[0].CreatedTime) {
		return nil
	}
	attributes, err := s.elb.DescribeLoadBalancerAttributes(ctx, &elb.DescribeLoadBalancerAttributesInput{LoadBalancerArn: &r.physicalID})
	if err != nil {
		return fmt.Errorf("the attributes of load balancer %s cannot be read: %w", name, err)
	}
	protected := slices.ContainsFunc(attributes.Attributes, func(a elbtypes.LoadBalancerAttribute) bool {
		return aws.ToString(a.Key) == protectingAttribute && aws.ToString(a.Value) == "true"
	})
	if protected {
		s.step(fmt.Sprintf("Switch off deletion protection of load balancer %s, which is deleted with %s", name, s.name),
			func(ctx context.Context) error {
				_, err := s.elb.ModifyLoadBalancerAttributes(ctx,
					&elb.ModifyLoadBalancerAttributesInput{LoadBalancerArn: &r.physicalID, Attributes: []elbtypes.LoadBalancerAttribute{
						{Key: aws.String(protectingAttribute), Value: aws.String("false")},
					}})
				return unlessGone(err)
			})
	}
	return nil
}

// database deletes the database where the stack would keep it, and else lets it be
// deleted with its stack.
func (s *failedStack) database(ctx context.Context, r *stackResource, kept bool) error {
	found, err := s.rds.DescribeDBInstances(ctx, &rds.DescribeDBInstancesInput{DBInstanceIdentifier: &r.physicalID})
	if notFound(err) || err == nil && len(found.DBInstances) == 0 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("database %s cannot be read: %w", r.physicalID, err)
	}
	instance := found.DBInstances[0]
	if s.older("database "+r.physicalID, instance.InstanceCreateTime) {
		return nil
	}
	if aws.ToBool(instance.DeletionProtection) {
		s.step("Switch off deletion protection of database "+r.physicalID, func(ctx context.Context) error {
			_, err := s.rds.ModifyDBInstance(ctx,
				&rds.ModifyDBInstanceInput{DBInstanceIdentifier: &r.physicalID, DeletionProtection: aws.Bool(false), ApplyImmediately: aws.Bool(true)})
			return unlessGone(err)
		})
	}
	if !kept {
		return nil
	}
	made := "which is not complete"
	if instance.InstanceCreateTime != nil {
		made = "made " + instance.InstanceCreateTime.UTC().Format("2006-01-02 15:04Z")
	}
	s.note("database %s, %s, is deleted with all that is in it, and without a snapshot. To keep what is in it, answer no and make one "+
		"first: %s#the-database", r.physicalID, made, failedDeployDocument)
	s.step(fmt.Sprintf("Delete database %s, %s, and wait until it is gone", r.physicalID, made), func(ctx context.Context) error {
		if aws.ToString(instance.DBInstanceStatus) != "deleting" {
			_, err := s.rds.DeleteDBInstance(ctx, &rds.DeleteDBInstanceInput{DBInstanceIdentifier: &r.physicalID, SkipFinalSnapshot: aws.Bool(true)})
			if unlessGone(err) != nil {
				return err
			}
		}
		return rds.NewDBInstanceDeletedWaiter(s.rds).Wait(ctx, &rds.DescribeDBInstancesInput{DBInstanceIdentifier: &r.physicalID},
			databaseDeletion)
	})
	return nil
}

// leftover is a type of resource that a stack keeps under a name which the next
// deploy needs.
type leftover struct {
	kind, name string
	delete     func(ctx context.Context, physicalID string) error
}

// leftovers returns those types, in an order that they can be deleted in, after the
// database, which uses some of them.
func (u *unblocker) leftovers() []leftover {
	return []leftover{
		{"AWS::RDS::DBSubnetGroup", "subnet group", func(ctx context.Context, id string) error {
			_, err := u.rds.DeleteDBSubnetGroup(ctx, &rds.DeleteDBSubnetGroupInput{DBSubnetGroupName: &id})
			return err
		}},
		{"AWS::RDS::DBParameterGroup", "parameter group", func(ctx context.Context, id string) error {
			_, err := u.rds.DeleteDBParameterGroup(ctx, &rds.DeleteDBParameterGroupInput{DBParameterGroupName: &id})
			return err
		}},
		{"AWS::Logs::LogGroup", "log group", func(ctx context.Context, id string) error {
			_, err := u.logs.DeleteLogGroup(ctx, &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: &id})
			return err
		}},
		{"AWS::SecretsManager::Secret", "secret", func(ctx context.Context, id string) error {
			// A recovery window would keep the name from the next deploy.
			_, err := u.secrets.DeleteSecret(ctx, &secretsmanager.DeleteSecretInput{SecretId: &id, ForceDeleteWithoutRecovery: aws.Bool(true)})
			return err
		}},
		{"AWS::ECR::Repository", "repository, with the images in it,", func(ctx context.Context, id string) error {
			_, err := u.ecr.DeleteRepository(ctx, &ecr.DeleteRepositoryInput{RepositoryName: &id, Force: true})
			return err
		}},
	}
}

// step adds a step that does nothing unless the stack is still one whose create
// failed: between plan and step somebody may have deployed.
func (s *failedStack) step(name string, do func(ctx context.Context) error) {
	s.plan.add(name, func(ctx context.Context) error {
		now, err := s.stacks.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &s.id})
		if err != nil {
			return fmt.Errorf("stack %s cannot be read: %w", s.name, err)
		}
		if len(now.Stacks) == 0 || !slices.Contains(failedCreates, now.Stacks[0].StackStatus) {
			return fmt.Errorf("somebody else has changed stack %s since the plan was made", s.name)
		}
		return do(ctx)
	})
}

// delete deletes the stack, and not another one that has got its name since.
func (s *failedStack) delete(ctx context.Context) error {
	if _, err := s.stacks.DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: &s.id}); err != nil {
		return err
	}
	err := cloudformation.NewStackDeleteCompleteWaiter(s.stacks).Wait(ctx, &cloudformation.DescribeStacksInput{StackName: &s.id},
		stackDeletion)
	if err == nil {
		return nil
	}
	if now, readErr := s.stacks.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &s.id}); readErr == nil &&
		len(now.Stacks) > 0 {
		return fmt.Errorf("%s is %s: %s: %w", s.name, now.Stacks[0].StackStatus, aws.ToString(now.Stacks[0].StackStatusReason), err)
	}
	return err
}

// notFound reports whether an error means that what a call names is not there.
func notFound(err error) bool {
	var refused smithy.APIError
	return errors.As(err, &refused) && strings.Contains(refused.ErrorCode(), "NotFound")
}

// unlessGone returns the error of a call after which something need not be there.
func unlessGone(err error) error {
	if notFound(err) {
		return nil
	}
	return err
}
