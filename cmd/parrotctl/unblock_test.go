package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot/config"
	"parrot/internal/delivery"
	"parrot/internal/fakes"
)

// cloudFormation is the part of CloudFormation that a failed first deploy is about:
// moto never fails, rolls back or refuses. What stacks have made is in moto.
type cloudFormation struct {
	stacks  map[string]*fakeStack
	deleted []string
	// stuck is why a stack cannot be deleted; empty where it can.
	stuck func(name string) string
}

// fakeStack is a stack with its events, oldest first.
type fakeStack struct {
	id, status string
	protected  bool
	created    time.Time
	template   map[string]any
	events     []fakeEvent
}

type fakeEvent struct{ logicalID, kind, physicalID, status, reason string }

func (c *cloudFormation) before(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Authorization"), "/cloudformation/") {
			next.ServeHTTP(w, r)
			return
		}
		_ = r.ParseForm()
		c.answer(w, r.Form.Get("Action"), r.Form)
	})
}

func (c *cloudFormation) answer(w http.ResponseWriter, action string, form url.Values) {
	refuse := func(message string) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, "<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code><Message>%s</Message></Error></ErrorResponse>",
			message)
	}
	asked, name, s := form.Get("StackName"), "", (*fakeStack)(nil)
	for n, stack := range c.stacks {
		if asked == stack.id || asked == n && stack.status != "DELETE_COMPLETE" {
			name, s = n, stack
		}
	}
	if s == nil {
		refuse("Stack with id " + asked + " does not exist")
		return
	}
	result := ""
	switch action {
	case "DescribeStacks":
		result = fmt.Sprintf("<Stacks><member><StackName>%s</StackName><StackId>%s</StackId><StackStatus>%s</StackStatus>"+
			"<CreationTime>%s</CreationTime><EnableTerminationProtection>%t</EnableTerminationProtection></member></Stacks>",
			name, s.id, s.status, s.created.UTC().Format(time.RFC3339), s.protected)
	case "DescribeStackEvents":
		for i := len(s.events) - 1; i >= 0; i-- {
			e := s.events[i]
			result += fmt.Sprintf("<member><EventId>%d</EventId><StackId>%s</StackId><StackName>%s</StackName>"+
				"<LogicalResourceId>%s</LogicalResourceId>"+
				"<PhysicalResourceId>%s</PhysicalResourceId>"+
				"<ResourceType>%s</ResourceType>"+
				"<ResourceStatus>%s</ResourceStatus><ResourceStatusReason>%s</ResourceStatusReason>"+
				"<Timestamp>2026-01-02T03:04:05Z</Timestamp></member>",
				i, s.id, name, e.logicalID, e.physicalID, e.kind, e.status, e.reason)
		}
		result = "<StackEvents>" + result + "</StackEvents>"
	case "GetTemplate":
		result = "<TemplateBody>" + string(must(json.Marshal(s.template))) + "</TemplateBody>"
	case "UpdateTerminationProtection":
		s.protected = form.Get("EnableTerminationProtection") == "true"
	case "DeleteStack":
		if s.protected {
			refuse("Stack [" + name + "] cannot be deleted while TerminationProtection is enabled")
			return
		}
		s.status = "DELETE_COMPLETE"
		c.deleted = append(c.deleted, name)
		if c.stuck != nil && c.stuck(name) != "" {
			s.status = "DELETE_FAILED"
		}
	default:
		refuse("no answer for " + action)
		return
	}
	fmt.Fprintf(w, "<%[1]sResponse><%[1]sResult>%[2]s</%[1]sResult></%[1]sResponse>", action, result)
}

// failed makes a stack of stage that has a status. Its events are those of a first
// deploy that failed, and what is given.
func (c *cloudFormation) failed(part config.Part, status string, events ...fakeEvent) *fakeStack {
	name := environments()[1].StackName(part)
	id := "arn:aws:cloudformation:us-east-1:123456789012:stack/" + name + "/1"
	own := func(status string) fakeEvent {
		return fakeEvent{name, "AWS::CloudFormation::Stack", id, status, ""}
	}
	s := &fakeStack{id: id, status: status, protected: true, created: time.Now().Add(-time.Hour),
		template: map[string]any{"Resources": map[string]any{}}}
	s.events = append([]fakeEvent{own("REVIEW_IN_PROGRESS"), own("CREATE_IN_PROGRESS")}, events...)
	s.events = append(s.events, own("ROLLBACK_IN_PROGRESS"), own(status))
	for _, e := range events {
		s.template["Resources"].(map[string]any)[e.logicalID] = map[string]any{}
	}
	c.stacks[name] = s
	return s
}

func (s *fakeStack) keeps(logicalIDs ...string) {
	for _, id := range logicalIDs {
		s.template["Resources"].(map[string]any)[id] = map[string]any{"DeletionPolicy": "RetainExceptOnCreate"}
	}
}

// halfMade is a world whose stage was never deployed completely.
type halfMade struct {
	*world
	cloudFormation
	cfg aws.Config
}

func newHalfMade(t *testing.T) *halfMade {
	t.Helper()
	h := &halfMade{world: newWorld(t), cloudFormation: cloudFormation{stacks: map[string]*fakeStack{}}}
	endpoint := os.Getenv(stubAWS)
	server := httptest.NewServer(h.faults.before(h.before(httputil.NewSingleHostReverseProxy(must(url.Parse(endpoint))))))
	t.Cleanup(server.Close)
	t.Setenv("AWS_ENDPOINT_URL", server.URL)
	h.cfg = must(awsconfig.LoadDefaultConfig(t.Context(), awsconfig.WithRegion("us-east-1"), awsconfig.WithBaseEndpoint(endpoint)))
	return h
}

// loadBalancer makes Edge as it is when a record was there already: the load
// balancer cannot be rolled back.
func (h *halfMade) loadBalancer() (arn string) {
	h.t.Helper()
	ctx, network := h.t.Context(), ec2.NewFromConfig(h.cfg)
	vpc := must(network.CreateVpc(ctx, &ec2.CreateVpcInput{CidrBlock: aws.String("10.9.0.0/16")})).Vpc.VpcId
	subnet := must(network.CreateSubnet(ctx, &ec2.CreateSubnetInput{VpcId: vpc, CidrBlock: aws.String("10.9.0.0/24")})).Subnet.SubnetId
	client := elb.NewFromConfig(h.cfg)
	arn = *must(client.CreateLoadBalancer(ctx,
		&elb.CreateLoadBalancerInput{Name: aws.String("parrot-stage"), Subnets: []string{*subnet}})).LoadBalancers[0].LoadBalancerArn
	must(client.ModifyLoadBalancerAttributes(ctx,
		&elb.ModifyLoadBalancerAttributesInput{LoadBalancerArn: &arn, Attributes: []elbtypes.LoadBalancerAttribute{
			{Key: aws.String("deletion_protection.enabled"), Value: aws.String("true")},
		}}))
	const kind = "AWS::ElasticLoadBalancingV2::LoadBalancer"
	h.failed("Edge", "ROLLBACK_FAILED",
		fakeEvent{"LoadBalancer", kind, arn, "CREATE_COMPLETE", ""},
		fakeEvent{"Apex", "AWS::Route53::RecordSet", "", "CREATE_FAILED",
			"[Tried to create resource record set [name='stage.bkgstock.com.', type='A'] but it already exists]"},
		fakeEvent{"LoadBalancer", kind, arn, "DELETE_FAILED",
			"Load balancer '" + arn + "' cannot be deleted because deletion protection is enabled"},
	)
	return arn
}

func (h *halfMade) protection(arn string) string {
	h.t.Helper()
	out := must(elb.NewFromConfig(h.cfg).DescribeLoadBalancerAttributes(h.t.Context(),
		&elb.DescribeLoadBalancerAttributesInput{LoadBalancerArn: &arn}))
	for _, a := range out.Attributes {
		if *a.Key == "deletion_protection.enabled" {
			return *a.Value
		}
	}
	return "none"
}

// data makes Data as it is when something failed after the database.
func (h *halfMade) data() *fakeStack {
	h.t.Helper()
	ctx := h.t.Context()
	must(ec2.NewFromConfig(h.cfg).CreateVpc(ctx, &ec2.CreateVpcInput{CidrBlock: aws.String("10.8.0.0/16")}))
	database := rds.NewFromConfig(h.cfg)
	must(database.CreateDBParameterGroup(ctx, &rds.CreateDBParameterGroupInput{DBParameterGroupName: aws.String("parrot-stage-db-postgres17"),
		DBParameterGroupFamily: aws.String("postgres17"), Description: aws.String("x")}))
	must(database.CreateDBInstance(ctx, &rds.CreateDBInstanceInput{
		DBInstanceIdentifier: aws.String("parrot-stage-db"), DBInstanceClass: aws.String("db.t3.micro"), Engine: aws.String("postgres"),
		AllocatedStorage: aws.Int32(20),
		MasterUsername:   aws.String("parrot_admin"), MasterUserPassword: aws.String("hush-hush"), DeletionProtection: aws.Bool(true),
	}))
	must(cloudwatchlogs.NewFromConfig(h.cfg).CreateLogGroup(ctx,
		&cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("/aws/rds/instance/parrot-stage-db/postgresql")}))
	secret := *must(secretsmanager.NewFromConfig(h.cfg).CreateSecret(ctx,
		&secretsmanager.CreateSecretInput{Name: aws.String("parrot-stage-db-password"), SecretString: aws.String("{}")})).ARN
	// A jwt key of an earlier life is in the way, and is the next one's to take up.
	must(secretsmanager.NewFromConfig(h.cfg).CreateSecret(ctx,
		&secretsmanager.CreateSecretInput{Name: aws.String("parrot-stage-jwt-access-key"), SecretString: aws.String("{}")}))

	s := h.failed("Data", "ROLLBACK_FAILED",
		fakeEvent{"DbPassword", "AWS::SecretsManager::Secret", secret, "CREATE_COMPLETE", ""},
		fakeEvent{"DatabaseLogs", "AWS::Logs::LogGroup", "/aws/rds/instance/parrot-stage-db/postgresql", "CREATE_COMPLETE", ""},
		fakeEvent{"DatabaseParameters", "AWS::RDS::DBParameterGroup", "parrot-stage-db-postgres17", "CREATE_COMPLETE", ""},
		fakeEvent{"DatabaseSubnets", "AWS::RDS::DBSubnetGroup", "parrot-stage-db", "CREATE_COMPLETE", ""},
		fakeEvent{"DatabaseSubnets", "AWS::RDS::DBSubnetGroup", "parrot-stage-db", "DELETE_COMPLETE", ""},
		fakeEvent{"Database", "AWS::RDS::DBInstance", "parrot-stage-db", "CREATE_IN_PROGRESS", "Resource creation Initiated"},
		fakeEvent{"JwtAccessKey", "AWS::SecretsManager::Secret", "parrot-stage-jwt-access-key", "CREATE_FAILED",
			"Resource of type 'AWS::SecretsManager::Secret' with identifier 'parrot-stage-jwt-access-key' already exists."},
		fakeEvent{"Database", "AWS::RDS::DBInstance", "parrot-stage-db", "CREATE_FAILED", "Resource creation cancelled"},
		fakeEvent{"Database", "AWS::RDS::DBInstance", "parrot-stage-db", "DELETE_FAILED",
			"Cannot delete protected DB Instance, please disable deletion protection and try again."},
	)
	s.keeps("DbPassword", "DatabaseLogs", "DatabaseParameters", "DatabaseSubnets", "Database", "JwtAccessKey")
	return s
}

// left is what is there in AWS of what the stacks of a world make.
func (h *halfMade) left() (names []string) {
	h.t.Helper()
	ctx := h.t.Context()
	for _, instance := range must(rds.NewFromConfig(h.cfg).DescribeDBInstances(ctx, nil)).DBInstances {
		names = append(names, "database "+*instance.DBInstanceIdentifier)
	}
	for _, group := range must(rds.NewFromConfig(h.cfg).DescribeDBParameterGroups(ctx, nil)).DBParameterGroups {
		if strings.HasPrefix(*group.DBParameterGroupName, "parrot-") {
			names = append(names, "parameters "+*group.DBParameterGroupName)
		}
	}
	for _, group := range must(cloudwatchlogs.NewFromConfig(h.cfg).DescribeLogGroups(ctx, nil)).LogGroups {
		names = append(names, "logs "+*group.LogGroupName)
	}
	for _, secret := range must(secretsmanager.NewFromConfig(h.cfg).ListSecrets(ctx, nil)).SecretList {
		names = append(names, "secret "+*secret.Name)
	}
	return names
}

func TestUnblockRemovesWhatAFailedFirstDeployHasLeftAndNothingElse(t *testing.T) {
	h := newHalfMade(t)
	arn := h.loadBalancer()
	h.data()
	h.failed("Registry", "ROLLBACK_COMPLETE",
		fakeEvent{"Backend", "AWS::ECR::Repository", "parrot-stage-backend", "CREATE_FAILED",
			"Resource of type 'AWS::ECR::Repository' with identifier 'parrot-stage-backend' already exists."},
		fakeEvent{"Frontend", "AWS::ECR::Repository", "parrot-stage-frontend", "CREATE_COMPLETE", ""},
		fakeEvent{"Frontend", "AWS::ECR::Repository", "parrot-stage-frontend", "DELETE_COMPLETE", ""},
	).keeps("Backend", "Frontend")
	network := h.failed("Network", "CREATE_COMPLETE")
	all := h.left()

	r := h.run("n\n", "unblock", "stage")
	assert.Equal(t, exitDeclined, r.code, r.stderr)
	shows(t, r.stderr, "database parrot-stage-db, made 20", "is deleted with all that is in it, and without a snapshot", "[y/N]",
		"nothing is deleted")
	assert.Equal(t, all, h.left())
	assert.Equal(t, "true", h.protection(arn))

	plan := h.succeeds("unblock", "stage", "--plan").stdout
	shows(t, plan,
		"Load balancer '"+arn+"' cannot be deleted because", "ParrotStageEdge failed at Apex (AWS::Route53::RecordSet): [Tried to create",
		"ParrotStageData failed at JwtAccessKey (AWS::SecretsManager::Secret): ", "the JwtAccessKey that existed before is not changed",
		"docs/failed-first-deploy.md#already-exists",
		"the Backend that existed before is not changed",
		"1. Switch off deletion protection of load balancer parrot-stage, which is deleted with ParrotStageEdge",
		"Switch off termination protection of ParrotStageEdge", "Delete stack ParrotStageEdge",
		"Switch off deletion protection of database parrot-stage-db", "Delete database parrot-stage-db, made ",
		"Delete parameter group parrot-stage-db-postgres17", "Delete log group /aws/rds/instance/parrot-stage-db/postgresql", "Delete secret ",
		"Switch off termination protection of ParrotStageData", "Delete stack ParrotStageData",
		"Switch off termination protection of ParrotStageRegistry", "Delete stack ParrotStageRegistry")
	assert.NotContains(t, plan, "Delete repository", "one was there before, the other one is gone")
	assert.NotContains(t, plan, "Delete subnet group", "it is gone")
	assert.NotContains(t, plan, "ParrotStageNetwork")
	assert.Equal(t, all, h.left(), "a plan does nothing")

	r = h.run("y\n", "unblock", "stage")
	require.Zero(t, r.code, r.stderr)
	shows(t, r.stderr, "Nothing blocks the next deploy any more", "npx cdk deploy 'ParrotStage*'")
	assert.Equal(t, []string{"secret parrot-stage-jwt-access-key"}, h.left())
	assert.Equal(t, "false", h.protection(arn), "its stack deletes it")
	assert.Equal(t, []string{"ParrotStageEdge", "ParrotStageData", "ParrotStageRegistry"}, h.deleted)
	assert.True(t, network.protected)
	assert.Empty(t, h.images("parrot-stage-backend"), "the repository is there")

	r = h.succeeds("unblock", "stage")
	shows(t, r.stderr, "No first deploy of stage has left anything: nothing was done.")
	assert.Len(t, h.deleted, 3)
}

func TestUnblockTakesEachStatusOfAFailedFirstDeployAndLeavesEveryOther(t *testing.T) {
	h := newHalfMade(t)
	for status, says := range map[string]string{
		"CREATE_FAILED":     "Delete stack ParrotStageEdge",
		"ROLLBACK_COMPLETE": "Delete stack ParrotStageEdge",
		"ROLLBACK_FAILED":   "Delete stack ParrotStageEdge",
		"DELETE_FAILED":     "Delete stack ParrotStageEdge",

		"REVIEW_IN_PROGRESS":                  "",
		"CREATE_COMPLETE":                     "",
		"UPDATE_COMPLETE":                     "",
		"UPDATE_ROLLBACK_COMPLETE":            "",
		"IMPORT_COMPLETE":                     "",
		"IMPORT_ROLLBACK_COMPLETE":            "",
		"CREATE_IN_PROGRESS":                  "is left alone: wait until that has ended",
		"ROLLBACK_IN_PROGRESS":                "is left alone: wait until that has ended",
		"UPDATE_IN_PROGRESS":                  "is left alone: wait until that has ended",
		"DELETE_IN_PROGRESS":                  "is left alone: wait until that has ended",
		"UPDATE_FAILED":                       "is left alone, because its first deploy had succeeded: parrotctl doctor stage",
		"UPDATE_ROLLBACK_FAILED":              "is left alone, because its first deploy had succeeded: parrotctl doctor stage",
		"IMPORT_ROLLBACK_FAILED":              "is left alone, because its first deploy had succeeded: parrotctl doctor stage",
		"UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": "is left alone: wait until that has ended",
	} {
		h.stacks["ParrotStageEdge"] = nil
		delete(h.stacks, "ParrotStageEdge")
		h.failed("Edge", status)
		r := h.succeeds("unblock", "stage", "--plan")
		if says == "" {
			assert.Empty(t, r.stdout, status)
			continue
		}
		assert.Contains(t, r.stdout, says, status)
		assert.Equal(t, strings.HasPrefix(says, "Delete"), strings.Contains(r.stdout, "1. "), status)
	}
}

// Its status says only that a deletion failed; its events say of what.
func TestUnblockLeavesAStackThatWasOnceComplete(t *testing.T) {
	h := newHalfMade(t)
	for _, once := range []string{"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE"} {
		s := h.failed("Edge", "DELETE_FAILED")
		s.events = append([]fakeEvent{{"ParrotStageEdge", "AWS::CloudFormation::Stack", s.id, once, ""}}, s.events...)
		shows(t, h.succeeds("unblock", "stage", "--yes").stderr,
			"ParrotStageEdge is DELETE_FAILED and is left alone, because its first deploy had succeeded: docs/way-back.md", "nothing was done")
	}
	h.failed("Edge", "DELETE_FAILED").events = nil
	shows(t, h.succeeds("unblock", "stage", "--yes").stderr, "has no events any more", "nothing was done")
	assert.Empty(t, h.deleted)
	assert.True(t, h.stacks["ParrotStageEdge"].protected)
}

// A name is the same in every life of an environment: what is older than the stack
// was not made by it, whatever its events say.
func TestUnblockLeavesADatabaseAndALoadBalancerThatAreOlderThanTheStack(t *testing.T) {
	h := newHalfMade(t)
	arn := h.loadBalancer()
	h.data().created = time.Now().Add(time.Hour)
	h.stacks["ParrotStageEdge"].created = time.Now().Add(time.Hour)
	r := h.run("", "unblock", "stage", "--yes")
	require.Zero(t, r.code, r.stderr)
	shows(t, r.stderr, "load balancer parrot-stage is older than ParrotStageEdge", "database parrot-stage-db is older than ParrotStageData")
	assert.Empty(t, h.deleted, "a stack would take with it what it does not keep")
	assert.Contains(t, h.left(), "database parrot-stage-db")
	assert.Equal(t, "true", h.protection(arn))
}

// With dev's settings CloudFormation deletes what it made: there is nothing to do
// but the stack.
func TestUnblockLeavesToCloudFormationWhatItDeletesItself(t *testing.T) {
	h := newHalfMade(t)
	s := h.data()
	s.protected = false
	for id := range s.template["Resources"].(map[string]any) {
		s.template["Resources"].(map[string]any)[id] = map[string]any{"DeletionPolicy": "Snapshot"}
	}
	plan := h.succeeds("unblock", "stage", "--plan").stdout
	shows(t, plan, "1. Switch off deletion protection of database parrot-stage-db", "2. Delete stack ParrotStageData\n")
	assert.NotContains(t, plan, "3. ")
}

func TestUnblockIsCarriedOnAfterAFailureAtAnyCall(t *testing.T) {
	h := newHalfMade(t)
	arn := h.loadBalancer()
	h.data()
	for call := 1; ; call += fakes.Every(4) {
		h.faults.failAt(call)
		r := h.run("", "unblock", "stage", "--yes")
		if h.faults.calls < call {
			require.Zero(t, r.code, r.stderr)
			break
		}
		assert.Equal(t, exitFailed, r.code, "call %d", call)
		require.Less(t, call, 100)
	}
	assert.Equal(t, []string{"secret parrot-stage-jwt-access-key"}, h.left())
	assert.Equal(t, "false", h.protection(arn))
	assert.Equal(t, "DELETE_COMPLETE", h.stacks["ParrotStageEdge"].status)
	assert.Equal(t, "DELETE_COMPLETE", h.stacks["ParrotStageData"].status)
}

func TestUnblockSaysWhatAStackThatCannotBeDeletedIsAndCanBeRunAgain(t *testing.T) {
	h := newHalfMade(t)
	h.loadBalancer()
	h.stuck = func(string) string { return "it rains" }
	r := h.run("", "unblock", "stage", "--yes")
	assert.Equal(t, exitFailed, r.code)
	shows(t, r.stderr, "ParrotStageEdge is DELETE_FAILED", "failed:   Delete stack ParrotStageEdge", "Run the same command again")
	h.stuck = nil
	require.Zero(t, h.run("", "unblock", "stage", "--yes").code)
}

func TestUnblockIsJSONForScripts(t *testing.T) {
	h := newHalfMade(t)
	h.failed("Compute", "ROLLBACK_COMPLETE")
	var plan delivery.Plan
	require.NoError(t, json.Unmarshal([]byte(h.succeeds("unblock", "stage", "--yes", "--json").stdout), &plan))
	require.Len(t, plan.Steps, 2)
	for _, step := range plan.Steps {
		assert.True(t, step.Done)
	}
	assert.Equal(t, exitUsage, h.run("", "unblock").code)
	assert.Equal(t, exitUsage, h.run("", "unblock", "qa").code)
}

func TestUnblockDoesNothingWhenTheTemplateDoesNotSayWhatIsKept(t *testing.T) {
	h := newHalfMade(t)
	h.data().template = map[string]any{}
	r := h.run("", "unblock", "stage", "--yes")
	assert.Equal(t, exitFailed, r.code)
	shows(t, r.stderr, "has no resource DbPassword, which its events name")
	assert.Contains(t, h.left(), "database parrot-stage-db")
}

// Somebody deploys while the question is on the screen.
func TestUnblockTouchesNothingOfAStackThatWasMadeSinceThePlan(t *testing.T) {
	h := newHalfMade(t)
	h.data()
	p := h.program(&strings.Builder{})
	d, named, err := p.delivery(true, "stage")
	require.NoError(t, err)
	plan, err := d.PlanUnblock(t.Context(), delivery.Unblock{Environment: named[0]})
	require.NoError(t, err)
	old := h.stacks["ParrotStageData"]
	old.status = "DELETE_COMPLETE"
	require.ErrorContains(t, plan.Run(t.Context(), &strings.Builder{}), "somebody else has changed stack ParrotStageData")
	assert.Contains(t, h.left(), "database parrot-stage-db")
}
