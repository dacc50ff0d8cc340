// Package config holds the settings of every environment: plain Go values, no
// CDK, no AWS. To change an environment, change environments.go; what each
// setting means is written once, at its field below.
package config

// Environment is all that Parrot needs to know to build one environment.
//
// Fields that say "Fixed" cannot be changed once the environment is deployed:
// AWS would replace what carries them. All others deploy in one pass, each way
// unless the field says otherwise.
type Environment struct {
	// Name is the environment's name, part of every name that AWS shows:
	// parrot-{name}-backend, stack Parrot{Name}Network. Lower-case letters and
	// digits, a letter first, at most 25. No name begins with another's, such as
	// dev2 with dev: 'ParrotDev*' is all stacks of dev and no other. So it is with
	// pipeline: no pipe, no pipeline2. Fixed.
	Name string
	// Account is the twelve-digit AWS account. Empty means the account that the
	// CDK CLI is signed in to. Fixed.
	Account string
	// Region is the code of a commercial AWS region. What a region does not offer is
	// refused: instance classes, budgets, a pipeline. Fixed.
	Region string
	// Domain is the site's apex: the front end answers on it, www.{domain}
	// redirects to it. At most 64 characters, the limit of a certificate's
	// common name. Changing it needs a new delegation, as the first deploy did.
	Domain string
	// HostedZoneID is the Route 53 zone that already serves Domain. Empty
	// creates one, which is kept when the environment is destroyed.
	HostedZoneID string
	// CostCenter is the value of the cost allocation tag CostCenter on every
	// resource, up to 128 letters, digits, spaces and _.:/=+@-. Activate the tag
	// once in the billing console.
	CostCenter string
	// Production says that real users depend on the environment. What would
	// endanger them is refused: RetainData, DeletionProtection or
	// TerminationProtection off, SeedDB or PrismaDBPushOnStart on, less than 7
	// days of backups, or less than 2 tasks of a service. It changes no template.
	Production bool
	// RetainData keeps what holds data when its stack is deleted: database,
	// secrets, images and logs. False empties the account of them.
	RetainData bool
	// DeletionProtection makes AWS refuse to delete the database and the load
	// balancer until it is switched off.
	DeletionProtection bool
	// TerminationProtection makes CloudFormation refuse to delete the stacks.
	TerminationProtection bool
	// LogRetentionDays is how long every log is kept: one of the periods that
	// CloudWatch Logs offers (1, 3, 5, 7, 14, 30, 60, 90, …).
	LogRetentionDays int

	Network    Network
	Edge       Edge
	Database   Database
	Redis      Redis
	Backend    Backend
	Frontend   Frontend
	Monitoring Monitoring
}

// Network is the settings of the VPC.
type Network struct {
	// VPC is the VPC's IPv4 range, a private prefix between /16 and /25 such as
	// 10.10.0.0/24. Its quarters are the subnets: public, public, private,
	// private. Fixed.
	VPC string
	// AvailabilityZones are the two zones of the subnets, of Region. Each account has
	// its own, and in us-west-1 and ap-northeast-1 Fargate is not in all of them:
	// parrotctl bootstrap and doctor ask the account. Fixed.
	AvailabilityZones []string
	// NATGateways gives the private subnets a way out: "none", "one", or
	// "one-per-az". About $36 a month each, and traffic.
	NATGateways NATGateways
	// TaskSubnets is where the tasks run: "public", with a public address each
	// and no way in but the load balancer, or "private", which needs a NAT
	// gateway. Back to public, keep NATGateways for one more deploy: the tasks
	// would lose their way out before they move.
	TaskSubnets TaskSubnets
	// DataAccess is who reaches the database and Redis: "vpc" is every address
	// of the VPC, "backend" is the backend's tasks alone.
	DataAccess DataAccess
	// FlowLogs records the VPC's traffic in CloudWatch Logs. About $0.50 a GB.
	FlowLogs bool
}

// NATGateways is how many NAT gateways there are.
type NATGateways string

// The values of NATGateways.
const (
	NATNone     NATGateways = "none"
	NATOne      NATGateways = "one"
	NATOnePerAZ NATGateways = "one-per-az"
)

// TaskSubnets is the kind of subnets that tasks run in.
type TaskSubnets string

// The values of TaskSubnets.
const (
	TasksPublic  TaskSubnets = "public"
	TasksPrivate TaskSubnets = "private"
)

// DataAccess is who reaches the database and Redis.
type DataAccess string

// The values of DataAccess.
const (
	DataFromVPC     DataAccess = "vpc"
	DataFromBackend DataAccess = "backend"
)

// Edge is the settings of the load balancer.
type Edge struct {
	// AccessLogs writes every request to an S3 bucket, which is always kept:
	// switching the setting off leaves the bucket, whose files expire.
	AccessLogs bool
	// AccessLogRetentionDays is how long access log files are kept, 1 to 3653.
	AccessLogRetentionDays int
}

// Database is the settings of PostgreSQL on RDS.
type Database struct {
	// Identifier is the instance's name. Fixed: another one would be another,
	// empty database; the old one would be kept, as a snapshot without RetainData.
	Identifier string
	// EngineVersion is PostgreSQL's major version, "17" or "18"; RDS applies minor
	// ones. A higher one upgrades in place, with a pause; there is no way back.
	EngineVersion string
	// InstanceClass is the RDS instance class, one that runs PostgreSQL and that the
	// region has. A change restarts the database.
	// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.DBInstanceClass.Support.html
	InstanceClass string
	// AllocatedStorageGiB is the gp2 volume's first size, 20 to 65536. It only
	// grows, by at least a tenth, and not below what RDS has grown it to.
	AllocatedStorageGiB int
	// MaxAllocatedStorageGiB is how far RDS may grow the volume by itself, up to
	// 65536: at least a tenth above AllocatedStorageGiB, or equal to it, which
	// never grows the volume.
	MaxAllocatedStorageGiB int
	// BackupRetentionDays is how many days of point-in-time recovery there are,
	// 1 to 35, and at least 7 in production. 0 switches backups off, where
	// DeletionProtection is off.
	BackupRetentionDays int
	// MultiAZ runs a standby in the second zone, at twice the price.
	MultiAZ bool
	// RotationDays is how often the database gets a new password, 1 to 365 days; 0
	// is never. Users notice nothing but, for some minutes, errors where a running
	// task opens a new connection: docs/rotation.md. The first one is that many
	// days after the setting is deployed.
	RotationDays int
}

// Redis is the settings of the cache.
type Redis struct {
	// Enabled runs one Redis node and gives the backend REDIS_URL. Switching
	// it off deletes the cache and, without RetainData, what was in it.
	Enabled bool
	// NodeType is the ElastiCache node type.
	// https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/CacheNodes.SupportedTypes.html
	NodeType string
}

// Service is the settings that both services have.
type Service struct {
	// Repository is the name of the service's ECR repository. Fixed.
	Repository string
	// Port is where the container listens, and the variable PORT. While a change is
	// deployed the old tasks answer on the old port until the new ones are healthy;
	// if they never are, the old port stays.
	Port int
	// CPU is the task's CPU in units of 1/1024 vCPU: 256, 512, 1024, 2048,
	// 4096, 8192 or 16384.
	CPU int
	// MemoryMiB is the task's memory; Fargate allows a range for each CPU.
	// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html
	MemoryMiB int
	// DesiredCount is the number of tasks once an image is released, up to 1000
	// and at least 2 in production; until then it is 0.
	DesiredCount int
	// HealthCheck decides whether a task gets traffic, and whether it lives.
	HealthCheck HealthCheck
	// Variables are further environment variables, in plain text in the
	// template: never a secret, and nothing that looks like one. With the other
	// variables at most 52 KiB, a migration's container counted, too. The front
	// end's NEXT_PUBLIC_ variables are compiled into its image instead:
	// FrontendBuildArguments in names.go.
	Variables map[string]string
	// Image is the released image; images.json holds it.
	Image Image `json:"-"`
}

// HealthCheck is how the load balancer asks a task whether it is well; 200 is
// the answer that counts.
type HealthCheck struct {
	// Path is what is asked for.
	Path string
	// IntervalSeconds is the time between two checks, 5 to 300.
	IntervalSeconds int
	// TimeoutSeconds is how long an answer may take, 2 to 120 and less than
	// IntervalSeconds.
	TimeoutSeconds int
	// HealthyThreshold is how many good answers make a task healthy, 2 to 10.
	HealthyThreshold int
	// UnhealthyThreshold is how many bad answers make a task unhealthy, 2 to 10.
	UnhealthyThreshold int
	// GracePeriodSeconds is how long a new task may fail its checks while it
	// starts, up to 7200, a migration included.
	GracePeriodSeconds int
}

// Backend is the settings of the NestJS API.
type Backend struct {
	Service
	// APIPrefix is the path under which the API lives, up to 100 characters
	// without a slash at either end: the load balancer sends /{prefix} and
	// /{prefix}/* to the backend, and it is the variable API_PREFIX.
	// HealthCheck.Path usually changes with it.
	APIPrefix string
	// CORSOrigins are the origins that browsers may call the API from: the
	// variable CORS_ORIGINS. Empty means the site's own, https://{domain} and
	// https://www.{domain}.
	CORSOrigins []string
	// SeedDB fills the database with sample data at start: the variable
	// SEED_DB. Never in production.
	SeedDB bool
	// PrismaDBPushOnStart changes the schema at start without a migration: the
	// variable PRISMA_DB_PUSH_ON_START. It can drop columns. Never in production.
	PrismaDBPushOnStart bool
	// CABundle is the absolute path, in the backend's image, of the certificates
	// that RDS signs with: the variable NODE_EXTRA_CA_CERTS, with which Node.js
	// verifies the database's certificate. docs/database.md has the line of the
	// Dockerfile that puts the file there. Without the file Node.js only warns, but
	// node-postgres and Prisma 7 cannot connect. Empty sets no variable.
	CABundle string
	// MigrationCommand runs in a container of its own, from the backend's image,
	// before the backend starts; the backend starts only if it succeeds. Tasks
	// that start together run it together: it has to take a lock, as Prisma's
	// does. Each word is an element. It is for short migrations: docs/runbook.md
	// says what a long one or a failed one does, and how to go on. Empty runs
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
	// AuthOnlyMode closes the site but for signing in: the variable
	// NEXT_PUBLIC_AUTH_ONLY_MODE, which is compiled into the image too.
	AuthOnlyMode bool
}

// Monitoring is the settings of alarms, their mails, the dashboard and the
// budget. docs/runbook.md says what each alarm means.
type Monitoring struct {
	// Alarms is which alarms there are: "none" (nor mails of events), "page" (users notice, so somebody
	// should get up) or "all", which adds those that wait for the morning. $0.10 a
	// month for each metric that an alarm reads.
	Alarms AlarmSet
	// Thresholds replace alarms' own, which are made of the sizes of what they
	// watch, by the alarm's name, such as {"errors-5xx": 10}. That of an alarm that
	// Alarms leaves out waits until it is there.
	Thresholds map[string]float64
	// PageEmails get a mail when an alarm fires that is worth a page, and when it is
	// over. Each address has to confirm once.
	PageEmails []string
	// TicketEmails get the other alarms' mails, those of events and the budget's.
	TicketEmails []string
	// RunbookURL is what mails link: the address at which people read
	// docs/runbook.md.
	RunbookURL string
	// Dashboard makes the CloudWatch dashboard. An account has three for nothing;
	// each further one is $3 a month.
	Dashboard bool
	// RollbackOnErrors makes ECS take a release back when the new tasks answer with
	// errors, beside those that never become healthy.
	RollbackOnErrors bool
	// BudgetUSD is the month's budget in US dollars: a mail at 80 % and 100 % of it,
	// and when AWS expects more. 0 has none, and has to be it in regions where
	// CloudFormation makes no budgets, such as eu-north-1. It counts what is tagged
	// Environment, once that tag is activated in the billing console.
	BudgetUSD int
	// ErrorPattern selects the lines of the backend's log that are errors: CloudWatch
	// Logs' filter pattern of 1 to 1024 characters, at most two of its parts regular
	// expressions.
	// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
	ErrorPattern string
	// AuthFailurePattern selects the lines that say that somebody was refused, in
	// the same form.
	AuthFailurePattern string
	// LatencyField is the field of the backend's JSON log lines with the time that
	// an answer took, in milliseconds, of at most 98 characters. Empty where logs have
	// none.
	LatencyField string
}
