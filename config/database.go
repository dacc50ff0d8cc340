package config

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Database is the settings of PostgreSQL on RDS.
type Database struct {
	// Identifier is the instance's name. Fixed: another one would be another,
	// empty database; the old one would be kept, as a snapshot without RetainData.
	Identifier string `characters:"63"`
	// EngineVersion is PostgreSQL's major version; RDS applies minor ones. A higher
	// one upgrades in place, with a pause. There is no way back.
	EngineVersion string `oneof:"17, 18"`
	// InstanceClass is the RDS instance class, one that runs PostgreSQL and that the
	// region has. A change restarts the database.
	// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.DBInstanceClass.Support.html
	InstanceClass string
	// AllocatedStorageGiB is the gp2 volume's first size. It only grows, by at least a
	// tenth, and it cannot be less than the size to which RDS has grown it.
	AllocatedStorageGiB int `range:"20 to 65536"`
	// MaxAllocatedStorageGiB is how far RDS may grow the volume by itself: at least a
	// tenth above AllocatedStorageGiB. Equal to it means that RDS never grows the
	// volume.
	MaxAllocatedStorageGiB int `range:"20 to 65536"`
	// BackupRetentionDays is how many days of point-in-time recovery there are. 0
	// switches backups off, which needs DeletionProtection off.
	BackupRetentionDays int `range:"0 to 35" production:"7 to 35"`
	// MultiAZ runs a standby in the second zone, at twice the price.
	MultiAZ bool
	// RotationDays is how often the database gets a new password, in days; 0 is never.
	// Users notice only some minutes of errors where a running task opens a new
	// connection: docs/rotation.md. The first rotation is that many days after the
	// setting is deployed.
	RotationDays int `range:"0 to 365"`
}

var identifierSyntax = regexp.MustCompile(`^[a-z](-?[a-z0-9])*$`)

func (v *validator) database(e Environment) {
	db := e.Database
	v.matches("Database.Identifier", db.Identifier, identifierSyntax, "lower-case letters, digits and single hyphens, a letter first")
	v.offeredClass("Database.InstanceClass", db.InstanceClass, e.Region, offers.DatabaseClasses,
		"an RDS class that runs PostgreSQL, such as db.t3.micro or db.m7g.large")
	if most := db.MaxAllocatedStorageGiB; most != db.AllocatedStorageGiB && most*10 < db.AllocatedStorageGiB*11 {
		v.reject("Database.MaxAllocatedStorageGiB", most, "AllocatedStorageGiB (%d), or at least a tenth more", db.AllocatedStorageGiB)
	}
	if db.BackupRetentionDays == 0 && e.DeletionProtection {
		v.reject("Database.BackupRetentionDays", 0, "1 to 35 while DeletionProtection is true")
	}
}

var databaseAlarms = []alarmRow{
	{
		Alarm: Alarm{
			ID: "database-cpu", Section: "database-cpu", Severity: Ticket, Subject: "CPU of the database", Unit: " %",
			PeriodSeconds: fiveMinutes, Periods: 3, Threshold: 80, Missing: MissingIsGood,
		},
		fit: func(e Environment, a *Alarm) {
			a.Metrics = []Metric{e.databaseMetric("value", "CPUUtilization", "Average")}
		},
	},
	{
		Alarm: Alarm{
			ID: "database-connections", Section: "database-connections", Severity: Page, Subject: "connections to the database",
			PeriodSeconds: fiveMinutes, Periods: 1, Missing: MissingIsGood,
		},
		fit: func(e Environment, a *Alarm) {
			a.Metrics = []Metric{e.databaseMetric("value", "DatabaseConnections", "Maximum")}
			a.Threshold = float64(maxConnections(memoryGiB(e.Database.InstanceClass)) * 8 / 10)
		},
	},
	{
		// RDS grows the volume below a tenth. Here it has not, or it may not any more.
		Alarm: Alarm{
			ID: "database-storage", Section: "database-storage", Severity: Page, Subject: "free storage of the database", Unit: " GiB",
			PeriodSeconds: fiveMinutes, Periods: 3, Expression: "bytes / 1073741824", Below: true, Missing: MissingIsOld,
		},
		fit: func(e Environment, a *Alarm) {
			a.Metrics = []Metric{e.databaseMetric("bytes", "FreeStorageSpace", "Minimum")}
			a.Threshold = max(1, float64(e.Database.AllocatedStorageGiB)/20)
		},
	},
	{
		Alarm: Alarm{
			ID: "database-memory", Section: "database-memory", Severity: Ticket, Subject: "freeable memory of the database", Unit: " MiB",
			PeriodSeconds: fiveMinutes, Periods: 3, Expression: "bytes / 1048576", Below: true, Missing: MissingIsGood,
		},
		fit: func(e Environment, a *Alarm) {
			a.Metrics = []Metric{e.databaseMetric("bytes", "FreeableMemory", "Average")}
			a.Threshold = float64(int(memoryGiB(e.Database.InstanceClass) * 1024 / 20))
		},
	},
	{
		Alarm: Alarm{
			ID: "database-iops", Section: "database-iops", Severity: Ticket,
			Subject: "reads and writes of the database's volume", Unit: " a second", Label: "reads and writes of the volume a second",
			PeriodSeconds: fiveMinutes, Periods: 12, Expression: "reads + writes", Missing: MissingIsGood,
		},
		fit: func(e Environment, a *Alarm) {
			a.Metrics = []Metric{e.databaseMetric("reads", "ReadIOPS", "Average"), e.databaseMetric("writes", "WriteIOPS", "Average")}
			a.Threshold = float64(baselineIOPS(e.Database.AllocatedStorageGiB))
		},
	},
	{
		Alarm: Alarm{
			ID: "database-read-latency", Section: "database-latency", Severity: Ticket,
			Subject: "average time of a read from the database's volume", Unit: " ms", Label: "a read of the volume",
			PeriodSeconds: fiveMinutes, Periods: 3, Expression: "1000 * seconds", Threshold: 50, Missing: MissingIsGood,
		},
		fit: func(e Environment, a *Alarm) {
			a.Metrics = []Metric{e.databaseMetric("seconds", "ReadLatency", "Average")}
		},
	},
	{
		Alarm: Alarm{
			ID: "database-write-latency", Section: "database-latency", Severity: Ticket,
			Subject: "average time of a write to the database's volume", Unit: " ms", Label: "a write of the volume",
			PeriodSeconds: fiveMinutes, Periods: 3, Expression: "1000 * seconds", Threshold: 50, Missing: MissingIsGood,
		},
		fit: func(e Environment, a *Alarm) {
			a.Metrics = []Metric{e.databaseMetric("seconds", "WriteLatency", "Average")}
		},
	},
	{
		Alarm: Alarm{
			ID: "database-credits", Section: "database-credits", Severity: Ticket,
			Subject: "CPU credits of the database", Note: "while it uses more than it earns",
			Label:         "CPU credits of the database, while it uses more than it earns,",
			PeriodSeconds: fiveMinutes, Periods: 12, Below: true, Missing: MissingIsGood,
		},
		wanted: func(e Environment) bool { return e.Database.Burstable() },
		fit: func(e Environment, a *Alarm) {
			class := e.Database.InstanceClass
			credits := cpuCredits[class[strings.LastIndex(class, ".")+1:]]
			a.Metrics = []Metric{e.databaseMetric("credits", "CPUCreditBalance", "Average"), e.databaseMetric("cpu", "CPUUtilization", "Average")}
			// A new instance starts without credits: an idle one is no trouble.
			a.Expression = fmt.Sprintf("IF(cpu > %d, credits, %d)", credits.baselinePercent, credits.most)
			a.Threshold = float64(credits.most / 10)
		},
	},
}

func (e Environment) databaseMetric(id, name, statistic string) Metric {
	return Metric{id, "AWS/RDS", name, statistic, map[string]string{"DBInstanceIdentifier": e.Database.Identifier}}
}

// rotationAlarm fires when a step of a rotation fails. Until the next try succeeds,
// the database may already have the new password, and the tasks the old one.
var rotationAlarm = alarmRow{
	Alarm: Alarm{
		ID: "rotation", Section: "rotation", Severity: Page, Subject: "failed steps of a password's rotation",
		PeriodSeconds: fiveMinutes, Periods: 1, Threshold: 0, Missing: MissingIsGood, // it runs on few days
	},
	wanted: func(e Environment) bool { return e.Database.RotationDays > 0 },
	fit: func(e Environment, a *Alarm) {
		a.single("AWS/Lambda", "Errors", "Sum", map[string]string{"FunctionName": e.RotationFunctionName()})
	},
}

// Burstable reports whether the instance class earns and spends CPU credits.
func (d Database) Burstable() bool { return strings.HasPrefix(d.InstanceClass, "db.t") }

// cpuCredits are how many credits a burstable class can save, and the use of CPU that
// spends as much as is earned, by size; T3 and T4g are alike.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/burstable-credits-baseline-concepts.html
var cpuCredits = map[string]struct{ most, baselinePercent int }{
	"micro": {288, 10}, "small": {576, 20}, "medium": {576, 20}, "large": {864, 30}, "xlarge": {2304, 40}, "2xlarge": {4608, 40},
}

// memoryGiB returns the memory of an RDS instance class, an ElastiCache node type, or
// any other instance type: that of its size, times that of its family.
// https://aws.amazon.com/rds/instance-types/
func memoryGiB(class string) float64 {
	parts := strings.Split(class, ".")
	family, size := parts[len(parts)-2], parts[len(parts)-1]
	sizes := map[string]float64{"micro": 1, "small": 2, "medium": 4, "large": 8, "xlarge": 16}
	gib, ok := sizes[size]
	if !ok {
		times, err := strconv.Atoi(strings.TrimSuffix(size, "xlarge"))
		if err != nil {
			panic(err) // the setting's syntax has been checked
		}
		gib = float64(times) * sizes["xlarge"]
	}
	switch {
	case strings.HasPrefix(family, "r"):
		return 2 * gib
	case strings.HasPrefix(family, "x2g"), strings.HasPrefix(family, "x2idn"):
		return 4 * gib
	case strings.HasPrefix(family, "x2iedn"):
		return 8 * gib
	default:
		return gib
	}
}

// maxConnections returns PostgreSQL's limit as RDS sets it, from the memory that its own
// processes leave. How much they take is not documented: what people have read on
// instances is 181 of a db.t4g.small's 225, and about 80 of a micro's 112.
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Limits.html#RDS_Limits.MaxConnections
// https://github.com/kirill-markin/flashcards-open-source-app/pull/1657
func maxConnections(memoryGiB float64) int {
	left := memoryGiB - min(0.4, 0.3*memoryGiB)
	return min(5000, int(left*(1<<30)/9531392))
}

// baselineIOPS returns what a gp2 volume gives permanently; above it, it uses
// credits.
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Storage.html#Concepts.Storage.GeneralSSD
func baselineIOPS(gib int) int {
	return min(16000, max(100, 3*gib))
}
