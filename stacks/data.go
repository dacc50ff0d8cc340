package stacks

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awselasticache"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsrds"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"parrot/config"
	"parrot/config/keys"
	blocks "parrot/constructs"
)

// disabled is the value of what is not switched on.
const disabled = "disabled"

// Data is the database, Redis and the secrets.
//
// Secrets are sources and projections. A source is generated and used nowhere
// but here; a projection holds what tasks read, is composed of sources by
// reference, and can always be composed again.
type Data struct {
	Stack awscdk.Stack
	// Secrets are the projections.
	Secrets map[config.Secret]awssecretsmanager.Secret
}

// NewData makes the data stack. rotation is the directory with the program that
// rotates the database's password, if RotationDays is set.
func NewData(scope constructs.Construct, env config.Environment, network *Network, rotation string) *Data {
	stack := newStack(scope, env, config.DataPart, "PostgreSQL, Redis and secrets")

	redisEndpoint, redisAddress := jsii.String(disabled), jsii.String(disabled)
	if env.Redis.Enabled {
		redisEndpoint, redisAddress = newRedis(stack, env, network)
	}
	appEnv := projection(stack, "AppEnv", env, config.AppEnv, "The application's secrets", map[string]*string{
		config.JWTSecretVariable:         jwtKey(stack, "JwtAccessKey", env, config.JWTAccessKey),
		config.JWTRefreshSecretVariable:  jwtKey(stack, "JwtRefreshKey", env, config.JWTRefreshKey),
		config.JWTExpiresVariable:        &env.Backend.JWTExpiresIn,
		config.JWTRefreshExpiresVariable: &env.Backend.JWTRefreshExpiresIn,
		config.RedisURLVariable:          redisAddress,
	})

	password := source(stack, "DbPassword", env, config.DBPassword, blocks.GeneratedSecretProps{
		Description: "Master password of the database: the source of db-credentials",
		Fixed:       map[string]string{keys.Username: config.DatabaseUsername},
		Key:         keys.Password,
		Length:      24,
	})
	database := newDatabase(stack, env, network, password.Value)
	// A database with deletion protection cannot be rolled back. Redis and the secrets
	// can fail, so they are created before it.
	database.Node().AddDependency(appEnv)
	host, port := database.DbInstanceEndpointAddress(), database.DbInstanceEndpointPort()
	dbCredentials := projection(stack, "DbCredentials", env, config.DBCredentials, "How to reach the database", map[string]*string{
		keys.Username: jsii.String(config.DatabaseUsername),
		keys.Password: password.Value,
		keys.Host:     host,
		keys.Port:     port,
		keys.DBName:   jsii.String(config.DatabaseName),
		keys.URL:      jsii.String(config.DatabaseURL(config.DatabaseUsername, *password.Value, *host, *port, config.DatabaseName)),
	})

	credentialsARN := dbCredentials.SecretArn()
	if env.Database.RotationDays > 0 {
		rotate(stack, env, password.ARN, credentialsARN, rotation)
	}

	output(stack, config.DBEndpointOutput, host, "Host name of the database")
	output(stack, config.DBPortOutput, port, "Port of the database")
	output(stack, config.DBCredentialsOutput, credentialsARN, "Secret with all that a client of the database needs")
	output(stack, config.RedisEndpointOutput, redisEndpoint, "Host name of Redis, or "+disabled)
	return &Data{Stack: stack, Secrets: map[config.Secret]awssecretsmanager.Secret{config.DBCredentials: dbCredentials, config.AppEnv: appEnv}}
}

// newDatabase makes the PostgreSQL instance. What would replace it if it changed
// (identifier, name, user, subnet group, encryption) is fixed or named here.
func newDatabase(stack awscdk.Stack, env config.Environment, network *Network, password *string) awsrds.DatabaseInstance {
	settings := env.Database
	engine := awsrds.DatabaseInstanceEngine_Postgres(&awsrds.PostgresInstanceEngineProps{
		Version: awsrds.PostgresEngineVersion_Of(&settings.EngineVersion, &settings.EngineVersion, nil),
	})
	// RDS would make the group itself, and never delete its logs.
	logs := blocks.NewLogGroup(stack, "DatabaseLogs", blocks.LogGroupProps{
		Name:          settings.LogGroupName(),
		RetentionDays: env.LogRetentionDays,
		RemovalPolicy: dataRemoval(env),
	})
	database := awsrds.NewDatabaseInstance(stack, jsii.String("Database"), &awsrds.DatabaseInstanceProps{
		InstanceIdentifier: &settings.Identifier,
		Engine:             engine,
		// Only an edit of EngineVersion upgrades to another major version.
		AllowMajorVersionUpgrade: jsii.Bool(true),
		AutoMinorVersionUpgrade:  jsii.Bool(true),
		// Extended support is on unless refused, and it is paid by the hour.
		EngineLifecycleSupport: awsrds.EngineLifecycleSupport_OPEN_SOURCE_RDS_EXTENDED_SUPPORT_DISABLED,
		InstanceType:           awsec2.NewInstanceType(jsii.String(strings.TrimPrefix(settings.InstanceClass, "db."))),
		MultiAz:                &settings.MultiAZ,

		StorageType:         awsrds.StorageType_GP2,
		AllocatedStorage:    jsii.Number(settings.AllocatedStorageGiB),
		MaxAllocatedStorage: growsTo(settings),
		StorageEncrypted:    jsii.Bool(true),
		BackupRetention:     awscdk.Duration_Days(jsii.Number(settings.BackupRetentionDays)),

		Credentials:  awsrds.Credentials_FromPassword(jsii.String(config.DatabaseUsername), awscdk.SecretValue_UnsafePlainText(password)),
		DatabaseName: jsii.String(config.DatabaseName),

		Vpc: network.VPC,
		SubnetGroup: awsrds.NewSubnetGroup(stack, jsii.String("DatabaseSubnets"), &awsrds.SubnetGroupProps{
			SubnetGroupName: jsii.String(env.DatabaseGroupName()),
			Description:     jsii.String("Private subnets"),
			Vpc:             network.VPC,
			VpcSubnets:      &awsec2.SubnetSelection{Subnets: network.Private.Subnets},
			RemovalPolicy:   dataRemoval(env), // a kept database keeps it in use
		}),
		SecurityGroups:     &[]awsec2.ISecurityGroup{network.Database.Group},
		PubliclyAccessible: jsii.Bool(false),
		ParameterGroup: awsrds.NewParameterGroup(stack, jsii.String("DatabaseParameters"), &awsrds.ParameterGroupProps{
			// A group belongs to one major version: the next one needs another.
			Name:          jsii.String(env.PhysicalName("db-postgres" + settings.EngineVersion)),
			Engine:        engine,
			Description:   jsii.String("TLS or nothing"),
			Parameters:    &map[string]*string{"rds.force_ssl": jsii.String("1")},
			RemovalPolicy: dataRemoval(env),
		}),
		CaCertificate:         awsrds.CaCertificate_RDS_CA_RSA2048_G1(),
		CloudwatchLogsExports: jsii.Strings("postgresql"),

		DeletionProtection: &env.DeletionProtection,
		RemovalPolicy:      databaseRemoval(env),
	})
	database.Node().AddDependency(logs)
	return database
}

// databaseRemoval returns what happens to the database when its stack is deleted: it
// is kept, or a last snapshot of it is.
func databaseRemoval(env config.Environment) awscdk.RemovalPolicy {
	if env.RetainData {
		return dataRemoval(env)
	}
	return awscdk.RemovalPolicy_SNAPSHOT
}

// growsTo returns how far RDS may grow the volume in GiB, or nothing: RDS refuses the
// volume's own size.
func growsTo(settings config.Database) *float64 {
	if settings.MaxAllocatedStorageGiB == settings.AllocatedStorageGiB {
		return nil
	}
	return jsii.Number(settings.MaxAllocatedStorageGiB)
}

// newRedis makes one Redis node behind TLS and a token, and returns its host
// name and its URL. A replication group of one, because a cache cluster has
// neither encryption nor a token, and neither can be added later.
func newRedis(stack awscdk.Stack, env config.Environment, network *Network) (endpoint, url *string) {
	// The token is deleted with the cache, so that its name is free again when Redis is
	// switched on the next time.
	token := blocks.NewGeneratedSecret(stack, "RedisAuth", blocks.GeneratedSecretProps{
		Name:          env.SecretName(config.RedisAuth),
		Description:   "AUTH token of Redis: the source of " + config.RedisURLVariable + " in app-env",
		Key:           keys.AuthToken,
		Length:        32,
		RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
	})
	subnets := awselasticache.NewCfnSubnetGroup(stack, jsii.String("RedisSubnets"), &awselasticache.CfnSubnetGroupProps{
		Description: jsii.String("Private subnets"),
		SubnetIds:   anys(network.Private.SubnetIds),
	})
	redis := awselasticache.NewCfnReplicationGroup(stack, jsii.String("Redis"), &awselasticache.CfnReplicationGroupProps{
		ReplicationGroupId:          jsii.String(env.RedisName()),
		ReplicationGroupDescription: jsii.String("Cache of the backend"),
		Engine:                      jsii.String("redis"),
		EngineVersion:               jsii.String("7.1"),
		CacheNodeType:               &env.Redis.NodeType,
		NumCacheClusters:            jsii.Number(1),
		AutomaticFailoverEnabled:    jsii.Bool(false), // it needs a second node
		AutoMinorVersionUpgrade:     jsii.Bool(true),
		AtRestEncryptionEnabled:     jsii.Bool(true),
		TransitEncryptionEnabled:    jsii.Bool(true),
		AuthToken:                   token.Value,
		Port:                        jsii.Number(redisPort),
		CacheSubnetGroupName:        subnets.Ref(),
		SecurityGroupIds:            &[]*string{network.Redis.ID},
	})
	if env.RetainData {
		redis.ApplyRemovalPolicy(awscdk.RemovalPolicy_SNAPSHOT, nil)
	}
	endpoint = redis.AttrPrimaryEndPointAddress()
	return endpoint, jsii.Sprintf("rediss://:%s@%s:%d", *token.Value, *endpoint, redisPort)
}

// anys converts texts to the type of a generated property.
func anys(texts *[]*string) *[]any {
	out := make([]any, len(*texts))
	for i, text := range *texts {
		out[i] = text
	}
	return &out
}

// source makes a secret that AWS generates.
func source(stack awscdk.Stack, id string, env config.Environment, secret config.Secret,
	props blocks.GeneratedSecretProps) blocks.GeneratedSecret {
	props.Name = env.SecretName(secret)
	props.RemovalPolicy = dataRemoval(env)
	return blocks.NewGeneratedSecret(stack, id, props)
}

// jwtKey makes a key that signs tokens, and returns a reference to its value.
func jwtKey(stack awscdk.Stack, id string, env config.Environment, secret config.Secret) *string {
	return source(stack, id, env, secret, blocks.GeneratedSecretProps{
		Description: "Signs tokens: a source of app-env",
		Key:         keys.SigningKey,
		Length:      64,
	}).Value
}

// projection makes a secret that is composed of references and plain values. It is
// never kept: it can be composed again.
func projection(stack awscdk.Stack, id string, env config.Environment, secret config.Secret, description string,
	values map[string]*string) awssecretsmanager.Secret {
	return awssecretsmanager.NewSecret(stack, &id, &awssecretsmanager.SecretProps{
		SecretName:        jsii.String(env.SecretName(secret)),
		Description:       &description,
		SecretStringValue: awscdk.SecretValue_UnsafePlainText(stack.ToJsonString(values, nil)),
		RemovalPolicy:     awscdk.RemovalPolicy_DESTROY,
	})
}
