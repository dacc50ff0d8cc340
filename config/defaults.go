package config

// base returns what the environments have in common: the cheapest system that is
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
	// A setting that all environments share is a line here: e.Setting = value.
	return e
}

// protect sets what an environment needs whose data matters.
func (e *Environment) protect() {
	e.RetainData = true
	e.DeletionProtection = true
	e.TerminationProtection = true
	e.Network.FlowLogs = true
	e.Edge.AccessLogs = true
	e.Database.MultiAZ = true
	e.Backend.DesiredCount = 2
	e.Backend.MigrationCommand = []string{"npx", "prisma", "migrate", "deploy"}
	e.Frontend.DesiredCount = 2
	e.Monitoring.Alarms = AlarmsAll
	e.Monitoring.BudgetUSD = 150
}

// service returns what both services have in common.
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
