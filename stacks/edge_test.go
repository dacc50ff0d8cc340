package stacks_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot/internal/assembly"
	. "parrot/internal/synthtest"
)

func TestAccessLogsGoToAClosedBucketThatIsKept(t *testing.T) {
	t.Parallel()
	edge := changed(t, "AccessLogs", "Edge")
	bucket := Only(t, edge, "AWS::S3::Bucket")
	assert.Equal(t, "Retain", bucket.DeletionPolicy)
	assert.Equal(t, "1", bucket.Text("LifecycleConfiguration", "Rules", 0, "ExpirationInDays"))
	for _, way := range []string{"BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"} {
		assert.Equal(t, "true", bucket.Text("PublicAccessBlockConfiguration", way))
	}
	written := Attributes(Only(t, edge, "AWS::ElasticLoadBalancingV2::LoadBalancer"), "LoadBalancerAttributes")
	assert.Equal(t, "true", written["access_logs.s3.enabled"])
	assert.Equal(t, assembly.Target{Resource: bucket}.String(), written["access_logs.s3.bucket"])
}

func TestTheListenersOfferWhatIsDescribedAndNothingElse(t *testing.T) {
	t.Parallel()
	for _, env := range Fixtures() {
		edge := StackOf(t, Direct(t), env, "Edge")
		require.Len(t, edge.OfType("AWS::ElasticLoadBalancingV2::Listener"), 2, "80 and 443")
		for _, listener := range Resources(t, edge, "AWS::ElasticLoadBalancingV2::Listener") {
			assert.Len(t, Lookup(t, listener, "DefaultActions"), 1, listener.LogicalID)
			for _, property := range []string{"MutualAuthentication", "AlpnPolicy", "ListenerAttributes"} {
				assert.NotContains(t, listener.Properties, property, listener.LogicalID)
			}
		}
		for _, part := range []string{"Edge", "Compute"} {
			for _, rule := range Resources(t, StackOf(t, Direct(t), env, part), "AWS::ElasticLoadBalancingV2::ListenerRule") {
				assert.Len(t, Lookup(t, rule, "Actions"), 1, "%s: nobody signs in at the load balancer", rule.LogicalID)
				assert.Len(t, Lookup(t, rule, "Conditions"), 1, rule.LogicalID)
			}
		}
		assert.Len(t, edge.OfType("AWS::Route53::RecordSet"), 2)
		assert.Len(t, Lookup(t, Only(t, edge, "AWS::CertificateManager::Certificate"), "SubjectAlternativeNames"), 1)
	}
}

// The load balancer writes where its bucket lets it, and to no encryption but S3's own.
func TestAccessLogsAreWrittenWhereTheBucketLetsThem(t *testing.T) {
	t.Parallel()
	edge := StackOf(t, Direct(t), Production(), "Edge")
	bucket := Only(t, edge, "AWS::S3::Bucket")
	assert.Equal(t, map[string]string{
		"access_logs.s3.enabled": "true", "access_logs.s3.bucket": assembly.Target{Resource: bucket}.String(), "access_logs.s3.prefix": "",
		"deletion_protection.enabled": "true", "routing.http.drop_invalid_header_fields.enabled": "true",
	}, withKey(Attributes(Only(t, edge, "AWS::ElasticLoadBalancingV2::LoadBalancer"), "LoadBalancerAttributes"), "access_logs.s3.prefix"))
	assert.Equal(t, "AES256",
		bucket.Text("BucketEncryption", "ServerSideEncryptionConfiguration", 0, "ServerSideEncryptionByDefault", "SSEAlgorithm"))
	assert.Equal(t, "90", bucket.Text("LifecycleConfiguration", "Rules", 0, "ExpirationInDays"))
	writes := 0
	for _, s := range statementsOf(t, Only(t, edge, "AWS::S3::BucketPolicy"), "PolicyDocument") {
		for _, action := range list(s.Action) {
			if action == "s3:PutObject" {
				writes++
				assert.Equal(t, []string{assembly.Target{Resource: bucket, Attribute: "Arn"}.String() + "/AWSLogs/${AWS::AccountId}/*"},
					list(s.Resource))
			}
		}
	}
	assert.NotZero(t, writes)
}

// withKey returns a map in which a key is there, if only with an empty value.
func withKey(m map[string]string, key string) map[string]string {
	m[key] += ""
	return m
}
