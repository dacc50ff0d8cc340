// Package doctor finds why a deployed environment does not work. It follows the chain
// of everything that the environment needs, from the credentials to the database, up to
// the first broken link, and names the cause and the commands to type next.
package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"parrot/config"
	"parrot/internal/awsclient"
	"parrot/internal/operate"
	"parrot/internal/terminal"
)

// Finding is why a link is broken. It is the error of the link's check.
type Finding struct {
	// Cause is the cause's name, for scripts.
	Cause string `json:"cause"`
	// Words say what is wrong, and Next are the commands to type.
	Words string   `json:"words"`
	Next  []string `json:"next"`
	// Says is what AWS said, word for word.
	Says string `json:"says,omitempty"`

	// perhapsData says that a database that cannot be reached looks the same from
	// outside.
	perhapsData bool
	// service and task are those that the finding is about.
	service, task string
}

func (f *Finding) Error() string { return f.Words }

// Unknown reports whether the link could not be checked.
func (f *Finding) Unknown() bool {
	return slices.Contains([]string{"not-permitted", "not-read", "delegation-unknown"}, f.Cause)
}

// Text returns the finding for people.
func (f *Finding) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "\nCause: %s.\n", terminal.Printable(f.Words))
	if f.Says != "" {
		fmt.Fprintf(&b, "AWS says: %s\n", terminal.Printable(f.Says))
	}
	fmt.Fprintln(&b, "Next:")
	for _, command := range f.Next {
		fmt.Fprintf(&b, "  %s\n", terminal.Printable(command))
	}
	return b.String()
}

// Link is one link of the chain.
type Link struct {
	Name string `json:"name"`
	// State is "ok", "waits" (somebody is deploying), "failed" (a deploy failed, and the
	// version before it runs), "unknown" or "broken".
	State string `json:"state"`
	Words string `json:"words"`
}

// Text returns the link for people, in one line.
func (l Link) Text() string {
	return fmt.Sprintf("%-7s %-12s %s", l.State, l.Name, terminal.Printable(l.Words))
}

// Diagnosis is what the doctor found.
type Diagnosis struct {
	Links []Link `json:"links"`
	// Finding is nil if no link is broken.
	Finding *Finding `json:"finding,omitempty"`
}

func (d *Diagnosis) add(link Link, show func(Link)) {
	d.Links = append(d.Links, link)
	show(link)
}

// Patient is what the doctor examines.
type Patient struct {
	Environment config.Environment
	// SignIn signs in to the environment's account.
	SignIn func(ctx context.Context) (*awsclient.Session, error)
	// DNS returns the domain's delegation.
	DNS operate.Delegation
	// Profile is the AWS profile that the commands of the advice name; empty is
	// none.
	Profile string
}

// Diagnose checks the links of the chain up to the first broken one. It shows each link
// after its check.
func Diagnose(ctx context.Context, p Patient, show func(Link)) *Diagnosis {
	d := &doctor{config: p.Environment, profile: p.Profile}
	diagnosis := &Diagnosis{}
	for _, link := range []struct {
		name  string
		check func(context.Context) (string, error)
	}{
		{"credentials", func(ctx context.Context) (string, error) { return d.credentials(ctx, p) }},
		{"zones", d.zones},
		{"bootstrap", d.bootstrap},
		{"stacks", d.stacks},
		{"delegation", d.delegation},
		{"certificate", d.certificate},
		{"images", d.images},
		{"services", d.services},
		{"targets", d.targets},
		{"secrets", d.secrets},
		{"database", d.database},
	} {
		words, err := link.check(ctx)
		if unasked := new(operate.Unasked); errors.As(err, unasked) {
			d.unknown = d.finding("delegation-unknown", unasked.Error())
			diagnosis.add(Link{link.name, "unknown", unasked.Error()}, show)
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
		finding := d.lookAtData(ctx, d.findingOf(err))
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

// doctor is one walk along the chain.
type doctor struct {
	*operate.Environment
	config  config.Environment
	profile string
	outputs operate.Outputs

	cloudFormation *cloudformation.Client
	logs           *cloudwatchlogs.Client
	ec2            *ec2.Client
	elb            *elb.Client
	route53        *route53.Client
	secretsManager *secretsmanager.Client

	// waits is a deployment that is in progress. It is the cause if no link is broken.
	waits *Finding
	// failed is a deploy that failed and rolled back, perhaps long ago, and unknown a
	// link that could not be checked. They are the finding if no link is broken.
	failed, unknown *Finding
}

func (d *doctor) credentials(ctx context.Context, p Patient) (string, error) {
	session, err := p.SignIn(ctx)
	if err != nil {
		return "", d.finding("no-credentials", err.Error())
	}
	d.Environment = operate.New(p.Environment, session, p.DNS)
	aws := d.Session().Config
	d.cloudFormation = cloudformation.NewFromConfig(aws)
	d.logs = cloudwatchlogs.NewFromConfig(aws)
	d.ec2 = ec2.NewFromConfig(aws)
	d.elb = elb.NewFromConfig(aws)
	d.route53 = route53.NewFromConfig(aws)
	d.secretsManager = secretsmanager.NewFromConfig(aws)
	return "account " + session.Account, nil
}

// values are what the placeholders of a cause are replaced with, by name.
type values map[string]string

// environment returns the values that every cause may use.
func (d *doctor) environment() values {
	env := d.config
	v := values{
		"env": env.Name, "domain": env.Domain, "region": env.Region, "account": env.Account,
		"parrotctl": terminal.Parrotctl(), "database": env.Database.Identifier,
		"prefix": env.PhysicalName(""), "password": env.SecretName(config.DBPassword), "rotation": env.RotationFunctionName(),
		"stacks": env.StackName("*"), "network": env.StackName(config.NetworkPart), "data": env.StackName(config.DataPart),
		"edge": env.StackName(config.EdgePart), "compute": env.StackName(config.ComputePart),
	}
	if d.Environment != nil {
		v["account"] = d.Session().Account
	}
	return v
}

// about returns the values that a cause about a service may use.
func (d *doctor) about(w config.Workload) values {
	at := d.outputs.Of(w.Name)
	v := values{
		"service": w.Name, "setting": w.Setting, "cluster": at.ClusterName, "name": at.Service, "log": at.LogGroup,
		"secret": d.config.SecretName(config.AppEnv), "desired": fmt.Sprint(w.DesiredCount),
	}
	if w.Web != nil {
		v["targets"], v["port"], v["path"] = at.TargetGroup, fmt.Sprint(w.Web.Port), w.Web.HealthCheck.Path
		v["timeout"], v["grace"] = fmt.Sprint(w.Web.HealthCheck.TimeoutSeconds), fmt.Sprint(w.Web.HealthCheck.GracePeriodSeconds)
	}
	return v
}

// finding returns the finding of the cause with the given name. says is what AWS said;
// it is also the value of the placeholder {says}.
func (d *doctor) finding(name, says string, given ...values) *Finding {
	return d.render(causeNamed(name), says, given...)
}

// placeholder is a name in braces in the words and commands of a cause.
var placeholder = regexp.MustCompile(`\{([a-z]+)\}`)

// render replaces a cause's placeholders with the given values. Later values replace
// earlier ones of the same name.
func (d *doctor) render(c cause, says string, given ...values) *Finding {
	all := d.environment()
	for _, v := range given {
		maps.Copy(all, v)
	}
	all["says"] = says
	fill := func(text string) string {
		return placeholder.ReplaceAllStringFunc(text, func(name string) string {
			if value, known := all[strings.Trim(name, "{}")]; known {
				return value
			}
			return name // the tests find it
		})
	}
	f := &Finding{Cause: c.name, Words: fill(c.words), perhapsData: c.perhapsData, service: all["service"], task: all["task"]}
	for _, command := range c.next {
		f.Next = append(f.Next, d.withProfile(fill(command)))
	}
	if c.in != nowhere || !strings.Contains(c.words, "{says}") {
		f.Says = says
	}
	return f
}

// withProfile adds the profile that the doctor was started with to a command.
func (d *doctor) withProfile(command string) string {
	if d.profile == "" || strings.HasPrefix(command, "dig ") {
		return command
	}
	own, inTask, there := strings.Cut(command, " -- ")
	own += " --profile " + terminal.Shell([]string{d.profile})
	if there {
		own += " -- " + inTask
	}
	return own
}

// findingOf returns the finding of an error.
func (d *doctor) findingOf(err error) *Finding {
	var f *Finding
	var missing *operate.MissingOutput
	var denied *operate.Denied
	switch {
	case errors.As(err, &f):
		return f
	case errors.As(err, &missing) && d.deploy() != nil: // it comes with the deploy
		return d.deploy()
	case errors.As(err, &missing):
		return d.finding("missing-output", missing.Error())
	case errors.As(err, &denied):
		return d.finding("not-permitted", denied.Error())
	default:
		return d.finding("not-read", err.Error())
	}
}

// deploy returns the deploy that other links wait for: one that is in progress, or one
// that failed.
func (d *doctor) deploy() *Finding { return cmp.Or(d.waits, d.failed) }

// need returns an error if the value of an output is missing.
func (d *doctor) need(value string, output config.Output) error {
	if value != "" {
		return nil
	}
	return d.Missing(output, false)
}
