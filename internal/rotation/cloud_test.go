package rotation_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/stretchr/testify/require"

	"parrot/config"
	"parrot/internal/fakes/moto"
	"parrot/internal/rotation"
)

func TestMain(m *testing.M) {
	code := m.Run()
	moto.Stop()
	os.Exit(code)
}

// The names in the tests' account, as Parrot gives them.
const (
	source     = "parrot-prod-db-password"
	projection = "parrot-prod-db-credentials"
	instance   = "parrot-prod-db"
	backend    = "parrot-prod-backend"
)

// first is the password before the first rotation.
const first = "firstPassword"

// cloud is moto behind a proxy that plays what moto lacks: RDS's time and the
// database's password, the versions that Secrets Manager makes, and the
// backend's tasks.
type cloud struct {
	t      *testing.T
	config aws.Config // through the proxy
	direct aws.Config // around it

	lock sync.Mutex
	// password is the one that the database takes now, given what RDS was told.
	password, given string
	// answers are what RDS will say of itself, one at each question.
	answers []string
	// meanwhile is what happens once, before an action.
	meanwhile map[string]func()
	// apply is told of each new password.
	apply func(string)
	// clock is when the latest thing happened, in seconds.
	clock int
	// written is when the projection was, and primary when the latest deployment
	// was made; it takes as many more looks as in rollout.
	written, primary, rollout int
	// takenBack is how many more deployments ECS will take back.
	takenBack int
	// oldest is when the oldest of the tasks was started.
	oldest int
	// asked is the version that Secrets Manager has made without a value.
	asked string
	// filled are the versions that have a value, for good: moto lets a pending one
	// be written again.
	filled map[string]bool
	// calls are the actions so far; the one at fault fails, after its effect if
	// lost.
	calls []string
	fault int
	lost  bool
}

func newCloud(t *testing.T) *cloud {
	t.Helper()
	target, err := url.Parse(moto.Start(t))
	require.NoError(t, err)
	c := &cloud{t: t, password: first, given: first, filled: map[string]bool{}, apply: func(string) {}}
	proxy := httptest.NewServer(c.before(target))
	t.Cleanup(proxy.Close)
	at := func(endpoint string) aws.Config {
		cfg, err := awsconfig.LoadDefaultConfig(t.Context(), awsconfig.WithRegion("us-east-1"), awsconfig.WithBaseEndpoint(endpoint))
		require.NoError(t, err)
		return cfg
	}
	c.clock, c.written = 1_000_000_000, 1_000_000_000
	c.oldest, c.primary = c.clock, c.clock
	c.config, c.direct = at(proxy.URL), at(target.String())

	c.store(source, map[string]string{"username": "parrot_admin", "password": first})
	c.store(projection, map[string]string{
		"username": "parrot_admin", "password": first, "host": "db.example.com", "port": "5432", "dbname": "parrot",
		"url": config.DatabaseURL("parrot_admin", first, "db.example.com", "5432", "parrot"),
	})
	_, err = rds.NewFromConfig(c.direct).CreateDBInstance(t.Context(), &rds.CreateDBInstanceInput{
		DBInstanceIdentifier: aws.String(instance), DBInstanceClass: aws.String("db.t3.micro"), Engine: aws.String("postgres"),
		MasterUsername: aws.String("parrot_admin"), MasterUserPassword: aws.String(first), AllocatedStorage: aws.Int32(20),
	})
	require.NoError(t, err)
	c.runBackend()
	return c
}

func (c *cloud) store(secret string, values map[string]string) {
	c.t.Helper()
	document, err := json.Marshal(values)
	require.NoError(c.t, err)
	_, err = secretsmanager.NewFromConfig(c.direct).CreateSecret(c.t.Context(),
		&secretsmanager.CreateSecretInput{Name: &secret, SecretString: aws.String(string(document))})
	require.NoError(c.t, err)
}

func (c *cloud) runBackend() {
	c.t.Helper()
	client := ecs.NewFromConfig(c.direct)
	_, err := client.CreateCluster(c.t.Context(), &ecs.CreateClusterInput{ClusterName: aws.String(backend)})
	require.NoError(c.t, err)
	_, err = client.RegisterTaskDefinition(c.t.Context(), &ecs.RegisterTaskDefinitionInput{
		Family: aws.String(backend), ContainerDefinitions: []ecstypes.ContainerDefinition{{Name: aws.String("backend"),
			Image: aws.String("backend"), Memory: aws.Int32(512)}},
	})
	require.NoError(c.t, err)
	_, err = client.CreateService(c.t.Context(), &ecs.CreateServiceInput{
		Cluster: aws.String(backend), ServiceName: aws.String(backend), TaskDefinition: aws.String(backend), DesiredCount: aws.Int32(2),
	})
	require.NoError(c.t, err)
}

// before does the part that moto lacks, and fails where a test says so.
func (c *cloud) before(target *url.URL) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		form, _ := url.ParseQuery(string(body))
		_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
		if action == "" {
			action = form.Get("Action")
		}
		c.lock.Lock()
		other := c.meanwhile[action]
		delete(c.meanwhile, action)
		c.lock.Unlock()
		if other != nil {
			other()
		}
		c.lock.Lock()
		defer c.lock.Unlock()
		c.calls = append(c.calls, action)
		hit := len(c.calls) == c.fault
		if err != nil || hit && !c.lost {
			http.Error(w, `{"__type": "AccessDeniedException"}`, http.StatusBadRequest)
			return
		}
		if action == "ModifyDBInstance" && len(c.answers) > 0 && c.answers[0] == changing {
			http.Error(w, "<ErrorResponse><Error><Code>InvalidDBInstanceState</Code></Error></ErrorResponse>", http.StatusBadRequest)
			return
		}
		if action == "PutSecretValue" {
			var version struct{ ClientRequestToken string }
			_ = json.Unmarshal(body, &version)
			if c.filled[version.ClientRequestToken] {
				http.Error(w, `{"__type": "ResourceExistsException"}`, http.StatusBadRequest)
				return
			}
			c.filled[version.ClientRequestToken] = true
		}
		r.URL.Scheme, r.URL.Host, r.RequestURI, r.Body = target.Scheme, target.Host, "", io.NopCloser(bytes.NewReader(body))
		answer, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer answer.Body.Close()
		text, _ := io.ReadAll(answer.Body)
		if answer.StatusCode == http.StatusOK {
			text = c.play(action, form, body, text)
		}
		if hit {
			http.Error(w, `{"__type": "AccessDeniedException"}`, http.StatusBadRequest)
			return
		}
		answer.Header.Del("Content-Length")
		maps.Copy(w.Header(), answer.Header)
		w.WriteHeader(answer.StatusCode)
		_, _ = w.Write(text)
	})
}

// RDS's answers after a new password: at first as if nothing were, as nothing in
// its documents excludes.
const (
	ready    = ""
	waiting  = "waiting"
	changing = "resetting-master-credentials"
)

func (c *cloud) play(action string, form url.Values, question, answer []byte) []byte {
	var about struct{ SecretID string } // JSON does not mind the case
	_ = json.Unmarshal(question, &about)
	switch action {
	case "GetSecretValue":
		if about.SecretID == projection {
			return with(answer, func(value map[string]any) { value["CreatedDate"] = c.written })
		}
	case "PutSecretValue":
		if about.SecretID == projection {
			c.clock++
			c.written = c.clock
		}
	case "UpdateService":
		c.clock++
		c.primary, c.rollout = c.clock, 3
	case "DescribeServices":
		if c.rollout > 0 {
			if c.rollout--; c.rollout == 0 && c.takenBack == 0 {
				c.oldest = c.primary
			} else if c.rollout == 0 {
				c.takenBack--
			}
		}
		state := "COMPLETED"
		if c.rollout > 0 {
			state = "IN_PROGRESS"
		}
		return with(answer, func(value map[string]any) {
			for _, service := range value["services"].([]any) {
				service.(map[string]any)["deployments"] = []any{map[string]any{"status": "PRIMARY", "rolloutState": state, "createdAt": c.primary}}
			}
		})
	case "ListTasks":
		return with(answer, func(value map[string]any) { value["taskArns"] = []string{"arn:aws:ecs:us-east-1:123456789012:task/1"} })
	case "DescribeTasks":
		return with(answer, func(value map[string]any) {
			value["tasks"], value["failures"] = []any{map[string]any{"createdAt": c.oldest}}, nil
		})
	case "ModifyDBInstance":
		if form.Get("ApplyImmediately") != "true" {
			return answer // it would wait for the next maintenance window
		}
		c.given = form.Get("MasterUserPassword")
		c.answers = []string{ready, ready, waiting, changing, changing}
	case "DescribeDBInstances":
		if len(c.answers) == 0 {
			if c.password != c.given {
				c.password = c.given
				c.apply(c.given)
			}
			return answer
		}
		now := c.answers[0]
		c.answers = c.answers[1:]
		switch now {
		case waiting:
			const pending = "<PendingModifiedValues><MasterUserPassword>****</MasterUserPassword></PendingModifiedValues>"
			return bytes.Replace(answer, []byte("</DBInstance>"), []byte(pending+"</DBInstance>"), 1)
		case ready:
		default:
			return bytes.Replace(answer, []byte("<DBInstanceStatus>available<"), []byte("<DBInstanceStatus>"+now+"<"), 1)
		}
	case "DescribeSecret":
		return with(answer, func(secret map[string]any) {
			versions := secret["VersionIdsToStages"].(map[string]any)
			if secret["Name"] != source || c.asked == "" || versions[c.asked] != nil {
				return
			}
			for id, stages := range versions {
				versions[id] = slices.DeleteFunc(stages.([]any), func(stage any) bool { return stage == "AWSPENDING" })
			}
			versions[c.asked] = []any{"AWSPENDING"}
		})
	}
	return answer
}

// with returns a JSON object with a change.
func with(answer []byte, change func(map[string]any)) []byte {
	var value map[string]any
	if json.Unmarshal(answer, &value) != nil {
		return answer
	}
	change(value)
	changed, _ := json.Marshal(value)
	return changed
}

func (c *cloud) database() *rotation.Database {
	return &rotation.Database{
		Config: c.config, Instance: instance, Projection: projection, Services: []rotation.Service{{Cluster: backend, Name: backend}},
		Patience: rotation.Patience{Poll: time.Millisecond, Calm: 3, Limit: 20},
	}
}

var steps = []string{"createSecret", "setSecret", "testSecret", "finishSecret"}

// try does all steps once, as Secrets Manager does, until one fails. It refuses a
// version while another is pending.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html
func (c *cloud) try(version string) error {
	c.lock.Lock()
	before := c.asked
	c.lock.Unlock()
	if before != "" && before != version && !c.promoted(before) {
		return errors.New("InvalidRequestException: A previous rotation isn't complete")
	}
	c.lock.Lock()
	c.asked = version
	c.lock.Unlock()
	for _, step := range steps {
		if err := c.step(step, version); err != nil {
			return err
		}
	}
	return nil
}

// promoted reports whether a version is AWSCURRENT.
func (c *cloud) promoted(version string) bool {
	c.t.Helper()
	secret, err := secretsmanager.NewFromConfig(c.direct).DescribeSecret(c.t.Context(),
		&secretsmanager.DescribeSecretInput{SecretId: aws.String(source)})
	require.NoError(c.t, err)
	return slices.Contains(secret.VersionIdsToStages[version], "AWSCURRENT")
}

// giveUp takes its stage from the pending version, as docs/rotation.md says.
func (c *cloud) giveUp() {
	c.t.Helper()
	secret, err := secretsmanager.NewFromConfig(c.direct).DescribeSecret(c.t.Context(),
		&secretsmanager.DescribeSecretInput{SecretId: aws.String(source)})
	require.NoError(c.t, err)
	if slices.Contains(secret.VersionIdsToStages[c.asked], "AWSPENDING") {
		_, err = secretsmanager.NewFromConfig(c.direct).UpdateSecretVersionStage(c.t.Context(), &secretsmanager.UpdateSecretVersionStageInput{
			SecretId: aws.String(source), VersionStage: aws.String("AWSPENDING"), RemoveFromVersionId: &c.asked,
		})
		require.NoError(c.t, err)
	}
	c.lock.Lock()
	c.asked = ""
	c.lock.Unlock()
}

func (c *cloud) step(step, version string) error {
	return c.database().Step(context.Background(),
		events.SecretsManagerSecretRotationEvent{Step: step, SecretID: source, ClientRequestToken: version})
}

// value returns what a stage of a secret holds; nil without such a version.
func (c *cloud) value(secret, stage string) map[string]string {
	c.t.Helper()
	out, err := secretsmanager.NewFromConfig(c.direct).GetSecretValue(c.t.Context(),
		&secretsmanager.GetSecretValueInput{SecretId: &secret, VersionStage: &stage})
	if err != nil {
		return nil
	}
	var values map[string]string
	require.NoError(c.t, json.Unmarshal([]byte(aws.ToString(out.SecretString)), &values))
	return values
}

// project writes the projection as a person would.
func (c *cloud) project(values map[string]string) {
	c.t.Helper()
	document, err := json.Marshal(values)
	require.NoError(c.t, err)
	_, err = secretsmanager.NewFromConfig(c.direct).PutSecretValue(c.t.Context(),
		&secretsmanager.PutSecretValueInput{SecretId: aws.String(projection), SecretString: aws.String(string(document))})
	require.NoError(c.t, err)
	c.clock++
	c.written = c.clock
}
