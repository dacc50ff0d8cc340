package config

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"parrot/config/keys"
)

// Service is the settings that both services have.
type Service struct {
	// Repository is the name of the service's ECR repository. Fixed.
	Repository string `characters:"256"`
	// Port is where the container listens, and the variable PORT. While a change is
	// deployed, the old tasks answer on the old port until the new ones are healthy;
	// if they never are, the old port stays.
	Port int `range:"1 to 65535"`
	// CPU is the task's CPU in units of 1/1024 vCPU.
	CPU int `oneof:"256, 512, 1024, 2048, 4096, 8192, 16384"`
	// MemoryMiB is the task's memory; Fargate allows a range for each CPU.
	// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html
	MemoryMiB int
	// DesiredCount is the number of tasks once an image is released; until then it
	// is 0.
	DesiredCount int `range:"0 to 1000" production:"2 to 1000: a service with one task is down while the task restarts"`
	// HealthCheck decides whether a task gets traffic, and whether ECS replaces it.
	HealthCheck HealthCheck
	// Variables are further environment variables, in plain text in the template:
	// never a secret, and nothing that looks like one. With the other variables at
	// most 52 KiB; a migration's container counts, too. Next.js compiles the front
	// end's NEXT_PUBLIC_ variables into its image instead: frontendBuildArguments in
	// services.go.
	Variables map[string]string
	// Image is the released image; images.json holds it.
	Image Image `json:"-"`
}

// HealthCheck is how the load balancer asks a task whether it is healthy. 200 is the
// only good answer.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
type HealthCheck struct {
	// Path is the path of the request. It starts with /.
	Path string `characters:"1024"`
	// IntervalSeconds is the time between two checks.
	IntervalSeconds int `range:"5 to 300"`
	// TimeoutSeconds is how long an answer may take, less than IntervalSeconds.
	TimeoutSeconds int `range:"2 to 120"`
	// HealthyThreshold is how many good answers make a task healthy.
	HealthyThreshold int `range:"2 to 10"`
	// UnhealthyThreshold is how many bad answers make a task unhealthy.
	UnhealthyThreshold int `range:"2 to 10"`
	// GracePeriodSeconds is how long a new task may fail its checks while it
	// starts, a migration included.
	GracePeriodSeconds int `range:"0 to 7200"`
}

// Backend is the settings of the NestJS API.
type Backend struct {
	Service
	// APIPrefix is the path under which the API lives, without a slash at either
	// end: the load balancer sends /{prefix} and /{prefix}/* to the backend, and it is
	// the variable API_PREFIX. HealthCheck.Path usually changes with it.
	APIPrefix string `characters:"100"`
	// CORSOrigins are the origins that browsers may call the API from: the
	// variable CORS_ORIGINS. Empty means the site's own, https://{domain} and
	// https://www.{domain}.
	CORSOrigins []string
	// SeedDB fills the database with sample data at start: the variable SEED_DB.
	SeedDB bool `production:"false: seeding writes sample data over real data"`
	// PrismaDBPushOnStart changes the schema at start without a migration: the
	// variable PRISMA_DB_PUSH_ON_START.
	PrismaDBPushOnStart bool `production:"false: it can drop columns; use MigrationCommand"`
	// CABundle is the absolute path, in the backend's image, of the certificates
	// that RDS signs with: the variable NODE_EXTRA_CA_CERTS, with which Node.js
	// verifies the database's certificate. docs/database.md has the line of the
	// Dockerfile that puts the file there. Without the file Node.js only warns, but
	// node-postgres and Prisma 7 cannot connect. Empty sets no variable.
	CABundle string
	// MigrationCommand runs in a container of its own, from the backend's image,
	// before the backend starts. The backend starts only if it succeeds. Tasks
	// that start together run it together: it has to take a lock, as Prisma's
	// does. Each word is an element. It is for short migrations: docs/runbook.md
	// says what a long one or a failed one does, and how to continue. Empty runs
	// nothing.
	MigrationCommand []string
	// JWTExpiresIn is the life of an access token, a number and one of s, m, h
	// and d: the variable JWT_EXPIRES_IN.
	JWTExpiresIn string
	// JWTRefreshExpiresIn is the life of a refresh token, in the same form: the
	// variable JWT_REFRESH_EXPIRES_IN.
	JWTRefreshExpiresIn string
}

// Frontend is the settings of the Next.js front end.
type Frontend struct {
	Service
	// AuthOnlyMode closes the site to everybody who is not signed in: the variable
	// NEXT_PUBLIC_AUTH_ONLY_MODE, which is compiled into the image too.
	AuthOnlyMode bool
}

// Workload is one entry of an environment's list of services, as everything else
// sees it. What differs between kinds of services is a field here.
type Workload struct {
	// Name is the service's name: its key in images.json, the argument of commands,
	// its container's name and a part of all its names in AWS.
	Name string
	// Title is the name in a sentence.
	Title string
	// Setting is the field of Environment that the service comes from.
	Setting string

	// Image is the released image.
	Image Image
	// CPU, MemoryMiB and DesiredCount are the settings of the same names.
	CPU, MemoryMiB, DesiredCount int
	// Variables are the environment variables in plain text.
	Variables map[string]string
	// Secrets are the environment variables that ECS reads from Secrets Manager when
	// a task starts.
	Secrets []SecretVariable
	// SecretsRevision changes when new values of Secrets are meant to reach running
	// tasks.
	SecretsRevision string
	// MigrationCommand runs before the service starts; empty runs nothing.
	MigrationCommand []string
	// ReachesData says that the service's tasks may call the database and Redis.
	ReachesData bool
	// LogMetrics says that LogMetrics counts the lines of the service's log.
	LogMetrics bool
	// Build is how the service's image is built, and the repository that holds it.
	// Nil is a service that runs another one's image.
	Build *Build
	// ImageFrom is the name of the service whose image the service runs, which is its
	// own with Build.
	ImageFrom string
	// Web is how the load balancer reaches the service. Nil is a service without a
	// listener.
	Web *Web

	environment string
	reserved    []string          // the variables that Parrot sets itself
	variables   map[string]string // the settings' own, as they were written
}

// SecretVariable is an environment variable from a key of a secret.
type SecretVariable struct {
	Name   string
	Secret Secret
	Key    string
}

// Build is how an image is built.
type Build struct {
	// Repository is the name of the ECR repository.
	Repository string
	// Directory is the directory of the Dockerfile, relative to Parrot's, unless the
	// command line names another.
	Directory string
	// Target is the build stage in the Dockerfile.
	Target string
	// Arguments are compiled into the image, which then fits only environments with
	// the same arguments.
	Arguments map[string]string
}

// Web is how the load balancer reaches a service.
type Web struct {
	// Port is where the container listens.
	Port int
	// HealthCheck decides whether a task gets traffic.
	HealthCheck HealthCheck
	// Paths are the path patterns of the service's requests.
	Paths []string
	// Priority is the order of the service's rule on the listener.
	Priority int
	// TargetGroupPort is the port of targets that are registered without one, which
	// ECS never does. A change replaces the target group, so it is not Port:
	// docs/decisions/0017-a-port-changes-in-one-pass.md.
	TargetGroupPort int
}

// Services returns the environment's services, in the order in which they are shown.
func (e Environment) Services() []Workload {
	return []Workload{e.backend(), e.frontend()}
}

// Service returns the service with the given name, or an error that names those
// there are.
func (e Environment) Service(name string) (Workload, error) {
	for _, w := range e.Services() {
		if w.Name == name {
			return w, nil
		}
	}
	return Workload{}, fmt.Errorf("there is no service %q: want one of %s", name, list(e.ServiceNames()))
}

// ServiceNames returns the names of the environment's services.
func (e Environment) ServiceNames() []string {
	var names []string
	for _, w := range e.Services() {
		names = append(names, w.Name)
	}
	return names
}

// ReadersOf returns the physical names of the services whose tasks read a secret when
// they start.
func (e Environment) ReadersOf(secret Secret) []string {
	var names []string
	for _, w := range e.Services() {
		if slices.ContainsFunc(w.Secrets, func(s SecretVariable) bool { return s.Secret == secret }) {
			names = append(names, w.PhysicalName())
		}
	}
	return names
}

// RunningCount returns the number of tasks to run: none before an image is released,
// so that a first deploy never waits for an image that does not exist.
func (w Workload) RunningCount() int {
	if !w.Image.Released() {
		return 0
	}
	return w.DesiredCount
}

// allServicesRun reports whether each service behind the load balancer has tasks.
func (e Environment) allServicesRun() bool {
	return !slices.ContainsFunc(e.Services(), func(w Workload) bool { return w.Web != nil && w.RunningCount() == 0 })
}

// workload returns an entry with the settings that all services have.
func (e Environment) workload(name, title, setting string, s Service) Workload {
	return Workload{
		Name: name, Title: title, Setting: setting, environment: e.Name,
		Image: s.Image, CPU: s.CPU, MemoryMiB: s.MemoryMiB, DesiredCount: s.DesiredCount,
		Variables: map[string]string{"NODE_ENV": "production", PortVariable: strconv.Itoa(s.Port)},
		Build:     &Build{Repository: s.Repository},
		ImageFrom: name,
		Web:       &Web{Port: s.Port, HealthCheck: s.HealthCheck},
		variables: s.Variables,
	}
}

// finish adds the settings' variables to those that Parrot sets. further are the
// names of variables that Parrot sets with other settings.
func (w Workload) finish(further ...string) Workload {
	w.reserved = slices.Concat(slices.Collect(maps.Keys(w.Variables)), further)
	for _, secret := range w.Secrets {
		w.reserved = append(w.reserved, secret.Name)
	}
	slices.Sort(w.reserved)
	w.reserved = slices.Compact(w.reserved)
	maps.Copy(w.Variables, w.variables)
	return w
}

// The names of environment variables that more than one place knows.
const (
	PortVariable              = "PORT"
	DatabaseURLVariable       = "DATABASE_URL"
	RedisURLVariable          = "REDIS_URL"
	JWTSecretVariable         = "JWT_SECRET"
	JWTRefreshSecretVariable  = "JWT_REFRESH_SECRET"
	JWTExpiresVariable        = "JWT_EXPIRES_IN"
	JWTRefreshExpiresVariable = "JWT_REFRESH_EXPIRES_IN"
	seedVariable              = "SEED_DB"
	// Node.js trusts the certificate authorities in this file, too.
	// https://nodejs.org/api/cli.html#node_extra_ca_certsfile
	caBundleVariable = "NODE_EXTRA_CA_CERTS"
)

func (e Environment) backend() Workload {
	b := e.Backend
	w := e.workload("backend", "backend", "Backend", b.Service)
	w.Variables["API_PREFIX"] = b.APIPrefix
	w.Variables["CORS_ORIGINS"] = strings.Join(e.corsOrigins(), ",")
	w.Variables["PRISMA_DB_PUSH_ON_START"] = strconv.FormatBool(b.PrismaDBPushOnStart)
	if b.SeedDB {
		w.Variables[seedVariable] = "true"
	}
	if b.CABundle != "" {
		w.Variables[caBundleVariable] = b.CABundle
	}
	w.Secrets = []SecretVariable{{DatabaseURLVariable, DBCredentials, keys.URL}}
	for _, name := range []string{JWTSecretVariable, JWTRefreshSecretVariable, JWTExpiresVariable, JWTRefreshExpiresVariable} {
		w.Secrets = append(w.Secrets, SecretVariable{name, AppEnv, name})
	}
	if e.Redis.Enabled {
		w.Secrets = append(w.Secrets, SecretVariable{RedisURLVariable, AppEnv, RedisURLVariable})
	}
	w.SecretsRevision = b.JWTExpiresIn + " " + b.JWTRefreshExpiresIn
	w.MigrationCommand = b.MigrationCommand
	w.ReachesData, w.LogMetrics = true, true
	w.Build.Directory, w.Build.Target = "../backend", "production"
	w.Web.Priority, w.Web.TargetGroupPort = 100, 3001
	// "/api/*" does not match "/api".
	w.Web.Paths = []string{"/" + b.APIPrefix, "/" + b.APIPrefix + "/*"}
	return w.finish(seedVariable, RedisURLVariable)
}

func (e Environment) frontend() Workload {
	w := e.workload("frontend", "front end", "Frontend", e.Frontend.Service)
	maps.Copy(w.Variables, e.frontendBuildArguments())
	// Next.js's server listens on HOSTNAME, which Fargate sets to a name of the
	// task's own: the load balancer would not reach it.
	w.Variables["HOSTNAME"] = "0.0.0.0"
	w.Variables["KEEP_ALIVE_TIMEOUT"] = strconv.Itoa(keepAliveMilliseconds)
	w.Build.Directory, w.Build.Target, w.Build.Arguments = "../client", "runner", e.frontendBuildArguments()
	w.Web.Priority, w.Web.TargetGroupPort = 200, 3000
	w.Web.Paths = []string{"/*"}
	return w.finish()
}

// frontendBuildArguments returns the variables that Next.js compiles into the
// browser's bundle: arguments of the image's build, and variables of the task
// for what is rendered on the server.
func (e Environment) frontendBuildArguments() map[string]string {
	return map[string]string{
		"NEXT_PUBLIC_API_BASE_URL":   e.apiBaseURL(),
		"NEXT_PUBLIC_AUTH_ONLY_MODE": strconv.FormatBool(e.Frontend.AuthOnlyMode),
	}
}

// keepAliveMilliseconds is how long a service keeps an idle connection open: longer
// than the load balancer's 60 s. Otherwise it closes one that the load balancer is
// about to use, and the visitor sees a 502.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html
const keepAliveMilliseconds = 65_000

// apiBaseURL returns where browsers reach the API.
func (e Environment) apiBaseURL() string {
	return "https://" + e.Domain + "/" + e.Backend.APIPrefix
}

// corsOrigins returns the origins that browsers may call the API from.
func (e Environment) corsOrigins() []string {
	if len(e.Backend.CORSOrigins) > 0 {
		return e.Backend.CORSOrigins
	}
	return []string{"https://" + e.Domain, "https://www." + e.Domain}
}

// fargateMemory is the memory that Fargate allows for each CPU: from, to and
// step, in MiB.
// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html
var fargateMemory = map[int][3]int{
	256:   {512, 2048, 512},
	512:   {1024, 4096, 1024},
	1024:  {2048, 8192, 1024},
	2048:  {4096, 16384, 1024},
	4096:  {8192, 30720, 1024},
	8192:  {16384, 61440, 4096},
	16384: {32768, 122880, 8192},
}

var (
	repositorySyntax = regexp.MustCompile(`^[a-z0-9]([._/-]?[a-z0-9])+$`)
	pathSyntax       = regexp.MustCompile(`^/[A-Za-z0-9/_.~!$&'()*+,;=:@%?-]*$`)
	fileSyntax       = regexp.MustCompile(`^(/[A-Za-z0-9_.-]+)+$`)
	prefixSyntax     = regexp.MustCompile(`^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$`)
	originSyntax     = regexp.MustCompile(`^https?://[a-z0-9]((\.|-*)[a-z0-9])*(:[1-9][0-9]{0,4})?$`)
	variableSyntax   = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	durationSyntax   = regexp.MustCompile(`^[1-9][0-9]{0,8}(s|m|h|d)$`)
	tagSyntax        = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$`)
	digestSyntax     = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
)

func (v *validator) services(e Environment) {
	for _, w := range e.Services() {
		v.service(w)
	}
	v.backend(e)
	v.frontend(e)
	for _, w := range e.Services() {
		v.definitionSize(w)
	}
}

func (v *validator) service(w Workload) {
	if w.Build != nil {
		v.matches(w.Setting+".Repository", w.Build.Repository, repositorySyntax,
			"at least two lower-case letters and digits, with single . _ - or / between them")
	}
	v.fargate(w)
	if w.Web != nil {
		v.healthCheck(w.Setting+".HealthCheck", w.Web.HealthCheck)
	}
	v.image(w.Setting+".Image", w.Image)
	for _, variable := range slices.Sorted(maps.Keys(w.variables)) {
		if !variableSyntax.MatchString(variable) {
			v.reject(w.Setting+".Variables", variable, "a name of letters, digits and _, no digit first")
		}
		if slices.Contains(w.reserved, variable) {
			v.reject(w.Setting+".Variables", variable, "a name that Parrot does not set itself; it sets %s", list(w.reserved))
		}
		// An error is printed, logged and pasted, and any value may be a credential:
		// an error never contains one.
		if what := credentialIn(variable, w.variables[variable]); what != "" {
			v.reject(w.Setting+".Variables", variable, "%s", noCredential(what))
		} else if !isPlainText(w.variables[variable]) {
			v.reject(w.Setting+".Variables", variable, "a value that is %s", plainText)
		}
	}
}

// noCredential says what to do about a value that looks like a credential.
func noCredential(what string) string {
	return fmt.Sprintf(`no credential: its value looks like %s, and everybody who reads the template would have it. `+
		`Make it a secret (docs/edits.md, "A secret that you have"). If it was committed or deployed, replace it where it was issued`, what)
}

func (v *validator) fargate(w Workload) {
	memory, ok := fargateMemory[w.CPU]
	if !ok {
		return // the field's tag refuses it
	}
	lowest, highest, step := memory[0], memory[1], memory[2]
	// A quarter of a vCPU takes 512, 1024 or 2048: the one row with a gap.
	gap := w.CPU == 256 && w.MemoryMiB == 1536
	if w.MemoryMiB < lowest || w.MemoryMiB > highest || w.MemoryMiB%step != 0 || gap {
		if w.CPU == 256 {
			v.reject(w.Setting+".MemoryMiB", w.MemoryMiB, "512, 1024 or 2048 for CPU 256")
			return
		}
		v.reject(w.Setting+".MemoryMiB", w.MemoryMiB, "%d to %d in steps of %d for CPU %d", lowest, highest, step, w.CPU)
	}
}

func (v *validator) healthCheck(setting string, h HealthCheck) {
	v.matches(setting+".Path", h.Path, pathSyntax, "a path that starts with /")
	if h.TimeoutSeconds >= h.IntervalSeconds {
		v.reject(setting+".TimeoutSeconds", h.TimeoutSeconds, "less than IntervalSeconds (%d)", h.IntervalSeconds)
	}
}

func (v *validator) image(setting string, image Image) {
	if image.Tag != "" && (!tagSyntax.MatchString(image.Tag) || image.Tag == "latest") {
		v.reject(setting+".Tag", image.Tag,
			`a tag of its own of at most 128 letters, digits and _.- (never "latest": the same tag twice deploys nothing)`)
	}
	if image.Digest != "" {
		v.matches(setting+".Digest", image.Digest, digestSyntax, "sha256: and 64 hexadecimal digits")
	}
}

func (v *validator) backend(e Environment) {
	b := e.Backend
	v.matches("Backend.APIPrefix", b.APIPrefix, prefixSyntax, "a path without slashes at its ends, such as api or api/v1")
	for _, origin := range b.CORSOrigins {
		if !isOrigin(origin) {
			v.reject("Backend.CORSOrigins", origin,
				"origins: scheme, host and a port other than the scheme's own, without a path or a trailing slash, such as https://example.com")
		}
	}
	if b.CABundle != "" {
		v.matches("Backend.CABundle", b.CABundle, fileSyntax,
			"the absolute path of a file, of letters, digits and _.-, such as /etc/ssl/certs/rds-global-bundle.pem, or nothing")
	}
	for i, word := range b.MigrationCommand {
		if what := credentialIn("", word); what != "" {
			v.reject("Backend.MigrationCommand", fmt.Sprintf("word %d", i+1), "%s", noCredential(what))
		} else if word == "" || !isPlainText(word) {
			v.reject("Backend.MigrationCommand", word, "words, each %s", plainText)
		}
	}
	// One text with spaces is the name of a program that no image has.
	if len(b.MigrationCommand) == 1 && strings.Contains(b.MigrationCommand[0], " ") {
		v.reject("Backend.MigrationCommand", b.MigrationCommand[0], "one element a word: %#v", strings.Fields(b.MigrationCommand[0]))
	}
	v.matches("Backend.JWTExpiresIn", b.JWTExpiresIn, durationSyntax, "a number and one of s, m, h, d, such as 15m")
	v.matches("Backend.JWTRefreshExpiresIn", b.JWTRefreshExpiresIn, durationSyntax, "a number and one of s, m, h, d, such as 7d")
}

func (v *validator) frontend(e Environment) {
	compiled := e.frontendBuildArguments()
	for _, variable := range slices.Sorted(maps.Keys(e.Frontend.Variables)) {
		if _, reserved := compiled[variable]; strings.HasPrefix(variable, publicPrefix) && !reserved {
			v.reject("Frontend.Variables", variable, "no %s variable: Next.js compiles these into the image, and a task's variable comes too "+
				"late. Make it a line of frontendBuildArguments in config/services.go, and release a new image", publicPrefix)
		}
	}
}

// isOrigin reports whether a browser would send the text as an Origin header,
// which leaves out the scheme's own port.
func isOrigin(s string) bool {
	ownPort := strings.HasPrefix(s, "https:") && strings.HasSuffix(s, ":443") ||
		strings.HasPrefix(s, "http:") && strings.HasSuffix(s, ":80")
	return originSyntax.MatchString(s) && !ownPort
}

// servicesDiffer checks what two services of an environment may not share.
func (v *validator) servicesDiffer(e Environment) {
	services := e.Services()
	for i, b := range services {
		for _, a := range services[:i] {
			if a.Build != nil && b.Build != nil && a.Build.Repository == b.Build.Repository {
				v.reject(b.Setting+".Repository", b.Build.Repository, "another repository than %s.Repository", a.Setting)
			}
		}
	}
}

// repository returns the name of the service's own repository, or nothing.
func (w Workload) repository() string {
	if w.Build == nil {
		return ""
	}
	return w.Build.Repository
}

// repositories returns the names of all repositories of the environment.
func (e Environment) repositories() []string {
	var names []string
	for _, w := range e.Services() {
		if name := w.repository(); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// The size that ECS takes of a task definition, and how much of it is for secrets,
// image, logs and roles: all but the variables and the migration's command. A test of
// the templates proves that it is enough.
// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html
const (
	taskDefinitionBytes  = 64 * 1024
	otherDefinitionBytes = 12 * 1024
)

// definitionSize checks that ECS takes the task definition with the service's
// variables.
func (v *validator) definitionSize(w Workload) {
	containers, total := 1, 0
	if len(w.MigrationCommand) > 0 { // a container of its own, with the same variables
		containers = 2
		total = jsonBytes(w.MigrationCommand)
	}
	sizes := map[string]int{}
	for name, value := range w.Variables {
		sizes[name] = containers * (jsonBytes(map[string]string{"name": name, "value": value}) + 1)
		total += sizes[name]
	}
	if most := taskDefinitionBytes - otherDefinitionBytes; total > most {
		largest := slices.SortedFunc(maps.Keys(sizes), func(a, b string) int {
			return cmp.Or(cmp.Compare(sizes[b], sizes[a]), cmp.Compare(a, b))
		})
		var texts []string
		for _, name := range largest[:min(3, len(largest))] {
			texts = append(texts, fmt.Sprintf("%s %d", name, sizes[name]))
		}
		v.reject(w.Setting+".Variables", total, "at most %d bytes, counted in each container that has them (%d): ECS refuses a task definition "+
			"of more than %d. The largest: %s", most, containers, taskDefinitionBytes, list(texts))
	}
}

// jsonBytes returns the size of a value in JSON.
func jsonBytes(value any) int {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // texts always have one
	}
	return len(text)
}

// serviceAlarmRow is an alarm that each service has. Its ID is the last part of the
// alarm's ID.
type serviceAlarmRow struct {
	Alarm
	web bool // only of a service behind the load balancer
	fit func(e Environment, w Workload, a *Alarm)
}

var serviceAlarms = []serviceAlarmRow{
	{
		Alarm: Alarm{
			ID: "down", Section: "service-down", Severity: Page, Subject: "healthy targets of the %s",
			PeriodSeconds: 60, Periods: 3, Below: true, Threshold: 1, Missing: MissingIsBad, // without registered targets there is no data
		},
		web: true,
		fit: func(e Environment, w Workload, a *Alarm) {
			// The highest count, since a node may see only the targets of its zone.
			a.single("AWS/ApplicationELB", "HealthyHostCount", "Maximum", e.targetGroup(w))
		},
	},
	{
		Alarm: Alarm{
			ID: "unhealthy", Section: "service-unhealthy", Severity: Ticket, Subject: "unhealthy targets of the %s",
			PeriodSeconds: 60, Periods: 10, Threshold: 0, Missing: MissingIsGood,
		},
		web: true,
		fit: func(e Environment, w Workload, a *Alarm) {
			a.single("AWS/ApplicationELB", "UnHealthyHostCount", "Maximum", e.targetGroup(w))
		},
	},
	{
		Alarm: Alarm{
			ID: "tasks", Section: "service-tasks", Severity: Ticket, Subject: "running tasks of the %s",
			PeriodSeconds: 60, Periods: 10, Below: true, Missing: MissingIsBad, // no task, no data
		},
		fit: func(_ Environment, w Workload, a *Alarm) {
			// Each task sends its use of CPU once a minute: as many samples as tasks.
			// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/cloudwatch-metrics.html
			a.single("AWS/ECS", "CPUUtilization", "SampleCount", w.inECS())
			a.Threshold = float64(w.DesiredCount)
		},
	},
	{
		Alarm: Alarm{
			ID: "cpu", Section: "service-cpu", Severity: Ticket, Subject: "CPU of the %s's tasks", Unit: " %",
			PeriodSeconds: fiveMinutes, Periods: 3, Threshold: 85, Missing: MissingIsGood,
		},
		fit: func(_ Environment, w Workload, a *Alarm) { a.single("AWS/ECS", "CPUUtilization", "Average", w.inECS()) },
	},
	{
		Alarm: Alarm{
			ID: "memory", Section: "service-memory", Severity: Ticket, Subject: "memory of the %s's tasks", Unit: " %",
			PeriodSeconds: fiveMinutes, Periods: 3, Threshold: 85, Missing: MissingIsGood,
		},
		fit: func(_ Environment, w Workload, a *Alarm) {
			a.single("AWS/ECS", "MemoryUtilization", "Average", w.inECS())
		},
	},
}

// alarms returns the rows of a service's alarms.
func (w Workload) alarms() []alarmRow {
	var rows []alarmRow
	for _, row := range serviceAlarms {
		if row.web && w.Web == nil {
			continue
		}
		alarm := row.Alarm
		alarm.ID, alarm.Subject = w.Name+"-"+alarm.ID, fmt.Sprintf(alarm.Subject, w.Title)
		rows = append(rows, alarmRow{
			Alarm:  alarm,
			wanted: func(Environment) bool { return w.RunningCount() > 0 },
			fit:    func(e Environment, a *Alarm) { row.fit(e, w, a) },
		})
	}
	return rows
}

// inECS returns the dimensions of the service's metrics in ECS.
func (w Workload) inECS() map[string]string {
	return map[string]string{"ClusterName": w.PhysicalName(), "ServiceName": w.PhysicalName()}
}

// targetGroup returns the dimensions of the metrics of a service's target group.
func (e Environment) targetGroup(w Workload) map[string]string {
	return map[string]string{"LoadBalancer": e.ParameterName(LoadBalancerParameter), "TargetGroup": e.ParameterName(w.TargetGroupParameter())}
}

// RollbackAlarm returns the alarm that makes ECS roll a deployment of a service
// back. It notifies nobody else.
func (e Environment) RollbackAlarm(w Workload) Alarm {
	group := e.targetGroup(w)
	return Alarm{
		ID: w.Name + "-rollback", Section: "rollback", Severity: Ticket,
		Subject: "5xx responses of the " + w.Title, Unit: " % of requests", Note: "at least 3 in a minute",
		Label:         "requests that the " + w.Title + " answered 5xx, of 3 or more in a minute,",
		PeriodSeconds: 60, Periods: 2,
		Metrics: []Metric{
			{"errors", "AWS/ApplicationELB", "HTTPCode_Target_5XX_Count", "Sum", group},
			{"requests", "AWS/ApplicationELB", "RequestCount", "Sum", group},
		},
		// No error is no value, and that is good. FILL would make a good minute of one
		// whose metrics are late, as the newest always are.
		Expression: "IF(errors >= 3, 100 * errors / requests, 0)", Threshold: 10, Missing: MissingIsGood,
	}
}
