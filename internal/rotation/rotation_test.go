package rotation_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot/config"
	"parrot/internal/fakes"
)

// token returns the id of the n-th version that Secrets Manager asks for.
func token(n int) string { return fmt.Sprintf("00000000-0000-0000-0000-%012d", n) }

// assertRotated checks that database, source and projection agree on a password
// that is not the one before, which is kept.
func assertRotated(t *testing.T, c *cloud, before string) {
	t.Helper()
	now := c.password
	assert.NotEqual(t, before, now)
	assert.Regexp(t, "^[A-Za-z0-9]{24}$", now)
	assert.Equal(t, map[string]string{"username": "parrot_admin", "password": now}, c.value(source, "AWSCURRENT"))
	assert.Equal(t, before, c.value(source, "AWSPREVIOUS")["password"])
	assert.Equal(t, map[string]string{
		"username": "parrot_admin", "password": now, "host": "db.example.com", "port": "5432", "dbname": "parrot",
		"url": config.DatabaseURL("parrot_admin", now, "db.example.com", "5432", "parrot"),
	}, c.value(projection, "AWSCURRENT"))
	deployed := lastIndex(c.calls, "UpdateService")
	require.GreaterOrEqual(t, deployed, 0, "new tasks are started")
	assert.Less(t, lastIndex(c.calls, "PutSecretValue"), deployed, "new tasks read what is written")
	assert.Greater(t, c.oldest, c.written, "every task has read what is written")
}

func lastIndex(all []string, one string) int {
	for i, each := range slices.Backward(all) {
		if each == one {
			return i
		}
	}
	return -1
}

func TestARotationGivesDatabaseSourceAndProjectionANewPassword(t *testing.T) {
	c := newCloud(t)
	require.NoError(t, c.try(token(1)))
	assertRotated(t, c, first)
	second := c.password
	require.NoError(t, c.try(token(2)), "and again")
	assertRotated(t, c, second)
}

// Each call fails once, before its effect or after it, as when the function is
// stopped there. Then Secrets Manager tries again, with the same version, or a
// person starts another rotation.
func TestARotationThatFailsAtAnyCallIsHealedByTheNext(t *testing.T) {
	fakes.Slow(t)
	c := newCloud(t)
	version := 0
	for _, lost := range []bool{false, true} {
		for _, again := range []int{0, 1} {
			for fault := 1; ; fault += fakes.Every(15) {
				version++
				before := c.password
				c.calls, c.fault, c.lost = nil, fault, lost
				err := c.try(token(version))
				if len(c.calls) < fault {
					require.NoError(t, err)
					require.Greater(t, fault, 15, "every call has failed once")
					break
				}
				name := fmt.Sprintf("%s, call %d, lost %t, next version + %d", c.calls[fault-1], fault, lost, again)
				require.Error(t, err, name)
				if again == 1 && c.value(source, "AWSCURRENT")["password"] != before {
					before = c.password // it was complete, but for the answer
				}
				if version += again; again == 1 {
					c.giveUp()
				}
				require.NoError(t, c.try(token(version)), name)
				if assertRotated(t, c, before); t.Failed() {
					t.Fatal(name)
				}
			}
		}
	}
}

func TestStepsThatAreDoneAgainChangeNothing(t *testing.T) {
	c := newCloud(t)
	c.asked = token(1)
	var password string
	for _, step := range steps {
		for range 3 {
			require.NoError(t, c.step(step, token(1)), step)
			if pending := c.value(source, "AWSPENDING"); pending != nil {
				if password == "" {
					password = pending["password"]
				}
				assert.Equal(t, password, pending["password"], step)
			}
		}
	}
	assert.Equal(t, password, c.password)
	assertRotated(t, c, first)
}

func TestTwoRunsOfARotationAtOnceDoNoHarm(t *testing.T) {
	for i := 0; i < 5; i += fakes.Every(5) {
		c := newCloud(t)
		c.asked = token(1)
		for _, step := range steps {
			var both sync.WaitGroup
			for range 2 {
				both.Go(func() {
					if err := c.step(step, token(1)); err != nil { // one may find that the other has changed something
						assert.Contains(t, err.Error(), "the new version is not promoted")
					}
				})
			}
			both.Wait()
		}
		assertRotated(t, c, first)
	}
}

func TestThePasswordOfTheFasterOfTwoRunsCounts(t *testing.T) {
	c := newCloud(t)
	c.meanwhile = map[string]func(){"PutSecretValue": func() { assert.NoError(t, c.step("createSecret", token(1))) }}
	require.NoError(t, c.try(token(1)))
	assert.Empty(t, c.meanwhile)
	assertRotated(t, c, first)

	second := c.password
	c.meanwhile = map[string]func(){"UpdateSecretVersionStage": func() { assert.NoError(t, c.step("finishSecret", token(2))) }}
	require.ErrorContains(t, c.try(token(2)), "the new version is not promoted")
	require.NoError(t, c.try(token(2)), "it is, by the other")
	assertRotated(t, c, second)
}

// It refuses, with InvalidDBInstanceState.
func TestRDSIsNotToldOfAPasswordWhileItIsBusy(t *testing.T) {
	c := newCloud(t)
	c.answers = []string{changing, changing, changing}
	require.NoError(t, c.try(token(1)))
	assertRotated(t, c, first)
}

// Until then new tasks would be started for nothing.
func TestNewTasksStartOnlyWhenTheDatabaseHasTakenThePassword(t *testing.T) {
	c := newCloud(t)
	c.asked = token(1)
	for _, step := range steps[:3] {
		require.NoError(t, c.step(step, token(1)))
		assert.NotContains(t, c.calls, "UpdateService")
		assert.Equal(t, first, c.value(projection, "AWSCURRENT")["password"])
	}
	assert.Equal(t, c.given, c.password)
}

func TestAStepGivesUpBeforeItsFunctionIsStopped(t *testing.T) {
	c := newCloud(t)
	c.asked = token(1)
	require.NoError(t, c.step("createSecret", token(1)))
	require.NoError(t, c.step("setSecret", token(1)))
	c.answers = slices.Repeat([]string{changing}, 1000)
	err := c.step("testSecret", token(1))
	require.ErrorContains(t, err,
		"testSecret: parrot-prod-db was not ready in time: it is resetting-master-credentials; Secrets Manager tries again")
	c.answers = nil
	require.NoError(t, c.try(token(1)))
	assertRotated(t, c, first)
}

// When a schedule is made without a rotation, Secrets Manager makes a pending
// version, runs this one step on it and takes the version away. What the version
// holds is not documented.
func TestTheTestOfANewScheduleChangesNothingAndDoesNotWait(t *testing.T) {
	for content, fill := range map[string]func(*cloud){
		"nothing": func(*cloud) {},
		"a copy": func(c *cloud) {
			_, err := secretsmanager.NewFromConfig(c.direct).PutSecretValue(t.Context(), &secretsmanager.PutSecretValueInput{
				SecretId: aws.String(source), ClientRequestToken: aws.String(token(1)), VersionStages: []string{"AWSPENDING"},
				SecretString: aws.String(`{"username":"parrot_admin","password":"` + first + `"}`),
			})
			require.NoError(t, err)
		},
	} {
		c := newCloud(t)
		c.asked = token(1)
		fill(c)
		require.NoError(t, c.step("testSecret", token(1)), content)
		assert.Equal(t, []string{"DescribeSecret", "GetSecretValue", "GetSecretValue", "DescribeDBInstances"}, c.calls, content)
	}
}

func TestOnlyThePendingVersionIsRotated(t *testing.T) {
	c := newCloud(t)
	require.NoError(t, c.try(token(1)))
	rotated := c.password
	for _, step := range steps {
		err := c.step(step, token(9))
		require.ErrorContains(t, err, "version "+token(9)+" of "+source+" is not AWSPENDING", step)
	}
	require.Error(t, c.step("deleteSecret", token(1)))
	assert.Equal(t, rotated, c.password)
}

// New tasks are healthy for a moment and answer errors, or do not start at all:
// the password must not be promoted, or nobody would ever try again.
func TestAPasswordIsPromotedOnlyWhenNoTaskOfBeforeIsLeft(t *testing.T) {
	c := newCloud(t)
	c.takenBack = 1
	err := c.try(token(1))
	require.ErrorContains(t, err, "finishSecret: 1 tasks of parrot-prod-backend are from before the new password")
	assert.False(t, c.promoted(token(1)))
	require.NoError(t, c.try(token(1)))
	assertRotated(t, c, first)
}

func TestADeploymentThatTakesLongIsWaitedForAndNotStartedAgain(t *testing.T) {
	c := newCloud(t)
	c.asked = token(1)
	for _, step := range steps[:3] {
		require.NoError(t, c.step(step, token(1)))
	}
	c.calls, c.fault, c.lost = nil, 9, true // the deployment has begun, and nobody knows
	require.Error(t, c.step("finishSecret", token(1)))
	require.Equal(t, "UpdateService", c.calls[len(c.calls)-1])
	c.rollout = 1000
	require.ErrorContains(t, c.step("finishSecret", token(1)), "was not replaced in time")
	c.rollout = 3
	require.NoError(t, c.step("finishSecret", token(1)))
	assert.Equal(t, 1, count(c.calls, "UpdateService"))
	assertRotated(t, c, first)
}

// Before the password was written a deploy had begun, whose tasks may have read
// either.
func TestADeployThatIsUnderWayIsFollowedByAnother(t *testing.T) {
	c := newCloud(t)
	c.rollout = 1000 // its tasks cannot log in
	require.NoError(t, c.try(token(1)))
	assertRotated(t, c, first)
}

func count(all []string, one string) (n int) {
	for _, each := range all {
		if each == one {
			n++
		}
	}
	return n
}

// A person took its stage away while it waited, and rotated again.
func TestAVersionThatWasGivenUpDoesNotOverwriteTheNextOnesPassword(t *testing.T) {
	c := newCloud(t)
	c.asked = token(1)
	require.NoError(t, c.step("createSecret", token(1)))
	c.meanwhile = map[string]func(){"DescribeDBInstances": func() {
		c.giveUp()
		assert.NoError(t, c.try(token(2)))
	}}
	require.ErrorContains(t, c.step("setSecret", token(1)), "is not AWSPENDING")
	assert.Empty(t, c.meanwhile)
	assertRotated(t, c, first)
}

// It can take more than a day, and the database answers.
func TestARotationDoesNotWaitForStorageToBeOptimized(t *testing.T) {
	c := newCloud(t)
	c.asked = token(1)
	require.NoError(t, c.step("createSecret", token(1)))
	require.NoError(t, c.step("setSecret", token(1)))
	c.password = c.given
	c.answers = slices.Repeat([]string{"storage-optimization"}, 1000)
	require.NoError(t, c.step("testSecret", token(1)))
}

// Somebody wrote the projection by hand, or a failed deploy did.
func TestAPromotedVersionIsWrittenToTheProjectionAgain(t *testing.T) {
	c := newCloud(t)
	require.NoError(t, c.try(token(1)))
	before := c.calls
	require.NoError(t, c.try(token(1)))
	for _, change := range []string{"PutSecretValue", "ModifyDBInstance", "UpdateService", "UpdateSecretVersionStage"} {
		assert.NotContains(t, c.calls[len(before):], change, "nothing was wrong")
	}

	require.NoError(t, c.try(token(2)))
	c.calls = nil
	stale := c.value(projection, "AWSCURRENT")
	stale["url"] = strings.Replace(stale["url"], c.password, first, 1)
	c.project(stale)
	require.NoError(t, c.step("finishSecret", token(2)))
	assert.Contains(t, c.value(projection, "AWSCURRENT")["url"], c.password)
	assert.Contains(t, c.calls, "UpdateService")
}

func TestABackendThatIsNotThereNeedsNoNewTasks(t *testing.T) {
	c := newCloud(t)
	client := ecs.NewFromConfig(c.direct)
	_, err := client.DeleteService(t.Context(),
		&ecs.DeleteServiceInput{Cluster: aws.String(backend), Service: aws.String(backend), Force: aws.Bool(true)})
	require.NoError(t, err)
	require.NoError(t, c.try(token(1)), "no service")
	_, err = client.DeleteCluster(t.Context(), &ecs.DeleteClusterInput{Cluster: aws.String(backend)})
	require.NoError(t, err)
	require.NoError(t, c.try(token(2)), "no cluster")
	assert.Equal(t, c.password, c.value(source, "AWSCURRENT")["password"])
	assert.NotContains(t, c.calls, "UpdateService")
}

// What a person finds in a log must not be a password.
func TestErrorsShowNoSecret(t *testing.T) {
	c := newCloud(t)
	broken := c.value(projection, "AWSCURRENT")
	broken["url"] = "postgresql://parrot_admin:" + first + "@%zz/"
	c.project(broken)
	err := c.try(token(1))
	require.ErrorContains(t, err, "setSecret: "+projection+" cannot be rewritten: its url is no URL")
	assert.NotContains(t, err.Error(), first)
	assert.NotContains(t, c.calls, "ModifyDBInstance", "what would fail for good fails before anything has changed")
}
