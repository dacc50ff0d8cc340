// Package cloud gives tests a deployed environment: its resources are
// in moto's AWS, and what moto does not play (tasks that run or stop, targets'
// health, the events of stacks) is answered before moto is asked, in the form of
// the examples in AWS's API references.
package cloud

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/acm"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	ecrtypes "github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	route53types "github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/smithy-go/encoding/cbor"
	"github.com/aws/smithy-go/middleware"
	"github.com/stretchr/testify/require"

	"parrot/config"
	"parrot/config/keys"
	"parrot/internal/documents"
	"parrot/internal/fakes/moto"
)

// Deployed is when the environment was deployed.
var Deployed = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// Tag is the image's tag.
const Tag = "20260102030405-0a1b2c3d4e5f"

// World is a deployed, healthy environment. Tests break it.
type World struct {
	t   *testing.T
	Env config.Environment
	// AWS makes clients that reach moto with nothing in between.
	AWS aws.Config
	// URL is where the commands under test find AWS.
	URL string

	// Services are what ECS says of each service, in its own form.
	Services map[string]map[string]any
	// Tasks are each service's tasks.
	Tasks map[string][]map[string]any
	// Targets are each service's targets.
	Targets map[string][]Target
	// StackStatus are statuses of stacks other than CREATE_COMPLETE, by name.
	StackStatus map[string]string
	// StackEvents are the events of stacks, newest first, by name.
	StackEvents map[string][]StackEvent
	// Alarms are the account's alarms that fire, by name, with the reason.
	Alarms map[string]string
	// Denied are the actions that AWS denies.
	Denied map[string]bool
	// Answers are recorded answers, by action: JSON or XML.
	Answers map[string]string
	// LogEvents are what the services' log groups have, in no order of time.
	LogEvents []LogEvent
	// Filters are the filter patterns that were asked for.
	Filters []string
	// searched is since when the log was asked for.
	searched []time.Time
	// Calls are the actions that were asked for.
	Calls []string

	// Parent is what the parent's name servers say of the domain.
	Parent []string
	// DNSFails says that they cannot be asked.
	DNSFails bool

	// Where things are.
	ZoneID, SecretARN, CertificateARN, HTTPSListener string
	Private, Public                                  []string
	Groups                                           map[string]string // security groups by name
	definitions                                      map[string]string
	settings                                         config.Environment
	delegated                                        []string
	changed                                          bool // since New, something in moto
	given                                            config.Environment
	resets                                           int // of moto, when New made it
	answers                                          answers
	targetGroups                                     map[string]string
	databaseStatus                                   string
	lock                                             sync.Mutex
}

// Target is a target of a service.
type Target struct {
	Address, State, Reason, Description string
	Port                                int
}

// LogEvent is an event of a log group.
type LogEvent struct {
	Group, Stream, ID, Message string
	At                         time.Time
}

// Log writes an event into a service's log group, while a log is followed too.
func (w *World) Log(service, id string, at time.Time, message string) {
	w.lock.Lock()
	defer w.lock.Unlock()
	w.LogEvents = append(w.LogEvents,
		LogEvent{w.service(service).LogGroupName(), service + "/" + service + "/0123456789abcdef0123456789abcdef", id, message, at})
}

// Complain writes a line into the log of a service's first task, just now, from
// one of its containers.
func (w *World) Complain(service, container, message string) {
	arn := w.Tasks[service][0]["taskArn"].(string)
	w.LogEvents = append(w.LogEvents, LogEvent{w.service(service).LogGroupName(),
		container + "/" + container + arn[strings.LastIndex(arn, "/"):], message, message, time.Now()})
}

// Searched returns since when the log was asked for, one for each look.
func (w *World) Searched() []time.Time {
	w.lock.Lock()
	defer w.lock.Unlock()
	return slices.Clone(w.searched)
}

// StackEvent is an event of a stack.
type StackEvent struct{ Resource, Type, Status, Reason string }

// last is the World of the latest test.
var last *World

// New returns an environment that is deployed and healthy. It is the one of the
// test before if that test changed nothing in moto.
func New(t *testing.T, env config.Environment) *World {
	t.Helper()
	if w := last; w != nil && !w.changed && w.resets == moto.Resets() && reflect.DeepEqual(env, w.given) {
		w.serve(t, moto.Keep(t))
		w.Recover()
		return w
	}
	endpoint := moto.Start(t)
	w := &World{Env: env, given: env, resets: moto.Resets(), Groups: map[string]string{}, targetGroups: map[string]string{},
		definitions: map[string]string{}}
	last = w
	var err error
	w.AWS, err = awsconfig.LoadDefaultConfig(t.Context(), awsconfig.WithRegion(env.Region), awsconfig.WithBaseEndpoint(endpoint))
	require.NoError(t, err)
	w.AWS.APIOptions = append(w.AWS.APIOptions, func(stack *middleware.Stack) error {
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("Changes", func(ctx context.Context, in middleware.InitializeInput,
			next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
			w.changed = true
			w.answers.forget()
			return next.HandleInitialize(ctx, in)
		}), middleware.Before)
	})
	w.serve(t, endpoint)

	w.Env.Backend.Image.Tag, w.Env.Frontend.Image.Tag = Tag, Tag
	w.registry()
	w.network()
	w.data()
	albDNS := w.edge()
	w.compute()
	w.Stack("CDKToolkit", map[string]string{"BootstrapVersion": "30"})
	w.stacks(map[config.Output]string{
		config.PublicSubnetsOutput: strings.Join(w.Public, ","), config.PrivateSubnetsOutput: strings.Join(w.Private, ","),
		config.HostedZoneOutput: w.ZoneID, config.NameServersOutput: strings.Join(w.Parent, ","),
		config.DBEndpointOutput: w.Endpoint(), config.DBPortOutput: "5432", config.DBCredentialsOutput: w.SecretARN,
		config.RedisEndpointOutput:    "disabled",
		config.LoadBalancerHostOutput: albDNS,
	})
	w.settings, w.delegated, w.changed = w.Env, w.Parent, false
	w.Recover()
	return w
}

// serve answers the commands under test until the test ends.
func (w *World) serve(t *testing.T, endpoint string) {
	t.Helper()
	w.t = t
	target, err := url.Parse(endpoint)
	require.NoError(t, err)
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.Transport, proxy.ModifyResponse = &w.answers, w.modify
	server := httptest.NewServer(w.before(proxy))
	t.Cleanup(server.Close)
	w.URL = server.URL
	t.Setenv("AWS_ENDPOINT_URL", w.URL)
}

// Recover makes the environment well again, and says whether it is: what a test
// changed in moto stays changed.
func (w *World) Recover() bool {
	w.Services, w.Tasks, w.Targets = map[string]map[string]any{}, map[string][]map[string]any{}, map[string][]Target{}
	w.StackStatus, w.StackEvents = map[string]string{}, map[string][]StackEvent{}
	w.Alarms, w.Denied, w.Answers = map[string]string{}, map[string]bool{}, map[string]string{}
	w.LogEvents, w.Filters, w.searched, w.DNSFails = nil, nil, nil, false
	w.Calls, w.databaseStatus, w.Env, w.Parent = nil, "", w.settings, w.delegated
	for i, name := range w.Env.ServiceNames() {
		w.run(i, name)
	}
	return !w.changed
}

// Delegation is what the parent of the domain says.
func (w *World) Delegation(context.Context, string) ([]string, error) {
	if w.DNSFails {
		return nil, errors.New("dial udp: i/o timeout")
	}
	return w.Parent, nil
}

func cluster(env config.Environment, service string) string {
	return fmt.Sprintf("arn:aws:ecs:%s:%s:cluster/%s", env.Region, moto.Account, env.PhysicalName(service))
}

// Stack deploys a stack that has only outputs.
func (w *World) Stack(name string, outputs map[string]string) {
	w.t.Helper()
	values := map[string]any{}
	for key, value := range outputs {
		values[key] = map[string]string{"Value": value}
	}
	template, err := json.Marshal(map[string]any{
		"Resources": map[string]any{"Parameter": map[string]any{
			"Type": "AWS::SSM::Parameter", "Properties": map[string]string{"Type": "String", "Value": "x", "Name": "/" + name},
		}},
		"Outputs": values,
	})
	require.NoError(w.t, err)
	_, err = cloudformation.NewFromConfig(w.AWS).CreateStack(w.t.Context(),
		&cloudformation.CreateStackInput{StackName: &name, TemplateBody: aws.String(string(template))})
	require.NoError(w.t, err)
}

// Undeploy deletes a stack.
func (w *World) Undeploy(name string) {
	w.t.Helper()
	_, err := cloudformation.NewFromConfig(w.AWS).DeleteStack(w.t.Context(), &cloudformation.DeleteStackInput{StackName: &name})
	require.NoError(w.t, err)
}

func (w *World) registry() {
	client := ecr.NewFromConfig(w.AWS)
	for i, service := range w.Env.Services() {
		repository := service.Build.Repository
		_, err := client.CreateRepository(w.t.Context(), &ecr.CreateRepositoryInput{RepositoryName: &repository})
		require.NoError(w.t, err)
		_, err = client.PutImage(w.t.Context(),
			&ecr.PutImageInput{RepositoryName: &repository, ImageTag: aws.String(Tag), ImageManifest: aws.String(fmt.Sprintf(
				`{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json",`+
					`"config":{"mediaType":"application/vnd.docker.container.image.v1+json","size":1,"digest":"sha256:%064d"},"layers":[]}`, i))})
		require.NoError(w.t, err)
	}
}

// Unpublish deletes the image of a repository.
func (w *World) Unpublish(repository string) {
	w.t.Helper()
	_, err := ecr.NewFromConfig(w.AWS).BatchDeleteImage(w.t.Context(),
		&ecr.BatchDeleteImageInput{RepositoryName: &repository, ImageIds: []ecrtypes.ImageIdentifier{{ImageTag: aws.String(Tag)}}})
	require.NoError(w.t, err)
}

func (w *World) network() {
	ctx, client := w.t.Context(), ec2.NewFromConfig(w.AWS)
	vpc, err := client.CreateVpc(ctx, &ec2.CreateVpcInput{CidrBlock: &w.Env.Network.VPC})
	require.NoError(w.t, err)
	prefix := w.Env.Network.Prefix()
	base := prefix.Addr().As4()
	for i := range 4 {
		block := fmt.Sprintf("%d.%d.%d.%d/%d", base[0], base[1], base[2], i*64, prefix.Bits()+2)
		subnet, err := client.CreateSubnet(ctx,
			&ec2.CreateSubnetInput{VpcId: vpc.Vpc.VpcId, CidrBlock: &block, AvailabilityZone: &w.Env.Network.AvailabilityZones[i%2]})
		require.NoError(w.t, err)
		if i < 2 {
			w.Public = append(w.Public, *subnet.Subnet.SubnetId)
		} else {
			w.Private = append(w.Private, *subnet.Subnet.SubnetId)
		}
	}
	for _, name := range append([]string{"load-balancer", "db"}, w.Env.ServiceNames()...) {
		group, err := client.CreateSecurityGroup(ctx,
			&ec2.CreateSecurityGroupInput{VpcId: vpc.Vpc.VpcId, GroupName: aws.String(name), Description: &name})
		require.NoError(w.t, err)
		w.Groups[name] = *group.GroupId
	}
	w.Allow("db", 5432, "", w.Env.Network.VPC)
	for _, name := range w.Env.ServiceNames() {
		w.Allow(name, w.port(name), "load-balancer", "")
	}
	zone, err := route53.NewFromConfig(w.AWS).CreateHostedZone(ctx,
		&route53.CreateHostedZoneInput{Name: &w.Env.Domain, CallerReference: aws.String("test")})
	require.NoError(w.t, err)
	w.ZoneID = strings.TrimPrefix(*zone.HostedZone.Id, "/hostedzone/")
	w.Parent = zone.DelegationSet.NameServers
}

// Allow lets a group's members or a range of addresses into a group.
func (w *World) Allow(group string, port int, from, addresses string) {
	w.t.Helper()
	_, err := ec2.NewFromConfig(w.AWS).AuthorizeSecurityGroupIngress(w.t.Context(),
		&ec2.AuthorizeSecurityGroupIngressInput{GroupId: aws.String(w.Groups[group]), IpPermissions: w.permission(port, from, addresses)})
	require.NoError(w.t, err)
}

// Revoke undoes Allow.
func (w *World) Revoke(group string, port int, from, addresses string) {
	w.t.Helper()
	_, err := ec2.NewFromConfig(w.AWS).RevokeSecurityGroupIngress(w.t.Context(),
		&ec2.RevokeSecurityGroupIngressInput{GroupId: aws.String(w.Groups[group]), IpPermissions: w.permission(port, from, addresses)})
	require.NoError(w.t, err)
}

func (w *World) permission(port int, from, addresses string) []ec2types.IpPermission {
	permission := ec2types.IpPermission{IpProtocol: aws.String("tcp"), FromPort: aws.Int32(int32(port)), ToPort: aws.Int32(int32(port))}
	if from != "" {
		permission.UserIdGroupPairs = []ec2types.UserIdGroupPair{{GroupId: aws.String(w.Groups[from])}}
	} else {
		permission.IpRanges = []ec2types.IpRange{{CidrIp: &addresses}}
	}
	return []ec2types.IpPermission{permission}
}

func (w *World) data() {
	ctx := w.t.Context()
	w.Database(w.Private, false)
	arn, err := secretsmanager.NewFromConfig(w.AWS).CreateSecret(ctx, &secretsmanager.CreateSecretInput{
		Name: aws.String(w.Env.SecretName(config.DBCredentials)),
		SecretString: aws.String(fmt.Sprintf(`{%q: %q, %q: "hush", %q: %q, %q: %q}`, keys.Username, config.DatabaseUsername, keys.Password,
			keys.DBName, config.DatabaseName,
			keys.URL, config.DatabaseURL(config.DatabaseUsername, "hush", w.Endpoint(), "5432", config.DatabaseName))),
	})
	require.NoError(w.t, err)
	w.SecretARN = *arn.ARN
	for _, secret := range []config.Secret{config.AppEnv, config.DBPassword} {
		_, err = secretsmanager.NewFromConfig(w.AWS).CreateSecret(ctx,
			&secretsmanager.CreateSecretInput{Name: aws.String(w.Env.SecretName(secret)), SecretString: aws.String(`{}`)})
		require.NoError(w.t, err)
	}
}

// Database makes the instance, in some subnets.
func (w *World) Database(subnets []string, public bool) {
	w.t.Helper()
	client, name := rds.NewFromConfig(w.AWS), fmt.Sprintf("subnets-%t-%s", public, subnets[0])
	_, err := client.CreateDBSubnetGroup(w.t.Context(),
		&rds.CreateDBSubnetGroupInput{DBSubnetGroupName: &name, DBSubnetGroupDescription: &name, SubnetIds: subnets})
	require.NoError(w.t, err)
	_, err = client.CreateDBInstance(w.t.Context(), &rds.CreateDBInstanceInput{
		DBInstanceIdentifier: &w.Env.Database.Identifier, DBInstanceClass: &w.Env.Database.InstanceClass, Engine: aws.String("postgres"),
		AllocatedStorage: aws.Int32(20), DBName: aws.String(config.DatabaseName), MasterUsername: aws.String(config.DatabaseUsername),
		MasterUserPassword: aws.String("hush-hush"), Port: aws.Int32(5432),
		DBSubnetGroupName: &name, VpcSecurityGroupIds: []string{w.Groups["db"]}, PubliclyAccessible: &public,
	})
	require.NoError(w.t, err)
}

// DropDatabase deletes the instance.
func (w *World) DropDatabase() {
	w.t.Helper()
	_, err := rds.NewFromConfig(w.AWS).DeleteDBInstance(w.t.Context(),
		&rds.DeleteDBInstanceInput{DBInstanceIdentifier: &w.Env.Database.Identifier, SkipFinalSnapshot: aws.Bool(true)})
	require.NoError(w.t, err)
}

// Endpoint returns the database's host name.
func (w *World) Endpoint() string {
	out, err := rds.NewFromConfig(w.AWS).DescribeDBInstances(w.t.Context(),
		&rds.DescribeDBInstancesInput{DBInstanceIdentifier: &w.Env.Database.Identifier})
	require.NoError(w.t, err)
	return *out.DBInstances[0].Endpoint.Address
}

// Issue makes a certificate that is valid until a time, as if ACM had issued it.
func (w *World) Issue(until time.Time, names ...string) (arn string) {
	w.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(w.t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: names[0]}, DNSNames: names,
		NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: until,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(w.t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(w.t, err)
	out, err := acm.NewFromConfig(w.AWS).ImportCertificate(w.t.Context(), &acm.ImportCertificateInput{
		Certificate: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		PrivateKey:  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}),
	})
	require.NoError(w.t, err)
	return *out.CertificateArn
}

// Attach shows a certificate on the HTTPS listener.
func (w *World) Attach(arn string) {
	w.t.Helper()
	_, err := elb.NewFromConfig(w.AWS).ModifyListener(w.t.Context(),
		&elb.ModifyListenerInput{ListenerArn: &w.HTTPSListener, Certificates: []elbtypes.Certificate{{CertificateArn: &arn}}})
	require.NoError(w.t, err)
}

func (w *World) edge() (dnsName string) {
	ctx, client := w.t.Context(), elb.NewFromConfig(w.AWS)
	w.CertificateARN = w.Issue(time.Now().AddDate(1, 0, 0), w.Env.Domain, "www."+w.Env.Domain)
	out, err := client.CreateLoadBalancer(ctx, &elb.CreateLoadBalancerInput{Name: aws.String(w.Env.LoadBalancerName()), Subnets: w.Public,
		SecurityGroups: []string{w.Groups["load-balancer"]}})
	require.NoError(w.t, err)
	balancer, other := out.LoadBalancers[0], ""
	for _, name := range w.Env.ServiceNames() {
		group, err := client.CreateTargetGroup(ctx, &elb.CreateTargetGroupInput{
			Name: aws.String(w.Env.PhysicalName(name)), TargetType: elbtypes.TargetTypeEnumIp, VpcId: balancer.VpcId,
			Protocol: elbtypes.ProtocolEnumHttp, Port: aws.Int32(80),
		})
		require.NoError(w.t, err)
		other = *group.TargetGroups[0].TargetGroupArn // the last service's rule takes what no other does
		w.targetGroups[name] = other
	}
	listener, err := client.CreateListener(ctx, &elb.CreateListenerInput{
		LoadBalancerArn: balancer.LoadBalancerArn, Protocol: elbtypes.ProtocolEnumHttps, Port: aws.Int32(443),
		Certificates:   []elbtypes.Certificate{{CertificateArn: &w.CertificateARN}},
		DefaultActions: []elbtypes.Action{{Type: elbtypes.ActionTypeEnumForward, TargetGroupArn: &other}},
	})
	require.NoError(w.t, err)
	w.HTTPSListener = *listener.Listeners[0].ListenerArn
	return *balancer.DNSName
}

func (w *World) compute() {
	ctx := w.t.Context()
	for _, service := range w.Env.Services() {
		_, err := cloudwatchlogs.NewFromConfig(w.AWS).CreateLogGroup(ctx,
			&cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String(service.LogGroupName())})
		require.NoError(w.t, err)
		w.definitions[service.Name] = w.Define(service.Name, service.Web.Port, strconv.Itoa(service.Web.Port))
	}
}

// run is what ECS and the load balancer say of a service that runs.
func (w *World) run(i int, name string) {
	definition := w.definitions[name]
	w.Services[name] = map[string]any{
		"serviceName": w.Env.PhysicalName(name), "status": "ACTIVE", "taskDefinition": definition,
		"desiredCount": 1, "runningCount": 1, "pendingCount": 0,
		"deployments": []map[string]any{{
			"id": "ecs-svc/1", "status": "PRIMARY", "taskDefinition": definition, "createdAt": Deployed.Unix(),
			"desiredCount": 1, "runningCount": 1, "pendingCount": 0, "failedTasks": 0, "rolloutState": "COMPLETED",
		}},
		"networkConfiguration": map[string]any{"awsvpcConfiguration": map[string]any{"subnets": w.Public,
			"securityGroups": []string{w.Groups[name]}, "assignPublicIp": "ENABLED"}},
		"events": []map[string]any{
			{"id": "2", "createdAt": Deployed.Add(5 * time.Minute).Unix(),
				"message": "(service " + w.Env.PhysicalName(name) + ") has reached a steady state."},
			{"id": "1", "createdAt": Deployed.Add(4 * time.Minute).Unix(),
				"message": "(service " + w.Env.PhysicalName(name) + ") has started 1 tasks: (task 0123456789abcdef0123456789abcdef)."},
		},
	}
	w.Tasks[name] = []map[string]any{w.Task(name, "0123456789abcdef0123456789abcdef", nil)}
	w.Targets[name] = []Target{{Address: fmt.Sprintf("10.0.0.%d", 10+i), Port: w.port(name), State: "healthy"}}
}

// Define registers a task definition, and returns its ARN.
func (w *World) Define(name string, port int, portVariable string) string {
	w.t.Helper()
	out, err := ecs.NewFromConfig(w.AWS).RegisterTaskDefinition(w.t.Context(), &ecs.RegisterTaskDefinitionInput{
		Family: aws.String(w.Env.PhysicalName(name)), NetworkMode: ecstypes.NetworkModeAwsvpc, Cpu: aws.String("256"), Memory: aws.String("512"),
		RequiresCompatibilities: []ecstypes.Compatibility{ecstypes.CompatibilityFargate},
		ContainerDefinitions: []ecstypes.ContainerDefinition{{
			Name:         &name,
			Image:        aws.String(fmt.Sprintf("%s.dkr.ecr.%s.amazonaws.com/%s:%s", moto.Account, w.Env.Region, w.Env.PhysicalName(name), Tag)),
			PortMappings: []ecstypes.PortMapping{{ContainerPort: aws.Int32(int32(port))}},
			Environment:  []ecstypes.KeyValuePair{{Name: aws.String(config.PortVariable), Value: &portVariable}},
		}},
	})
	require.NoError(w.t, err)
	return *out.TaskDefinition.TaskDefinitionArn
}

// Task returns a running task of a service's only deployment, with some fields
// otherwise.
func (w *World) Task(service, id string, other map[string]any) map[string]any {
	task := map[string]any{
		"taskArn":    fmt.Sprintf("arn:aws:ecs:%s:%s:task/%s/%s", w.Env.Region, moto.Account, w.Env.PhysicalName(service), id),
		"clusterArn": cluster(w.Env, service), "lastStatus": "RUNNING", "desiredStatus": "RUNNING", "startedBy": "ecs-svc/1",
		"createdAt": Deployed.Unix(), "enableExecuteCommand": true,
		"containers": []map[string]any{{
			"name": service, "lastStatus": "RUNNING", "runtimeId": id + "-1234567890",
			"managedAgents": []map[string]any{{"name": "ExecuteCommandAgent", "lastStatus": "RUNNING"}},
		}},
	}
	for key, value := range other {
		task[key] = value
	}
	return task
}

// Stop makes a service's tasks stop for a reason, again and again. The
// container's reason and exit code are left out where they are empty or below 0.
func (w *World) Stop(service, code, reason, containerReason string, exit int) {
	container := map[string]any{"name": service, "lastStatus": "STOPPED"}
	if containerReason != "" {
		container["reason"] = containerReason
	}
	if exit >= 0 {
		container["exitCode"] = exit
	}
	stopped := map[string]any{
		"lastStatus": "STOPPED", "desiredStatus": "STOPPED", "stopCode": code, "stoppedReason": reason,
		"stoppedAt": Deployed.Add(time.Hour).Unix(), "containers": []map[string]any{container},
	}
	w.Tasks[service] = []map[string]any{w.Task(service, "fedcba9876543210fedcba9876543210", stopped)}
	s := w.Services[service]
	s["runningCount"] = 0
	deployment := s["deployments"].([]map[string]any)[0]
	deployment["runningCount"], deployment["rolloutState"], deployment["failedTasks"] = 0, "IN_PROGRESS", 3
	deployment["rolloutStateReason"] = "ECS deployment ecs-svc/1 in progress."
	w.Targets[service] = nil
}

// Unhealthy makes the only target of a service unhealthy.
func (w *World) Unhealthy(service, reason, description string) {
	w.Targets[service] = []Target{{Address: "10.0.0.9", Port: w.port(service), State: "unhealthy", Reason: reason, Description: description}}
}

func (w *World) port(service string) int {
	return w.service(service).Web.Port
}

// Rewrite writes the secret that has the connection URL.
func (w *World) Rewrite(value string) {
	w.t.Helper()
	_, err := secretsmanager.NewFromConfig(w.AWS).PutSecretValue(w.t.Context(),
		&secretsmanager.PutSecretValueInput{SecretId: &w.SecretARN, SecretString: &value})
	require.NoError(w.t, err)
}

// Forget deletes a secret.
func (w *World) Forget(secret config.Secret) {
	w.t.Helper()
	_, err := secretsmanager.NewFromConfig(w.AWS).DeleteSecret(w.t.Context(),
		&secretsmanager.DeleteSecretInput{SecretId: aws.String(w.Env.SecretName(secret))})
	require.NoError(w.t, err)
}

// RequestCertificate asks ACM for a certificate, takes away the one that is
// issued, and writes the records of its validation into the zone where they are
// wanted.
func (w *World) RequestCertificate(recorded bool) {
	w.t.Helper()
	ctx, client := w.t.Context(), acm.NewFromConfig(w.AWS)
	out, err := client.RequestCertificate(ctx, &acm.RequestCertificateInput{DomainName: &w.Env.Domain,
		SubjectAlternativeNames: []string{w.Env.Domain, "www." + w.Env.Domain}, ValidationMethod: "DNS"})
	require.NoError(w.t, err)
	w.Attach(*out.CertificateArn)
	if !recorded {
		return
	}
	described, err := client.DescribeCertificate(ctx, &acm.DescribeCertificateInput{CertificateArn: out.CertificateArn})
	require.NoError(w.t, err)
	for _, option := range described.Certificate.DomainValidationOptions {
		_, err := route53.NewFromConfig(w.AWS).ChangeResourceRecordSets(ctx,
			&route53.ChangeResourceRecordSetsInput{HostedZoneId: &w.ZoneID, ChangeBatch: &route53types.ChangeBatch{
				Changes: []route53types.Change{{Action: route53types.ChangeActionUpsert, ResourceRecordSet: &route53types.ResourceRecordSet{
					Name: option.ResourceRecord.Name, Type: route53types.RRTypeCname, TTL: aws.Int64(300),
					ResourceRecords: []route53types.ResourceRecord{{Value: option.ResourceRecord.Value}},
				}}},
			}})
		require.NoError(w.t, err)
	}
}

// DropListener deletes the HTTPS listener.
func (w *World) DropListener() {
	w.t.Helper()
	_, err := elb.NewFromConfig(w.AWS).DeleteListener(w.t.Context(), &elb.DeleteListenerInput{ListenerArn: &w.HTTPSListener})
	require.NoError(w.t, err)
}

// DropZone deletes the domain's zone.
func (w *World) DropZone() {
	w.t.Helper()
	_, err := route53.NewFromConfig(w.AWS).DeleteHostedZone(w.t.Context(), &route53.DeleteHostedZoneInput{Id: &w.ZoneID})
	require.NoError(w.t, err)
}

// DatabaseIs gives the database a status.
func (w *World) DatabaseIs(status string) { w.databaseStatus = status }

// Redeploy makes a stack again, with other outputs.
func (w *World) Redeploy(name string, outputs map[string]string) {
	w.t.Helper()
	w.Undeploy(name)
	w.Stack(name, outputs)
}

// before answers with recorded answers; other requests go to moto.
func (w *World) before(next http.Handler) http.Handler {
	return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		w.lock.Lock()
		defer w.lock.Unlock()
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		action, form, input := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:], url.Values{}, map[string]any{}
		if target := r.Header.Get("X-Amz-Target"); target != "" {
			action = target[strings.LastIndex(target, ".")+1:]
			_ = json.Unmarshal(body, &input)
		} else if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
			form, _ = url.ParseQuery(string(body))
			action = form.Get("Action")
		} else if strings.Contains(r.URL.Path, "/hostedzone/") {
			action = "GetHostedZone"
		}
		w.Calls = append(w.Calls, action)
		switch {
		case strings.Contains(r.URL.Path, "/operation/"):
			w.cbor(out, action, body)
			return
		case w.Denied[action]:
			out.Header().Set("X-Amzn-Errortype", "AccessDeniedException")
			out.WriteHeader(http.StatusForbidden)
			if len(form) > 0 || action == "GetHostedZone" {
				fmt.Fprintf(out, "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not authorized to perform "+
					"%s</Message></Error></ErrorResponse>", action)
			} else {
				fmt.Fprintf(out, `{"__type":"AccessDeniedException","message":"not authorized to perform %s"}`, action)
			}
			return
		case w.Answers[action] != "":
			fmt.Fprint(out, w.Answers[action])
			return
		}
		if answer := w.recorded(action, input, form); answer != "" {
			fmt.Fprint(out, answer)
			return
		}
		next.ServeHTTP(out, r)
	})
}

// cbor answers for CloudWatch, whose protocol moto does not speak.
func (w *World) cbor(out http.ResponseWriter, action string, body []byte) {
	out.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
	out.Header().Set("Content-Type", "application/cbor")
	if w.Denied[action] {
		out.WriteHeader(http.StatusForbidden)
		_, _ = out.Write(cbor.Encode(cbor.Map{"__type": cbor.String("AccessDeniedException"), "message": cbor.String("not authorized")}))
		return
	}
	input, err := cbor.Decode(body)
	if err != nil {
		panic(err)
	}
	prefix := input.(cbor.Map)["AlarmNamePrefix"].(cbor.String)
	alarms := cbor.List{}
	for _, name := range slices.Sorted(maps.Keys(w.Alarms)) {
		if strings.HasPrefix(name, string(prefix)) {
			alarms = append(alarms, cbor.Map{
				"AlarmName": cbor.String(name), "StateValue": cbor.String("ALARM"), "StateReason": cbor.String(w.Alarms[name]),
				"StateUpdatedTimestamp": &cbor.Tag{ID: 1, Value: cbor.Uint(Deployed.Unix())},
			})
		}
	}
	_, _ = out.Write(cbor.Encode(cbor.Map{"MetricAlarms": alarms, "CompositeAlarms": cbor.List{}}))
}

// recorded answers what moto does not play; empty is everything else.
func (w *World) recorded(action string, input map[string]any, form url.Values) string {
	service := func(cluster any) string {
		for _, service := range w.Env.Services() {
			if strings.HasSuffix(fmt.Sprint(cluster), service.PhysicalName()) {
				return service.Name
			}
		}
		return ""
	}
	asJSON := func(value any) string {
		text, err := json.Marshal(value)
		if err != nil {
			panic(err)
		}
		return string(text)
	}
	switch action {
	case "DescribeServices":
		return asJSON(map[string]any{"services": []any{w.Services[service(input["cluster"])]}})
	case "ListTasks":
		arns := []any{}
		for _, task := range w.Tasks[service(input["cluster"])] {
			if task["desiredStatus"] == input["desiredStatus"] {
				arns = append(arns, task["taskArn"])
			}
		}
		return asJSON(map[string]any{"taskArns": arns})
	case "DescribeTasks":
		found := []any{}
		for _, task := range w.Tasks[service(input["cluster"])] {
			for _, arn := range input["tasks"].([]any) {
				if arn == task["taskArn"] {
					found = append(found, task)
				}
			}
		}
		return asJSON(map[string]any{"tasks": found})
	case "DescribeTargetHealth":
		var members strings.Builder
		for _, target := range w.Targets[w.behind(form.Get("TargetGroupArn"))] {
			fmt.Fprintf(&members,
				"<member><Target><Id>%s</Id><Port>%d</Port><AvailabilityZone>us-east-1a</AvailabilityZone></Target>"+
					"<TargetHealth><State>%s</State><Reason>%s</Reason><Description>%s</Description></TargetHealth></member>",
				target.Address, target.Port, target.State, target.Reason, target.Description)
		}
		return "<DescribeTargetHealthResponse><DescribeTargetHealthResult><TargetHealthDescriptions>" + members.String() +
			"</TargetHealthDescriptions></DescribeTargetHealthResult></DescribeTargetHealthResponse>"
	case "FilterLogEvents": // two on a page
		if pattern, ok := input["filterPattern"].(string); ok {
			w.Filters = append(w.Filters, pattern)
		}
		w.searched = append(w.searched, time.UnixMilli(int64(input["startTime"].(float64))).UTC())
		events := []any{}
		for _, event := range w.LogEvents {
			if event.Group == input["logGroupName"] && float64(event.At.UnixMilli()) >= input["startTime"].(float64) {
				events = append(events,
					map[string]any{"logStreamName": event.Stream, "timestamp": event.At.UnixMilli(), "message": event.Message, "eventId": event.ID})
			}
		}
		token, _ := input["nextToken"].(string)
		from := len(token)
		to := min(len(events), from+2)
		answer := map[string]any{"events": events[from:to]}
		if to < len(events) {
			answer["nextToken"] = strings.Repeat("x", to)
		}
		return asJSON(answer)
	case "DescribeStackEvents":
		var members strings.Builder
		for i, event := range w.StackEvents[form.Get("StackName")] {
			fmt.Fprintf(&members,
				"<member><EventId>%d</EventId><StackId>s</StackId><StackName>%s</StackName><LogicalResourceId>%s</LogicalResourceId>"+
					"<ResourceType>%s</ResourceType><Timestamp>%s</Timestamp>"+
					"<ResourceStatus>%s</ResourceStatus><ResourceStatusReason>%s</ResourceStatusReason></member>",
				i, form.Get("StackName"), event.Resource, event.Type, Deployed.Add(-time.Duration(i)*time.Second).Format(time.RFC3339),
				event.Status, event.Reason)
		}
		return "<DescribeStackEventsResponse><DescribeStackEventsResult><StackEvents>" + members.String() +
			"</StackEvents></DescribeStackEventsResult></DescribeStackEventsResponse>"
	}
	return ""
}

// behind returns the service of a target group.
func (w *World) behind(targetGroup string) string {
	for service, group := range w.targetGroups {
		if group == targetGroup {
			return service
		}
	}
	return ""
}

// modify gives stacks the statuses and the time that the test wants.
func (w *World) modify(answer *http.Response) error {
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	text := string(body)
	for name, status := range w.StackStatus {
		if strings.Contains(text, "<StackName>"+name+"</StackName>") {
			text = strings.ReplaceAll(text, "<StackStatus>CREATE_COMPLETE<", "<StackStatus>"+status+"<")
		}
	}
	if w.databaseStatus != "" {
		text = strings.ReplaceAll(text, "<DBInstanceStatus>available<", "<DBInstanceStatus>"+w.databaseStatus+"<")
	}
	if _, after, found := strings.Cut(text, "<CreationTime>"); found && strings.Contains(text, "<DescribeStacksResponse") {
		created, _, _ := strings.Cut(after, "<")
		text = strings.ReplaceAll(text, created, Deployed.Format(time.RFC3339))
	}
	answer.Body = io.NopCloser(strings.NewReader(text))
	answer.ContentLength = int64(len(text))
	answer.Header.Set("Content-Length", strconv.Itoa(len(text)))
	return nil
}

// stacks makes the environment's stacks, with these outputs and those of its services.
func (w *World) stacks(outputs map[config.Output]string) {
	for _, service := range w.Env.Services() {
		outputs[service.ClusterOutput()] = cluster(w.Env, service.Name)
		outputs[service.ServiceOutput()] = service.PhysicalName()
		outputs[service.LogGroupOutput()] = service.LogGroupName()
		outputs[service.TargetGroupOutput()] = w.targetGroups[service.Name]
	}
	for _, part := range config.Parts {
		own := map[string]string{}
		for output, value := range outputs {
			if output.Part == part {
				own[output.Name] = value
			}
		}
		w.Stack(w.Env.StackName(part), own)
	}
}

// service returns the environment's service with the given name.
func (w *World) service(name string) config.Workload {
	service, err := w.Env.Service(name)
	require.NoError(w.t, err)
	return service
}

// Described returns dev as the system's description has it.
func Described(t *testing.T) config.Environment {
	t.Helper()
	var env config.Environment
	require.NoError(t, json.Unmarshal([]byte(documents.Read(t, "config/testdata/described.json")), &env))
	return env
}
