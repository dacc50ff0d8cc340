package config

import (
	"maps"
	"net/netip"
	"strconv"
	"strings"
)

// Project is the product's name: the first part of every physical name, and the
// tag Project.
const Project = "parrot"

// Parts are the stacks of every environment.
var Parts = []string{"Network", "Registry", "Data", "Edge", "Compute", "Monitoring"}

// The pipeline's names: that of its stack, which is its construct id too, and
// that of the pipeline itself.
const (
	PipelineStackName = "ParrotPipeline"
	PipelineName      = Project + "-pipeline"
)

// The tags of images that an environment runs, or has run last. The repositories'
// lifecycle rules keep what carries one that starts with ReleasedTag; parrotctl
// writes them.
const (
	ReleasedTag = "released"
	// RunningTag and a number name what ECS runs while a command works.
	RunningTag = ReleasedTag + "-running-"
)

// PhysicalName is the name that AWS shows for one of the environment's
// resources: parrot-{environment}-{resource}.
func (e Environment) PhysicalName(resource string) string {
	return physicalName(e.Name, resource)
}

// LoadBalancerName is the load balancer's name.
func (e Environment) LoadBalancerName() string {
	return Project + "-" + e.Name
}

// The values that stacks tell each other in parameters, because a setting may
// change them while they are in use: docs/decisions/0004-zone-id-in-a-parameter.md.
const (
	ZoneParameter         = "hosted-zone-id"
	LoadBalancerParameter = "load-balancer"
	CertificateParameter  = "certificate"
)

// TargetGroupParameter is the parameter with a service's target group.
func TargetGroupParameter(service string) string { return service + "-target-group" }

// Parameter is the name of a parameter in SSM's Parameter Store:
// /parrot/{environment}/{name}.
func (e Environment) Parameter(name string) string {
	return "/" + Project + "/" + e.Name + "/" + name
}

// StackName is the name and the construct id of one of the environment's
// stacks: Parrot{Environment}{Part}.
func (e Environment) StackName(part string) string {
	return title(Project) + title(e.Name) + part
}

// Prefix is the VPC's range; an invalid one where VPC is no prefix, which
// Validate refuses.
func (n Network) Prefix() netip.Prefix {
	prefix, _ := netip.ParsePrefix(n.VPC) // the zero Prefix is the invalid one
	return prefix
}

// StackNames are the names of the environment's stacks, in the order of Parts.
func (e Environment) StackNames() []string {
	var names []string
	for _, part := range Parts {
		names = append(names, e.StackName(part))
	}
	return names
}

// APIBaseURL is where browsers reach the API.
func (e Environment) APIBaseURL() string {
	return "https://" + e.Domain + "/" + e.Backend.APIPrefix
}

// CORSOrigins are the origins that browsers may call the API from.
func (e Environment) CORSOrigins() []string {
	if len(e.Backend.CORSOrigins) > 0 {
		return e.Backend.CORSOrigins
	}
	return []string{"https://" + e.Domain, "https://www." + e.Domain}
}

// BackendVariables are the backend's environment variables that are no secrets.
func (e Environment) BackendVariables() map[string]string {
	variables := e.Backend.variables()
	variables["API_PREFIX"] = e.Backend.APIPrefix
	variables["CORS_ORIGINS"] = strings.Join(e.CORSOrigins(), ",")
	variables["PRISMA_DB_PUSH_ON_START"] = strconv.FormatBool(e.Backend.PrismaDBPushOnStart)
	if e.Backend.SeedDB {
		variables["SEED_DB"] = "true"
	}
	if e.Backend.CABundle != "" {
		variables[caBundleVariable] = e.Backend.CABundle
	}
	return variables
}

// caBundleVariable is the variable with which Node.js trusts further certificate
// authorities. https://nodejs.org/api/cli.html#node_extra_ca_certsfile
const caBundleVariable = "NODE_EXTRA_CA_CERTS"

// DatabaseURL is the connection URL of PostgreSQL, DATABASE_URL: TLS or nothing.
// The parts go in as they are: what they hold must need no escaping in a URL.
// docs/decisions/0020-one-url-for-every-client.md says why it has this form.
func DatabaseURL(username, password, host, port, database string) string {
	return "postgresql://" + username + ":" + password + "@" + host + ":" + port + "/" + database + "?sslmode=require"
}

// FrontendVariables are the front end's environment variables.
func (e Environment) FrontendVariables() map[string]string {
	variables := e.Frontend.variables()
	maps.Copy(variables, e.FrontendBuildArguments())
	// Next.js's server listens on HOSTNAME, which Fargate sets to a name of the
	// task's own: the load balancer would not reach it.
	variables["HOSTNAME"] = "0.0.0.0"
	variables["KEEP_ALIVE_TIMEOUT"] = strconv.Itoa(keepAliveMilliseconds)
	return variables
}

// FrontendBuildArguments are the variables that Next.js compiles into the
// browser's bundle: arguments of the image's build, and variables of the task
// for what is rendered on the server.
func (e Environment) FrontendBuildArguments() map[string]string {
	return map[string]string{
		"NEXT_PUBLIC_API_BASE_URL":   e.APIBaseURL(),
		"NEXT_PUBLIC_AUTH_ONLY_MODE": strconv.FormatBool(e.Frontend.AuthOnlyMode),
	}
}

// keepAliveMilliseconds is how long a service keeps a connection open that nothing
// is sent on: longer than the load balancer's 60 s. Otherwise it closes one that
// the load balancer is about to use, and the visitor sees a 502.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html
const keepAliveMilliseconds = 65_000

// RunningCount is the number of tasks to run: none before an image is released,
// so that a first deploy never waits for an image that does not exist.
func (s Service) RunningCount() int {
	if !s.Image.Released() {
		return 0
	}
	return s.DesiredCount
}

func (s Service) variables() map[string]string {
	variables := map[string]string{
		"NODE_ENV": "production",
		"PORT":     strconv.Itoa(s.Port),
	}
	maps.Copy(variables, s.Variables)
	return variables
}

func physicalName(environment, resource string) string {
	return Project + "-" + environment + "-" + resource
}

func title(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
