package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	secretstypes "github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"parrot/config"
	"parrot/config/keys"
	"parrot/internal/terminal"
)

// lookAtData checks secrets and database if a service looks as if it could not reach
// them. Otherwise the finding stays.
func (d *doctor) lookAtData(ctx context.Context, f *Finding) *Finding {
	service, err := d.config.Service(f.service)
	if !f.perhapsData || err != nil || !service.ReachesData {
		return f
	}
	for _, check := range []func(context.Context) (string, error){d.secrets, d.database} {
		var found *Finding
		if _, err := check(ctx); errors.As(err, &found) {
			found.Says = f.Says
			return found
		}
	}
	return d.readLog(ctx, f)
}

// recently is how far back the doctor reads a log: older lines are not about the
// current problem.
const recently = 30 * time.Minute

// readLog returns the finding that a service's log has about a task, or about any
// task, that stops or is not healthy. If it has none, or cannot be read, the finding
// stays.
func (d *doctor) readLog(ctx context.Context, f *Finding) *Finding {
	service, err := d.config.Service(f.service)
	if err != nil {
		return f
	}
	group, pattern := d.outputs.Of(service.Name).LogGroup, logPattern()
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(d.logs, &cloudwatchlogs.FilterLogEventsInput{
		LogGroupName: &group, FilterPattern: &pattern, StartTime: aws.Int64(d.Clock().Add(-recently).UnixMilli()),
	})
	var lines []string
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return f
		}
		for _, event := range page.Events {
			if f.task == "" || strings.HasSuffix(aws.ToString(event.LogStreamName), "/"+f.task) {
				lines = append(lines, aws.ToString(event.Message))
			}
		}
	}
	c, line, ok := matchLog(lines)
	if !ok {
		return f
	}
	found := d.render(c, "", d.about(service))
	found.Says = strings.TrimPrefix(f.Says+"; its log: "+strings.TrimSpace(line), "; ")
	return found
}

func (d *doctor) secrets(ctx context.Context) (string, error) {
	service := d.about(d.DataService())
	if err := d.need(d.outputs.DBSecretARN, config.DBCredentialsOutput); err != nil {
		return "", err
	}
	credentials := values{"secret": d.config.SecretName(config.DBCredentials)}
	out, err := d.secretsManager.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &d.outputs.DBSecretARN})
	if err := d.secretError(config.DBCredentials, err); err != nil {
		return "", err
	}
	var value map[string]any
	if err := json.Unmarshal([]byte(aws.ToString(out.SecretString)), &value); err != nil {
		return "", d.finding("secret-no-url", "", credentials)
	}
	// The parser's error would quote the URL, and with it the password.
	text, _ := value[keys.URL].(string)
	address, err := url.Parse(text)
	if err != nil || address.Host == "" {
		return "", d.finding("secret-no-url", "", credentials)
	}
	database, err := d.Database(ctx)
	if err != nil {
		return "", err
	}
	if want := fmt.Sprintf("%s:%d", database.Endpoint, database.Port); database.Endpoint != "" && address.Host != want {
		return "", d.finding("secret-other-host", fmt.Sprintf("%s instead of %s", address.Host, want), service, credentials)
	}
	id := d.config.SecretName(config.AppEnv)
	described, err := d.secretsManager.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: &id})
	if err := d.secretError(config.AppEnv, err); err != nil {
		return "", err
	}
	if described.DeletedDate != nil {
		return "", d.finding("secret-gone", "", values{"secret": id})
	}
	if err := d.unfinishedRotation(ctx); err != nil {
		return "", err
	}
	return config.DatabaseURLVariable + " names the database", nil
}

// rotates is how long a rotation of the password may take: four steps of at most
// 15 minutes.
const rotates = time.Hour

// unfinishedRotation looks for a rotation of the password that has begun and not
// ended.
func (d *doctor) unfinishedRotation(ctx context.Context) error {
	id := d.config.SecretName(config.DBPassword)
	out, err := d.secretsManager.ListSecretVersionIds(ctx, &secretsmanager.ListSecretVersionIdsInput{SecretId: &id})
	if err := d.secretError(config.DBPassword, err); err != nil {
		return err
	}
	for _, version := range out.Versions {
		if slices.Contains(version.VersionStages, "AWSPENDING") && !slices.Contains(version.VersionStages, "AWSCURRENT") &&
			d.Clock().Sub(aws.ToTime(version.CreatedDate)) > rotates {
			return d.finding("rotation-halfway", terminal.Minute(version.CreatedDate), values{"secret": id})
		}
	}
	return nil
}

// secretError distinguishes a secret that does not exist from one that cannot be read.
func (d *doctor) secretError(secret config.Secret, err error) error {
	id := d.config.SecretName(secret)
	gone, deleted := new(secretstypes.ResourceNotFoundException), new(secretstypes.InvalidRequestException)
	if errors.As(err, &gone) || errors.As(err, &deleted) {
		return d.finding("secret-gone", "", values{"secret": id})
	}
	if err != nil {
		return fmt.Errorf("secret %s cannot be read: %w", id, err)
	}
	return nil
}

func (d *doctor) database(ctx context.Context) (string, error) {
	found, err := d.Database(ctx)
	if err != nil {
		return "", err
	}
	switch {
	case found.Status == "missing":
		return "", d.finding("database-missing", "")
	case found.Status == "stopped" || found.Status == "stopping":
		return found.Status, d.finding("database-stopped", found.Status)
	case found.Status == "storage-full":
		return found.Status, d.finding("database-full", "")
	case !found.OK():
		return found.Status, d.finding("database-not-available", found.Status)
	case found.Public:
		return "", d.finding("database-not-private", "it has a public address")
	}
	for _, subnet := range found.Subnets {
		if !slices.Contains(d.outputs.PrivateSubnetIDs, subnet) {
			return "", d.finding("database-not-private", subnet+" is none of them")
		}
	}
	service := d.DataService()
	running, err := d.Service(ctx, d.outputs.Of(service.Name))
	if err != nil {
		return "", err
	}
	who, source, addresses := "the VPC, "+d.config.Network.VPC+",", "--cidr "+d.config.Network.VPC, d.config.Network.Prefix()
	members := []string(nil)
	if d.config.Network.DataAccess != config.DataFromVPC {
		who, source, members = "the "+service.Name, "--source-group "+first(running.SecurityGroups), running.SecurityGroups
	}
	open, err := d.open(ctx, found.SecurityGroups, found.Port, members, addresses)
	if err != nil {
		return "", err
	}
	if !open {
		return "", d.finding("database-closed", who,
			values{"group": first(found.SecurityGroups), "port": strconv.Itoa(int(found.Port)), "source": source})
	}
	return found.Identifier + " " + found.Status, nil
}
