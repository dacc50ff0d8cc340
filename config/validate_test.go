package config

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// change is a change of a valid environment, and how the error that it has to
// cause begins: "Setting is value: want allowed". No error is wanted where that
// is empty.
type change struct {
	name   string
	change func(*Environment)
	want   string
}

// check makes every change to an environment of its own and validates it beside
// the others.
func check(t *testing.T, environment func() Environment, changes []change, others ...Environment) {
	t.Helper()
	for _, c := range changes {
		t.Run(c.name, func(t *testing.T) {
			e := environment()
			c.change(&e)
			err := Validate(slices.Concat(others, []Environment{e}))
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.Error(t, err)
			require.Regexp(t, `^[A-Z]\S+ is .+: want .+`, c.want, "an error names the setting, its value and what is allowed")
			name := cmp.Or(e.Name, fmt.Sprintf("environment %d", len(others)+1))
			assert.Contains(t, "\n"+err.Error(), "\n"+name+": "+c.want)
		})
	}
}

// values returns changes of one setting: to good values, which stay valid, and to
// bad ones, which are refused with what is allowed.
func values[T any](setting, allowed string, of func(*Environment) *T, good, bad []T) []change {
	var changes []change
	add := func(value T, want string) {
		changes = append(changes, change{
			name:   fmt.Sprintf("%s %.40v", setting, value),
			change: func(e *Environment) { *of(e) = value },
			want:   want,
		})
	}
	for _, value := range good {
		add(value, "")
	}
	for _, value := range bad {
		format := "%s is %q: want %s"
		if _, number := any(value).(int); number {
			format = "%s is %d: want %s"
		}
		add(value, fmt.Sprintf(format, setting, value, allowed))
	}
	return changes
}

// between returns changes of a number to both sides of its limits.
func between(setting string, lowest, highest int, of func(*Environment) *int) []change {
	return values(setting, fmt.Sprintf("%d to %d", lowest, highest), of,
		[]int{lowest, highest}, []int{lowest - 1, highest + 1})
}

// bothServices are where every rule for a service has to hold.
var bothServices = map[string]func(*Environment) *Service{
	"Backend":  func(e *Environment) *Service { return &e.Backend.Service },
	"Frontend": func(e *Environment) *Service { return &e.Frontend.Service },
}

func TestTheShippedSettingsAreValid(t *testing.T) {
	environments, err := Load()
	require.NoError(t, err)
	assert.Len(t, environments, len(All()))
}

func TestEveryErrorIsReportedAtOnce(t *testing.T) {
	environments := three()
	dev, stage, prod := &environments[0], &environments[1], &environments[2]
	dev.Domain = "BKGSTOCK.com"
	dev.Network.DataAccess = "world"
	dev.Edge.AccessLogRetentionDays = 0
	dev.Database.EngineVersion = "9"
	dev.Redis.NodeType = "tiny"
	dev.Backend.Port = 0
	dev.Frontend.HealthCheck.Path = ""
	dev.Backend.JWTExpiresIn = "soon"
	stage.Database.Identifier = dev.Database.Identifier
	prod.RetainData = false

	var reported []string
	for line := range strings.Lines(Validate(environments).Error()) {
		setting, _, _ := strings.Cut(line, " is ")
		reported = append(reported, setting)
	}
	assert.ElementsMatch(t, []string{
		"dev: Domain", "dev: Network.DataAccess", "dev: Edge.AccessLogRetentionDays", "dev: Database.EngineVersion",
		"dev: Redis.NodeType", "dev: Backend.Port", "dev: Frontend.HealthCheck.Path", "dev: Backend.JWTExpiresIn",
		"stage: Database.Identifier", "prod: RetainData",
	}, reported)
}

func TestOneMistakeInWhatEnvironmentsShareIsOneError(t *testing.T) {
	environments := three()
	for i := range environments {
		environments[i].Region = "us-east-9"
	}
	err := Validate(environments)
	require.ErrorContains(t, err, `dev, stage, prod: Region is "us-east-9": want one of af-south-1, `)
	assert.NotContains(t, err.Error(), "\n")
}

func TestWrongDomainIsOneError(t *testing.T) {
	e := described()
	e.Domain = "Example.com"
	require.ErrorContains(t, Validate([]Environment{e}), "dev: Domain is")
	assert.NotContains(t, Validate([]Environment{e}).Error(), "\n")
}

func TestErrorsComeInTheSameOrderEachTime(t *testing.T) {
	e := described()
	e.Backend.Variables = map[string]string{"1": "", "2": "", "3": "", "4": "", "5": "", "6": "", "7": "", "8": ""}
	first := Validate([]Environment{e})
	for range 20 {
		require.EqualError(t, Validate([]Environment{e}), first.Error())
	}
}

func TestNameIsLowerCaseLettersAndDigits(t *testing.T) {
	check(t, described, values("Name", "lower-case letters and digits, a letter first",
		func(e *Environment) *string { return &e.Name },
		[]string{"q", "qa", "qa2"},
		[]string{"", "QA", "2qa", "my-qa", "qä", "q a"}))
}

func TestTextsThatAreTooLongAreRefused(t *testing.T) {
	limited := 0
	for _, s := range settings("", reflect.ValueOf(described())) {
		longest, ok := s.tag.Lookup(charactersTag)
		if !ok {
			continue
		}
		limited++
		set := func(e *Environment, length int) {
			for _, own := range settings("", reflect.ValueOf(e).Elem()) {
				if own.path == s.path {
					own.value.SetString(strings.Repeat("x", length))
				}
			}
		}
		e := described()
		set(&e, mustInt(longest))
		if err := Validate([]Environment{e}); err != nil {
			assert.NotRegexp(t, s.path+` is "x+": want at most`, err.Error())
		}
		set(&e, mustInt(longest)+1)
		require.Error(t, Validate([]Environment{e}), s.path)
		assert.Regexp(t, s.path+` is "x+": want at most `+longest+` characters`, Validate([]Environment{e}).Error())
	}
	assert.NotZero(t, limited)
}

func TestAccountIsTwelveDigitsOrNothing(t *testing.T) {
	check(t, described, values("Account", "twelve digits, or nothing",
		func(e *Environment) *string { return &e.Account },
		[]string{"", "012345678901"},
		[]string{"12345678901", "1234567890123", "1234-5678-9012", "my-account"}))
}

func TestRegionIsACommercialOne(t *testing.T) {
	check(t, described, values("Region", "one of af-south-1, ",
		func(e *Environment) *string { return &e.Region },
		[]string{"us-east-1"},
		[]string{"", "us-east-3", "US-EAST-1", "us-east-1a", "cn-north-1", "us-gov-west-1"}))
	check(t, described, []change{{"another region with its zones", func(e *Environment) {
		e.Region, e.Network.AvailabilityZones = "eu-central-1", []string{"eu-central-1a", "eu-central-1b"}
	}, ""}})
}

func TestDomainIsLowerCaseAndFitsACertificate(t *testing.T) {
	longest := strings.Repeat("a", 60) + ".com" // 64 characters
	check(t, described, values("Domain", "a lower-case domain name without www., such as example.com",
		func(e *Environment) *string { return &e.Domain },
		[]string{"example.com", "a.b-c.example.co.uk", "xn--bcher-kva.example", longest},
		[]string{
			"", "example", "Example.com", "www.example.com", "example.com.", ".example.com", "-a.com", "a-.com",
			"a..com", "a_b.com", "bücher.de", "10.0.0.1", "https://example.com", "example.com/", "*.example.com", "example.com\n",
		}))
}

func TestHostedZoneIDIsAnIDOrNothing(t *testing.T) {
	longest := "Z" + strings.Repeat("0", 31)
	check(t, described, values("HostedZoneID", "a Route 53 zone's id",
		func(e *Environment) *string { return &e.HostedZoneID },
		[]string{"", "Z0", "Z0123456789ABCDEFGHIJ", longest},
		[]string{"Z", "z0123456789", "0123456789", "/hostedzone/Z0123456789", "example.com", longest + "0"}))
}

func TestCostCenterIsATagThatAWSAccepts(t *testing.T) {
	longest := strings.Repeat("c", 128)
	check(t, described, values("CostCenter", "letters, digits, spaces and _.:/=+@-, a letter or digit first",
		func(e *Environment) *string { return &e.CostCenter },
		[]string{"p", "4711", "R and D: a_b.c/d=e+f@g-h", longest},
		[]string{"", " parrot", "R&D", "büro", "parrot\n"}))
}

func TestLogRetentionIsAPeriodOfCloudWatch(t *testing.T) {
	check(t, described, values("LogRetentionDays", "one of 1, 3, 5, 7, 14, 30, ",
		func(e *Environment) *int { return &e.LogRetentionDays },
		[]int{1, 30, 3653},
		[]int{-1, 0, 2, 31, 3654}))
}

func TestVPCIsAPrivatePrefixThatHoldsFourSubnets(t *testing.T) {
	check(t, described, values("Network.VPC", "a private IPv4 prefix from /16 to /25 without host bits, such as 10.10.0.0/24",
		func(e *Environment) *string { return &e.Network.VPC },
		[]string{"10.0.0.0/16", "10.255.255.128/25", "172.16.0.0/16", "172.31.255.0/24", "192.168.0.0/16"},
		[]string{
			"10.0.0.0/15", "10.0.0.0/26", "10.10.0.1/24", // too big, too small, a host
			"9.255.0.0/16", "172.15.0.0/16", "172.32.0.0/16", "192.169.0.0/16", "100.64.0.0/16", // not private
			"", "10.10.0.0", "10.10.0.0/", "10.10.0.0/024", "10.10.0.0/33", " 10.10.0.0/24", "all", // no prefixes
			"fd00::/24", "::ffff:10.10.0.0/120", "0.0.0.0/0",
		}))
}

func TestAvailabilityZonesBelongToTheRegion(t *testing.T) {
	check(t, described, values("Network.AvailabilityZones", "two zones of us-east-1; aws ec2 describe-availability-zones --region us-east-1 ",
		func(e *Environment) *[]string { return &e.Network.AvailabilityZones },
		[][]string{{"us-east-1a", "us-east-1b"}, {"us-east-1f", "us-east-1c"}},
		[][]string{
			nil, {"us-east-1a"}, {"us-east-1a", "us-east-1b", "us-east-1c"}, {"us-east-1a", "us-east-1a"},
			{"us-east-1a", "us-east-2b"}, {"us-west-2a", "us-east-1b"}, {"us-east-1a", "b"}, {"us-east-1a", "us-east-1"},
			{"us-east-1a", "us-east-1B"}, {"us-east-1a", "us-east-1-bos-1a"}, {"us-east-1a", ""}, {"us-east-1a", "us-east-1g"},
		}))
	in := func(zones ...string) func(*Environment) {
		return func(e *Environment) { e.Region, e.Network.AvailabilityZones = "us-west-1", zones }
	}
	check(t, described, []change{
		{"no region but us-east-1 has more than four", in("us-west-1a", "us-west-1e"), `Network.AvailabilityZones is ["us-west-1a" "us-west-1e"]: want two zones of us-west-1; aws ec2`},
		{"any two may be those of an account", in("us-west-1b", "us-west-1d"), ""},
	})
	e := described()
	e.Region = "us-west-1"
	assert.NotRegexp(t, `want.*us-west-1[a-z]`, Validate([]Environment{e}).Error(), "the advice names no zone that the account may not have")
}

func TestNATGatewaysAreNoneOneOrOnePerZone(t *testing.T) {
	check(t, described, values("Network.NATGateways", "one of none, one, one-per-az",
		func(e *Environment) *NATGateways { return &e.Network.NATGateways },
		[]NATGateways{"none", "one", "one-per-az"},
		[]NATGateways{"", "two", "One"}))
}

func TestPrivateTasksNeedANATGateway(t *testing.T) {
	check(t, described, values("Network.TaskSubnets", "one of public, private",
		func(e *Environment) *TaskSubnets { return &e.Network.TaskSubnets },
		[]TaskSubnets{"public"},
		[]TaskSubnets{"", "isolated"}))
	place := func(tasks TaskSubnets, gateways NATGateways) func(*Environment) {
		return func(e *Environment) { e.Network.TaskSubnets, e.Network.NATGateways = tasks, gateways }
	}
	check(t, described, []change{
		{"private with one", place(TasksPrivate, NATOne), ""},
		{"private with one per zone", place(TasksPrivate, NATOnePerAZ), ""},
		{"public with one", place(TasksPublic, NATOne), ""},
		{"private with none", place(TasksPrivate, NATNone),
			`Network.TaskSubnets is "private": want "public" while Network.NATGateways is "none"`},
	})
}

func TestDataAccessIsTheVPCOrTheBackend(t *testing.T) {
	check(t, described, values("Network.DataAccess", "one of vpc, backend",
		func(e *Environment) *DataAccess { return &e.Network.DataAccess },
		[]DataAccess{"vpc", "backend"},
		[]DataAccess{"", "internet"}))
}

func TestAccessLogsAreKeptADayToTenYears(t *testing.T) {
	check(t, described, between("Edge.AccessLogRetentionDays", 1, 3653,
		func(e *Environment) *int { return &e.Edge.AccessLogRetentionDays }))
}

func TestDatabaseIdentifierIsOneThatRDSAccepts(t *testing.T) {
	check(t, described, values("Database.Identifier", "lower-case letters, digits and single hyphens, a letter first",
		func(e *Environment) *string { return &e.Database.Identifier },
		[]string{"d", "parrot-dev-db", "db2"},
		[]string{"", "Parrot", "2db", "-db", "db-", "parrot--db", "parrot_db", "parrot.db"}))
}

func TestDatabaseEngineIsAMajorVersionOfPostgreSQL(t *testing.T) {
	check(t, described, values("Database.EngineVersion", "one of 17, 18",
		func(e *Environment) *string { return &e.Database.EngineVersion },
		[]string{"17", "18"},
		[]string{"", "16", "17.4", "postgres17"}))
}

func TestDatabaseClassAndStorageRanges(t *testing.T) {
	check(t, described, values("Database.InstanceClass", "an RDS class that runs PostgreSQL, such as db.t3.micro or db.m7g.large",
		func(e *Environment) *string { return &e.Database.InstanceClass },
		[]string{"db.t3.micro", "db.t4g.2xlarge", "db.m7g.large", "db.m6i.xlarge", "db.r5b.24xlarge", "db.r8g.48xlarge", "db.x2iedn.32xlarge"},
		[]string{
			"", "t3.micro", "db.t3", "db.t3.nano", "db.t3.4xlarge", "db.m7g.micro", "db.r6g.medium", "db.m7g.0xlarge", "db.m7g.1xlarge",
			"db.m3.large", "cache.t3.micro", "DB.T3.MICRO", " db.t3.micro", "db.t3.micro ", "db.m7g.24xlarge", "db.serverless", "db.r6gd",
			"db.c6gd.large",
		}))

	storage := func(first, highest int) func(*Environment) {
		return func(e *Environment) {
			e.Database.AllocatedStorageGiB, e.Database.MaxAllocatedStorageGiB = first, highest
		}
	}
	check(t, described, []change{
		{"the smallest volume", storage(20, 20), ""},
		{"the largest volume", storage(65536, 65536), ""},
		{"a volume too small", storage(19, 19), "Database.AllocatedStorageGiB is 19: want 20 to 65536"},
		{"a volume too large", storage(65537, 65537), "Database.AllocatedStorageGiB is 65537: want 20 to 65536"},
		{"growth by a tenth", storage(20, 22), ""},
		{"growth to the limit", storage(20, 65536), ""},
		{"growth by less", storage(20, 21), "Database.MaxAllocatedStorageGiB is 21: want AllocatedStorageGiB (20), or at least a tenth more"},
		{"growth by no whole tenth", storage(25, 27),
			"Database.MaxAllocatedStorageGiB is 27: want AllocatedStorageGiB (25), or at least a tenth more"},
		{"growth by a little over a tenth", storage(25, 28), ""},
		{"growth over the limit", storage(20, 65537), "Database.MaxAllocatedStorageGiB is 65537: want 20 to 65536"},
		{"shrinking", storage(20, -1), "Database.MaxAllocatedStorageGiB is -1: want 20 to 65536"},
		{"a number whose multiple overflows", storage(20, math.MinInt/10-1),
			"Database.MaxAllocatedStorageGiB is -922337203685477581: want 20 to 65536"},
	})
}

func TestBackupsAreOffOnlyWhereDeletionIsAllowed(t *testing.T) {
	check(t, described, between("Database.BackupRetentionDays", 0, 35,
		func(e *Environment) *int { return &e.Database.BackupRetentionDays }))
	keep := func(days int) func(*Environment) {
		return func(e *Environment) { e.DeletionProtection, e.Database.BackupRetentionDays = true, days }
	}
	check(t, described, []change{
		{"backups of a protected database", keep(1), ""},
		{"no backups of a protected database", keep(0), "Database.BackupRetentionDays is 0: want 1 to 35 while DeletionProtection is true"},
	})
}

func TestRotationIsOffOrAtLeastOnceAYear(t *testing.T) {
	check(t, described, between("Database.RotationDays", 0, 365,
		func(e *Environment) *int { return &e.Database.RotationDays }))
}

func TestRedisNodeTypeIsOneOfElastiCache(t *testing.T) {
	check(t, described, values("Redis.NodeType", "an ElastiCache node type, such as cache.t3.micro or cache.m7g.large",
		func(e *Environment) *string { return &e.Redis.NodeType },
		[]string{"cache.t3.micro", "cache.t4g.medium", "cache.m7g.large", "cache.r6g.16xlarge"},
		[]string{
			"", "t3.micro", "cache.t3.large", "cache.m7g.micro", "cache.m7g.0xlarge", "cache.x1.large", "db.t3.micro", "cache.m6g.24xlarge",
			"cache.m5.8xlarge",
			" cache.t3.micro", "cache.t3.micro ",
		}))
}

func TestRepositoryIsANameThatECRAccepts(t *testing.T) {
	for name, service := range bothServices {
		check(t, described, values(name+".Repository", "at least two lower-case letters and digits, with single . _ - or / between them",
			func(e *Environment) *string { return &service(e).Repository },
			[]string{"ab", "7z", "parrot-service", "team/parrot_service.v2"},
			[]string{"", "a", "Parrot", "-parrot", "parrot-", "parrot--service", "/parrot", "parrot//service", "parrot:v1", "pärrot"}))
	}
}

func TestPortsAndCountsHaveLimits(t *testing.T) {
	for name, service := range bothServices {
		check(t, described, slices.Concat(
			between(name+".Port", 1, 65535, func(e *Environment) *int { return &service(e).Port }),
			between(name+".DesiredCount", 0, 1000, func(e *Environment) *int { return &service(e).DesiredCount }),
		))
	}
}

func TestFargateTakesOnlyItsPairsOfCPUAndMemory(t *testing.T) {
	for name, service := range bothServices {
		check(t, described, values(name+".CPU", "one of 256, 512, 1024, 2048, 4096, 8192, 16384",
			func(e *Environment) *int { return &service(e).CPU },
			[]int{256},
			[]int{-256, 0, 1, 128, 257, 32768}))

		// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html
		for _, pair := range []struct {
			cpu       int
			allowed   string
			good, bad []int
		}{
			{256, "512, 1024 or 2048", []int{512, 1024, 2048}, []int{-512, 0, 256, 1536, 2560, 3072}},
			{512, "1024 to 4096 in steps of 1024", []int{1024, 3072, 4096}, []int{512, 1536, 5120}},
			{1024, "2048 to 8192 in steps of 1024", []int{2048, 3072, 8192}, []int{1024, 2560, 9216}},
			{2048, "4096 to 16384 in steps of 1024", []int{4096, 5120, 16384}, []int{3072, 4608, 17408}},
			{4096, "8192 to 30720 in steps of 1024", []int{8192, 9216, 30720}, []int{7168, 8704, 31744}},
			{8192, "16384 to 61440 in steps of 4096", []int{16384, 20480, 61440}, []int{12288, 17408, 65536}},
			{16384, "32768 to 122880 in steps of 8192", []int{32768, 40960, 122880}, []int{24576, 36864, 131072}},
		} {
			sized := func() Environment {
				e := described()
				service(&e).CPU = pair.cpu
				return e
			}
			check(t, sized, values(name+".MemoryMiB", fmt.Sprintf("%s for CPU %d", pair.allowed, pair.cpu),
				func(e *Environment) *int { return &service(e).MemoryMiB }, pair.good, pair.bad))
		}
	}
}

func TestHealthChecksStayWithinTheLimitsOfALoadBalancer(t *testing.T) {
	for name, service := range bothServices {
		setting := name + ".HealthCheck"
		// The widest interval and the shortest timeout: neither limits the other.
		patient := func() Environment {
			e := described()
			service(&e).HealthCheck.IntervalSeconds, service(&e).HealthCheck.TimeoutSeconds = 300, 2
			return e
		}
		number := func(of func(*HealthCheck) *int) func(*Environment) *int {
			return func(e *Environment) *int { return of(&service(e).HealthCheck) }
		}
		check(t, patient, slices.Concat(
			values(setting+".Path", "a path that starts with /",
				func(e *Environment) *string { return &service(e).HealthCheck.Path },
				[]string{"/", "/api/health", "/health?deep=1"},
				[]string{"", "health", "https://example.com/health", "/a b", "/gesünd", "/health\n", "/health#top"}),
			between(setting+".IntervalSeconds", 5, 300, number(func(h *HealthCheck) *int { return &h.IntervalSeconds })),
			between(setting+".TimeoutSeconds", 2, 120, number(func(h *HealthCheck) *int { return &h.TimeoutSeconds })),
			between(setting+".HealthyThreshold", 2, 10, number(func(h *HealthCheck) *int { return &h.HealthyThreshold })),
			between(setting+".UnhealthyThreshold", 2, 10, number(func(h *HealthCheck) *int { return &h.UnhealthyThreshold })),
			between(setting+".GracePeriodSeconds", 0, 7200, number(func(h *HealthCheck) *int { return &h.GracePeriodSeconds })),
		))
	}
}

func TestHealthCheckTimeoutIsBelowItsInterval(t *testing.T) {
	for name, service := range bothServices {
		check(t, described, values(name+".HealthCheck.TimeoutSeconds", "less than IntervalSeconds (30)",
			func(e *Environment) *int { return &service(e).HealthCheck.TimeoutSeconds },
			[]int{29}, []int{30, 31}))
	}
}

func TestVariablesAreNamesThatParrotDoesNotSet(t *testing.T) {
	taken := map[string][]string{
		"Backend":  slices.Collect(maps.Keys(described().backend().Variables)),
		"Frontend": slices.Collect(maps.Keys(described().frontend().Variables)),
	}
	taken["Backend"] = append(taken["Backend"], "DATABASE_URL", "REDIS_URL", // the secrets
		"JWT_SECRET", "JWT_REFRESH_SECRET", "JWT_EXPIRES_IN", "JWT_REFRESH_EXPIRES_IN")

	for name, service := range bothServices {
		variable := func(variable, want string) change {
			return change{name + " " + variable, func(e *Environment) {
				service(e).Variables = map[string]string{variable: "value"}
			}, want}
		}
		var changes []change
		for _, good := range []string{"LOG_LEVEL", "log_level", "_X2"} {
			changes = append(changes, variable(good, ""))
		}
		for _, bad := range []string{"", "2X", "LOG-LEVEL", "LOG LEVEL", "A=B", "É"} {
			changes = append(changes, variable(bad,
				fmt.Sprintf("%s.Variables is %q: want a name of letters, digits and _, no digit first", name, bad)))
		}
		for _, bad := range taken[name] {
			changes = append(changes, variable(bad,
				fmt.Sprintf("%s.Variables is %q: want a name that Parrot does not set itself; it sets ", name, bad)))
		}
		check(t, described, changes)
	}
}

func TestTheCABundlesVariableIsTheTeamsWhereParrotDoesNotSetIt(t *testing.T) {
	set := func(bundle string) func(*Environment) {
		return func(e *Environment) {
			e.Backend.CABundle, e.Backend.Variables = bundle, map[string]string{"NODE_EXTRA_CA_CERTS": "/app/own.pem"}
		}
	}
	check(t, described, []change{
		{"without a bundle", set(""), ""},
		{"with a bundle", set("/app/rds.pem"), `Backend.Variables is "NODE_EXTRA_CA_CERTS": want a name that Parrot does not set itself; it sets `},
	})
	e := described()
	assert.NotContains(t, e.backend().Variables, "NODE_EXTRA_CA_CERTS")
	set("")(&e)
	assert.Equal(t, "/app/own.pem", e.backend().Variables["NODE_EXTRA_CA_CERTS"])
	assert.NotContains(t, e.frontend().Variables, "NODE_EXTRA_CA_CERTS", "it has no database")
}

func TestTheCABundleIsAnAbsolutePath(t *testing.T) {
	check(t, described, values("Backend.CABundle",
		"the absolute path of a file, of letters, digits and _.-, such as /etc/ssl/certs/rds-global-bundle.pem, or nothing",
		func(e *Environment) *string { return &e.Backend.CABundle },
		[]string{"", "/etc/ssl/certs/rds-global-bundle.pem", "/rds.pem", "/app/certs_1/x-y"},
		[]string{"/", "rds.pem", "./rds.pem", "/certs/", "/my certs/rds.pem", "//rds.pem", "/a\nb", "/{{resolve:x}}", "~/rds.pem"}))
}

// notPlain are texts that CDK or CloudFormation would not pass on as they are.
var notPlain = []string{"a\nb", "\x00", "\xff", "{{resolve:secretsmanager:key}}", "${Token[AWS.Region.1]}"}

func TestValuesOfVariablesArePlainText(t *testing.T) {
	for name, service := range bothServices {
		variable := func(value, want string) change {
			return change{fmt.Sprintf("%s %q", name, value), func(e *Environment) {
				service(e).Variables = map[string]string{"KEY": value}
			}, want}
		}
		changes := []change{variable("", ""), variable("é, {{x}} and ${HOME}", "")}
		for _, bad := range notPlain {
			changes = append(changes, variable(bad, name+`.Variables is "KEY": want a value that is text without control characters`))
		}
		check(t, described, changes)
	}
}

func TestImageTagsAndDigests(t *testing.T) {
	longest := strings.Repeat("t", 128)
	hexadecimal := strings.Repeat("0f", 32)
	for name, service := range bothServices {
		check(t, described, slices.Concat(
			values(name+".Image.Tag", "a tag of its own of at most 128 letters, digits and _.- (never \"latest\"",
				func(e *Environment) *string { return &service(e).Image.Tag },
				[]string{"", "20241201093000", "v1.2.3_rc-1", "_", longest},
				[]string{"latest", ".v1", "-v1", "v 1", "v1:v2", "ä", longest + "t"}),
			values(name+".Image.Digest", "sha256: and 64 hexadecimal digits",
				func(e *Environment) *string { return &service(e).Image.Digest },
				[]string{"", "sha256:" + hexadecimal},
				[]string{
					hexadecimal, "sha256:", "sha256:" + hexadecimal[1:], "sha256:" + hexadecimal + "0", "@sha256:" + hexadecimal,
					"sha256:" + strings.ToUpper(hexadecimal), "sha512:" + hexadecimal,
				}),
		))
	}
}

func TestAPIPrefixIsAPathWithoutSlashesAtItsEnds(t *testing.T) {
	longest := strings.Repeat("a", 100)
	check(t, described, values("Backend.APIPrefix", "a path without slashes at its ends, such as api or api/v1",
		func(e *Environment) *string { return &e.Backend.APIPrefix },
		[]string{"api", "api/v1", "my_api-2", longest},
		[]string{"", "/", "/api", "api/", "api//v1", "api/*", "a b", "äpi", "api?x"}))
}

func TestCORSOriginsAreOrigins(t *testing.T) {
	origins := func(origins ...string) func(*Environment) {
		return func(e *Environment) { e.Backend.CORSOrigins = origins }
	}
	changes := []change{
		{"none", origins(), ""},
		{"one", origins("https://example.com"), ""},
		{"several", origins("https://a--b.example.com:8443", "http://localhost:3000", "http://10.0.0.1:8", "http://example.com:443"), ""},
	}
	for _, bad := range []string{
		"", "*", "null", "example.com", "//example.com", "https://", "https:example.com", "ftp://example.com", "HTTPS://example.com",
		"https://Example.com", "https://*.example.com", "https://example.com/", "https://example.com/app", "https://example.com?x",
		"https://example.com#x",
		"https://me@example.com", "https://a.example.com,https://b.example.com", "https://a..example.com", "https://example.com.",
		"https://-example.com",
		"https://example.com:", "https://example.com:0", "https://example.com:100000", "https://example.com:port",
		"https://example.com:443", "http://example.com:80", // browsers leave these ports out
		"https://exämple.com", "https://example.com\n",
	} {
		changes = append(changes, change{bad, origins("https://example.com", bad), fmt.Sprintf(
			"Backend.CORSOrigins is %q: want origins: scheme, host and a port other than the scheme's own, without a path or a trailing "+
				"slash", bad)})
	}
	check(t, described, changes)
}

func TestMigrationCommandIsPlainWords(t *testing.T) {
	command := func(words ...string) func(*Environment) {
		return func(e *Environment) { e.Backend.MigrationCommand = words }
	}
	changes := []change{
		{"none", command(), ""},
		{"one word", command("/app/migrate.sh"), ""},
		{"words in one", command("npx prisma migrate deploy"),
			`Backend.MigrationCommand is "npx prisma migrate deploy": want one element a word: []string{"npx", "prisma", "migrate", "deploy"}`},
		{"words", command("sh", "-c", `echo "$HOME" && migrate {{all}} é`), ""},
	}
	for _, bad := range append(notPlain, "") {
		changes = append(changes, change{fmt.Sprintf("%q", bad), command("migrate", bad),
			fmt.Sprintf("Backend.MigrationCommand is %q: want words, each text without control characters", bad)})
	}
	check(t, described, changes)
}

func TestJWTLifetimesAreANumberAndAUnit(t *testing.T) {
	for setting, of := range map[string]func(*Environment) *string{
		"Backend.JWTExpiresIn":        func(e *Environment) *string { return &e.Backend.JWTExpiresIn },
		"Backend.JWTRefreshExpiresIn": func(e *Environment) *string { return &e.Backend.JWTRefreshExpiresIn },
	} {
		check(t, described, values(setting, "a number and one of s, m, h, d, such as ", of,
			[]string{"1s", "15m", "24h", "7d", "999999999s"},
			[]string{"", "15", "m", "0m", "-1m", "1.5h", "15 m", "1w", "15M", "15mm", "1000000000s"}))
	}
}

func TestAlarmsAreNoneThoseThatPageOrAll(t *testing.T) {
	check(t, described, values("Monitoring.Alarms", "one of none, page, all",
		func(e *Environment) *AlarmSet { return &e.Monitoring.Alarms },
		[]AlarmSet{AlarmsNone, AlarmsPage, AlarmsAll}, []AlarmSet{"", "ALL", "ticket"}))
}

func TestThresholdsAreOfAlarmsThatThereCanBe(t *testing.T) {
	var names []string
	every := described()
	every.Monitoring.Alarms, every.Redis.Enabled, every.Database.RotationDays = AlarmsAll, true, 1
	every.Backend.Image, every.Frontend.Image = Image{Tag: "a"}, Image{Tag: "a"}
	for _, alarm := range every.Alarms() {
		names = append(names, alarm.ID)
	}
	check(t, described, []change{
		{"of an alarm that is not on", func(e *Environment) {
			e.Monitoring.Thresholds = map[string]float64{"redis-cpu": 50, "backend-cpu": 0.5}
		}, ""},
		{
			"of no alarm", func(e *Environment) { e.Monitoring.Thresholds = map[string]float64{"backend_cpu": 50} },
			`Monitoring.Thresholds is "backend_cpu": want the name of an alarm: ` + strings.Join(names, ", "),
		},
		{
			"negative", func(e *Environment) { e.Monitoring.Thresholds = map[string]float64{"backend-cpu": -1} },
			`Monitoring.Thresholds is "backend-cpu: -1": want a number that is not negative`,
		},
		{
			"counts are no percentages", func(e *Environment) {
				e.Monitoring.Thresholds = map[string]float64{"backend-tasks": 150, "backend-memory": 99}
			}, "",
		},
		{
			"never below", func(e *Environment) {
				e.Monitoring.Thresholds = map[string]float64{"database-storage": 0, "errors-5xx": 0}
			},
			`Monitoring.Thresholds is "database-storage: 0": want more than 0: the alarm fires below it, and would never`,
		},
		{
			"never reached", func(e *Environment) { e.Monitoring.Thresholds = map[string]float64{"backend-memory": 100} },
			`Monitoring.Thresholds is "backend-memory: 100": want a percentage below 100: the alarm would never fire`,
		},
		{
			"not a number", func(e *Environment) { e.Monitoring.Thresholds = map[string]float64{"backend-cpu": math.NaN()} },
			`Monitoring.Thresholds is "backend-cpu: NaN": want a number that is not negative`,
		},
	})
}

func TestMailsHaveAddresses(t *testing.T) {
	for setting, of := range map[string]func(*Environment) *[]string{
		"Monitoring.PageEmails":   func(e *Environment) *[]string { return &e.Monitoring.PageEmails },
		"Monitoring.TicketEmails": func(e *Environment) *[]string { return &e.Monitoring.TicketEmails },
	} {
		var changes []change
		for address, allowed := range map[string]string{
			"team@example.com": "", "team": "addresses such as team@example.com", "a@{{resolve:b.c": "addresses such as team@example.com",
		} {
			want := ""
			if allowed != "" {
				want = fmt.Sprintf("%s is %q: want %s", setting, address, allowed)
			}
			changes = append(changes, change{address, func(e *Environment) { *of(e) = []string{address} }, want})
		}
		changes = append(changes, change{
			"twice", func(e *Environment) { *of(e) = []string{"a@b.c", "a@b.c"} },
			setting + ` is "a@b.c": want each address once`,
		})
		check(t, described, changes)
	}
}

func TestBudgetsPatternsAndFields(t *testing.T) {
	check(t, described, between("Monitoring.BudgetUSD", 0, 1_000_000, func(e *Environment) *int { return &e.Monitoring.BudgetUSD }))
	for setting, of := range map[string]func(*Environment) *string{
		"Monitoring.ErrorPattern":       func(e *Environment) *string { return &e.Monitoring.ErrorPattern },
		"Monitoring.AuthFailurePattern": func(e *Environment) *string { return &e.Monitoring.AuthFailurePattern },
	} {
		check(t, described, values(setting, "a filter pattern", of,
			[]string{"ERROR", "{ $.status = 401 }"}, []string{"", " ", "a\nb", "{{resolve:secretsmanager:a}}", "level:error", `"ERROR`}))
	}
	longest := strings.Repeat("a", 98)
	check(t, described,
		values("Monitoring.LatencyField", "the name of a field in the JSON of a log line, such as responseTime or res.time, or nothing",
			func(e *Environment) *string { return &e.Monitoring.LatencyField },
			[]string{"", "responseTime", "res.time_ms", longest}, []string{"$.time", "a b", ".a", "a."}))
	check(t, described, values("Monitoring.RunbookURL", `an address, or a path such as docs/runbook.md, without spaces, #, ", \, < and >`,
		func(e *Environment) *string { return &e.Monitoring.RunbookURL },
		[]string{"https://example.com/runbook?at=main&plain=1", "docs/runbook.md"},
		[]string{"", "a\nb", "our runbook", "docs/runbook.md#top", `a"b`, `a\b`, "https://<host>/runbook"}))
}

func TestNamesFitWhatAWSMakesOfThem(t *testing.T) {
	named := func(length int) func(*Environment) {
		return func(e *Environment) { e.Name = strings.Repeat("n", length) }
	}
	tooLong := func(length int, what string, limit, would int) string {
		return fmt.Sprintf("Name is %q: want a shorter one: the %s's name may have %d characters and would have %d",
			strings.Repeat("n", length), what, limit, would)
	}
	check(t, described, []change{
		{"the longest name", named(25), ""},
		{"load balancer", named(26), tooLong(26, "load balancer", 32, 33)},
		{"target group", named(27), tooLong(27, "target group", 32, 33)},
		{"replication group", named(28), tooLong(28, "replication group", 40, 41)},
		{"stack", named(113), tooLong(113, "stack", 128, 129)},
	})

	for setting, own := range map[string]struct {
		of    func(*Environment) *string
		limit int
	}{
		"Database.Identifier": {func(e *Environment) *string { return &e.Database.Identifier }, 63},
		"Backend.Repository":  {func(e *Environment) *string { return &e.Backend.Repository }, 256},
		"Frontend.Repository": {func(e *Environment) *string { return &e.Frontend.Repository }, 256},
	} {
		check(t, described, values(setting,
			fmt.Sprintf("at most %d characters", own.limit), own.of,
			[]string{strings.Repeat("n", own.limit)}, []string{strings.Repeat("n", own.limit+1)}))
	}
}

func TestProductionKeepsItsGuards(t *testing.T) {
	check(t, production, []change{
		{"data not retained", func(e *Environment) { e.RetainData = false }, "RetainData is false: want true while Production is true"},
		{"deletion allowed", func(e *Environment) { e.DeletionProtection = false },
			"DeletionProtection is false: want true while Production is true"},
		{"termination allowed", func(e *Environment) { e.TerminationProtection = false },
			"TerminationProtection is false: want true while Production is true"},
		{"seeding", func(e *Environment) { e.Backend.SeedDB = true }, "Backend.SeedDB is true: want false while Production is true"},
		{"schema pushed", func(e *Environment) { e.Backend.PrismaDBPushOnStart = true },
			"Backend.PrismaDBPushOnStart is true: want false while Production is true"},
	})
	check(t, production, values("Database.BackupRetentionDays", "7 to 35 while Production is true",
		func(e *Environment) *int { return &e.Database.BackupRetentionDays }, []int{7, 35}, []int{0, 6}))
	for name, service := range bothServices {
		check(t, production, values(name+".DesiredCount", "2 to 1000 while Production is true",
			func(e *Environment) *int { return &service(e).DesiredCount }, []int{2}, []int{0, 1}))
	}
}

func TestTheGuardsDoNotDependOnTheName(t *testing.T) {
	live, prod := production(), described()
	live.Name, live.RetainData = "live", false
	prod.Name = "prod"
	require.ErrorContains(t, Validate([]Environment{live}), "live: RetainData is false")
	assert.NoError(t, Validate([]Environment{prod}), "a name alone asks for nothing")
}

func TestTheStacksOfAnEnvironmentHaveAPatternOfTheirOwn(t *testing.T) {
	named := func(name, account string) func(*Environment) {
		return func(e *Environment) { e.Name, e.Account = name, account }
	}
	const selects = `want another name, one that does not begin like dev: `
	check(t, stage, []change{
		{"begins as dev does", named("dev2", ""), `Name is "dev2": ` + selects + "ParrotDev* means all stacks of dev and would select ParrotDev2Network, too"},
		{"goes on with a part's name", named("devnetwork", ""), `Name is "devnetwork": ` + selects},
		{"in another account", named("develop", "222222222222"), `Name is "develop": ` + selects},
		{"dev begins as it does", named("de", "222222222222"), `Name is "de": ` + selects + "ParrotDe* means all stacks of de and would select ParrotDevNetwork, too"},
		{"ends as dev does", named("mydev", ""), ""},
		{"differs in its last letter", named("der", ""), ""},
	}, described())
	for _, name := range []string{"p", "pi", "pipe", "pipeline", "pipeline2"} {
		check(t, stage, []change{{"alone", named(name, ""),
			fmt.Sprintf("Name is %q: want another name: Parrot%s* and ParrotPipeline* would select stacks of", name, upperFirst(name))}})
	}
	check(t, stage, []change{{"a letter that pipeline does not have", named("pr", ""), ""}})
}

func TestEnvironmentsThatMayShareAnAccountShareNoName(t *testing.T) {
	vpc := func(text string) func(*Environment) {
		return func(e *Environment) { e.Network.VPC = text }
	}
	check(t, stage, []change{
		{"name", func(e *Environment) { e.Name = "dev" }, `Name is "dev": want another name: another environment is called dev`},
		{"domain", func(e *Environment) { e.Domain = "bkgstock.com" }, `Domain is "bkgstock.com": want another domain: it is dev's`},
		{"the same range", vpc("10.10.0.0/24"), `Network.VPC is "10.10.0.0/24": want a range that does not overlap dev's 10.10.0.0/24`},
		{"a range around", vpc("10.10.0.0/16"), `Network.VPC is "10.10.0.0/16": want a range that does not overlap dev's 10.10.0.0/24`},
		{"a range within", vpc("10.10.0.128/25"), `Network.VPC is "10.10.0.128/25": want a range that does not overlap dev's 10.10.0.0/24`},
		{"the next range", vpc("10.10.1.0/24"), ""},
		{"database", func(e *Environment) { e.Database.Identifier = "parrot-dev-db" },
			`Database.Identifier is "parrot-dev-db": want another identifier: dev's database has it`},
	}, described())
	for name, service := range bothServices {
		check(t, stage, values(name+".Repository", "another repository: it is dev's",
			func(e *Environment) *string { return &service(e).Repository },
			[]string{"parrot-staged"}, []string{"parrot-backend", "parrot-frontend"}), described())
	}
	check(t, described, []change{{"both services in one repository", func(e *Environment) { e.Frontend.Repository = e.Backend.Repository },
		`Frontend.Repository is "parrot-backend": want another repository than Backend.Repository`}})

	// twin is dev in all but name, somewhere else.
	twin := func(account, region string) func(*Environment) {
		return func(e *Environment) {
			*e = described()
			e.Name, e.Account, e.Region = "stage", account, region
			e.Network.AvailabilityZones = []string{region + "a", region + "b"}
		}
	}
	dev := described()
	dev.Account = "111111111111"
	check(t, stage, []change{
		{"another account", twin("222222222222", "us-east-1"), ""},
		{"another account and region", twin("222222222222", "eu-west-1"), ""},
		{"another account but the same name", func(e *Environment) {
			twin("222222222222", "us-east-1")(e)
			e.Name = "dev"
		}, `Name is "dev": want another`},
		{"the same account", twin("111111111111", "us-east-1"), `Database.Identifier is "parrot-dev-db": want another`},
		{"an account that may be the same", twin("", "us-east-1"), `Database.Identifier is "parrot-dev-db": want another`},
		{"another region with the same domain", twin("111111111111", "eu-west-1"), `Domain is "bkgstock.com": want another domain: it is dev's`},
		{"another region with its own domain", func(e *Environment) {
			twin("111111111111", "eu-west-1")(e)
			e.Domain = "bkgstock.eu"
		}, ""},
	}, dev)
	check(t, stage, []change{
		{"beside an account that may be the same", twin("111111111111", "us-east-1"), `Database.Identifier is "parrot-dev-db": want another`},
	}, described())
}
