package config

// rootDomain is dev's domain; stage and prod have subdomains of it.
const rootDomain = "bkgstock.com"

// All returns every environment in the order of promotion, without its
// released images.
func All() []Environment {
	return []Environment{Dev(), Stage(), Prod()}
}

// Delivery returns the pipeline that promotes every commit of a branch through
// All. Without a connection there is none: docs/pipeline.md says how to make it.
func Delivery() Pipeline {
	return Pipeline{
		ConnectionARN:      "",
		Repository:         "",
		Directory:          "",
		Branch:             "main",
		NotificationEmails: []string{},
	}
}

// base is what the environments have in common: the cheapest system that is
// safe.
func base(name, domain string) Environment {
	e := Environment{
		Name:             name,
		Region:           "us-east-1",
		Domain:           domain,
		CostCenter:       Project,
		LogRetentionDays: 30,
		Network: Network{
			AvailabilityZones: []string{"us-east-1a", "us-east-1b"},
			NATGateways:       NATNone,
			TaskSubnets:       TasksPublic,
			DataAccess:        DataFromBackend,
		},
		Edge: Edge{AccessLogRetentionDays: 90},
		Database: Database{
			Identifier:             physicalName(name, "db"),
			EngineVersion:          "17",
			InstanceClass:          "db.t3.micro",
			AllocatedStorageGiB:    20,
			MaxAllocatedStorageGiB: 100,
			BackupRetentionDays:    1,
		},
		Redis: Redis{NodeType: "cache.t3.micro"},
		Backend: Backend{
			Service:             service(physicalName(name, "backend"), 3001, "/api/health"),
			APIPrefix:           "api",
			CABundle:            "/etc/ssl/certs/rds-global-bundle.pem",
			JWTExpiresIn:        "15m",
			JWTRefreshExpiresIn: "7d",
		},
		Frontend: Frontend{
			Service: service(physicalName(name, "frontend"), 3000, "/landing"),
		},
		Monitoring: Monitoring{
			Alarms:             AlarmsPage,
			Thresholds:         map[string]float64{},
			PageEmails:         []string{},
			TicketEmails:       []string{},
			RunbookURL:         "docs/runbook.md",
			Dashboard:          true,
			BudgetUSD:          100,
			ErrorPattern:       `?ERROR ?FATAL ?"\"level\":50" ?"\"level\":60" ?"\"level\":\"error\"" ?"\"level\":\"fatal\""`,
			AuthFailurePattern: `?Unauthorized ?"\"statusCode\":401"`,
			LatencyField:       "responseTime",
		},
	}
	// What all environments share beyond that is a line here: e.Setting = value.
	return e
}

// service is what the two services have in common.
func service(repository string, port int, healthCheckPath string) Service {
	return Service{
		Repository:   repository,
		Port:         port,
		CPU:          256,
		MemoryMiB:    512,
		DesiredCount: 1,
		Variables:    map[string]string{},
		HealthCheck: HealthCheck{
			Path:               healthCheckPath,
			IntervalSeconds:    30,
			TimeoutSeconds:     5,
			HealthyThreshold:   2,
			UnhealthyThreshold: 2,
			GracePeriodSeconds: 120,
		},
	}
}

// Dev is the system as its owner runs it today. It can be destroyed and
// deployed again.
func Dev() Environment {
	e := base("dev", rootDomain)
	e.Network.VPC = "10.10.0.0/24"
	e.Network.DataAccess = DataFromVPC
	e.Backend.Repository, e.Frontend.Repository = "parrot-backend", "parrot-frontend"
	e.Backend.SeedDB = true
	return e
}

// Stage is prod in small: what breaks here would break there.
func Stage() Environment {
	e := guarded("stage", "stage."+rootDomain)
	e.Network.VPC = "10.11.0.0/24"
	e.Database.BackupRetentionDays = 7
	return e
}

// Prod can lose a task, a zone and a colleague's laptop.
func Prod() Environment {
	e := guarded("prod", "prod."+rootDomain)
	e.Production = true
	e.Network.VPC = "10.12.0.0/24"
	e.Database.BackupRetentionDays = 30
	e.Database.RotationDays = 30
	e.LogRetentionDays = 90
	e.Monitoring.RollbackOnErrors = true
	return e
}

// guarded is an environment whose data matters.
func guarded(name, domain string) Environment {
	e := base(name, domain)
	e.RetainData, e.DeletionProtection, e.TerminationProtection = true, true, true
	e.Network.FlowLogs, e.Edge.AccessLogs = true, true
	e.Database.MultiAZ = true
	e.Backend.DesiredCount, e.Frontend.DesiredCount = 2, 2
	e.Backend.MigrationCommand = []string{"npx", "prisma", "migrate", "deploy"}
	e.Monitoring.Alarms, e.Monitoring.BudgetUSD = AlarmsAll, 150
	return e
}
