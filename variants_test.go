package parrot

import "parrot/config"

// variant is the described system with a setting changed.
type variant struct {
	name string
	env  config.Environment
}

// variants change each setting that a running environment may change, away from
// what is described. Between any two of them, and it, a deploy has to go through in
// one pass.
func variants() []variant {
	var all []variant
	add := func(name string, change func(*config.Environment)) {
		env := described()
		change(&env)
		all = append(all, variant{name, env})
	}
	add("Account", func(e *config.Environment) { e.Account = "123456789012" })
	add("Domain", func(e *config.Environment) { e.Domain = "example.org" })
	add("ImportedZone", func(e *config.Environment) { e.HostedZoneID = "Z0123456789ABCDEFGHIJ" })
	add("OtherImportedZone", func(e *config.Environment) { e.HostedZoneID = "Z9876543210ABCDEFGHIJ" })
	add("CostCenter", func(e *config.Environment) { e.CostCenter = "research" })
	add("RetainData", func(e *config.Environment) { e.RetainData = true })
	add("Protection", func(e *config.Environment) { e.DeletionProtection, e.TerminationProtection = true, true })
	add("Production", func(e *config.Environment) {
		e.Production, e.RetainData, e.DeletionProtection, e.TerminationProtection = true, true, true, true
		e.Backend.SeedDB, e.Database.BackupRetentionDays = false, 7
		e.Backend.DesiredCount, e.Frontend.DesiredCount = 2, 2
	})
	add("LogRetention", func(e *config.Environment) { e.LogRetentionDays = 3653 })

	add("NATOne", func(e *config.Environment) { e.Network.NATGateways = config.NATOne })
	add("NATOnePerAZ", func(e *config.Environment) { e.Network.NATGateways = config.NATOnePerAZ })
	add("PrivateTasks", func(e *config.Environment) {
		e.Network.NATGateways, e.Network.TaskSubnets = config.NATOne, config.TasksPrivate
	})
	add("DataFromBackend", func(e *config.Environment) { e.Network.DataAccess = config.DataFromBackend })
	add("FlowLogs", func(e *config.Environment) { e.Network.FlowLogs = true })
	add("AccessLogs", func(e *config.Environment) { e.Edge.AccessLogs, e.Edge.AccessLogRetentionDays = true, 1 })

	add("DatabaseSize", func(e *config.Environment) {
		e.Database.InstanceClass, e.Database.MultiAZ = "db.m7g.large", true
		e.Database.AllocatedStorageGiB, e.Database.MaxAllocatedStorageGiB = 400, 65536
	})
	add("NoStorageAutoscaling", func(e *config.Environment) { e.Database.MaxAllocatedStorageGiB = 20 })
	add("NoBackups", func(e *config.Environment) { e.Database.BackupRetentionDays = 0 })
	add("LongBackups", func(e *config.Environment) { e.Database.BackupRetentionDays = 35 })
	add("DatabaseVersion", func(e *config.Environment) { e.Database.EngineVersion = "18" })
	add("Rotation", func(e *config.Environment) { e.Database.RotationDays = 365 })
	add("RotationRetained", func(e *config.Environment) { e.Database.RotationDays, e.RetainData = 1, true })
	add("Redis", func(e *config.Environment) { e.Redis.Enabled = true })
	add("RedisRetained", func(e *config.Environment) {
		e.Redis.Enabled, e.Redis.NodeType, e.RetainData = true, "cache.m7g.large", true
	})

	add("Unreleased", func(e *config.Environment) { e.Backend.Image, e.Frontend.Image = config.Image{}, config.Image{} })
	add("Images", func(e *config.Environment) { e.Backend.Image, e.Frontend.Image = taggedImage, digestedImage })
	add("Ports", func(e *config.Environment) { e.Backend.Port, e.Frontend.Port = 8081, 8080 })
	add("Sizes", func(e *config.Environment) {
		e.Backend.CPU, e.Backend.MemoryMiB = 16384, 122880
		e.Frontend.CPU, e.Frontend.MemoryMiB = 512, 4096
	})
	add("Counts", func(e *config.Environment) { e.Backend.DesiredCount, e.Frontend.DesiredCount = 7, 0 })
	add("HealthChecks", func(e *config.Environment) {
		check := config.HealthCheck{
			Path: "/", IntervalSeconds: 300, TimeoutSeconds: 120, HealthyThreshold: 10, UnhealthyThreshold: 10, GracePeriodSeconds: 7200,
		}
		e.Backend.HealthCheck, e.Frontend.HealthCheck = check, check
	})
	add("Variables", func(e *config.Environment) {
		e.Backend.Variables = map[string]string{"LOG_LEVEL": "debug"}
		e.Frontend.Variables = map[string]string{"LOG_LEVEL": "debug"}
	})
	add("API", func(e *config.Environment) {
		e.Backend.APIPrefix, e.Backend.CORSOrigins = "rest/v1", []string{"http://localhost:3000"}
	})
	add("Start", func(e *config.Environment) {
		e.Backend.SeedDB, e.Backend.PrismaDBPushOnStart = false, true
		e.Backend.MigrationCommand = []string{"npx", "prisma", "migrate", "deploy"}
	})
	add("CABundle", func(e *config.Environment) { e.Backend.CABundle = "/app/rds.pem" })
	add("Tokens", func(e *config.Environment) { e.Backend.JWTExpiresIn, e.Backend.JWTRefreshExpiresIn = "1h", "30d" })
	for _, scale := range scales[1:] {
		add(scale.variant, scale.change)
	}
	add("AllAlarms", func(e *config.Environment) { e.Monitoring.Alarms = config.AlarmsAll })
	add("AllAlarmsRedis", func(e *config.Environment) { e.Monitoring.Alarms, e.Redis.Enabled = config.AlarmsAll, true })
	add("AllAlarmsPorts", func(e *config.Environment) {
		e.Monitoring.Alarms, e.Monitoring.RollbackOnErrors = config.AlarmsAll, true
		e.Backend.Port, e.Frontend.Port = 8081, 8080
	})
	add("NoMonitoring", func(e *config.Environment) {
		e.Monitoring.Alarms, e.Monitoring.Dashboard, e.Monitoring.BudgetUSD = config.AlarmsNone, false, 0
	})
	add("Thresholds", func(e *config.Environment) { e.Monitoring.Thresholds = map[string]float64{"errors-5xx": 20} })
	add("Mails", func(e *config.Environment) {
		e.Monitoring.PageEmails, e.Monitoring.TicketEmails = []string{"on.call@acme.example", "oncall@acme.example"}, []string{"team@acme.example", "oncall@acme.example"}
		e.Monitoring.RunbookURL = "https://acme.example/runbook"
	})
	add("Rollback", func(e *config.Environment) { e.Monitoring.RollbackOnErrors = true })
	add("LogPatterns", func(e *config.Environment) {
		e.Monitoring.Alarms = config.AlarmsAll
		e.Monitoring.ErrorPattern, e.Monitoring.AuthFailurePattern, e.Monitoring.LatencyField = "FATAL", "denied", ""
	})
	add("AuthOnly", func(e *config.Environment) { e.Frontend.AuthOnlyMode = true })
	return all
}

// fixed are the settings that no variant changes, because a running environment
// cannot: their documentation says so.
var fixed = []string{
	"Name", "Region", "Network.VPC", "Network.AvailabilityZones", "Database.Identifier",
	"Backend.Repository", "Frontend.Repository",
}
