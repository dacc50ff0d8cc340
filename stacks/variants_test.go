package stacks_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot/config"
	. "parrot/internal/synthtest"
)

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
		env := Described()
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
	add("Images", func(e *config.Environment) { e.Backend.Image, e.Frontend.Image = TaggedImage, DigestedImage })
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
		e.Monitoring.PageEmails, e.Monitoring.TicketEmails = []string{"on.call@acme.example",
			"oncall@acme.example"}, []string{"team@acme.example", "oncall@acme.example"}
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

func TestEverySettingHasAVariant(t *testing.T) {
	t.Parallel()
	base := settings(Described())
	changed := map[string]bool{}
	for _, v := range variants() {
		for name, value := range settings(v.env) {
			if !reflect.DeepEqual(base[name], value) {
				changed[name] = true
			}
		}
	}
	for name := range base {
		if slices.Contains(fixed, name) {
			assert.False(t, changed[name], "%s is fixed: a running environment cannot change it", name)
		} else {
			assert.True(t, changed[name], "no variant changes %s", name)
		}
	}
}

// settings returns an environment's settings by name.
func settings(env config.Environment) map[string]any {
	found := map[string]any{}
	var walk func(name string, value reflect.Value)
	walk = func(name string, value reflect.Value) {
		if value.Kind() != reflect.Struct || value.Type().PkgPath() != reflect.TypeOf(env).PkgPath() {
			found[strings.TrimPrefix(name, ".")] = value.Interface()
			return
		}
		for i := range value.NumField() {
			field := value.Type().Field(i)
			if field.Anonymous {
				walk(name, value.Field(i))
			} else {
				walk(name+"."+field.Name, value.Field(i))
			}
		}
	}
	walk("", reflect.ValueOf(env))
	return found
}

// One line for each setting whose effect no test above shows: the variant, the
// stack, the resources of a type, and what their property is then.
func TestSettingsReachTheTemplates(t *testing.T) {
	t.Parallel()
	const rule, task, db = "AWS::ElasticLoadBalancingV2::ListenerRule", "AWS::ECS::TaskDefinition", "AWS::RDS::DBInstance"
	property := func(path ...any) []any { return path }
	for _, c := range []struct {
		variant, part, resourceType string
		path                        []any
		want                        []string
	}{
		{"API", "Compute", rule, property("Conditions", 0, "PathPatternConfig", "Values"), []string{"/rest/v1,/rest/v1/*", "/*"}},
		{"Sizes", "Compute", task, property("Cpu"), []string{"16384", "512"}},
		{"Sizes", "Compute", task, property("Memory"), []string{"122880", "4096"}},
		{"Counts", "Compute", "AWS::ECS::Service", property("DesiredCount"), []string{"7", "0"}},
		{"HealthChecks", "Compute", "AWS::ECS::Service", property("HealthCheckGracePeriodSeconds"), []string{"7200", "7200"}},
		{"HealthChecks", "Compute", "AWS::ElasticLoadBalancingV2::TargetGroup", property("HealthCheckIntervalSeconds"), []string{"300", "300"}},
		{"HealthChecks", "Compute", "AWS::ElasticLoadBalancingV2::TargetGroup", property("HealthCheckTimeoutSeconds"), []string{"120", "120"}},
		{"HealthChecks", "Compute", "AWS::ElasticLoadBalancingV2::TargetGroup", property("UnhealthyThresholdCount"), []string{"10", "10"}},
		{"HealthChecks", "Compute", "AWS::ElasticLoadBalancingV2::TargetGroup", property("HealthyThresholdCount"), []string{"10", "10"}},
		{"LogRetention", "Compute", "AWS::Logs::LogGroup", property("RetentionInDays"), []string{"3653", "3653"}},
		{"LogRetention", "Data", "AWS::Logs::LogGroup", property("RetentionInDays"), []string{"3653"}},
		{"DatabaseSize", "Data", db, property("DBInstanceClass"), []string{"db.m7g.large"}},
		{"DatabaseSize", "Data", db, property("AllocatedStorage"), []string{"400"}},
		{"DatabaseSize", "Data", db, property("MaxAllocatedStorage"), []string{"65536"}},
		{"NoStorageAutoscaling", "Data", db, property("MaxAllocatedStorage"), []string{""}},
		{"NoBackups", "Data", db, property("BackupRetentionPeriod"), []string{"0"}},
		{"Rotation", "Data", "AWS::SecretsManager::RotationSchedule", property("RotationRules", "AutomaticallyAfterDays"), []string{"365"}},
		{"DatabaseVersion", "Data", db, property("EngineVersion"), []string{"18"}},
		{"DatabaseVersion", "Data", "AWS::RDS::DBParameterGroup", property("Family"), []string{"postgres18"}},
		{"RedisRetained", "Data", "AWS::ElastiCache::ReplicationGroup", property("CacheNodeType"), []string{"cache.m7g.large"}},
		{"CostCenter", "Network", "AWS::EC2::VPC", property("Tags", 0, "Value"), []string{"research"}},
		{"Domain", "Edge", "AWS::CertificateManager::Certificate", property("DomainName"), []string{"example.org"}},
		// A lifetime stands in a secret, which tasks read when they start.
		{"Tokens", "Compute", task, property("ContainerDefinitions", 0, "DockerLabels", "secrets-revision"), []string{"1h 30d", ""}},
	} {
		var got []string
		for _, resource := range Resources(t, changed(t, c.variant, c.part), c.resourceType) {
			got = append(got, resource.Text(c.path...))
		}
		assert.Equal(t, c.want, got, "%v of %s with %s", c.path, c.resourceType, c.variant)
	}
	appEnv := Projected(t, With(t, changed(t, "Tokens", "Data"), "AWS::SecretsManager::Secret", "Name", "parrot-dev-app-env"))
	assert.Equal(t, "1h", appEnv["JWT_EXPIRES_IN"])
	assert.Equal(t, "30d", appEnv["JWT_REFRESH_EXPIRES_IN"])
}

func TestWhatTheTestsSynthesizeIsValid(t *testing.T) {
	t.Parallel()
	require.NoError(t, config.Validate(environments()))
	require.NoError(t, config.Validate(Fixtures()))
	for _, v := range variants() {
		require.NoError(t, config.Validate([]config.Environment{v.env}), v.name)
	}
}
