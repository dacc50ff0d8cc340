package stacks_test

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot/config"
	"parrot/internal/assembly"
	. "parrot/internal/synthtest"
)

// This file is about who may act: which principals each policy names, and what AWS's
// services may do for Parrot.

// statement is one of a policy.
type statement struct {
	Effect                      string
	Action, Resource, Principal any
	NotAction, NotResource      any
	NotPrincipal                any
	Condition                   map[string]any
	Sid                         string
}

// statementsOf returns those of a policy that is at a path, at least one.
func statementsOf(t *testing.T, resource *assembly.Resource, path ...any) []statement {
	t.Helper()
	text, err := json.Marshal(resource.Stack.Resolve(Lookup(t, resource, append(path, "Statement")...)))
	require.NoError(t, err)
	var all []statement
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.DisallowUnknownFields()
	require.NoError(t, decoder.Decode(&all), resource.LogicalID)
	require.NotEmpty(t, all, resource.LogicalID)
	for _, s := range all {
		assert.Nil(t, s.NotAction, "%s: all but a list grows by itself", resource.LogicalID)
		assert.Nil(t, s.NotResource, resource.LogicalID)
		assert.Nil(t, s.NotPrincipal, resource.LogicalID)
		assert.Contains(t, []string{"Allow", "Deny"}, s.Effect, resource.LogicalID)
	}
	return all
}

// list returns one text or several.
func list(value any) []string {
	switch v := value.(type) {
	case nil:
		return nil
	case []any:
		var all []string
		for _, element := range v {
			all = append(all, list(element)...)
		}
		slices.Sort(all)
		return all
	case string:
		return []string{v}
	default:
		return []string{"?"}
	}
}

// principals returns who a statement is about: "service X", "account X" or "anyone".
func principals(s statement) []string {
	if s.Principal == "*" {
		return []string{"anyone"}
	}
	var all []string
	for kind, names := range s.Principal.(map[string]any) {
		for _, name := range list(names) {
			if name == "*" {
				all = append(all, "anyone")
			} else {
				all = append(all, kind+" "+name)
			}
		}
	}
	slices.Sort(all)
	return all
}

// trusted are the services that take on a role, by the end of its logical id. The
// first that fits counts.
var trusted = []struct{ role, principal string }{
	{"TaskExecutionRole", "Service ecs-tasks.amazonaws.com"},
	{"TaskTaskRole", "Service ecs-tasks.amazonaws.com"},
	{"FlowLogIAMRole", "Service vpc-flow-logs.amazonaws.com"},
	{"RotationRole", "Service lambda.amazonaws.com"},
	{"EventsRole", "Service events.amazonaws.com"},
	{"CodePipelineActionRole", "AWS the pipeline's role"},
	{"CodeBuildActionRole", "AWS the pipeline's role"},
	{"PipelineRole", "Service codepipeline.amazonaws.com"},
	{"Role", "Service codebuild.amazonaws.com"}, // of a step
}

func TestEachRoleIsTakenOnByTheOneServiceThatItIsFor(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	for _, stacks := range recorded(t) {
		for _, stack := range stacks {
			for _, role := range stack.OfType("AWS::IAM::Role") {
				id := withoutHash(role.LogicalID)
				i := slices.IndexFunc(trusted, func(r struct{ role, principal string }) bool { return strings.HasSuffix(id, r.role) })
				if stack.Name == config.PipelineStackName && id == "PipelineRole" {
					i = slices.IndexFunc(trusted, func(r struct{ role, principal string }) bool { return r.role == "PipelineRole" })
				}
				require.GreaterOrEqual(t, i, 0, "%s in %s: who is it for?", id, stack.Name)
				all := statementsOf(t, role, "AssumeRolePolicyDocument")
				require.Len(t, all, 1, "%s in %s: nobody else", id, stack.Name)
				who := principals(all[0])
				for j, name := range who {
					if strings.HasSuffix(name, ".Arn}") && strings.Contains(name, config.PipelineStackName+".PipelineRole") {
						who[j] = "AWS the pipeline's role"
					}
				}
				assert.Equal(t, []string{trusted[i].principal}, who, "%s in %s", id, stack.Name)
				assert.Equal(t, []string{"sts:AssumeRole"}, list(all[0].Action), id)
				assert.Equal(t, "Allow", all[0].Effect, id)
				managed, _ := role.Lookup("ManagedPolicyArns")
				assert.Empty(t, managed, "%s in %s: AWS's policies grow by themselves", id, stack.Name)
				used[trusted[i].role] = true
			}
		}
	}
	for _, r := range trusted {
		assert.True(t, used[r.role], "there is no such role any more: %s", r.role)
	}
}

func withoutHash(logicalID string) string { return hash.ReplaceAllString(logicalID, "") }

// hash ends the logical ids that CDK makes of paths.
var hash = regexp.MustCompile(`[0-9A-F]{8}$`)

// pipelineActions are what the pipeline's roles may do in the pipeline's own account,
// by what they are for.
var (
	reads  = []string{"s3:GetBucket*", "s3:GetObject*", "s3:List*"}
	writes = append(slices.Clone(reads), "s3:Abort*", "s3:DeleteObject*", "s3:PutObject", "s3:PutObjectLegalHold", "s3:PutObjectRetention",
		"s3:PutObjectTagging", "s3:PutObjectVersionTagging")
	runs = []string{
		"codebuild:BatchPutCodeCoverages", "codebuild:BatchPutTestCases", "codebuild:CreateReport", "codebuild:CreateReportGroup",
		"codebuild:UpdateReport",
		"logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents",
	}
	builds   = []string{"codebuild:BatchGetBuilds", "codebuild:StartBuild", "codebuild:StopBuild"}
	encrypts = []string{"kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"}
	assumes  = []string{"sts:AssumeRole"}
)

func TestThePipelinesRolesMayDoWhatTheyAreForAndNoMore(t *testing.T) {
	t.Parallel()
	kinds := []struct {
		role    string
		actions []string
	}{
		{"PipelineRole", slices.Concat(writes, assumes)},
		{"PipelineSourceCodePipelineActionRole", slices.Concat(writes, []string{
			"codeconnections:UseConnection", "codestar-connections:UseConnection", "s3:PutObjectAcl", "s3:PutObjectVersionAcl",
		})},
		{"ApproveCodePipelineActionRole", []string{"sns:Publish"}},
		{"PipelineFailedEventsRole", []string{"sns:Publish"}},
		{"PipelineCodeBuildActionRole", builds},
		{"SynthCdkBuildProjectRole", slices.Concat(writes, runs)},
		{"SelfMutationRole", slices.Concat(reads, runs, assumes, []string{"cloudformation:DescribeStacks", "s3:ListBucket"})},
		{"PipelineAssetsFileRole", slices.Concat(reads, runs, builds, assumes)},
		{"SmokeRole", slices.Concat(reads, runs)},
		{"ImagesRole", slices.Concat(reads, runs, assumes)},
		{"SummaryRole", slices.Concat(reads, runs, assumes)},
	}
	for _, stack := range []*assembly.Stack{together(t).stack, across(t).stack} {
		key := len(stack.OfType("AWS::KMS::Key")) > 0
		for _, role := range Resources(t, stack, "AWS::IAM::Role") {
			id := withoutHash(role.LogicalID)
			assert.NotContains(t, role.Properties, "Policies", "%s: its policy is a resource", id)
			i := slices.IndexFunc(kinds, func(k struct {
				role    string
				actions []string
			}) bool {
				return strings.HasSuffix(id, k.role)
			})
			require.GreaterOrEqual(t, i, 0, "%s: what is it for?", id)
			want := slices.Clone(kinds[i].actions)
			if key && slices.Contains(want, "s3:GetObject*") {
				want = append(want, encrypts...)
				if strings.HasSuffix(id, "AssetsFileRole") {
					want = slices.DeleteFunc(want, func(a string) bool { return slices.Contains(encrypts[2:], a) })
				}
			}
			got := map[string]bool{}
			for _, s := range statementsOf(t, PolicyOf(t, role), "PolicyDocument") {
				assert.Equal(t, "Allow", s.Effect, id)
				for _, action := range list(s.Action) {
					got[action] = true
				}
				for _, on := range list(s.Resource) {
					if on == "*" || strings.HasPrefix(on, "arn:*") {
						assert.Contains(t, []string{"SelfMutationRole", "PipelineAssetsFileRole"}, kinds[i].role, "%s of %s", on, id)
					}
				}
			}
			assert.ElementsMatch(t, want, slices.Collect(maps.Keys(got)), id)
		}
	}
}

func TestEventsAndFlowLogsMayDoOneThing(t *testing.T) {
	t.Parallel()
	monitoring := StackOf(t, Direct(t), Production(), "Monitoring")
	role := Only(t, monitoring, "AWS::IAM::Role")
	policies := Lookup(t, role, "Policies").([]any)
	require.Len(t, policies, 1)
	all := statementsOf(t, role, "Policies", 0, "PolicyDocument")
	require.Len(t, all, 1)
	assert.Equal(t, []string{"sns:Publish"}, list(all[0].Action))
	assert.Equal(t, []string{"${ParrotProdMonitoring.PageTopic}", "${ParrotProdMonitoring.TicketTopic}"}, list(all[0].Resource))
	for _, rule := range Resources(t, monitoring, "AWS::Events::Rule") {
		assert.Equal(t, role, Follow(t, rule, "Targets", 0, "RoleArn"), rule.LogicalID)
	}

	network := StackOf(t, Direct(t), Production(), "Network")
	logs := Only(t, network, "AWS::EC2::FlowLog")
	group := assembly.Target{Resource: Follow(t, logs, "LogGroupName"), Attribute: "Arn"}.String()
	assert.Equal(t, map[string][]string{
		"logs:CreateLogStream": {group}, "logs:DescribeLogStreams": {group}, "logs:PutLogEvents": {group},
	}, Permissions(PolicyOf(t, Follow(t, logs, "DeliverLogsPermissionArn"))))
}

// By thing and action, who may; and what is denied to anyone.
func TestThingsLetInWhoTheyHaveTo(t *testing.T) {
	t.Parallel()
	const denied = "without TLS"
	balancer := "AWS arn:${AWS::Partition}:iam::127311923021:root" // Elastic Load Balancing's account in us-east-1
	deploys := []string{}
	for _, env := range across(t).environments {
		deploys = append(deploys, "AWS arn:${AWS::Partition}:iam::"+env.Account+":role/cdk-hnb659fds-deploy-role-"+env.Account+"-"+env.Region)
	}
	own := "AWS arn:${AWS::Partition}:iam::999999999999:root"
	want := map[string]map[string][]string{
		"AccessLogsPolicy": {"s3:*": {denied}, "s3:PutObject": {balancer, "Service delivery.logs.amazonaws.com"},
			"s3:GetBucketAcl": {"Service delivery.logs.amazonaws.com"}},
		"ArtifactsPolicy":     {"s3:*": {denied}, "s3:GetBucket*": deploys, "s3:GetObject*": deploys, "s3:List*": deploys},
		"NotificationsPolicy": {"sns:Publish": {denied}},
		"PageTopicPolicy":     {"sns:Publish": {denied, "Service budgets.amazonaws.com", "Service cloudwatch.amazonaws.com"}},
		"TicketTopicPolicy":   {"sns:Publish": {denied, "Service budgets.amazonaws.com", "Service cloudwatch.amazonaws.com"}},
		"Key":                 {"kms:*": {own}, "kms:Decrypt": deploys, "kms:DescribeKey": deploys},
	}
	got := map[string]map[string][]string{}
	for where, stacks := range recorded(t) {
		if where == "pipeline" || where == Described().Name { // fewer of the same
			continue
		}
		for _, stack := range stacks {
			for _, resource := range stack.Resources {
				var document string
				for _, name := range []string{"PolicyDocument", "KeyPolicy", "ResourcePolicy", "RepositoryPolicyText"} {
					if _, ok := resource.Properties[name]; ok && resource.Type != "AWS::IAM::Policy" {
						document = name
					}
				}
				if document == "" {
					continue
				}
				of := map[string][]string{}
				for _, s := range statementsOf(t, resource, document) {
					who := principals(s)
					if s.Effect == "Deny" {
						assert.Equal(t, []string{"anyone"}, who, resource.LogicalID)
						assert.Equal(t, map[string]any{"Bool": map[string]any{"aws:SecureTransport": "false"}}, s.Condition, resource.LogicalID)
						who = []string{denied}
					}
					for _, action := range list(s.Action) {
						of[action] = append(of[action], who...)
						slices.Sort(of[action])
					}
				}
				got[withoutHash(resource.LogicalID)] = of
			}
		}
	}
	for _, of := range want {
		for action, who := range of {
			slices.Sort(who)
			of[action] = who
		}
	}
	assert.Equal(t, want, got)
}

// permissions, which tests of single roles read, knows no denial: there is none.
func TestWhatARoleMayDoIsAllowed(t *testing.T) {
	t.Parallel()
	read := 0
	for _, stacks := range recorded(t) {
		for _, stack := range stacks {
			for _, resource := range stack.Resources {
				var all []statement
				switch resource.Type {
				case "AWS::IAM::Policy":
					all = statementsOf(t, resource, "PolicyDocument")
				case "AWS::IAM::Role":
					policies, _ := resource.Properties["Policies"].([]any)
					for i := range policies {
						all = append(all, statementsOf(t, resource, "Policies", i, "PolicyDocument")...)
					}
				}
				for _, s := range all {
					assert.Equal(t, "Allow", s.Effect, "%s in %s", resource.LogicalID, stack.Name)
					assert.Nil(t, s.Principal, "%s in %s", resource.LogicalID, stack.Name)
					read++
				}
			}
		}
	}
	assert.NotZero(t, read)
}
