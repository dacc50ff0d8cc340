package operate

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	route53types "github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	secretstypes "github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"parrot/config"
	"parrot/internal/awsclient"
	"parrot/internal/delivery"
)

// bootstrapVersion is the oldest bootstrap that the CDK CLI deploys with.
const bootstrapVersion = 6

// Finding is why a link is broken. It is the error of the link's check.
type Finding struct {
	// Cause is the cause's name, for scripts.
	Cause string `json:"cause"`
	// Words say what is wrong, and Next are the commands to type.
	Words string   `json:"words"`
	Next  []string `json:"next"`
	// Says is what AWS said, word for word.
	Says string `json:"says,omitempty"`

	perhapsData bool
}

func (f *Finding) Error() string { return f.Words }

// Unknown says whether the link could not be looked at.
func (f *Finding) Unknown() bool {
	return slices.Contains([]string{"not-permitted", "not-read", "delegation-unknown"}, f.Cause)
}

// Text is the finding for people.
func (f *Finding) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "\nCause: %s.\n", Printable(f.Words))
	if f.Says != "" {
		fmt.Fprintf(&b, "AWS says: %s\n", Printable(f.Says))
	}
	fmt.Fprintln(&b, "Next:")
	for _, command := range f.Next {
		fmt.Fprintf(&b, "  %s\n", Printable(command))
	}
	return b.String()
}

// Link is a link of the chain that an environment hangs on.
type Link struct {
	Name string `json:"name"`
	// State is "ok", "waits" (somebody is deploying), "failed" (a deploy has, and
	// what ran before it runs), "unknown" or "broken".
	State string `json:"state"`
	Words string `json:"words"`
}

// Diagnosis is what the doctor found.
type Diagnosis struct {
	Links []Link `json:"links"`
	// Finding is nil where every link holds.
	Finding *Finding `json:"finding,omitempty"`
}

// Patient is what the doctor looks at.
type Patient struct {
	Environment config.Environment
	// SignIn signs in to the environment's account.
	SignIn func(ctx context.Context) (*awsclient.Session, error)
	// DNS says what the domain is delegated to.
	DNS Delegation
	// Profile is the AWS profile that the commands of the advice name; empty is
	// none.
	Profile string
}

// Diagnose walks the chain up to the first broken link. Each link is shown when
// it was looked at.
func Diagnose(ctx context.Context, p Patient, show func(Link)) *Diagnosis {
	d := &doctor{values: map[string]string{}, profile: p.Profile}
	diagnosis := &Diagnosis{}
	d.set("env", p.Environment.Name, "domain", p.Environment.Domain, "region", p.Environment.Region, "account", p.Environment.Account,
		"parrotctl", parrotctl(), "database", p.Environment.Database.Identifier, "stacks", p.Environment.StackName("*"),
		"network", p.Environment.StackName("Network"), "data", p.Environment.StackName("Data"), "edge", p.Environment.StackName("Edge"), "compute", p.Environment.StackName("Compute"))
	for _, link := range []struct {
		name  string
		check func(context.Context) (string, error)
	}{
		{"credentials", func(ctx context.Context) (string, error) {
			session, err := p.SignIn(ctx)
			if err != nil {
				return "", d.because("no-credentials", err.Error())
			}
			d.Environment = New(p.Environment, session, p.DNS)
			d.set("account", session.Account)
			return "account " + session.Account, nil
		}},
		{"zones", d.zones},
		{"bootstrap", d.bootstrap},
		{"stacks", d.checkStacks},
		{"delegation", d.delegation},
		{"certificate", d.checkCertificate},
		{"images", d.images},
		{"services", d.services},
		{"targets", d.targets},
		{"secrets", d.checkSecrets},
		{"database", d.checkDatabase},
	} {
		words, err := link.check(ctx)
		if asked := new(unasked); errors.As(err, asked) {
			d.unknown = d.because("delegation-unknown", asked.Error())
			diagnosis.add(Link{link.name, "unknown", asked.Error()}, show)
			continue
		}
		if err == nil {
			state := "ok"
			switch {
			case link.name == "stacks" && d.waits != nil:
				state = "waits"
			case link.name == "stacks" && d.failed != nil:
				state = "failed"
			}
			diagnosis.add(Link{link.name, state, words}, show)
			continue
		}
		finding := d.deeper(ctx, d.finding(err))
		if words == "" {
			words = finding.Cause
		}
		diagnosis.add(Link{link.name, "broken", words}, show)
		diagnosis.Finding = finding
		return diagnosis
	}
	diagnosis.Finding = cmp.Or(d.waits, d.failed, d.unknown)
	return diagnosis
}

func (d *Diagnosis) add(link Link, show func(Link)) {
	d.Links = append(d.Links, link)
	show(link)
}

// Text is the link, one line for people.
func (l Link) Text() string { return fmt.Sprintf("%-7s %-12s %s", l.State, l.Name, Printable(l.Words)) }

// doctor is one walk along the chain.
type doctor struct {
	*Environment
	profile string
	outputs Outputs
	// waits is a deployment that is under way, which is the cause where nothing
	// else is.
	waits *Finding
	// failed is a deploy that failed and was taken back, perhaps long ago, and
	// unknown what could not be asked: they are what is left to say, too.
	failed, unknown *Finding
	// values are what the placeholders of causes stand for.
	values map[string]string
}

func (d *doctor) set(pairs ...string) {
	for i := 0; i < len(pairs); i += 2 {
		d.values[pairs[i]] = pairs[i+1]
	}
}

// because is the finding of a cause. said fills its placeholder {says}.
func (d *doctor) because(name, said string) *Finding { return d.of(known(name), said) }

func (d *doctor) of(c cause, said string) *Finding {
	var pairs []string
	for key, value := range d.values {
		pairs = append(pairs, "{"+key+"}", value)
	}
	fill := strings.NewReplacer(append(pairs, "{says}", said)...)
	f := &Finding{Cause: c.name, Words: fill.Replace(c.words), perhapsData: c.perhapsData}
	for _, command := range c.next {
		f.Next = append(f.Next, d.withProfile(fill.Replace(command)))
	}
	if c.in != nowhere || !strings.Contains(c.words, "{says}") {
		f.Says = said
	}
	return f
}

// withProfile is a command for the profile that the doctor was started with.
func (d *doctor) withProfile(command string) string {
	if d.profile == "" || strings.HasPrefix(command, "dig ") {
		return command
	}
	own, inTask, there := strings.Cut(command, " -- ")
	own += " --profile " + Shell([]string{d.profile})
	if there {
		own += " -- " + inTask
	}
	return own
}

// finding is the finding of an error.
func (d *doctor) finding(err error) *Finding {
	var f *Finding
	var missing *MissingOutput
	var denied *Denied
	switch {
	case errors.As(err, &f):
		return f
	case errors.As(err, &missing) && d.deploy() != nil: // it comes with the deploy
		return d.deploy()
	case errors.As(err, &missing):
		return d.because("missing-output", missing.Error())
	case errors.As(err, &denied):
		return d.because("not-permitted", denied.Error())
	default:
		return d.because("not-read", err.Error())
	}
}

// deploy is the deploy that others wait for: one that is under way, or failed.
func (d *doctor) deploy() *Finding { return cmp.Or(d.waits, d.failed) }

// deeper looks at secrets and database where a service looks as it does when it
// cannot reach them.
func (d *doctor) deeper(ctx context.Context, f *Finding) *Finding {
	if !f.perhapsData || d.values["service"] != "backend" {
		return f
	}
	task := d.values["task"] // the next look forgets it
	for _, check := range []func(context.Context) (string, error){d.checkSecrets, d.checkDatabase} {
		var found *Finding
		if _, err := check(ctx); errors.As(err, &found) {
			found.Says = f.Says
			return found
		}
	}
	return d.logged(ctx, task, f)
}

// recently is how far back the doctor reads a log: what it says has to be of what
// is wrong now.
const recently = 30 * time.Minute

// logged is what the backend's log says of why a task, or any where that is empty,
// stops or is not healthy; or the finding itself. A log that cannot be read is no
// reason to say less.
func (d *doctor) logged(ctx context.Context, task string, f *Finding) *Finding {
	group, pattern := d.outputs.Of("backend").LogGroup, loggedPattern()
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(d.logs, &cloudwatchlogs.FilterLogEventsInput{
		LogGroupName: &group, FilterPattern: &pattern, StartTime: aws.Int64(d.now().Add(-recently).UnixMilli()),
	})
	var lines []string
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return f
		}
		for _, event := range page.Events {
			if task == "" || strings.HasSuffix(aws.ToString(event.LogStreamName), "/"+task) {
				lines = append(lines, aws.ToString(event.Message))
			}
		}
	}
	c, line, ok := logged(lines)
	if !ok {
		return f
	}
	found := d.of(c, "")
	found.Says = strings.TrimPrefix(f.Says+"; its log: "+strings.TrimSpace(line), "; ")
	return found
}

func (d *doctor) bootstrap(ctx context.Context) (string, error) {
	stack, err := d.stack(ctx, "CDKToolkit")
	if err != nil {
		return "", err
	}
	version := stack.outputs["BootstrapVersion"]
	if stack.Status == NotDeployed {
		return "", d.because("not-bootstrapped", "")
	}
	if number, err := strconv.Atoi(version); err != nil || number < bootstrapVersion {
		return "", d.because("bootstrap-too-old", version)
	}
	return "version " + version, nil
}

// zones are in the settings before the first deploy, and then in its subnets.
func (d *doctor) zones(ctx context.Context) (string, error) {
	zones, err := delivery.Zones(ctx, d.session)
	if err != nil {
		return "", err
	}
	if err := d.config.CheckZones(zones); err != nil {
		return "", d.because("zones-unusable", err.Error())
	}
	return strings.Join(d.config.Network.AvailabilityZones, ", "), nil
}

func (d *doctor) checkStacks(ctx context.Context) (string, error) {
	stacks, err := d.Stacks(ctx)
	if err != nil {
		return "", err
	}
	d.outputs, _ = find(stacks)
	words, missing := fmt.Sprintf("%d deployed", len(stacks)), Stack{}
	for _, stack := range stacks {
		d.set("stack", stack.Name, "status", stack.Status)
		switch {
		case stack.OK():
		case stack.Status == NotDeployed || stack.Status == "REVIEW_IN_PROGRESS":
			// A stack that failed has to be cleared first, wherever it is in the order.
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
			d.set("operation", operation)
			d.waits = d.because("in-progress", stack.Status)
			words = stack.Name + " is " + stack.Status
		case stack.Status == "UPDATE_ROLLBACK_FAILED":
			return stack.Name + " is " + stack.Status, d.because("rollback-failed", stack.Reason)
		default:
			finding, err := d.failure(ctx, stack)
			if err != nil {
				return "", err
			}
			return stack.Name + " is " + stack.Status, finding
		}
	}
	if missing.Name != "" && d.deploy() == nil { // during a deploy, its turn comes
		d.set("stack", missing.Name, "status", missing.Status)
		return missing.Name + " is not deployed", d.because("not-deployed", "")
	}
	return words, nil
}

// failure is why the last deploy of a stack failed: the first of its resources
// that did.
func (d *doctor) failure(ctx context.Context, stack Stack) (*Finding, error) {
	first, service := "", "backend"
	pages := cloudformation.NewDescribeStackEventsPaginator(d.stacks, &cloudformation.DescribeStackEventsInput{StackName: &stack.Name})
events:
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("the events of stack %s cannot be read: %w", stack.Name, err)
		}
		for _, event := range page.StackEvents { // newest first; what was cancelled for the first comes after it
			reason, kind := aws.ToString(event.ResourceStatusReason), aws.ToString(event.ResourceType)
			if kind == "AWS::CloudFormation::Stack" && reason == "User Initiated" {
				break events // where the deploy began
			}
			if strings.HasSuffix(string(event.ResourceStatus), "_FAILED") && kind != "AWS::CloudFormation::Stack" {
				first = fmt.Sprintf("%s (%s): %s", aws.ToString(event.LogicalResourceId), kind, reason)
				service = "backend"
				if strings.HasPrefix(aws.ToString(event.LogicalResourceId), "Frontend") {
					service = "frontend"
				}
			}
		}
	}
	d.set("service", service)
	if stack.FirstDeployFailed() {
		return d.firstDeployFailed(first), nil
	}
	finding := d.of(told(stackEvent, first, "stack-failed"), first)
	if finding.Cause == "tasks-not-stable" { // why, the tasks say
		if said, err := d.about(service).stopped(ctx, d.outputs.Of(service), nil); err == nil && said != "" {
			finding = d.of(told(stoppedTask, said, "task-stopped"), said)
			if finding.perhapsData && service == "backend" {
				finding = d.logged(ctx, d.values["task"], finding)
			}
		}
	}
	return finding, nil
}

// firstDeployFailed is why a first deploy failed. Whatever that is, what it has
// left goes before the next one: the CDK CLI refuses to delete a protected stack.
func (d *doctor) firstDeployFailed(said string) *Finding {
	c := told(stackEvent, said, "first-deploy-failed")
	const unblock = "{parrotctl} unblock {env}"
	if !slices.Contains(c.next, unblock) {
		deploys := slices.IndexFunc(c.next, func(command string) bool { return strings.HasPrefix(command, "npx cdk deploy") })
		if deploys < 0 {
			deploys = len(c.next)
		}
		c.next = slices.Insert(slices.Clone(c.next), deploys, unblock)
	}
	return d.of(c, said)
}

func (d *doctor) delegation(ctx context.Context) (string, error) {
	d.set("zone", d.outputs.HostedZoneID)
	if err := d.need(d.outputs.HostedZoneID, "Network", "HostedZoneId"); err != nil {
		return "", err
	}
	found, err := d.Delegated(ctx, d.outputs)
	if gone := new(route53types.NoSuchHostedZone); errors.As(err, &gone) {
		return "", d.because("zone-gone", "")
	}
	if err != nil {
		return "", err
	}
	want := strings.Join(found.Zone, " ")
	switch {
	case found.OK():
		return fmt.Sprintf("%s, to the %d name servers of its zone", found.Domain, len(found.Zone)), nil
	case len(found.Parent) == 0:
		return "", d.because("not-delegated", want)
	default:
		return "", d.because("delegated-elsewhere", fmt.Sprintf("It is %s; enter at its registrar, or as NS record in the parent zone: %s", strings.Join(found.Parent, " "), want))
	}
}

// need is the error that a stack does not say where something is.
func (d *doctor) need(value string, part config.Part, output string) error {
	if value != "" {
		return nil
	}
	stack := d.config.StackName(part)
	return &MissingOutput{Stack: stack, Output: output, Next: "npx cdk deploy " + stack}
}

func (d *doctor) checkCertificate(ctx context.Context) (string, error) {
	c, err := d.Certificate(ctx, d.outputs)
	if err != nil {
		return "", err
	}
	d.set("certificate", c.ARN)
	switch {
	case c.Status == "missing" && d.deploy() != nil:
		return "", d.deploy()
	case c.Status == "missing":
		return "", d.because("certificate-missing", "")
	case c.Status == "PENDING_VALIDATION":
		return c.Status, d.unvalidated(ctx, c)
	case c.Status != "ISSUED" && c.Attached:
		d.set("listener", c.listener)
		return c.Status, d.because("certificate-dead", strings.TrimSpace(c.Status+" "+c.Failure))
	case c.Status != "ISSUED":
		return c.Status, d.because("certificate-failed", strings.TrimSpace(c.Status+" "+c.Failure))
	case !c.Attached && d.outputs.LoadBalancerDNS == "":
		return "", d.need("", "Edge", "AlbDnsName")
	case !c.Attached:
		return "not attached to the load balancer", d.because("certificate-not-attached", "")
	case !c.Covers(d.config.Domain) || !c.Covers("www."+d.config.Domain):
		return "", d.because("certificate-other-domain", strings.Join(c.Names, " "))
	case c.Renewal == "PENDING_VALIDATION" && c.Expires != nil && c.Expires.Sub(d.now()) < expiresSoon:
		return "", d.because("renewal-waits", day(c.Expires))
	}
	return "ISSUED, until " + day(c.Expires), nil
}

// unvalidated says what the certificate's validation waits for.
func (d *doctor) unvalidated(ctx context.Context, c Certificate) error {
	for _, record := range c.Unvalidated {
		out, err := d.route53.ListResourceRecordSets(ctx, &route53.ListResourceRecordSetsInput{
			HostedZoneId: &d.outputs.HostedZoneID, StartRecordName: &record.Name, StartRecordType: route53types.RRTypeCname, MaxItems: aws.Int32(1),
		})
		if err != nil {
			return fmt.Errorf("the records of zone %s cannot be read: %w", d.outputs.HostedZoneID, err)
		}
		if len(out.ResourceRecordSets) > 0 && dots(aws.ToString(out.ResourceRecordSets[0].Name)) == dots(record.Name) {
			continue
		}
		change, err := json.Marshal(map[string]any{"Changes": []any{map[string]any{"Action": "UPSERT", "ResourceRecordSet": map[string]any{
			"Name": record.Name, "Type": "CNAME", "TTL": 300, "ResourceRecords": []any{map[string]string{"Value": record.Value}},
		}}}})
		if err != nil {
			return err
		}
		d.set("change", string(change))
		return d.because("validation-record-missing", record.Name+" CNAME "+record.Value)
	}
	return d.because("validation-pending", "")
}

// dots is a DNS name as it can be compared.
func dots(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

func (d *doctor) images(ctx context.Context) (string, error) {
	var words []string
	for _, name := range Services {
		image := d.service(name).Image
		if !image.Released() {
			return "", d.about(name).because("not-released", "")
		}
		words = append(words, name+": "+cmp.Or(image.Tag, image.Digest))
	}
	_, err := delivery.MissingImages(ctx, d.config, d.session)
	if missing := new(delivery.MissingImage); errors.As(err, missing) {
		return "", d.because("image-missing", missing.Error())
	}
	return strings.Join(words, ", "), err
}

// about makes causes speak of a service.
func (d *doctor) about(name string) *doctor {
	s, at := d.service(name), d.outputs.Of(name)
	d.set("task", "", "secret", d.config.PhysicalName("app-env"), "service", name, "cluster", at.ClusterName, "name", at.Service, "log", at.LogGroup, "targets", at.TargetGroup,
		"port", strconv.Itoa(s.Port), "path", s.HealthCheck.Path, "timeout", strconv.Itoa(s.HealthCheck.TimeoutSeconds),
		"grace", strconv.Itoa(s.HealthCheck.GracePeriodSeconds), "desired", strconv.Itoa(s.DesiredCount))
	return d
}

func (d *doctor) services(ctx context.Context) (string, error) {
	var words []string
	for _, name := range Services {
		at := d.outputs.Of(name)
		if err := d.need(at.Service, "Compute", "the service's name"); err != nil {
			return "", err
		}
		d.about(name)
		s, err := d.Service(ctx, at)
		if gone := new(ServiceGone); errors.As(err, gone) {
			return "", d.because("service-gone", gone.Error())
		}
		if err != nil {
			return "", err
		}
		d.set("groups", strings.Join(s.SecurityGroups, " "))
		state := fmt.Sprintf("%s: %d of %d run", name, s.Running, s.Desired)
		switch {
		case s.Desired == 0:
			return state, d.because("nothing-wanted", "")
		case !s.Settled():
			finding, err := d.unsettled(ctx, at, s)
			if err != nil {
				return "", err
			}
			return state, finding
		}
		words = append(words, state)
	}
	return strings.Join(words, ", "), nil
}

// unsettled is why a service does not run as it should.
func (d *doctor) unsettled(ctx context.Context, at ServiceOutputs, s Service) (*Finding, error) {
	said, err := d.stopped(ctx, at, s.deployments)
	if err != nil {
		return nil, err
	}
	if said != "" {
		return d.of(told(stoppedTask, said, "task-stopped"), said), nil
	}
	for _, event := range s.Events {
		if c := told(stoppedTask, event.Message, "tasks-starting"); c.in == stoppedTask && (s.Since == nil || event.At.After(*s.Since)) {
			return d.of(c, event.Message), nil
		}
	}
	// Tasks that run and are not well hold a deployment up.
	if _, err := d.unwell(ctx, at, s); err != nil {
		return d.finding(err), nil
	}
	return d.because("tasks-starting", ""), nil
}

// stopped is why the newest task that failed did, of some deployments or of any;
// nothing where none has. Tasks that ECS stops because fewer are wanted have not
// failed.
func (d *doctor) stopped(ctx context.Context, at ServiceOutputs, deployments []string) (string, error) {
	tasks, err := d.tasks(ctx, at, ecstypes.DesiredStatusStopped)
	if err != nil {
		return "", err
	}
	for _, task := range tasks {
		reason := aws.ToString(task.StoppedReason)
		if strings.HasPrefix(reason, "Scaling activity") || deployments != nil && !slices.Contains(deployments, aws.ToString(task.StartedBy)) {
			continue
		}
		parts := []string{reason}
		for _, container := range task.Containers {
			if text := aws.ToString(container.Reason); text != "" {
				parts = append(parts, text)
			}
			if code := aws.ToInt32(container.ExitCode); code != 0 {
				parts = append(parts, fmt.Sprintf("%s exit %d", aws.ToString(container.Name), code))
			}
		}
		d.set("task", shortID(aws.ToString(task.TaskArn)))
		return strings.Join(parts, "; "), nil
	}
	return "", nil
}

// shortID is what comes after an ARN's last slash.
func shortID(arn string) string { return arn[strings.LastIndex(arn, "/")+1:] }

func (d *doctor) targets(ctx context.Context) (string, error) {
	var words []string
	for _, name := range Services {
		at := d.about(name).outputs.Of(name)
		s, err := d.Service(ctx, at)
		if err != nil {
			return "", err
		}
		healthy, err := d.unwell(ctx, at, s)
		if err != nil {
			return name + ": not healthy", err
		}
		if healthy == 0 {
			return name + ": none", d.because("no-targets", "")
		}
		words = append(words, fmt.Sprintf("%s: %d healthy", name, healthy))
	}
	return strings.Join(words, ", "), nil
}

// unwell is why a target of a service is not well, or how many are.
func (d *doctor) unwell(ctx context.Context, at ServiceOutputs, s Service) (healthy int, err error) {
	targets, err := d.Targets(ctx, at)
	if err != nil {
		return 0, err
	}
	// One that is ill says more than one that is new.
	slices.SortStableFunc(targets, func(a, b Target) int { return cmp.Compare(starting(a), starting(b)) })
	for _, target := range targets {
		if target.State == "healthy" {
			healthy++
		}
		if target.OK() {
			continue
		}
		said := strings.TrimSpace(fmt.Sprintf("%s %s", target.Reason, target.Description))
		c := told(targetCode, said, "target-other")
		if c.name == "health-timeout" || c.name == "health-refused" {
			if err := d.unreachable(ctx, s, target); err != nil {
				return 0, err
			}
		}
		return 0, d.of(c, said)
	}
	return healthy, nil
}

func starting(t Target) int {
	if t.State == "initial" {
		return 1
	}
	return 0
}

// unreachable says whether the load balancer cannot reach a target at all: for
// its port, or for its security group.
func (d *doctor) unreachable(ctx context.Context, s Service, target Target) error {
	port := strconv.Itoa(int(target.Port))
	d.set("port", port)
	if !slices.Contains(s.ContainerPorts, target.Port) || s.PortVariable != port {
		var open []string
		for _, opened := range s.ContainerPorts {
			open = append(open, strconv.Itoa(int(opened)))
		}
		return d.because("port-mismatch", fmt.Sprintf("target %s, container %s, variable PORT %s", port, strings.Join(open, " "), s.PortVariable))
	}
	balancer, err := d.loadBalancerGroups(ctx)
	if err != nil {
		return err
	}
	open, err := d.open(ctx, s.SecurityGroups, target.Port, balancer, d.config.Network.Prefix())
	if err != nil || open {
		return err
	}
	d.set("group", first(s.SecurityGroups), "balancer", first(balancer))
	return d.because("target-closed", "")
}

// first is where a rule is put that any of some groups may hold.
func first(groups []string) string {
	if len(groups) == 0 {
		return ""
	}
	return groups[0]
}

func (d *doctor) loadBalancerGroups(ctx context.Context) ([]string, error) {
	pages := elb.NewDescribeLoadBalancersPaginator(d.elb, &elb.DescribeLoadBalancersInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("load balancers cannot be listed: %w", err)
		}
		for _, balancer := range page.LoadBalancers {
			if strings.EqualFold(aws.ToString(balancer.DNSName), d.outputs.LoadBalancerDNS) {
				return balancer.SecurityGroups, nil
			}
		}
	}
	return nil, nil
}

// open says whether security groups let members of other groups, or a whole
// range of addresses, in on a TCP port.
func (d *doctor) open(ctx context.Context, groups []string, port int32, members []string, addresses netip.Prefix) (bool, error) {
	out, err := d.ec2.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{GroupIds: groups})
	if err != nil {
		return false, fmt.Errorf("security groups %s cannot be read: %w", strings.Join(groups, " "), err)
	}
	for _, group := range out.SecurityGroups {
		for _, rule := range group.IpPermissions {
			all := aws.ToString(rule.IpProtocol) == "-1"
			if !all && (aws.ToString(rule.IpProtocol) != "tcp" || port < aws.ToInt32(rule.FromPort) || port > aws.ToInt32(rule.ToPort)) {
				continue
			}
			for _, pair := range rule.UserIdGroupPairs {
				if slices.Contains(members, aws.ToString(pair.GroupId)) {
					return true, nil
				}
			}
			for _, ips := range rule.IpRanges {
				if allowed, err := netip.ParsePrefix(aws.ToString(ips.CidrIp)); err == nil && allowed.Bits() <= addresses.Bits() && allowed.Contains(addresses.Addr()) {
					return true, nil
				}
			}
		}
	}
	return false, nil
}

func (d *doctor) checkSecrets(ctx context.Context) (string, error) {
	d.about("backend")
	if err := d.need(d.outputs.DBSecretARN, "Data", "DbCredentialsSecretArn"); err != nil {
		return "", err
	}
	d.set("secret", d.config.PhysicalName("db-credentials"))
	out, err := d.secrets.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &d.outputs.DBSecretARN})
	if err := d.secretError(err); err != nil {
		return "", err
	}
	var value struct{ URL string }
	if err := json.Unmarshal([]byte(aws.ToString(out.SecretString)), &value); err != nil {
		return "", d.because("secret-no-url", "")
	}
	// The parser's error would quote the URL, and with it the password.
	address, err := url.Parse(value.URL)
	if err != nil || address.Host == "" {
		return "", d.because("secret-no-url", "")
	}
	database, err := d.Database(ctx)
	if err != nil {
		return "", err
	}
	if want := fmt.Sprintf("%s:%d", database.Endpoint, database.Port); database.Endpoint != "" && address.Host != want {
		return "", d.because("secret-other-host", fmt.Sprintf("%s instead of %s", address.Host, want))
	}
	d.set("secret", d.config.PhysicalName("app-env"))
	id := d.config.PhysicalName("app-env")
	described, err := d.secrets.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: &id})
	if err := d.secretError(err); err != nil {
		return "", err
	}
	if described.DeletedDate != nil {
		return "", d.because("secret-gone", "")
	}
	if err := d.checkRotation(ctx); err != nil {
		return "", err
	}
	return "DATABASE_URL names the database", nil
}

// rotates is how long a rotation of the password may take: four steps of at most
// 15 minutes.
const rotates = time.Hour

// checkRotation looks for a new password that was begun with and not ended.
func (d *doctor) checkRotation(ctx context.Context) error {
	id := d.config.PhysicalName("db-password")
	d.set("secret", id, "rotation", d.config.PhysicalName("rotation"))
	out, err := d.secrets.ListSecretVersionIds(ctx, &secretsmanager.ListSecretVersionIdsInput{SecretId: &id})
	if err := d.secretError(err); err != nil {
		return err
	}
	for _, version := range out.Versions {
		if slices.Contains(version.VersionStages, "AWSPENDING") && !slices.Contains(version.VersionStages, "AWSCURRENT") && d.now().Sub(aws.ToTime(version.CreatedDate)) > rotates {
			return d.because("rotation-halfway", minute(version.CreatedDate))
		}
	}
	return nil
}

// secretError tells a secret that is not there from one that cannot be read.
func (d *doctor) secretError(err error) error {
	gone, deleted := new(secretstypes.ResourceNotFoundException), new(secretstypes.InvalidRequestException)
	if errors.As(err, &gone) || errors.As(err, &deleted) {
		return d.because("secret-gone", "")
	}
	if err != nil {
		return fmt.Errorf("secret %s cannot be read: %w", d.values["secret"], err)
	}
	return nil
}

func (d *doctor) checkDatabase(ctx context.Context) (string, error) {
	found, err := d.Database(ctx)
	if err != nil {
		return "", err
	}
	switch {
	case found.Status == "missing":
		return "", d.because("database-missing", "")
	case found.Status == "stopped" || found.Status == "stopping":
		return found.Status, d.because("database-stopped", found.Status)
	case found.Status == "storage-full":
		return found.Status, d.because("database-full", "")
	case !found.OK():
		return found.Status, d.because("database-not-available", found.Status)
	case found.Public:
		return "", d.because("database-not-private", "it has a public address")
	}
	for _, subnet := range found.Subnets {
		if !slices.Contains(d.outputs.PrivateSubnetIDs, subnet) {
			return "", d.because("database-not-private", subnet+" is none of them")
		}
	}
	backend, err := d.Service(ctx, d.outputs.Backend)
	if err != nil {
		return "", err
	}
	who, source, addresses := "the VPC, "+d.config.Network.VPC+",", "--cidr "+d.config.Network.VPC, d.config.Network.Prefix()
	members := []string(nil)
	if d.config.Network.DataAccess == config.DataFromBackend {
		who, source, members = "the backend", "--source-group "+first(backend.SecurityGroups), backend.SecurityGroups
	}
	open, err := d.open(ctx, found.SecurityGroups, found.Port, members, addresses)
	if err != nil {
		return "", err
	}
	if !open {
		d.set("group", first(found.SecurityGroups), "port", strconv.Itoa(int(found.Port)), "source", source)
		return "", d.because("database-closed", who)
	}
	return found.Identifier + " " + found.Status, nil
}
