// Package cloudformation plays CloudFormation's and STS's part in tests of drift,
// over HTTP. Its answers have the form of the examples in AWS's API reference.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackResourceDrifts.html
package cloudformation

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// Stack is what the server knows of a deployed stack.
type Stack struct {
	// Status is the stack's status. Empty is CREATE_COMPLETE.
	Status string
	// Polls is how often its detection is asked for before it ends.
	Polls int
	// Failure is the reason of a failed detection.
	Failure string
	// Drift is the stack's drift status. Empty is IN_SYNC.
	Drift string
	// Drifts are the drifted resources, as XML.
	Drifts []string
}

// OpenedGroup is a drift: somebody let the internet into a security group.
const OpenedGroup = `<member>
  <LogicalResourceId>DatabaseSecurityGroup</LogicalResourceId><PhysicalResourceId>sg-1</PhysicalResourceId>
  <ResourceType>AWS::EC2::SecurityGroup</ResourceType><StackResourceDriftStatus>MODIFIED</StackResourceDriftStatus>
  <PropertyDifferences>
    <member><PropertyPath>/GroupDescription</PropertyPath><ExpectedValue>a|b</ExpectedValue>
      <ActualValue>&lt;i&gt;</ActualValue><DifferenceType>NOT_EQUAL</DifferenceType></member>
    <member><PropertyPath>/SecurityGroupIngress/0</PropertyPath><ExpectedValue>null</ExpectedValue>
      <ActualValue>{"CidrIp":"0.0.0.0/0"}</ActualValue><DifferenceType>ADD</DifferenceType></member>
  </PropertyDifferences></member>`

// DeletedRecord is a drift: somebody deleted a DNS record.
const DeletedRecord = `<member>
  <LogicalResourceId>Apex</LogicalResourceId><PhysicalResourceId>bkgstock.com</PhysicalResourceId>
  <ResourceType>AWS::Route53::RecordSet</ResourceType><StackResourceDriftStatus>DELETED</StackResourceDriftStatus></member>`

// Server answers for one account, 111111111111.
type Server struct {
	URL string
	// Deny is an action that fails because a permission is missing.
	Deny string
	// Throttle is how many of the next calls are answered with Throttling.
	Throttle int
	// Stacks are the deployed stacks, by name.
	Stacks map[string]Stack

	lock  sync.Mutex
	polls map[string]int
	roles []string
}

// New starts a server, which ends with the test, and gives the AWS SDK its
// address and credentials.
func New(t *testing.T) *Server {
	s := &Server{Stacks: map[string]Stack{}, polls: map[string]int{}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.URL = server.URL
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": s.URL, "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret",
		"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_PROFILE": "",
	} {
		t.Setenv(name, value)
	}
	return s
}

// Roles returns the roles that were assumed.
func (s *Server) Roles() []string {
	s.lock.Lock()
	defer s.lock.Unlock()
	return s.roles
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.lock.Lock()
	defer s.lock.Unlock()
	_ = r.ParseForm()
	action := r.Form.Get("Action")
	code, body := s.answer(action, r.Form)
	if code != "" {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, "<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error></ErrorResponse>", code, body)
		return
	}
	_, _ = fmt.Fprintf(w, "<%[1]sResponse><%[1]sResult>%[2]s</%[1]sResult></%[1]sResponse>", action, body)
}

// answer returns an error's code and message, or no code and the result.
func (s *Server) answer(action string, form url.Values) (code, body string) {
	if s.Throttle > 0 {
		s.Throttle--
		return "Throttling", "Rate exceeded"
	}
	if action == s.Deny {
		return "AccessDenied", "not authorized to perform " + action
	}
	name := form.Get("StackName")
	switch action {
	case "GetCallerIdentity":
		return "", "<Arn>arn:aws:iam::111111111111:user/me</Arn><UserId>me</UserId><Account>111111111111</Account>"
	case "AssumeRole":
		s.roles = append(s.roles, form.Get("RoleArn"))
		return "", "<Credentials><AccessKeyId>role</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>" +
			time.Now().Add(time.Hour).UTC().Format(time.RFC3339) + "</Expiration></Credentials>"
	case "DescribeStackDriftDetectionStatus":
		return "", s.detection(form.Get("StackDriftDetectionId"))
	}
	stack, ok := s.Stacks[name]
	if !ok {
		return "ValidationError", "Stack with id " + name + " does not exist"
	}
	switch action {
	case "DescribeStacks":
		if stack.Status == "" {
			stack.Status = "CREATE_COMPLETE"
		}
		return "", "<Stacks><member><StackName>" + name + "</StackName><CreationTime>2026-01-02T03:04:05Z</CreationTime><StackStatus>" +
			stack.Status + "</StackStatus></member></Stacks>"
	case "DetectStackDrift":
		return "", "<StackDriftDetectionId>" + name + "</StackDriftDetectionId>"
	case "DescribeStackResourceDrifts": // one a page
		page := len(form.Get("NextToken"))
		if page >= len(stack.Drifts) {
			return "", "<StackResourceDrifts/>"
		}
		body := "<StackResourceDrifts>" + stack.Drifts[page] + "</StackResourceDrifts>"
		if page+1 < len(stack.Drifts) {
			body += "<NextToken>" + strings.Repeat("x", page+1) + "</NextToken>"
		}
		return "", body
	}
	return "InvalidAction", action
}

func (s *Server) detection(name string) string {
	stack, result := s.Stacks[name], "<DetectionStatus>DETECTION_COMPLETE</DetectionStatus>"
	if stack.Drift == "" {
		stack.Drift = "IN_SYNC"
	}
	s.polls[name]++
	switch {
	case s.polls[name] <= stack.Polls:
		return "<DetectionStatus>DETECTION_IN_PROGRESS</DetectionStatus>"
	case stack.Failure != "":
		result = "<DetectionStatus>DETECTION_FAILED</DetectionStatus><DetectionStatusReason>" + stack.Failure + "</DetectionStatusReason>"
	}
	return result + "<StackDriftStatus>" + stack.Drift + "</StackDriftStatus>"
}
