// Package config holds the settings of every environment: plain Go values, without
// CDK and without AWS. To change an environment, edit environments.go. What a
// setting means is written once, at its field; what it allows, in the field's tag
// and in the rules below the type.
package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Environment is all that Parrot needs to know to build one environment.
//
// Fields that say "Fixed" cannot be changed once the environment is deployed:
// AWS would replace the resource. All others deploy in one pass, in both
// directions unless the field says otherwise.
type Environment struct {
	// Name is the environment's name, part of every name that AWS shows:
	// parrot-{name}-backend, stack Parrot{Name}Network. Lower-case letters and
	// digits, a letter first, at most 25. No name begins with another name, as dev2
	// begins with dev: 'ParrotDev*' selects all stacks of dev and no others. For the
	// same reason no name is pipe, pipeline or begins with pipeline. Fixed.
	Name string
	// Account is the twelve-digit AWS account. Empty means the account that the
	// CDK CLI is signed in to. Fixed.
	Account string
	// Region is the code of a commercial AWS region. Settings that ask for something
	// that the region does not have are refused: instance classes, budgets, a
	// pipeline. Fixed.
	Region string
	// Domain is the site's apex: the front end answers on it, www.{domain}
	// redirects to it. A certificate's common name allows no longer one. Changing it
	// needs a new delegation, as the first deploy did.
	Domain string `characters:"64"`
	// HostedZoneID is the Route 53 zone that already serves Domain. Empty
	// creates one, which is kept when the environment is destroyed.
	HostedZoneID string
	// CostCenter is the value of the cost allocation tag CostCenter on every
	// resource: letters, digits, spaces and _.:/=+@-. Activate the tag once in the
	// billing console.
	CostCenter string `characters:"128"`
	// Production says that real users depend on the environment. Validation then
	// refuses what would endanger them: a setting's "in production". It changes no
	// template.
	Production bool
	// RetainData keeps the resources with data when their stack is deleted:
	// database, secrets, images and logs. False deletes them.
	RetainData bool `production:"true"`
	// DeletionProtection makes AWS refuse to delete the database and the load
	// balancer until it is switched off.
	DeletionProtection bool `production:"true"`
	// TerminationProtection makes CloudFormation refuse to delete the stacks.
	TerminationProtection bool `production:"true"`
	// LogRetentionDays is how long every log is kept: one of the periods that
	// CloudWatch Logs offers.
	// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
	LogRetentionDays int `oneof:"1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653"`

	Network    Network
	Edge       Edge
	Database   Database
	Redis      Redis
	Backend    Backend
	Frontend   Frontend
	Monitoring Monitoring
}

// Find returns the environment with the given name, or an error that names those
// there are.
func Find(environments []Environment, name string) (Environment, error) {
	var names []string
	for _, e := range environments {
		if e.Name == name {
			return e, nil
		}
		names = append(names, e.Name)
	}
	return Environment{}, fmt.Errorf("there is no environment %q: want one of %s (config/environments.go)", name, list(names))
}

var (
	nameSyntax     = regexp.MustCompile(`^[a-z][a-z0-9]*$`)
	accountSyntax  = regexp.MustCompile(`^([0-9]{12})?$`)
	zoneIDSyntax   = regexp.MustCompile(`^(Z[A-Z0-9]{1,31})?$`)
	tagValueSyntax = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 _.:/=+@-]*$`)
	domainSyntax   = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])$`)
)

func (v *validator) identity(e Environment) {
	v.matches("Name", e.Name, nameSyntax, "lower-case letters and digits, a letter first")
	// Whether there is a pipeline does not matter: Name cannot change once there is one.
	if e.Name != "" && (e.selects(PipelineStackName) || strings.HasPrefix(e.StackName(""), PipelineStackName)) {
		v.reject("Name", e.Name, "another name: %s and %s* would select stacks of the environment and of the pipeline", e.StackName("*"),
			PipelineStackName)
	}
	v.matches("Account", e.Account, accountSyntax, "twelve digits, or nothing for the account that the CLI is signed in to")
	oneOf(v, "Region", e.Region, offers.Regions...)
	v.matches("HostedZoneID", e.HostedZoneID, zoneIDSyntax,
		`a Route 53 zone's id such as "Z0123456789ABCDEFGHIJ", or nothing to create the zone`)
	v.matches("CostCenter", e.CostCenter, tagValueSyntax, "letters, digits, spaces and _.:/=+@-, a letter or digit first")
	if !domainSyntax.MatchString(e.Domain) || strings.HasPrefix(e.Domain, "www.") {
		v.reject("Domain", e.Domain, "a lower-case domain name without www., such as example.com")
	}
}

// physicalNames checks that AWS accepts the names that are made of settings.
func (v *validator) physicalNames(e Environment) {
	for _, n := range []struct {
		what, name string
		limit      int
	}{
		{"load balancer", e.LoadBalancerName(), 32},
		// CloudFormation makes a target group's name of the stack's and cuts it to
		// 32 characters; the rest must still differ between environments.
		{"target group", e.StackName(""), 32},
		{"replication group", e.RedisName(), 40},
		{"stack", e.StackName(MonitoringPart), 128},
	} {
		if len(n.name) > n.limit {
			v.reject("Name", e.Name, "a shorter one: the %s's name may have %d characters and would have %d", n.what, n.limit, len(n.name))
		}
	}
}

// unique checks what environments may not share: construct ids anywhere, and
// the rest where they may meet in one account and region.
func (v *validator) unique(environments []Environment) {
	for i, b := range environments {
		v.about(i, b)
		v.servicesDiffer(b)
		for _, a := range environments[:i] {
			v.pair(a, b)
		}
	}
}

func (v *validator) pair(a, b Environment) {
	if a.Name == b.Name {
		v.reject("Name", b.Name, "another name: another environment is called %s", a.Name)
	} else {
		v.stackPatterns(a, b)
	}
	if !mayShareAccount(a, b) {
		return
	}
	if a.Domain == b.Domain {
		v.reject("Domain", b.Domain, "another domain: it is %s's", a.Name)
	}
	if a.Region != b.Region {
		return
	}
	if a.Network.Prefix().Overlaps(b.Network.Prefix()) {
		v.reject("Network.VPC", b.Network.VPC, "a range that does not overlap %s's %s", a.Name, a.Network.VPC)
	}
	if a.Database.Identifier == b.Database.Identifier {
		v.reject("Database.Identifier", b.Database.Identifier, "another identifier: %s's database has it", a.Name)
	}
	for _, service := range b.Services() {
		if slices.Contains(a.repositories(), service.repository()) {
			v.reject(service.Setting+".Repository", service.repository(), "another repository: it is %s's", a.Name)
		}
	}
}

// stackPatterns checks that the pattern of one environment's stacks, as in
// npx cdk deploy 'ParrotDev*', selects no stack of the other.
func (v *validator) stackPatterns(a, b Environment) {
	for _, pair := range [][2]Environment{{a, b}, {b, a}} {
		mine, others := pair[0].StackName("*"), pair[1].StackNames()
		if i := slices.IndexFunc(others, pair[0].selects); i >= 0 {
			v.reject("Name", b.Name, "another name, one that does not begin like %s: %s means all stacks of %s and would select %s, too", a.Name,
				mine, pair[0].Name, others[i])
		}
	}
}

// selects reports whether a stack's name begins as those of the environment do.
func (e Environment) selects(stack string) bool { return strings.HasPrefix(stack, e.StackName("")) }

// mayShareAccount reports whether two environments may be in one account. An empty
// account can turn out to be any.
func mayShareAccount(a, b Environment) bool {
	return a.Account == b.Account || a.Account == "" || b.Account == ""
}
