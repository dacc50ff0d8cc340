package stacks_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"parrot/internal/assembly"
	. "parrot/internal/synthtest"
)

func TestRedisSpeaksTLSAndAsksForItsToken(t *testing.T) {
	t.Parallel()
	data := changed(t, "Redis", "Data")
	redis := Only(t, data, "AWS::ElastiCache::ReplicationGroup")
	for property, want := range map[string]string{
		"ReplicationGroupId": "parrot-dev-redis", "Engine": "redis", "CacheNodeType": "cache.t3.micro", "NumCacheClusters": "1",
		"TransitEncryptionEnabled": "true", "AtRestEncryptionEnabled": "true", "AutomaticFailoverEnabled": "false", "Port": "6379",
	} {
		assert.Equal(t, want, redis.Text(property), property)
	}
	group := Follow(t, redis, "SecurityGroupIds", 0)
	assert.Equal(t, "parrot-dev-redis", Tag(group, "Name"))
	assert.Contains(t, Follow(t, redis, "CacheSubnetGroupName").Text("SubnetIds"), "Private")

	source := With(t, data, "AWS::SecretsManager::Secret", "Name", "parrot-dev-redis-auth")
	assert.Equal(t, "32", source.Text("GenerateSecretString", "PasswordLength"), "ElastiCache takes 16 to 128")
	token := "{{resolve:secretsmanager:" + assembly.Target{Resource: source}.String() + ":SecretString:token::}}"
	host := assembly.Target{Resource: redis, Attribute: "PrimaryEndPoint.Address"}.String()
	assert.Equal(t, token, redis.Text("AuthToken"))
	assert.Equal(t, host, data.Text(data.Output("RedisEndpoint").Value))

	appEnv := With(t, data, "AWS::SecretsManager::Secret", "Name", "parrot-dev-app-env")
	assert.Equal(t, "rediss://:"+token+"@"+host+":6379", Projected(t, appEnv)["REDIS_URL"])
	backend := With(t, changed(t, "Redis", "Compute"), "AWS::ECS::TaskDefinition", "Family", "parrot-dev-backend")
	assert.Equal(t, assembly.Target{Resource: appEnv}.String()+":REDIS_URL::", SecretVariables(backend)["REDIS_URL"])
}

func TestRedisLeavesASnapshotWhereDataIsRetained(t *testing.T) {
	t.Parallel()
	kept := Only(t, changed(t, "RedisRetained", "Data"), "AWS::ElastiCache::ReplicationGroup")
	assert.Equal(t, "Snapshot", kept.DeletionPolicy)
	source := With(t, kept.Stack, "AWS::SecretsManager::Secret", "Name", "parrot-dev-redis-auth")
	assert.Equal(t, "Delete", source.DeletionPolicy, "its name has to be free when Redis comes back")
}

// Each parameter changes what PostgreSQL does, and a static one waits for a restart.
func TestTheDatabasesParametersAreTheseAndNoOthers(t *testing.T) {
	t.Parallel()
	for _, env := range Fixtures() {
		group := Only(t, StackOf(t, Direct(t), env, "Data"), "AWS::RDS::DBParameterGroup")
		assert.Equal(t, map[string]any{"rds.force_ssl": "1"}, Lookup(t, group, "Parameters"))
	}
}

func TestProductionsDatabaseAndCacheAreAsSafeAsDevs(t *testing.T) {
	t.Parallel()
	data := StackOf(t, Direct(t), Production(), "Data")
	for property, want := range map[string]string{
		"StorageEncrypted": "true", "PubliclyAccessible": "false", "StorageType": "gp2", "AutoMinorVersionUpgrade": "true",
		"EngineLifecycleSupport": "open-source-rds-extended-support-disabled", "CopyTagsToSnapshot": "true",
	} {
		assert.Equal(t, want, Only(t, data, "AWS::RDS::DBInstance").Text(property), property)
	}
	redis := Only(t, data, "AWS::ElastiCache::ReplicationGroup")
	for property, want := range map[string]string{
		"TransitEncryptionEnabled": "true", "AtRestEncryptionEnabled": "true", "NumCacheClusters": "1", "Engine": "redis", "EngineVersion": "7.1",
		"AutoMinorVersionUpgrade": "true", "CacheNodeType": "cache.t3.micro",
	} {
		assert.Equal(t, want, redis.Text(property), property)
	}
}
