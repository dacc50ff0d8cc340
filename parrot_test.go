package parrot_test

import (
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/aws/jsii-runtime-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot"
	"parrot/config"
	"parrot/internal/assembly"
	. "parrot/internal/synthtest"
)

// This file is the contract: what the system's description promises, as the
// templates of the described environment show it.

func TestMain(m *testing.M) {
	code := m.Run()
	jsii.Close() // it removes the assemblies, too
	os.Exit(code)
}

func TestVPCHasItsRangeAndDNS(t *testing.T) {
	t.Parallel()
	vpc := Only(t, Dev(t, "Network"), "AWS::EC2::VPC")
	assert.Equal(t, "10.10.0.0/24", vpc.Text("CidrBlock"))
	assert.Equal(t, "true", vpc.Text("EnableDnsHostnames"))
	assert.Equal(t, "true", vpc.Text("EnableDnsSupport"))
}

func TestSubnetsLieInOrderInTwoZones(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]struct{ cidr, zone string }{
		"parrot-dev-public-1":  {"10.10.0.0/26", "us-east-1a"},
		"parrot-dev-public-2":  {"10.10.0.64/26", "us-east-1b"},
		"parrot-dev-private-1": {"10.10.0.128/26", "us-east-1a"},
		"parrot-dev-private-2": {"10.10.0.192/26", "us-east-1b"},
	} {
		subnet := named(t, Dev(t, "Network"), "AWS::EC2::Subnet", name)
		assert.Equal(t, want.cidr, subnet.Text("CidrBlock"), name)
		assert.Equal(t, want.zone, subnet.Text("AvailabilityZone"), name)
		assert.Equal(t, "false", subnet.Text("MapPublicIpOnLaunch"), name)
	}
	assert.Len(t, Dev(t, "Network").OfType("AWS::EC2::Subnet"), 4)
}

func TestOnlyPublicSubnetsHaveAWayToTheInternet(t *testing.T) {
	t.Parallel()
	gateway := Only(t, Dev(t, "Network"), "AWS::EC2::InternetGateway")
	for _, subnet := range Resources(t, Dev(t, "Network"), "AWS::EC2::Subnet") {
		ways := WaysOut(t, subnet)
		if strings.Contains(Tag(subnet, "Name"), "public") {
			assert.Equal(t, []string{assembly.Target{Resource: gateway}.String()}, ways, Tag(subnet, "Name"))
		} else {
			assert.Empty(t, ways, Tag(subnet, "Name"))
		}
	}
	assert.Empty(t, Dev(t, "Network").OfType("AWS::EC2::NatGateway"))
}

func TestS3IsReachedWithoutTheInternetFromEverySubnet(t *testing.T) {
	t.Parallel()
	endpoint := Only(t, Dev(t, "Network"), "AWS::EC2::VPCEndpoint")
	assert.Equal(t, "com.amazonaws.${AWS::Region}.s3", endpoint.Text("ServiceName"))
	for _, table := range Resources(t, Dev(t, "Network"), "AWS::EC2::RouteTable") {
		assert.Contains(t, endpoint.Text("RouteTableIds"), assembly.Target{Resource: table}.String())
	}
}

func TestWhoMayCallWhom(t *testing.T) {
	t.Parallel()
	assert.Equal(t, []string{
		"0.0.0.0/0 → parrot-dev-load-balancer tcp 443",
		"0.0.0.0/0 → parrot-dev-load-balancer tcp 80",
		"10.10.0.0/24 → parrot-dev-db tcp 5432",
		"10.10.0.0/24 → parrot-dev-redis tcp 6379",
		"parrot-dev-load-balancer → parrot-dev-backend tcp 3001",
		"parrot-dev-load-balancer → parrot-dev-frontend tcp 3000",
	}, Callers(t, Direct(t), Described()))
}

func TestEveryPartIsInItsOwnSecurityGroup(t *testing.T) {
	t.Parallel()
	for _, part := range []struct {
		resource *assembly.Resource
		path     []any
		group    string
	}{
		{Only(t, Dev(t, "Edge"), "AWS::ElasticLoadBalancingV2::LoadBalancer"), []any{"SecurityGroups"}, "parrot-dev-load-balancer"},
		{Service(t, "backend"), []any{"NetworkConfiguration", "AwsvpcConfiguration", "SecurityGroups"}, "parrot-dev-backend"},
		{Service(t, "frontend"), []any{"NetworkConfiguration", "AwsvpcConfiguration", "SecurityGroups"}, "parrot-dev-frontend"},
		{Only(t, Dev(t, "Data"), "AWS::RDS::DBInstance"), []any{"VPCSecurityGroups"}, "parrot-dev-db"},
	} {
		group := named(t, Dev(t, "Network"), "AWS::EC2::SecurityGroup", part.group)
		assert.Equal(t, assembly.Target{Resource: group, Attribute: "GroupId"}.String(), part.resource.Text(part.path...))
		assert.Equal(t, "-1", group.Text("SecurityGroupEgress", 0, "IpProtocol"), "all traffic out")
		assert.Equal(t, "0.0.0.0/0", group.Text("SecurityGroupEgress", 0, "CidrIp"), "all traffic out")
	}
}

func TestZoneOfTheDomainIsKept(t *testing.T) {
	t.Parallel()
	zone := Only(t, Dev(t, "Network"), "AWS::Route53::HostedZone")
	assert.Equal(t, "bkgstock.com.", zone.Text("Name"))
	assert.Equal(t, "RetainExceptOnCreate", zone.DeletionPolicy)
	assert.Equal(t, "Retain", zone.UpdateReplacePolicy)
}

func TestCertificateCoversApexAndWWWAndIsValidatedByDNS(t *testing.T) {
	t.Parallel()
	certificate := Only(t, Dev(t, "Edge"), "AWS::CertificateManager::Certificate")
	assert.Equal(t, "bkgstock.com", certificate.Text("DomainName"))
	assert.Equal(t, "www.bkgstock.com", certificate.Text("SubjectAlternativeNames"))
	assert.Equal(t, "DNS", certificate.Text("ValidationMethod"))
	for i, domain := range []string{"bkgstock.com", "www.bkgstock.com"} {
		assert.Equal(t, domain, certificate.Text("DomainValidationOptions", i, "DomainName"))
		assert.Equal(t, zoneID(t), certificate.Text("DomainValidationOptions", i, "HostedZoneId"))
	}
}

func TestLoadBalancerFacesTheInternetFromThePublicSubnets(t *testing.T) {
	t.Parallel()
	balancer := Only(t, Dev(t, "Edge"), "AWS::ElasticLoadBalancingV2::LoadBalancer")
	assert.Equal(t, "parrot-dev", balancer.Text("Name"))
	assert.Equal(t, "application", balancer.Text("Type"))
	assert.Equal(t, "internet-facing", balancer.Text("Scheme"))
	assert.Equal(t, subnets(t, "public"), balancer.Text("Subnets"))
	assert.Equal(t, map[string]string{
		"access_logs.s3.enabled":                          "false",
		"deletion_protection.enabled":                     "false",
		"routing.http.drop_invalid_header_fields.enabled": "true",
	}, Attributes(balancer, "LoadBalancerAttributes"))
}

func TestHTTPIsRedirectedToHTTPSForGood(t *testing.T) {
	t.Parallel()
	http := With(t, Dev(t, "Edge"), "AWS::ElasticLoadBalancingV2::Listener", "Port", "80")
	assert.Equal(t, "HTTP", http.Text("Protocol"))
	assert.Equal(t, "redirect", http.Text("DefaultActions", 0, "Type"))
	assert.Equal(t, map[string]any{
		"Protocol": "HTTPS", "Port": "443", "Path": "/#{path}", "Query": "#{query}", "StatusCode": "HTTP_301",
	}, Lookup(t, http, "DefaultActions", 0, "RedirectConfig"))
}

func TestHTTPSSpeaksTLS13AndAnswers503WithoutARule(t *testing.T) {
	t.Parallel()
	https := httpsListener(t)
	certificate := Only(t, Dev(t, "Edge"), "AWS::CertificateManager::Certificate")
	assert.Equal(t, "HTTPS", https.Text("Protocol"))
	assert.Equal(t, "ELBSecurityPolicy-TLS13-1-2-Res-2021-06", https.Text("SslPolicy"))
	assert.Equal(t, assembly.Target{Resource: certificate}.String(), https.Text("Certificates", 0, "CertificateArn"))
	assert.Equal(t, "fixed-response", https.Text("DefaultActions", 0, "Type"))
	assert.Equal(t, "503", https.Text("DefaultActions", 0, "FixedResponseConfig", "StatusCode"))
}

func TestListenerRules(t *testing.T) {
	t.Parallel()
	https := assembly.Target{Resource: httpsListener(t)}.String()
	rules := slices.Concat(
		Dev(t, "Edge").OfType("AWS::ElasticLoadBalancingV2::ListenerRule"),
		Dev(t, "Compute").OfType("AWS::ElasticLoadBalancingV2::ListenerRule"))
	byPriority := map[string]*assembly.Resource{}
	for _, rule := range rules {
		assert.Equal(t, https, rule.Text("ListenerArn"), "a rule of the HTTPS listener")
		byPriority[rule.Text("Priority")] = rule
	}
	require.ElementsMatch(t, []string{"50", "100", "200"}, slices.Collect(maps.Keys(byPriority)))

	www := byPriority["50"]
	assert.Equal(t, "www.bkgstock.com", www.Text("Conditions", 0, "HostHeaderConfig", "Values"))
	assert.Equal(t, map[string]any{
		"Host": "bkgstock.com", "Protocol": "HTTPS", "Port": "443", "Path": "/#{path}", "Query": "#{query}", "StatusCode": "HTTP_301",
	}, Lookup(t, www, "Actions", 0, "RedirectConfig"))

	for priority, want := range map[string]struct{ paths, service string }{
		"100": {"/api,/api/*", "backend"},
		"200": {"/*", "frontend"},
	} {
		rule := byPriority[priority]
		assert.Equal(t, "path-pattern", rule.Text("Conditions", 0, "Field"))
		assert.Equal(t, want.paths, rule.Text("Conditions", 0, "PathPatternConfig", "Values"))
		assert.Equal(t, "forward", rule.Text("Actions", 0, "Type"))
		assert.Equal(t, Service(t, want.service).Text("LoadBalancers", 0, "TargetGroupArn"), rule.Text("Actions", 0, "TargetGroupArn"))
	}
}

func TestApexAndWWWPointAtTheLoadBalancer(t *testing.T) {
	t.Parallel()
	balancer := Only(t, Dev(t, "Edge"), "AWS::ElasticLoadBalancingV2::LoadBalancer")
	for _, name := range []string{"bkgstock.com.", "www.bkgstock.com."} {
		record := With(t, Dev(t, "Edge"), "AWS::Route53::RecordSet", "Name", name)
		assert.Equal(t, "A", record.Text("Type"))
		assert.Equal(t, zoneID(t), record.Text("HostedZoneId"))
		assert.Equal(t, "dualstack."+assembly.Target{Resource: balancer, Attribute: "DNSName"}.String(), record.Text("AliasTarget", "DNSName"))
	}
}

func TestTargetGroupsAskForHealth(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]struct{ port, path string }{
		"backend":  {"3001", "/api/health"},
		"frontend": {"3000", "/landing"},
	} {
		group := targetGroup(t, name)
		assert.Equal(t, want.port, group.Text("Port"))
		assert.Equal(t, "HTTP", group.Text("Protocol"))
		assert.Equal(t, "ip", group.Text("TargetType"))
		assert.Equal(t, want.path, group.Text("HealthCheckPath"))
		assert.Equal(t, "200", group.Text("Matcher", "HttpCode"))
		assert.Equal(t, "30", group.Text("HealthCheckIntervalSeconds"))
		assert.Equal(t, "5", group.Text("HealthCheckTimeoutSeconds"))
		assert.Equal(t, "2", group.Text("HealthyThresholdCount"))
		assert.Equal(t, "2", group.Text("UnhealthyThresholdCount"))
		assert.Equal(t, "30", Attributes(group, "TargetGroupAttributes")["deregistration_delay.timeout_seconds"])
		assert.Empty(t, group.Text("Name"), "a name would block its replacement")
	}
}

func TestServicesRunOnFargateInClustersOfTheirOwn(t *testing.T) {
	t.Parallel()
	for name, port := range map[string]string{"backend": "3001", "frontend": "3000"} {
		svc, task := Service(t, name), TaskDefinition(t, name)
		cluster, ok := svc.Stack.Target(svc.Properties["Cluster"])
		require.True(t, ok)
		assert.Equal(t, "parrot-dev-"+name, cluster.Resource.Text("ClusterName"))
		assert.Empty(t, svc.Text("LaunchType"), "it could never become a strategy")
		assert.Equal(t, []any{map[string]any{"CapacityProvider": "FARGATE", "Weight": 1.0}}, svc.Properties["CapacityProviderStrategy"])
		providers := With(t, Dev(t, "Compute"), "AWS::ECS::ClusterCapacityProviderAssociations", "Cluster",
			assembly.Target{Resource: cluster.Resource}.String())
		assert.Equal(t, "FARGATE,FARGATE_SPOT", providers.Text("CapacityProviders"))
		assert.Contains(t, svc.DependsOn, providers.LogicalID, "a delete would find the providers in use")
		assert.Equal(t, "1", svc.Text("DesiredCount"))
		assert.Equal(t, "256", task.Text("Cpu"))
		assert.Equal(t, "512", task.Text("Memory"))
		assert.Equal(t, "parrot-dev-"+name, task.Text("Family"))
		assert.Equal(t, name, task.Text("ContainerDefinitions", 0, "Name"))
		assert.Equal(t, port, task.Text("ContainerDefinitions", 0, "PortMappings", 0, "ContainerPort"))
		assert.Equal(t, port, svc.Text("LoadBalancers", 0, "ContainerPort"))
		assert.Equal(t, name, svc.Text("LoadBalancers", 0, "ContainerName"))
		assert.Equal(t, "true", svc.Text("EnableExecuteCommand"))
		assert.Equal(t, "NONE", cluster.Resource.Text("Configuration", "ExecuteCommandConfiguration", "Logging"),
			"a transcript would keep secrets")
		assert.Equal(t, "SERVICE", svc.Text("PropagateTags"), "tasks are tagged, too")
		assert.Equal(t, subnets(t, "public"), svc.Text("NetworkConfiguration", "AwsvpcConfiguration", "Subnets"))
		assert.Equal(t, "ENABLED", svc.Text("NetworkConfiguration", "AwsvpcConfiguration", "AssignPublicIp"))
	}
	assert.Len(t, Dev(t, "Compute").OfType("AWS::ECS::Cluster"), 2)
	assert.Len(t, Dev(t, "Compute").OfType("AWS::ECS::Service"), 2)
}

func TestServicesDeployWithoutAGapAndRollBack(t *testing.T) {
	t.Parallel()
	for _, svc := range Resources(t, Dev(t, "Compute"), "AWS::ECS::Service") {
		assert.Equal(t, "100", svc.Text("DeploymentConfiguration", "MinimumHealthyPercent"))
		assert.Equal(t, "200", svc.Text("DeploymentConfiguration", "MaximumPercent"))
		assert.Equal(t, "true", svc.Text("DeploymentConfiguration", "DeploymentCircuitBreaker", "Enable"))
		assert.Equal(t, "true", svc.Text("DeploymentConfiguration", "DeploymentCircuitBreaker", "Rollback"))
		assert.Equal(t, "ENABLED", svc.Text("AvailabilityZoneRebalancing"))
		assert.Equal(t, "120", svc.Text("HealthCheckGracePeriodSeconds"))
	}
}

func TestServicesWaitForTheirRuleAndTheirPermissions(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"backend", "frontend"} {
		svc, role := Service(t, name), executionRole(t, name)
		rule := With(t, Dev(t, "Compute"), "AWS::ElasticLoadBalancingV2::ListenerRule", "Priority",
			map[string]string{"backend": "100", "frontend": "200"}[name])
		assert.Contains(t, svc.DependsOn, rule.LogicalID)
		assert.Contains(t, svc.DependsOn, PolicyOf(t, role).LogicalID)
		group := named(t, Dev(t, "Network"), "AWS::EC2::SecurityGroup", "parrot-dev-"+name)
		ingress := With(t, Dev(t, "Compute"), "AWS::EC2::SecurityGroupIngress", "GroupId",
			assembly.Target{Resource: group, Attribute: "GroupId"}.String())
		assert.Contains(t, svc.DependsOn, ingress.LogicalID)
	}
}

func TestEveryContainerHasAnInitProcess(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"backend", "frontend"} {
		task := With(t, StackOf(t, Direct(t), Production(), "Compute"), "AWS::ECS::TaskDefinition", "Family", "parrot-prod-"+name)
		containers := task.Properties["ContainerDefinitions"].([]any)
		require.NotEmpty(t, containers)
		for i := range containers {
			assert.Equal(t, "true", task.Text("ContainerDefinitions", i, "LinuxParameters", "InitProcessEnabled"), "container %d of %s", i, name)
		}
	}
}

func TestContainersGetTheirVariables(t *testing.T) {
	t.Parallel()
	assert.Equal(t, map[string]string{
		"NODE_ENV": "production", "PORT": "3001", "API_PREFIX": "api", "SEED_DB": "true",
		"CORS_ORIGINS": "https://bkgstock.com,https://www.bkgstock.com", "PRISMA_DB_PUSH_ON_START": "false",
	}, Variables(t, "backend"))
	assert.Equal(t, map[string]string{
		"NODE_ENV": "production", "PORT": "3000",
		"NEXT_PUBLIC_API_BASE_URL": "https://bkgstock.com/api", "NEXT_PUBLIC_AUTH_ONLY_MODE": "false",
		"HOSTNAME": "0.0.0.0", "KEEP_ALIVE_TIMEOUT": "65000",
	}, Variables(t, "frontend"))
}

func TestBackendReadsItsSecretsFromSecretsManager(t *testing.T) {
	t.Parallel()
	dbCredentials, appEnv := SecretARN(t, "parrot-dev-db-credentials"), SecretARN(t, "parrot-dev-app-env")
	assert.Equal(t, map[string]string{
		"DATABASE_URL":           dbCredentials + ":url::",
		"JWT_SECRET":             appEnv + ":JWT_SECRET::",
		"JWT_REFRESH_SECRET":     appEnv + ":JWT_REFRESH_SECRET::",
		"JWT_EXPIRES_IN":         appEnv + ":JWT_EXPIRES_IN::",
		"JWT_REFRESH_EXPIRES_IN": appEnv + ":JWT_REFRESH_EXPIRES_IN::",
	}, SecretVariables(TaskDefinition(t, "backend")))
	assert.Empty(t, SecretVariables(TaskDefinition(t, "frontend")), "the front end has no secrets")
}

func TestLogsAreKeptThirtyDays(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"backend", "frontend"} {
		group := With(t, Dev(t, "Compute"), "AWS::Logs::LogGroup", "LogGroupName", "/aws/ecs/parrot-dev-"+name)
		assert.Equal(t, "30", group.Text("RetentionInDays"))
		options := TaskDefinition(t, name)
		assert.Equal(t, assembly.Target{Resource: group}.String(),
			options.Text("ContainerDefinitions", 0, "LogConfiguration", "Options", "awslogs-group"))
	}
	group := With(t, Dev(t, "Data"), "AWS::Logs::LogGroup", "LogGroupName", "/aws/rds/instance/parrot-dev-db/postgresql")
	assert.Equal(t, "30", group.Text("RetentionInDays"))
	assert.Contains(t, Only(t, Dev(t, "Data"), "AWS::RDS::DBInstance").DependsOn, group.LogicalID, "RDS would make it itself")
}

func TestExecutionRolesReachOnlyWhatIsTheirs(t *testing.T) {
	t.Parallel()
	for name, secrets := range map[string][]string{
		"backend":  {SecretARN(t, "parrot-dev-db-credentials"), SecretARN(t, "parrot-dev-app-env")},
		"frontend": {},
	} {
		repository := With(t, Dev(t, "Registry"), "AWS::ECR::Repository", "RepositoryName", "parrot-"+name)
		logs := With(t, Dev(t, "Compute"), "AWS::Logs::LogGroup", "LogGroupName", "/aws/ecs/parrot-dev-"+name)
		own := assembly.Target{Resource: repository, Attribute: "Arn"}.String()
		ownLogs := assembly.Target{Resource: logs, Attribute: "Arn"}.String()
		want := map[string][]string{
			"ecr:BatchCheckLayerAvailability": {own},
			"ecr:BatchGetImage":               {own},
			"ecr:GetDownloadUrlForLayer":      {own},
			"ecr:GetAuthorizationToken":       {"*"}, // it takes no resource
			"logs:CreateLogStream":            {ownLogs},
			"logs:PutLogEvents":               {ownLogs},
		}
		if len(secrets) > 0 {
			slices.Sort(secrets)
			want["secretsmanager:GetSecretValue"] = secrets
			want["secretsmanager:DescribeSecret"] = secrets
		}
		assert.Equal(t, want, Permissions(PolicyOf(t, executionRole(t, name))), name)
		assert.Empty(t, executionRole(t, name).Text("ManagedPolicyArns"))
	}
}

func TestTaskRolesOnlyOpenAShell(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"backend", "frontend"} {
		role, ok := TaskDefinition(t, name).Stack.Target(Lookup(t, TaskDefinition(t, name), "TaskRoleArn"))
		require.True(t, ok)
		anywhere := []string{"*"} // the channels have no ARNs
		assert.Equal(t, map[string][]string{
			"ssmmessages:CreateControlChannel": anywhere, "ssmmessages:CreateDataChannel": anywhere,
			"ssmmessages:OpenControlChannel": anywhere, "ssmmessages:OpenDataChannel": anywhere,
		}, Permissions(PolicyOf(t, role.Resource)))
	}
}

func TestDatabaseIsAsDescribed(t *testing.T) {
	t.Parallel()
	db := Only(t, Dev(t, "Data"), "AWS::RDS::DBInstance")
	for property, want := range map[string]string{
		"DBInstanceIdentifier":        "parrot-dev-db",
		"Engine":                      "postgres",
		"EngineVersion":               "17",
		"AllowMajorVersionUpgrade":    "true", // or an edit of EngineVersion would be refused
		"AutoMinorVersionUpgrade":     "true",
		"EngineLifecycleSupport":      "open-source-rds-extended-support-disabled",
		"DBInstanceClass":             "db.t3.micro",
		"AllocatedStorage":            "20",
		"MaxAllocatedStorage":         "100",
		"StorageType":                 "gp2",
		"StorageEncrypted":            "true",
		"BackupRetentionPeriod":       "1",
		"MultiAZ":                     "false",
		"PubliclyAccessible":          "false",
		"DeletionProtection":          "false",
		"DBName":                      "parrot",
		"MasterUsername":              "parrot_admin",
		"MasterUserPassword":          DBPassword(t),
		"CACertificateIdentifier":     "rds-ca-rsa2048-g1",
		"EnableCloudwatchLogsExports": "postgresql",
	} {
		assert.Equal(t, want, db.Text(property), property)
	}
	subnetGroup, _ := db.Stack.Target(db.Properties["DBSubnetGroupName"])
	assert.Equal(t, subnets(t, "private"), subnetGroup.Resource.Text("SubnetIds"))
	parameters, _ := db.Stack.Target(db.Properties["DBParameterGroupName"])
	assert.Equal(t, "postgres17", parameters.Resource.Text("Family"))
	assert.Equal(t, "1", parameters.Resource.Text("Parameters", "rds.force_ssl"))
}

func TestDatabaseURLParsesWithEveryPasswordAndDemandsTLS(t *testing.T) {
	t.Parallel()
	generated := Lookup(t, Secret(t, "parrot-dev-db-password"), "GenerateSecretString").(map[string]any)
	assert.Equal(t, true, generated["ExcludePunctuation"], "letters and digits need no escaping")
	assert.EqualValues(t, 24, generated["PasswordLength"])

	credentials := Projected(t, Secret(t, "parrot-dev-db-credentials"))
	for _, password := range []string{"ABCDEFGHIJKLMNOPQRSTUVWX", "abcdefghijklmnopqrstuvwx", "012345678901234567890123"} {
		u, err := url.Parse(strings.NewReplacer(
			DBPassword(t), password,
			DatabaseAttribute(t, "Endpoint.Address"), "parrot-dev-db.c0ffee.us-east-1.rds.amazonaws.com",
			DatabaseAttribute(t, "Endpoint.Port"), "5432",
		).Replace(credentials["url"]))
		require.NoError(t, err)
		set, _ := u.User.Password()
		assert.Equal(t, password, set)
		assert.Equal(t, "postgresql", u.Scheme)
		assert.Equal(t, "parrot_admin", u.User.Username())
		assert.Equal(t, "parrot-dev-db.c0ffee.us-east-1.rds.amazonaws.com:5432", u.Host)
		assert.Equal(t, "/parrot", u.Path)
		assert.Equal(t, "require", u.Query().Get("sslmode"))
	}
}

func TestDatabaseCredentialsHaveAllThatAClientNeeds(t *testing.T) {
	t.Parallel()
	credentials := Projected(t, Secret(t, "parrot-dev-db-credentials"))
	delete(credentials, "url") // see above
	assert.Equal(t, map[string]string{
		"username": "parrot_admin",
		"password": DBPassword(t),
		"host":     DatabaseAttribute(t, "Endpoint.Address"),
		"port":     DatabaseAttribute(t, "Endpoint.Port"),
		"dbname":   "parrot",
	}, credentials)
}

func TestAppEnvHasTheTokensSettings(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"parrot-dev-jwt-access-key", "parrot-dev-jwt-refresh-key"} {
		assert.Equal(t, "64", Secret(t, name).Text("GenerateSecretString", "PasswordLength"))
	}
	assert.Equal(t, map[string]string{
		"JWT_SECRET":             GeneratedValue(t, "parrot-dev-jwt-access-key", "key"),
		"JWT_REFRESH_SECRET":     GeneratedValue(t, "parrot-dev-jwt-refresh-key", "key"),
		"JWT_EXPIRES_IN":         "15m",
		"JWT_REFRESH_EXPIRES_IN": "7d",
		"REDIS_URL":              "disabled",
	}, Projected(t, Secret(t, "parrot-dev-app-env")))
}

func TestRedisIsOffInDev(t *testing.T) {
	t.Parallel()
	assert.Empty(t, Dev(t, "Data").OfType("AWS::ElastiCache::ReplicationGroup"))
	assert.Equal(t, "disabled", Dev(t, "Data").Output("RedisEndpoint").Value)
}

func TestRepositoriesScanAndKeepTheLastTenImages(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"parrot-backend", "parrot-frontend"} {
		repository := With(t, Dev(t, "Registry"), "AWS::ECR::Repository", "RepositoryName", name)
		assert.Equal(t, "true", repository.Text("ImageScanningConfiguration", "ScanOnPush"))
		assert.Equal(t, "MUTABLE", repository.Text("ImageTagMutability"))
		assert.Equal(t, "true", repository.Text("EmptyOnDelete"))
		assert.Equal(t, "Delete", repository.DeletionPolicy)

		var policy struct {
			Rules []struct {
				RulePriority int
				Selection    struct {
					TagStatus, CountType string
					TagPrefixList        []string
					CountNumber          int
				}
			}
		}
		require.NoError(t, json.Unmarshal([]byte(repository.Text("LifecyclePolicy", "LifecyclePolicyText")), &policy))
		require.Len(t, policy.Rules, 2)
		kept, last := policy.Rules[0], policy.Rules[1]
		assert.Equal(t, []string{"released"}, kept.Selection.TagPrefixList)
		assert.Equal(t, 10, kept.Selection.CountNumber)
		assert.Less(t, kept.RulePriority, last.RulePriority, "what the first rule selects is out of reach of the second")
		assert.Equal(t, "any", last.Selection.TagStatus)
		assert.Equal(t, "imageCountMoreThan", last.Selection.CountType)
		assert.Equal(t, 10, last.Selection.CountNumber)
	}
}

func TestServicesRunTheReleasedImages(t *testing.T) {
	t.Parallel()
	for name, suffix := range map[string]string{
		"backend":  "@" + DigestedImage.Digest,
		"frontend": ":" + TaggedImage.Tag,
	} {
		repository := With(t, Dev(t, "Registry"), "AWS::ECR::Repository", "RepositoryName", "parrot-"+name)
		image := TaskDefinition(t, name).Text("ContainerDefinitions", 0, "Image")
		assert.True(t, strings.HasSuffix(image, "/"+assembly.Target{Resource: repository}.String()+suffix), image)
	}
}

func TestEveryOutputIsOnTheStackThatOwnsTheThing(t *testing.T) {
	t.Parallel()
	for part, ids := range map[string][]string{
		"Network":  {"VpcId", "PublicSubnetIds", "PrivateSubnetIds", "Route53Nameservers", "HostedZoneId"},
		"Registry": {"EcrRepositories"},
		"Data":     {"DbEndpoint", "DbPort", "DbCredentialsSecretArn", "RedisEndpoint"},
		"Edge":     {"AlbDnsName"},
		"Compute": {
			"EcsBackendClusterId", "EcsBackendServiceName", "BackendTargetGroupArn", "BackendLogGroupName",
			"EcsFrontendClusterId", "EcsFrontendServiceName", "FrontendTargetGroupArn", "FrontendLogGroupName",
		},
	} {
		for _, id := range ids {
			output := Dev(t, part).Output(id)
			if assert.NotNil(t, output, "%s of %s", id, part) {
				assert.NotEmpty(t, output.Description, id)
				assert.NotEmpty(t, Dev(t, part).Text(output.Value), id)
				assert.Empty(t, output.ExportName, "%s: stacks share references, not outputs", id)
			}
		}
	}
}

func TestOutputsShowWhatTheySay(t *testing.T) {
	t.Parallel()
	zone := Only(t, Dev(t, "Network"), "AWS::Route53::HostedZone")
	for _, want := range []struct{ part, id, value string }{
		{"Network", "VpcId", assembly.Target{Resource: Only(t, Dev(t, "Network"), "AWS::EC2::VPC")}.String()},
		{"Network", "PublicSubnetIds", subnets(t, "public")},
		{"Network", "PrivateSubnetIds", subnets(t, "private")},
		{"Network", "HostedZoneId", assembly.Target{Resource: zone}.String()},
		{"Data", "DbEndpoint", DatabaseAttribute(t, "Endpoint.Address")},
		{"Data", "DbPort", DatabaseAttribute(t, "Endpoint.Port")},
		{"Data", "DbCredentialsSecretArn", SecretARN(t, "parrot-dev-db-credentials")},
		{"Edge", "AlbDnsName",
			assembly.Target{Resource: Only(t, Dev(t, "Edge"), "AWS::ElasticLoadBalancingV2::LoadBalancer"), Attribute: "DNSName"}.String()},
		{"Compute", "EcsBackendClusterId", assembly.Target{Resource: Follow(t, Service(t, "backend"), "Cluster"), Attribute: "Arn"}.String()},
		{"Compute", "EcsBackendServiceName", assembly.Target{Resource: Service(t, "backend"), Attribute: "Name"}.String()},
		{"Compute", "BackendTargetGroupArn", assembly.Target{Resource: targetGroup(t, "backend")}.String()},
		{"Compute", "BackendLogGroupName",
			TaskDefinition(t, "backend").Text("ContainerDefinitions", 0, "LogConfiguration", "Options", "awslogs-group")},
		{"Compute", "EcsFrontendClusterId", assembly.Target{Resource: Follow(t, Service(t, "frontend"), "Cluster"), Attribute: "Arn"}.String()},
		{"Compute", "EcsFrontendServiceName", assembly.Target{Resource: Service(t, "frontend"), Attribute: "Name"}.String()},
		{"Compute", "FrontendTargetGroupArn", assembly.Target{Resource: targetGroup(t, "frontend")}.String()},
		{"Compute", "FrontendLogGroupName",
			TaskDefinition(t, "frontend").Text("ContainerDefinitions", 0, "LogConfiguration", "Options", "awslogs-group")},
	} {
		assert.Equal(t, want.value, shown(t, want.part, want.id), want.id)
	}
	assert.Contains(t, shown(t, "Network", "Route53Nameservers"), assembly.Target{Resource: zone, Attribute: "NameServers"}.String())
	backend, frontend, ok := strings.Cut(shown(t, "Registry", "EcrRepositories"), `"frontend"`)
	require.True(t, ok)
	for name, text := range map[string]string{"backend": backend, "frontend": frontend} {
		repository := With(t, Dev(t, "Registry"), "AWS::ECR::Repository", "RepositoryName", "parrot-"+name)
		assert.Contains(t, text, "/"+assembly.Target{Resource: repository}.String()+`"`)
	}
}

// shown returns the value of one of dev's outputs.
func shown(t *testing.T, part, id string) string {
	t.Helper()
	output := Dev(t, part).Output(id)
	require.NotNil(t, output, id)
	return Dev(t, part).Text(output.Value)
}

// untaggable are the types that AWS gives no tags, or that are no things.
var untaggable = []string{
	"AWS::EC2::Route", "AWS::EC2::SubnetRouteTableAssociation", "AWS::EC2::VPCGatewayAttachment",
	"AWS::EC2::SecurityGroupIngress", "AWS::IAM::Policy", "AWS::Route53::RecordSet", "AWS::S3::BucketPolicy",
	"AWS::Budgets::Budget", "AWS::CloudWatch::Dashboard", "AWS::Logs::MetricFilter", "AWS::SNS::Subscription", "AWS::SNS::TopicPolicy",
	"AWS::Lambda::Permission", "AWS::SecretsManager::RotationSchedule", "AWS::ECS::ClusterCapacityProviderAssociations",
	// CloudFormation takes their tags in some regions only.
	"AWS::ElasticLoadBalancingV2::Listener", "AWS::ElasticLoadBalancingV2::ListenerRule",
}

func TestEveryResourceIsTagged(t *testing.T) {
	t.Parallel()
	for _, env := range Fixtures() {
		for _, part := range config.Parts {
			for _, resource := range StackOf(t, Direct(t), env, part).Resources {
				if slices.Contains(untaggable, resource.Type) {
					assert.NotContains(t, resource.Properties, "Tags", "%s in %s", resource.LogicalID, resource.Stack.Name)
					continue
				}
				for key, want := range map[string]string{
					"Project": "parrot", "Environment": env.Name, "ManagedBy": "cdk", "CostCenter": env.CostCenter,
				} {
					assert.Equal(t, want, Tag(resource, key), "tag %s of %s in %s", key, resource.LogicalID, resource.Stack.Name)
				}
			}
		}
	}
}

func TestDevIsEmptiedByDestroyButForItsZoneAndALastSnapshot(t *testing.T) {
	t.Parallel()
	for _, part := range config.Parts {
		for _, resource := range Dev(t, part).Resources {
			switch resource.Type {
			case "AWS::Route53::HostedZone": // the registrar has its name servers
			case "AWS::RDS::DBInstance":
				assert.Equal(t, "Snapshot", resource.DeletionPolicy)
				assert.Equal(t, "Snapshot", resource.UpdateReplacePolicy)
			default:
				assert.Contains(t, []string{"", "Delete"}, resource.DeletionPolicy, "%s in %s", resource.LogicalID, resource.Stack.Name)
			}
		}
		assert.False(t, Dev(t, part).TerminationProtection)
	}
}

func TestWrongSettingsEndInStatusOneBeforeAnythingIsSynthesized(t *testing.T) {
	t.Parallel()
	var stderr strings.Builder
	settings := errors.Join(errors.New("dev: A is 1: want 2"), errors.New("prod: B is 3: want 4"))
	assert.Equal(t, 1, parrot.Run(nil, config.Pipeline{}, settings, &stderr))
	assert.Contains(t, stderr.String(), "Nothing is synthesized")
	assert.Contains(t, stderr.String(), "dev: A is 1: want 2\nprod: B is 3: want 4\n")
}

// named returns the stack's one resource of a type with a Name tag.
func named(t *testing.T, stack *assembly.Stack, resourceType, name string) *assembly.Resource {
	t.Helper()
	for _, resource := range stack.OfType(resourceType) {
		if Tag(resource, "Name") == name {
			return resource
		}
	}
	require.Fail(t, "not found", "%s %s in %s", resourceType, name, stack.Name)
	return nil
}

// subnets returns the ids of dev's public or private subnets, as texts show them.
func subnets(t *testing.T, kind string) string {
	t.Helper()
	var ids []string
	for _, n := range []string{"1", "2"} {
		subnet := named(t, Dev(t, "Network"), "AWS::EC2::Subnet", "parrot-dev-"+kind+"-"+n)
		ids = append(ids, assembly.Target{Resource: subnet}.String())
	}
	return strings.Join(ids, ",")
}

// zoneID returns how dev's edge refers to the zone: the parameter of the name that
// the network writes.
func zoneID(t *testing.T) string {
	t.Helper()
	parameter := Only(t, Dev(t, "Network"), "AWS::SSM::Parameter")
	zone := Only(t, Dev(t, "Network"), "AWS::Route53::HostedZone")
	require.Equal(t, assembly.Target{Resource: zone}.String(), parameter.Text("Value"))
	for name, p := range Dev(t, "Edge").Parameters {
		if p["Default"] == parameter.Text("Name") {
			require.Equal(t, "AWS::SSM::Parameter::Value<String>", p["Type"])
			return "${" + name + "}"
		}
	}
	require.Fail(t, "the edge reads no parameter "+parameter.Text("Name"))
	return ""
}

func httpsListener(t *testing.T) *assembly.Resource {
	t.Helper()
	return With(t, Dev(t, "Edge"), "AWS::ElasticLoadBalancingV2::Listener", "Port", "443")
}

func targetGroup(t *testing.T, name string) *assembly.Resource {
	t.Helper()
	return Follow(t, Service(t, name), "LoadBalancers", 0, "TargetGroupArn")
}

func executionRole(t *testing.T, name string) *assembly.Resource {
	t.Helper()
	return Follow(t, TaskDefinition(t, name), "ExecutionRoleArn")
}

func TestNothingIsBuiltWhereNothingRotates(t *testing.T) {
	t.Setenv("PATH", t.TempDir()) // without go
	directory, err := parrot.BuildRotation([]config.Environment{Described(), Described()})
	require.NoError(t, err)
	assert.Empty(t, directory)

	_, err = parrot.BuildRotation(Fixtures())
	require.ErrorContains(t, err, "./cmd/rotate is not built")
	var stderr strings.Builder
	assert.Equal(t, 1, parrot.Run(Fixtures(), config.Pipeline{}, nil, &stderr))
	assert.Regexp(t, `(?s)^Nothing is synthesized, because .* could not be built: \./cmd/rotate is not built: .*go.*or set Database.RotationDays to 0`, stderr.String())
}
