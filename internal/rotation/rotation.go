// Package rotation gives the database a new password, and the services new keys
// that sign tokens: new source, rewritten projection, new tasks.
package rotation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	rdstypes "github.com/aws/aws-sdk-go-v2/service/rds/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"parrot/config/keys"
)

// The stages of a secret's versions.
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html
const (
	current = "AWSCURRENT"
	pending = "AWSPENDING"
)

// passwordLength is that of the password that the template generates. RDS takes
// at most 128 characters of PostgreSQL.
const passwordLength = 24

// Database rotates the master password of a database. The source is the secret
// that Secrets Manager names with each step.
type Database struct {
	// Config is what AWS's clients are made of.
	Config aws.Config
	// Instance is the RDS instance's identifier.
	Instance string
	// Projection is the secret that tasks read, with a password and a url.
	Projection string
	// Services read Projection when their tasks start.
	Services []Service
	// Patience is how long to wait for RDS.
	Patience Patience
}

// Patience is how long a step waits for RDS.
type Patience struct {
	// Poll is the time between two questions.
	Poll time.Duration
	// Calm is how many answers in a row have to say that nothing is left to do.
	Calm int
	// Limit is how many questions a step asks before it gives up, well before
	// Lambda would stop it.
	Limit int
}

// Lambda is the patience of a function that may run for 15 minutes. RDS says that
// a new password is pending, or that it is busy with it, but no document says how
// soon after the call: a minute without either is taken for an end.
var Lambda = Patience{Poll: 10 * time.Second, Calm: 7, Limit: 72}

// Step does one of the four steps of a rotation. Each can be done again, alone or
// after those before it, however an earlier try ended.
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
func (d *Database) Step(ctx context.Context, event events.SecretsManagerSecretRotationEvent) error {
	step := map[string]func(context.Context, version) error{
		"createSecret": d.create,
		"setSecret":    d.set,
		"testSecret":   d.test,
		"finishSecret": d.finish,
	}[event.Step]
	if step == nil {
		return fmt.Errorf("there is no step %q in a rotation: want createSecret, setSecret, testSecret or finishSecret", event.Step)
	}
	v, err := d.version(ctx, event.SecretID, event.ClientRequestToken)
	if err != nil {
		return fmt.Errorf("%s: %w", event.Step, err)
	}
	if v.promoted && event.Step != "finishSecret" {
		return nil
	}
	if err := step(ctx, v); err != nil {
		return fmt.Errorf("%s: %w", event.Step, err)
	}
	return nil
}

// version is the version of the source that a rotation makes.
type version struct {
	source, id string
	// current is the id of the version that is AWSCURRENT.
	current string
	// promoted says that this is the one.
	promoted bool
}

// version refuses what is not a rotation's version, as AWS's own functions do: a
// version without the stage was given up, or a person made it.
func (d *Database) version(ctx context.Context, source, id string) (version, error) {
	secret, err := d.secrets().DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: &source})
	if err != nil {
		return version{}, fmt.Errorf("the source is not described: %w", err)
	}
	v := version{source: source, id: id}
	for each, stages := range secret.VersionIdsToStages {
		if slices.Contains(stages, current) {
			v.current = each
		}
	}
	v.promoted = v.current == id
	if !v.promoted && !slices.Contains(secret.VersionIdsToStages[id], pending) {
		return v, fmt.Errorf("version %s of %s is not %s: another rotation has taken its place, or nobody has asked for this one; start a "+
			"rotation with aws secretsmanager rotate-secret", id, source, pending)
	}
	return v, nil
}

// create stores a new password as the pending version, unless it is there.
func (d *Database) create(ctx context.Context, v version) error {
	_, err := read(ctx, d.secrets(), v.source, v.id, pending)
	if missing := new(types.ResourceNotFoundException); !errors.As(err, &missing) {
		return err // of nil, too: an earlier try stored it
	}
	values, err := read(ctx, d.secrets(), v.source, "", current)
	if err != nil {
		return err
	}
	if values[keys.Password], err = generate(ctx, d.secrets(), passwordLength); err != nil {
		return err
	}
	document, err := json.Marshal(values)
	if err != nil {
		return err
	}
	_, err = d.secrets().PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{
		SecretId:           &v.source,
		ClientRequestToken: &v.id,
		SecretString:       aws.String(string(document)),
		VersionStages:      []string{pending},
	})
	if there := new(types.ResourceExistsException); errors.As(err, &there) {
		return nil // another run of this step was faster: its password counts
	}
	if err != nil {
		return fmt.Errorf("the new password is not stored: %w", err)
	}
	return nil
}

// set gives the pending password to the database. What would stop a later step
// permanently stops it here, where nothing has changed yet.
func (d *Database) set(ctx context.Context, v version) error {
	values, err := read(ctx, d.secrets(), v.source, v.id, pending)
	if err != nil {
		return err
	}
	projected, err := read(ctx, d.secrets(), d.Projection, "", current)
	if err != nil {
		return err
	}
	if err := project(projected, values); err != nil {
		return fmt.Errorf("%s cannot be rewritten: %w", d.Projection, err)
	}
	// RDS refuses to change what it is still changing.
	if err := d.wait(ctx, 1); err != nil {
		return err
	}
	if _, err := d.version(ctx, v.source, v.id); err != nil {
		return err // it was given up meanwhile, and another may have set its password
	}
	_, err = d.databases().ModifyDBInstance(ctx, &rds.ModifyDBInstanceInput{
		DBInstanceIdentifier: &d.Instance,
		MasterUserPassword:   aws.String(values[keys.Password]),
		ApplyImmediately:     aws.Bool(true),
	})
	if err != nil {
		return fmt.Errorf("%s does not take the new password: %w", d.Instance, err)
	}
	return nil
}

// test waits until the database has taken the password. It is the one step that
// Secrets Manager runs when a schedule is made, on a pending version of its own:
// with no new password there is nothing to wait for, and a deploy does not.
func (d *Database) test(ctx context.Context, v version) error {
	pended, err := read(ctx, d.secrets(), v.source, v.id, pending)
	if missing := new(types.ResourceNotFoundException); err != nil && !errors.As(err, &missing) {
		return err
	}
	values, err := read(ctx, d.secrets(), v.source, "", current)
	if err != nil {
		return err
	}
	if pended == nil || pended[keys.Password] == values[keys.Password] {
		return d.wait(ctx, 1)
	}
	return d.wait(ctx, d.Patience.Calm)
}

// project writes the source's values into the projection's.
func project(projected, values map[string]string) error {
	address, err := url.Parse(projected[keys.URL])
	if err != nil || address.Host == "" {
		// err would show the password
		return errors.New("its url is no URL: somebody has written it by hand; bring the version before back, with aws secretsmanager " +
			"update-secret-version-stage")
	}
	if values[keys.Username] == "" || values[keys.Password] == "" {
		return errors.New("the source has no username or no password: somebody has written it by hand; put them back")
	}
	address.User = url.UserPassword(values[keys.Username], values[keys.Password])
	projected[keys.Username], projected[keys.Password], projected[keys.URL] = values[keys.Username], values[keys.Password], address.String()
	return nil
}

// finish lets the tasks have the password, and promotes the version last: until
// then Secrets Manager does every step again after a failure, and after it all is
// done.
func (d *Database) finish(ctx context.Context, v version) error {
	values, err := read(ctx, d.secrets(), v.source, v.id, "")
	if err != nil {
		return err
	}
	if err := rewrite(ctx, d.secrets(), d.Projection, func(projected map[string]string) error {
		return project(projected, values)
	}); err != nil {
		return err
	}
	if err := d.renew(ctx); err != nil {
		return err
	}
	if v.promoted {
		return nil
	}
	_, err = d.secrets().UpdateSecretVersionStage(ctx, &secretsmanager.UpdateSecretVersionStageInput{
		SecretId:            &v.source,
		VersionStage:        aws.String(current),
		MoveToVersionId:     &v.id,
		RemoveFromVersionId: &v.current,
	})
	if err != nil {
		return fmt.Errorf("the new version is not promoted: %w", err)
	}
	return nil
}

// renew replaces the services' tasks that have started before the projection was
// written, and waits until none of them is left. ECS rolls back to the old tasks if the
// new ones do not become healthy, and the old ones cannot open a connection any more.
func (d *Database) renew(ctx context.Context) error {
	out, err := d.secrets().GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &d.Projection})
	if err != nil {
		return fmt.Errorf("%s is not read: %w", d.Projection, err)
	}
	written := aws.ToTime(out.CreatedDate)
	asked := map[Service]bool{}
	var left []error
	for range d.Patience.Limit {
		left = nil
		for _, service := range d.Services {
			old, err := d.replace(ctx, service, written, asked)
			if err != nil {
				return err
			}
			if old > 0 {
				left = append(left, fmt.Errorf("%s was not replaced in time: %d of its tasks are from before the new password; Secrets Manager tries "+
					"again by itself", service.Name, old))
			}
		}
		if left == nil {
			return nil
		}
		if err := d.pause(ctx); err != nil {
			return err
		}
	}
	return errors.Join(left...)
}

// replace starts new tasks of a service unless ECS is already starting some, and
// returns how many tasks from before the projection are left.
func (d *Database) replace(ctx context.Context, service Service, written time.Time, asked map[Service]bool) (int, error) {
	seen, err := service.tasks(ctx, d.Config, written)
	if err != nil {
		return 0, err
	}
	switch {
	case seen.old == 0: // ECS has nothing left to go back to
	case seen.deploying && seen.newer: // as it should be
	case asked[service] && !seen.deploying:
		return 0, fmt.Errorf("%d tasks of %s are from before the new password, and cannot open a connection any more: ECS rolled the "+
			"deployment back, because the new tasks did not become healthy or an alarm fired; its events and the tasks' log say "+
			"why", seen.old, service.Name)
	case !asked[service]:
		if _, err := service.deploy(ctx, d.Config); err != nil {
			return 0, err
		}
		asked[service] = true
	}
	return seen.old, nil
}

func (d *Database) pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d.Patience.Poll):
		return nil
	}
}

// wait waits until RDS says, several times in a row, that nothing is left to do.
func (d *Database) wait(ctx context.Context, calm int) error {
	inRow, last := 0, ""
	for range d.Patience.Limit {
		busy, err := d.busy(ctx)
		if err != nil {
			return err
		}
		if busy == "" {
			inRow++
		} else {
			inRow, last = 0, busy
		}
		if inRow >= calm {
			return nil
		}
		if err := d.pause(ctx); err != nil {
			return err
		}
	}
	return fmt.Errorf("%s was not ready in time: %s; Secrets Manager tries again by itself", d.Instance, last)
}

// busy is what RDS has still to do, or nothing.
func (d *Database) busy(ctx context.Context) (string, error) {
	out, err := d.databases().DescribeDBInstances(ctx, &rds.DescribeDBInstancesInput{DBInstanceIdentifier: &d.Instance})
	if err != nil {
		return "", fmt.Errorf("%s is not described: %w", d.Instance, err)
	}
	if len(out.DBInstances) == 0 {
		return "", fmt.Errorf("there is no database %s", d.Instance)
	}
	return unfinished(out.DBInstances[0]), nil
}

// calm are the statuses in which nothing is being changed. Optimizing storage can
// take more than a day.
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/accessing-monitoring.html
var calm = []string{"available", "backing-up", "storage-initialization", "storage-optimization"}

func unfinished(database rdstypes.DBInstance) string {
	if status := aws.ToString(database.DBInstanceStatus); !slices.Contains(calm, status) {
		return "it is " + status
	}
	if change := database.PendingModifiedValues; change != nil && change.MasterUserPassword != nil {
		return "its new password is pending"
	}
	return ""
}

func (d *Database) secrets() *secretsmanager.Client { return secretsmanager.NewFromConfig(d.Config) }
func (d *Database) databases() *rds.Client          { return rds.NewFromConfig(d.Config) }
