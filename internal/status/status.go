// Package status shows the state of an environment on one screen.
package status

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"parrot/config"
	"parrot/internal/operate"
	"parrot/internal/terminal"
)

// Section is one part of a status, or why it could not be read.
type Section[T any] struct {
	Value T `json:"value"`
	// Unread is why there is no value.
	Unread string `json:"unread,omitempty"`
}

func section[T any](value T, err error) Section[T] {
	if err != nil {
		return Section[T]{Unread: operate.Plain(err)}
	}
	return Section[T]{Value: value}
}

// Status is the state of an environment.
type Status struct {
	Environment string    `json:"environment"`
	Region      string    `json:"region"`
	Account     string    `json:"account"`
	At          time.Time `json:"at"`

	Stacks      Section[[]operate.Stack]     `json:"stacks"`
	Services    []ServiceStatus              `json:"services"`
	Database    Section[operate.Database]    `json:"database"`
	Certificate Section[operate.Certificate] `json:"certificate"`
	Delegation  Section[operate.Delegated]   `json:"delegation"`
	Alarms      Section[[]operate.Alarm]     `json:"alarms"`

	// Wrong are the problems, a sentence each. Unread are the parts that could not be
	// read.
	Wrong  []string `json:"wrong"`
	Unread []string `json:"unread"`

	unheard bool
}

// ServiceStatus is a service and its targets.
type ServiceStatus struct {
	Name    string                    `json:"name"`
	Service Section[operate.Service]  `json:"service"`
	Targets Section[[]operate.Target] `json:"targets"`

	released, web bool
}

// Read reads the status of an environment. A part that cannot be read has the reason in
// its place.
func Read(ctx context.Context, e *operate.Environment) *Status {
	env := e.Settings()
	s := &Status{Environment: env.Name, Region: env.Region, Account: e.Session().Account, At: e.Clock().UTC(),
		unheard: env.Monitoring.Alarms != config.AlarmsNone && len(env.Monitoring.PageEmails) == 0}
	stacks, err := e.Stacks(ctx)
	s.Stacks = section(stacks, err)
	outputs, missing := e.Locate(stacks)
	if err != nil {
		missing = errors.New("the stacks could not be read, and their outputs say where it is")
	}

	var reading sync.WaitGroup
	services := env.Services()
	s.Services = make([]ServiceStatus, len(services))
	for i, w := range services {
		s.Services[i].Name, s.Services[i].released, s.Services[i].web = w.Name, w.Image.Released(), w.Web != nil
		at := outputs.Of(w.Name)
		reading.Go(func() {
			s.Services[i].Service = read(at.Service != "", missing, func() (operate.Service, error) { return e.Service(ctx, at) })
		})
		if w.Web == nil {
			continue
		}
		reading.Go(func() {
			s.Services[i].Targets = read(at.TargetGroup != "", missing, func() ([]operate.Target, error) { return e.Targets(ctx, at) })
		})
	}
	reading.Go(func() { s.Database = section(e.Database(ctx)) })
	reading.Go(func() { s.Certificate = section(e.Certificate(ctx, outputs)) })
	reading.Go(func() {
		s.Delegation = read(outputs.HostedZoneID != "", missing, func() (operate.Delegated, error) { return e.Delegated(ctx, outputs) })
	})
	reading.Go(func() { s.Alarms = section(e.Alarms(ctx)) })
	reading.Wait()
	s.judge()
	return s
}

// read reads a part whose place is in the stacks' outputs.
func read[T any](there bool, missing error, from func() (T, error)) Section[T] {
	if !there {
		return Section[T]{Unread: operate.Plain(missing)}
	}
	return section(from())
}

// judge collects what is wrong and what is not known.
func (s *Status) judge() {
	s.Wrong, s.Unread = []string{}, []string{}
	wrong := func(sentence string) {
		if sentence != "" {
			s.Wrong = append(s.Wrong, sentence)
		}
	}
	unread := func(what, why string) {
		if why != "" {
			s.Unread = append(s.Unread, what)
		}
	}
	unread("stacks", s.Stacks.Unread)
	for _, stack := range s.Stacks.Value {
		wrong(wrongWithStack(stack))
	}
	for _, service := range s.Services {
		unread(service.Name, service.Service.Unread)
		unread("targets of the "+service.Name, service.Targets.Unread)
		if service.Service.Unread == "" {
			wrong(service.wrong())
		}
		for _, target := range service.Targets.Value {
			if !target.OK() {
				wrong(fmt.Sprintf("%s: target %s is %s", service.Name, target.Address, target.State))
			}
		}
	}
	unread("database", s.Database.Unread)
	if s.Database.Unread == "" && !s.Database.Value.OK() {
		wrong(fmt.Sprintf("the database is %s", s.Database.Value.Status))
	}
	unread("certificate", s.Certificate.Unread)
	if s.Certificate.Unread == "" {
		wrong(wrongWithCertificate(s.Certificate.Value, s.At))
	}
	unread("delegation", s.Delegation.Unread)
	if s.Delegation.Unread == "" && !s.Delegation.Value.OK() {
		wrong(s.Delegation.Value.Domain + " is not delegated to its zone")
	}
	unread("alarms", s.Alarms.Unread)
	for _, alarm := range s.Alarms.Value {
		wrong("alarm " + alarm.Name + " fires")
	}
}

func wrongWithStack(s operate.Stack) string {
	switch {
	case s.OK():
		return ""
	case s.Status == operate.NotDeployed:
		return fmt.Sprintf("stack %s is not deployed", s.Name)
	default:
		return fmt.Sprintf("stack %s is %s", s.Name, s.Status)
	}
}

// wrong returns what users notice of a service, or will notice soon. A service without
// a released image is right to run nothing.
func (all ServiceStatus) wrong() string {
	s := all.Service.Value
	switch {
	case s.Desired == 0 && all.released:
		return s.Name + ": the desired count is 0"
	case all.web && s.Settled() && s.Desired > 0 && all.Targets.Unread == "" && len(all.Targets.Value) == 0:
		return s.Name + ": no task is registered at the load balancer"
	case s.Settled():
		return ""
	case s.Running == s.Desired && s.Pending == 0:
		return fmt.Sprintf("%s: the deployment is %s", s.Name, s.Rollout)
	default:
		return fmt.Sprintf("%s: %d of %d tasks run", s.Name, s.Running, s.Desired)
	}
}

func wrongWithCertificate(c operate.Certificate, now time.Time) string {
	switch {
	case c.Status == "missing":
		return "there is no certificate"
	case c.Status != "ISSUED":
		return "the certificate is " + c.Status
	case !c.Attached:
		return "the certificate is not attached to the load balancer"
	case c.ExpiresSoon(now):
		return "the certificate ends on " + terminal.Day(c.Expires)
	default:
		return ""
	}
}

// mark returns the start of a line: with an exclamation mark if something is wrong.
func mark(wrong bool) string {
	if wrong {
		return "! "
	}
	return "  "
}

// Text returns the status on one screen.
func (s *Status) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s, account %s, %s\n", s.Environment, s.Region, s.Account, terminal.Minute(&s.At))
	title := ""
	line := func(wrong bool, format string, args ...any) {
		text := strings.TrimRight(fmt.Sprintf(format, args...), " ")
		fmt.Fprintf(&b, "%s%-12s %s\n", mark(wrong), title, terminal.Printable(text))
		title = ""
	}
	unread := func(why string) bool {
		if why != "" {
			line(true, "not read: %s", why)
		}
		return why != ""
	}

	title = "stacks"
	if !unread(s.Stacks.Unread) {
		width := 0
		for _, stack := range s.Stacks.Value {
			width = max(width, len(stack.Name))
		}
		for _, stack := range s.Stacks.Value {
			line(!stack.OK(), "%-*s  %-24s %s", width, stack.Name, stack.Status, terminal.Minute(stack.Changed))
		}
	}
	for _, service := range s.Services {
		title = service.Name
		service.text(line, unread)
	}

	title = "database"
	if d := s.Database.Value; !unread(s.Database.Unread) {
		zones := "one AZ"
		if d.MultiAZ {
			zones = "multi-AZ"
		}
		changes := "nothing pending"
		if len(d.Pending) > 0 {
			changes = "pending: " + strings.Join(d.Pending, ", ")
		}
		if d.Status == "missing" {
			line(true, "%s is missing", d.Identifier)
		} else {
			line(!d.OK(), "%s %s, %s, %d GiB, %s, %s", d.Identifier, d.Status, d.Class, d.AllocatedGiB, zones, changes)
		}
	}
	title = "certificate"
	if c := s.Certificate.Value; !unread(s.Certificate.Unread) {
		text := c.Status
		if len(c.Names) > 0 {
			text += ", " + strings.Join(c.Names, " ")
		}
		if c.Expires != nil {
			text += ", until " + terminal.Day(c.Expires)
		}
		if !c.Attached {
			text += ", not attached to the load balancer"
		}
		line(wrongWithCertificate(c, s.At) != "", "%s", text)
	}
	title = "delegation"
	if d := s.Delegation.Value; !unread(s.Delegation.Unread) {
		switch {
		case d.OK():
			line(false, "%s is delegated to its zone", d.Domain)
		case len(d.Parent) == 0:
			line(true, "%s is not delegated; its zone: %s", d.Domain, strings.Join(d.Zone, " "))
		default:
			line(true, "%s is delegated to %s; its zone: %s", d.Domain, strings.Join(d.Parent, " "), strings.Join(d.Zone, " "))
		}
	}
	title = "alarms"
	if !unread(s.Alarms.Unread) {
		if len(s.Alarms.Value) == 0 {
			line(false, "none fires")
		}
		for _, alarm := range s.Alarms.Value {
			line(true, "%s since %s: %s", alarm.Name, terminal.Minute(alarm.Since), alarm.Reason)
		}
		if s.unheard {
			line(false, "nobody gets their mails: Monitoring.PageEmails is empty")
		}
	}

	fmt.Fprintln(&b)
	for _, sentence := range s.Wrong {
		fmt.Fprintf(&b, "! %s\n", terminal.Printable(sentence))
	}
	if len(s.Unread) > 0 {
		fmt.Fprintf(&b, "! not read: %s\n", strings.Join(s.Unread, ", "))
	}
	if len(s.Wrong)+len(s.Unread) == 0 {
		fmt.Fprintln(&b, "Everything is healthy.")
	} else {
		fmt.Fprintf(&b, "Find the cause: %s\n", terminal.Parrotctl("doctor", s.Environment))
	}
	return b.String()
}

func (s ServiceStatus) text(line func(wrong bool, format string, args ...any), unread func(why string) bool) {
	if service := s.Service.Value; !unread(s.Service.Unread) {
		reason := ""
		if service.Rollout != "COMPLETED" && service.Reason != "" {
			reason = " (" + service.Reason + ")"
		}
		line(!service.Settled(), "running %d, desired %d, pending %d; deployment %s%s", service.Running, service.Desired, service.Pending,
			service.Rollout, reason)
		line(false, "image %s since %s", service.Image[strings.LastIndex(service.Image, "/")+1:], terminal.Minute(service.Since))
		defer func() {
			for _, event := range service.Events {
				line(false, "%s %s", terminal.Minute(&event.At), event.Message)
			}
		}()
	}
	if !s.web || unread(s.Targets.Unread) {
		return
	}
	if len(s.Targets.Value) == 0 {
		line(false, "no targets")
	}
	for _, target := range s.Targets.Value {
		why := strings.Join(slices.DeleteFunc([]string{target.Reason, target.Description}, func(part string) bool { return part == "" }), ": ")
		line(!target.OK(), "target %s:%d %s %s", target.Address, target.Port, target.State, why)
	}
}
