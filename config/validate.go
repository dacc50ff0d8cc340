package config

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Validate returns every error of the settings, joined into one, or nil. Each
// names the environments, the setting, its value and what is allowed. Whatever
// passes can be synthesized.
func Validate(environments []Environment) error {
	v := validator{of: map[string][]string{}}
	for i, e := range environments {
		v.about(i, e)
		v.identity(e)
		v.network(e)
		v.edge(e)
		v.database(e)
		v.redis(e)
		for _, s := range e.services() {
			v.service(s)
		}
		v.backend(e)
		v.frontend(e)
		v.taskDefinitions(e)
		v.monitoring(e)
		v.physicalNames(e)
		v.production(e)
	}
	v.unique(environments)
	return v.err()
}

// validator collects the errors of one environment after the other.
type validator struct {
	environment string
	rejected    []string            // in the order in which they were found
	of          map[string][]string // the environments of each
}

// err joins the errors. One that several environments have, because they have
// the setting in common, is said once: "dev, stage: …".
func (v *validator) err() error {
	errs := make([]error, len(v.rejected))
	for i, text := range v.rejected {
		errs[i] = fmt.Errorf("%s: %s", list(v.of[text]), text)
	}
	return errors.Join(errs...)
}

// about says which environment the next errors are of.
func (v *validator) about(index int, e Environment) {
	v.environment = e.Name
	if e.Name == "" {
		v.environment = fmt.Sprintf("environment %d", index+1)
	}
}

// reject records a setting whose value is not allowed.
func (v *validator) reject(setting string, value any, allowed string, args ...any) {
	format := "%s is %q: want %s" // quoted, so that an empty text shows
	switch value.(type) {
	case int, bool:
		format = "%s is %v: want %s"
	}
	text := fmt.Sprintf(format, setting, value, fmt.Sprintf(allowed, args...))
	if len(v.of[text]) == 0 {
		v.rejected = append(v.rejected, text)
	}
	if !slices.Contains(v.of[text], v.environment) {
		v.of[text] = append(v.of[text], v.environment)
	}
}

// within rejects a number outside lowest to highest.
func (v *validator) within(setting string, value, lowest, highest int) {
	if value < lowest || value > highest {
		v.reject(setting, value, "%d to %d", lowest, highest)
	}
}

// matches rejects a text that does not match the whole pattern.
func (v *validator) matches(setting, value string, pattern *regexp.Regexp, allowed string) {
	if !pattern.MatchString(value) {
		v.reject(setting, value, "%s", allowed)
	}
}

// oneOf rejects a value that is not in a list.
func oneOf[T comparable](v *validator, setting string, value T, allowed ...T) {
	if !slices.Contains(allowed, value) {
		v.reject(setting, value, "one of %s", list(allowed))
	}
}

func list[T any](values []T) string {
	texts := make([]string, len(values))
	for i, value := range values {
		texts[i] = fmt.Sprint(value)
	}
	return strings.Join(texts, ", ")
}

var (
	nameSyntax       = regexp.MustCompile(`^[a-z][a-z0-9]*$`)
	accountSyntax    = regexp.MustCompile(`^([0-9]{12})?$`)
	zoneIDSyntax     = regexp.MustCompile(`^(Z[A-Z0-9]{1,31})?$`)
	tagValueSyntax   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 _.:/=+@-]{0,127}$`)
	domainSyntax     = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])$`)
	identifierSyntax = regexp.MustCompile(`^[a-z](-?[a-z0-9])*$`)
	repositorySyntax = regexp.MustCompile(`^[a-z0-9]([._/-]?[a-z0-9])+$`)
	pathSyntax       = regexp.MustCompile(`^/[A-Za-z0-9/_.~!$&'()*+,;=:@%?-]*$`)
	fileSyntax       = regexp.MustCompile(`^(/[A-Za-z0-9_.-]+)+$`)
	prefixSyntax     = regexp.MustCompile(`^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$`)
	originSyntax     = regexp.MustCompile(`^https?://[a-z0-9]((\.|-*)[a-z0-9])*(:[1-9][0-9]{0,4})?$`)
	variableSyntax   = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	durationSyntax   = regexp.MustCompile(`^[1-9][0-9]{0,8}(s|m|h|d)$`)
	tagSyntax        = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$`)
	fieldSyntax      = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*)?$`)
	digestSyntax     = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
)

// logRetentions are the periods that CloudWatch Logs offers.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
var logRetentions = []int{
	1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827,
	2192, 2557, 2922, 3288, 3653,
}

func (v *validator) identity(e Environment) {
	v.matches("Name", e.Name, nameSyntax, "lower-case letters and digits, a letter first")
	// Whether there is a pipeline does not matter: Name cannot change once there is one.
	if e.Name != "" && (e.selects(PipelineStackName) || strings.HasPrefix(e.StackName(""), PipelineStackName)) {
		v.reject("Name", e.Name, "another: %s and %s* would select stacks of the environment and of the pipeline", e.StackName("*"), PipelineStackName)
	}
	v.matches("Account", e.Account, accountSyntax, "twelve digits, or nothing for the account that the CLI is signed in to")
	oneOf(v, "Region", e.Region, offers.Regions...)
	oneOf(v, "LogRetentionDays", e.LogRetentionDays, logRetentions...)
	v.matches("HostedZoneID", e.HostedZoneID, zoneIDSyntax, `a Route 53 zone's id such as "Z0123456789ABCDEFGHIJ", or nothing to create the zone`)
	v.matches("CostCenter", e.CostCenter, tagValueSyntax, "1 to 128 letters, digits, spaces and _.:/=+@-")
	if !domainSyntax.MatchString(e.Domain) || len(e.Domain) > 64 || strings.HasPrefix(e.Domain, "www.") {
		v.reject("Domain", e.Domain, "a lower-case domain name of at most 64 characters without www., such as example.com")
	}
}

func (v *validator) network(e Environment) {
	v.vpc(e.Network)
	v.availabilityZones(e)
	oneOf(v, "Network.NATGateways", e.Network.NATGateways, NATNone, NATOne, NATOnePerAZ)
	oneOf(v, "Network.TaskSubnets", e.Network.TaskSubnets, TasksPublic, TasksPrivate)
	oneOf(v, "Network.DataAccess", e.Network.DataAccess, DataFromVPC, DataFromBackend)
	if e.Network.TaskSubnets == TasksPrivate && e.Network.NATGateways == NATNone {
		v.reject("Network.TaskSubnets", e.Network.TaskSubnets,
			`"public" while Network.NATGateways is "none": private tasks reach neither their registry nor their secrets without a NAT gateway`)
	}
}

// vpc checks that the range is private and that its quarters are subnets that
// a load balancer accepts: at least a /27.
func (v *validator) vpc(n Network) {
	vpc := n.Prefix()
	if !vpc.IsValid() || !vpc.Addr().Is4() || !vpc.Addr().IsPrivate() || vpc != vpc.Masked() || vpc.Bits() < 16 || vpc.Bits() > 25 {
		v.reject("Network.VPC", n.VPC, "a private IPv4 prefix from /16 to /25 without host bits, such as 10.10.0.0/24")
	}
}

func (v *validator) edge(e Environment) {
	v.within("Edge.AccessLogRetentionDays", e.Edge.AccessLogRetentionDays, 1, 3653)
}

func (v *validator) database(e Environment) {
	db := e.Database
	v.matches("Database.Identifier", db.Identifier, identifierSyntax, "lower-case letters, digits and single hyphens, a letter first")
	oneOf(v, "Database.EngineVersion", db.EngineVersion, "17", "18")
	v.offeredClass("Database.InstanceClass", db.InstanceClass, e.Region, offers.DatabaseClasses, "an RDS class that runs PostgreSQL, such as db.t3.micro or db.m7g.large")
	v.within("Database.AllocatedStorageGiB", db.AllocatedStorageGiB, 20, 65536)
	if most := db.MaxAllocatedStorageGiB; most != db.AllocatedStorageGiB && (most < 0 || most > 65536 || most*10 < db.AllocatedStorageGiB*11) {
		v.reject("Database.MaxAllocatedStorageGiB", most, "AllocatedStorageGiB (%d), or a tenth above it to 65536", db.AllocatedStorageGiB)
	}
	v.within("Database.BackupRetentionDays", db.BackupRetentionDays, 0, 35)
	v.within("Database.RotationDays", db.RotationDays, 0, 365)
	if db.BackupRetentionDays == 0 && e.DeletionProtection {
		v.reject("Database.BackupRetentionDays", 0, "1 to 35 while DeletionProtection is true")
	}
}

func (v *validator) redis(e Environment) {
	v.offeredClass("Redis.NodeType", e.Redis.NodeType, e.Region, offers.NodeTypes, "an ElastiCache node type, such as cache.t3.micro or cache.m7g.large")
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

// namedService is a service with what the rules need to know of it.
type namedService struct {
	Service
	name string
	// reserved are the variables that Parrot sets itself.
	reserved []string
}

func (e Environment) services() []namedService {
	backend := []string{
		"NODE_ENV", "PORT", "API_PREFIX", "CORS_ORIGINS", "PRISMA_DB_PUSH_ON_START", "SEED_DB", "DATABASE_URL", "REDIS_URL",
		"JWT_SECRET", "JWT_REFRESH_SECRET", "JWT_EXPIRES_IN", "JWT_REFRESH_EXPIRES_IN",
	}
	if e.Backend.CABundle != "" {
		backend = append(backend, caBundleVariable)
	}
	return []namedService{
		{e.Backend.Service, "Backend", backend},
		{e.Frontend.Service, "Frontend", []string{
			"NODE_ENV", "PORT", "NEXT_PUBLIC_API_BASE_URL", "NEXT_PUBLIC_AUTH_ONLY_MODE", "HOSTNAME", "KEEP_ALIVE_TIMEOUT",
		}},
	}
}

func (v *validator) service(s namedService) {
	v.matches(s.name+".Repository", s.Repository, repositorySyntax, "at least two lower-case letters and digits, with single . _ - or / between them")
	v.within(s.name+".Port", s.Port, 1, 65535)
	v.within(s.name+".DesiredCount", s.DesiredCount, 0, 1000)
	v.fargate(s)
	v.healthCheck(s.name+".HealthCheck", s.HealthCheck)
	v.image(s.name+".Image", s.Image)
	for _, variable := range slices.Sorted(maps.Keys(s.Variables)) {
		if !variableSyntax.MatchString(variable) {
			v.reject(s.name+".Variables", variable, "a name of letters, digits and _, no digit first")
		}
		if slices.Contains(s.reserved, variable) {
			v.reject(s.name+".Variables", variable, "a name that Parrot does not set itself; it sets %s", list(s.reserved))
		}
		// An error is printed, logged and pasted, and any value may be a credential:
		// it never has one in it.
		if what := credentialIn(variable, s.Variables[variable]); what != "" {
			v.reject(s.name+".Variables", variable, "%s", noCredential(what))
		} else if !isPlainText(s.Variables[variable]) {
			v.reject(s.name+".Variables", variable, "a value that is %s", plainText)
		}
	}
}

// noCredential says what to do about a value that looks like a credential.
func noCredential(what string) string {
	return fmt.Sprintf(`no credential: its value looks like %s, and whoever reads the template would have it. Make it a secret (README.md, "A secret that you have"); if it was committed or deployed, replace it where it was issued`, what)
}

func (v *validator) fargate(s namedService) {
	memory, ok := fargateMemory[s.CPU]
	if !ok {
		v.reject(s.name+".CPU", s.CPU, "one of 256, 512, 1024, 2048, 4096, 8192, 16384")
		return
	}
	lowest, highest, step := memory[0], memory[1], memory[2]
	// A quarter of a vCPU takes 512, 1024 or 2048: the one row with a gap.
	gap := s.CPU == 256 && s.MemoryMiB == 1536
	if s.MemoryMiB < lowest || s.MemoryMiB > highest || s.MemoryMiB%step != 0 || gap {
		if s.CPU == 256 {
			v.reject(s.name+".MemoryMiB", s.MemoryMiB, "512, 1024 or 2048 for CPU 256")
			return
		}
		v.reject(s.name+".MemoryMiB", s.MemoryMiB, "%d to %d in steps of %d for CPU %d", lowest, highest, step, s.CPU)
	}
}

// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
func (v *validator) healthCheck(setting string, h HealthCheck) {
	if !pathSyntax.MatchString(h.Path) || len(h.Path) > 1024 {
		v.reject(setting+".Path", h.Path, "a path of at most 1024 characters that starts with /")
	}
	v.within(setting+".IntervalSeconds", h.IntervalSeconds, 5, 300)
	v.within(setting+".TimeoutSeconds", h.TimeoutSeconds, 2, 120)
	v.within(setting+".HealthyThreshold", h.HealthyThreshold, 2, 10)
	v.within(setting+".UnhealthyThreshold", h.UnhealthyThreshold, 2, 10)
	v.within(setting+".GracePeriodSeconds", h.GracePeriodSeconds, 0, 7200)
	if h.TimeoutSeconds >= h.IntervalSeconds {
		v.reject(setting+".TimeoutSeconds", h.TimeoutSeconds, "less than IntervalSeconds (%d)", h.IntervalSeconds)
	}
}

func (v *validator) image(setting string, image Image) {
	if image.Tag != "" && (!tagSyntax.MatchString(image.Tag) || image.Tag == "latest") {
		v.reject(setting+".Tag", image.Tag, `a tag of its own of at most 128 letters, digits and _.- (never "latest": the same tag twice deploys nothing)`)
	}
	if image.Digest != "" {
		v.matches(setting+".Digest", image.Digest, digestSyntax, "sha256: and 64 hexadecimal digits")
	}
}

func (v *validator) backend(e Environment) {
	b := e.Backend
	if !prefixSyntax.MatchString(b.APIPrefix) || len(b.APIPrefix) > 100 {
		v.reject("Backend.APIPrefix", b.APIPrefix, "a path of at most 100 characters without slashes at its ends, such as api or api/v1")
	}
	for _, origin := range b.CORSOrigins {
		if !isOrigin(origin) {
			v.reject("Backend.CORSOrigins", origin, "origins: scheme, host and a port other than the scheme's own, without a path or a trailing slash, such as https://example.com")
		}
	}
	if b.CABundle != "" {
		v.matches("Backend.CABundle", b.CABundle, fileSyntax, "the absolute path of a file, of letters, digits and _.-, such as /etc/ssl/certs/rds-global-bundle.pem, or nothing")
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
	compiled := e.FrontendBuildArguments()
	for _, variable := range slices.Sorted(maps.Keys(e.Frontend.Variables)) {
		if _, reserved := compiled[variable]; strings.HasPrefix(variable, publicPrefix) && !reserved {
			v.reject("Frontend.Variables", variable, "no %s variable: Next.js compiles these into the image, and a task's variable comes too late. Make it a line of FrontendBuildArguments in config/names.go, and release a new image", publicPrefix)
		}
	}
}

// The size that ECS takes of a task definition, and what is set aside in it for all
// but the variables and the migration's command: secrets, image, logs and roles. A
// test of the templates knows that it is enough.
// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html
const (
	taskDefinitionBytes  = 64 * 1024
	otherDefinitionBytes = 12 * 1024
)

// taskDefinitions checks that ECS takes what the variables make of them.
func (v *validator) taskDefinitions(e Environment) {
	v.definitionSize("Backend", e.BackendVariables(), e.Backend.MigrationCommand)
	v.definitionSize("Frontend", e.FrontendVariables(), nil)
}

func (v *validator) definitionSize(service string, variables map[string]string, migration []string) {
	containers, total := 1, 0
	if len(migration) > 0 { // a container of its own, with the same variables
		containers = 2
		total = jsonBytes(migration)
	}
	sizes := map[string]int{}
	for name, value := range variables {
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
		v.reject(service+".Variables", total, "at most %d bytes, counted in each container that has them (%d): ECS refuses a task definition of more than %d. The largest: %s", most, containers, taskDefinitionBytes, list(texts))
	}
}

// jsonBytes is the size of a value in JSON.
func jsonBytes(value any) int {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // texts always have one
	}
	return len(text)
}

func (v *validator) monitoring(e Environment) {
	m := e.Monitoring
	oneOf(v, "Monitoring.Alarms", m.Alarms, AlarmsNone, AlarmsPage, AlarmsAll)
	v.thresholds(e)
	v.emails("Monitoring.PageEmails", m.PageEmails)
	v.emails("Monitoring.TicketEmails", m.TicketEmails)
	if !isPlainText(m.RunbookURL) || m.RunbookURL == "" || len(m.RunbookURL) > 400 || strings.ContainsAny(m.RunbookURL, " #\"\\<>") {
		v.reject("Monitoring.RunbookURL", m.RunbookURL, `an address of at most 400 characters, or a path such as docs/runbook.md, without spaces, #, ", \, < and >`)
	}
	v.within("Monitoring.BudgetUSD", m.BudgetUSD, 0, 1_000_000)
	if m.BudgetUSD > 0 && lacks(e.Region, budgetType) {
		v.reject("Monitoring.BudgetUSD", m.BudgetUSD, "0 in %s, where CloudFormation makes no budgets. Make one by hand, in the console of AWS Budgets, with the filter Tag Environment = %s", e.Region, e.Name)
	}
	v.pattern("Monitoring.ErrorPattern", m.ErrorPattern)
	v.pattern("Monitoring.AuthFailurePattern", m.AuthFailurePattern)
	// CloudWatch Logs takes a metric's value, $.{field}, of at most 100 characters.
	if !fieldSyntax.MatchString(m.LatencyField) || len(m.LatencyField) > 98 {
		v.reject("Monitoring.LatencyField", m.LatencyField, "the name of a field in the JSON of a log line, such as responseTime or res.time, of at most 98 characters, or nothing")
	}
}

func (v *validator) emails(setting string, addresses []string) {
	for i, address := range addresses {
		if !emailSyntax.MatchString(address) || !isPlainText(address) {
			v.reject(setting, address, "addresses such as team@example.com")
		}
		if slices.Contains(addresses[:i], address) {
			v.reject(setting, address, "each address once")
		}
	}
}

func (v *validator) pattern(setting, pattern string) {
	if !isPlainText(pattern) {
		v.reject(setting, pattern, "a filter pattern: %s", plainText)
	} else if err := checkLogPattern(pattern); err != nil {
		v.reject(setting, pattern, "a filter pattern that CloudWatch Logs takes: %v", err)
	}
}

// thresholds are checked against the alarms that there would be with every
// option on: a typing error must not leave an alarm as it is in silence.
func (v *validator) thresholds(e Environment) {
	set := e.Monitoring.Thresholds
	if len(set) == 0 {
		return
	}
	e.Monitoring.Thresholds, e.Redis.Enabled, e.Database.RotationDays = nil, true, max(1, e.Database.RotationDays)
	e.Database.InstanceClass, e.Monitoring.LatencyField = "db.t3.micro", "any"
	for _, s := range []*Service{&e.Backend.Service, &e.Frontend.Service} {
		s.Image, s.DesiredCount = Image{Tag: "any"}, max(1, s.DesiredCount)
	}
	var names []string
	percent, below := map[string]bool{}, map[string]bool{}
	for _, alarm := range e.possibleAlarms() {
		names = append(names, alarm.ID)
		percent[alarm.ID], below[alarm.ID] = alarm.Unit == " %", alarm.Below
	}
	for _, name := range slices.Sorted(maps.Keys(set)) {
		if !slices.Contains(names, name) {
			v.reject("Monitoring.Thresholds", name, "the name of an alarm: %s", list(names))
		}
		if threshold := set[name]; !(threshold >= 0) || math.IsInf(threshold, 0) { // NaN is not, either
			v.reject("Monitoring.Thresholds", fmt.Sprintf("%s: %g", name, threshold), "a number that is not negative")
		} else if below[name] && threshold == 0 {
			v.reject("Monitoring.Thresholds", fmt.Sprintf("%s: %g", name, threshold), "more than 0: the alarm fires below it, and would never")
		} else if percent[name] && threshold >= 100 {
			v.reject("Monitoring.Thresholds", fmt.Sprintf("%s: %g", name, threshold), "a percentage below 100: the alarm would never fire")
		}
	}
}

// plainText is what isPlainText allows.
const plainText = "text without control characters, {{resolve: and {Token["

// isPlainText says whether neither CDK nor CloudFormation would put something
// else in the place of the text: a reference to a secret, above all.
func isPlainText(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl) &&
		!strings.Contains(s, "{{resolve:") && !strings.Contains(s, "{Token[")
}

// isOrigin says whether a browser would send the text as an Origin header,
// which leaves out the scheme's own port.
func isOrigin(s string) bool {
	ownPort := strings.HasPrefix(s, "https:") && strings.HasSuffix(s, ":443") ||
		strings.HasPrefix(s, "http:") && strings.HasSuffix(s, ":80")
	return originSyntax.MatchString(s) && !ownPort
}

// physicalNames checks that AWS accepts the names that are made of settings.
func (v *validator) physicalNames(e Environment) {
	for _, n := range []struct {
		setting, value, what, name string
		limit                      int
	}{
		{"Name", e.Name, "load balancer", e.LoadBalancerName(), 32},
		// CloudFormation makes a target group's name of the stack's and cuts
		// it to 32; what is left has to tell the environments apart.
		{"Name", e.Name, "target group", e.StackName(""), 32},
		{"Name", e.Name, "replication group", e.PhysicalName("redis"), 40},
		{"Name", e.Name, "stack", e.StackName("Registry"), 128},
		{"Database.Identifier", e.Database.Identifier, "database", e.Database.Identifier, 63},
		{"Backend.Repository", e.Backend.Repository, "repository", e.Backend.Repository, 256},
		{"Frontend.Repository", e.Frontend.Repository, "repository", e.Frontend.Repository, 256},
	} {
		if len(n.name) > n.limit {
			v.reject(n.setting, n.value, "a shorter one: the %s's name may have %d characters and would have %d", n.what, n.limit, len(n.name))
		}
	}
}

// production keeps what real users depend on from being switched off by an edit.
func (v *validator) production(e Environment) {
	if !e.Production {
		return
	}
	for _, guard := range []struct {
		setting string
		on      bool
	}{
		{"RetainData", e.RetainData},
		{"DeletionProtection", e.DeletionProtection},
		{"TerminationProtection", e.TerminationProtection},
	} {
		if !guard.on {
			v.reject(guard.setting, false, "true while Production is true")
		}
	}
	if e.Backend.PrismaDBPushOnStart {
		v.reject("Backend.PrismaDBPushOnStart", true, "false while Production is true: it can drop columns; use MigrationCommand")
	}
	if e.Backend.SeedDB {
		v.reject("Backend.SeedDB", true, "false while Production is true: seeding writes sample data over real data")
	}
	if e.Database.BackupRetentionDays < 7 {
		v.reject("Database.BackupRetentionDays", e.Database.BackupRetentionDays, "7 to 35 while Production is true")
	}
	for _, service := range e.services() {
		if service.DesiredCount < 2 {
			v.reject(service.name+".DesiredCount", service.DesiredCount, "at least 2 while Production is true: one task is no service while it restarts")
		}
	}
}

// unique checks what environments may not share: construct ids anywhere, and
// the rest where they may meet in one account and region.
func (v *validator) unique(environments []Environment) {
	for i, b := range environments {
		v.about(i, b)
		if b.Backend.Repository == b.Frontend.Repository {
			v.reject("Frontend.Repository", b.Frontend.Repository, "another than Backend.Repository")
		}
		for _, a := range environments[:i] {
			v.pair(a, b)
		}
	}
}

func (v *validator) pair(a, b Environment) {
	if a.Name == b.Name {
		v.reject("Name", b.Name, "another: its stacks would have the names of the other %s's", a.Name)
	} else {
		v.stackPatterns(a, b)
	}
	if !mayShareAccount(a, b) {
		return
	}
	if a.Domain == b.Domain {
		v.reject("Domain", b.Domain, "another: %s's zone has the name", a.Name)
	}
	if a.Region != b.Region {
		return
	}
	if a.Network.Prefix().Overlaps(b.Network.Prefix()) {
		v.reject("Network.VPC", b.Network.VPC, "a range apart from %s's %s", a.Name, a.Network.VPC)
	}
	if a.Database.Identifier == b.Database.Identifier {
		v.reject("Database.Identifier", b.Database.Identifier, "another: %s's database has the name", a.Name)
	}
	taken := []string{a.Backend.Repository, a.Frontend.Repository}
	for _, service := range b.services() {
		if slices.Contains(taken, service.Repository) {
			v.reject(service.name+".Repository", service.Repository, "another: %s has a repository of the name", a.Name)
		}
	}
}

// stackPatterns checks that the pattern of one environment's stacks, as in
// npx cdk deploy 'ParrotDev*', selects no stack of the other.
func (v *validator) stackPatterns(a, b Environment) {
	for _, pair := range [][2]Environment{{a, b}, {b, a}} {
		mine, others := pair[0].StackName("*"), pair[1].StackNames()
		if i := slices.IndexFunc(others, pair[0].selects); i >= 0 {
			v.reject("Name", b.Name, "another, which does not begin as %s does: %s means all stacks of %s and would select %s, too", a.Name, mine, pair[0].Name, others[i])
		}
	}
}

// selects says whether a stack's name begins as those of the environment do.
func (e Environment) selects(stack string) bool { return strings.HasPrefix(stack, e.StackName("")) }

// mayShareAccount says whether two environments may be in one account. An empty
// account can turn out to be any.
func mayShareAccount(a, b Environment) bool {
	return a.Account == b.Account || a.Account == "" || b.Account == ""
}
