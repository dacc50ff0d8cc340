package doctor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot/config"
	"parrot/internal/awsclient"
	"parrot/internal/fakes"
	"parrot/internal/fakes/cloud"
	"parrot/internal/operate"
)

// chain are the links in their order.
var chain = []string{"credentials", "zones", "bootstrap", "stacks", "delegation", "certificate", "images", "services", "targets", "secrets",
	"database"}

func patient(w *cloud.World) Patient {
	return Patient{Environment: w.Env, DNS: w.Delegation, SignIn: func(ctx context.Context) (*awsclient.Session, error) {
		return awsclient.SignIn(ctx, "", w.Env.Region)
	}}
}

func diagnose(t *testing.T, w *cloud.World) *Diagnosis {
	t.Helper()
	var shown []Link
	d := Diagnose(t.Context(), patient(w), func(l Link) { shown = append(shown, l) })
	assert.Equal(t, d.Links, shown, "each link is shown when it was looked at")
	return d
}

func TestTheDoctorChecksTheWholeChainOfAHealthyEnvironment(t *testing.T) {
	w, _ := deployed(t)
	d := diagnose(t, w)
	require.Nil(t, d.Finding, "%+v", d.Finding)
	var names []string
	for _, link := range d.Links {
		names = append(names, link.Name)
		assert.Equal(t, "ok", link.State, link.Name)
	}
	assert.Equal(t, chain, names)
}

// ill is one way to be ill.
type ill struct {
	// cause is the doctor's name for it, link where it shows.
	cause, link string
	breaks      func(w *cloud.World)
	// words are parts of the advice, next of its commands.
	words, next string
}

const (
	task = "parrot-dev-backend"
	pull = "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref " +
		"123456789012.dkr.ecr.us-east-1.amazonaws.com/parrot-dev-backend:x: "
	initialize = "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: "
)

// stops is a backend whose task could not be started.
func stops(reason string) func(*cloud.World) {
	return func(w *cloud.World) { w.Stop("backend", "TaskFailedToStart", reason, "", -1) }
}

// fails is a stack whose last deploy failed of a resource.
func fails(stack, status, resource, kind, reason string) func(*cloud.World) {
	return func(w *cloud.World) {
		w.StackStatus[stack] = status
		w.StackEvents[stack] = []cloud.StackEvent{
			{Resource: stack, Type: "AWS::CloudFormation::Stack", Status: status, Reason: ""},
			{Resource: "Other", Type: "AWS::EC2::VPC", Status: "CREATE_FAILED", Reason: "Resource creation cancelled"},
			{Resource: resource, Type: kind, Status: "CREATE_FAILED", Reason: reason},
			{Resource: stack, Type: "AWS::CloudFormation::Stack", Status: "UPDATE_IN_PROGRESS", Reason: "User Initiated"},
			{Resource: "Old", Type: "AWS::S3::Bucket", Status: "CREATE_FAILED", Reason: "of the deploy before: AccessDenied"},
		}
	}
}

// protected does the same in an environment with termination protection.
func protected(breaks func(*cloud.World)) func(*cloud.World) {
	return func(w *cloud.World) {
		w.Env.TerminationProtection = true
		breaks(w)
	}
}

// rotating returns a rotation that began some time ago.
func rotating(ago time.Duration) string {
	return fmt.Sprintf(`{"Versions":[{"VersionId":"1","VersionStages":["AWSCURRENT"],"CreatedDate":1},{"VersionId":"2","VersionStages":["AWSPENDING"],"CreatedDate":%d}]}`, time.Now().Add(-ago).Unix())
}

// complains is a backend whose task ends, and one of its containers says why.
func complains(container, message string) func(*cloud.World) {
	return func(w *cloud.World) {
		w.Stop("backend", "EssentialContainerExited", "Essential container in task exited", "", 1)
		if container == "migration" {
			w.Tasks["backend"][0]["containers"] = []map[string]any{{"name": "migration", "exitCode": 1}, {"name": "backend"}}
		}
		w.Complain("backend", container, message)
	}
}

// illnesses are every cause in the described system's lists, and those that are
// Parrot's own.
var illnesses = map[string]ill{
	// 1. Tasks do not start.
	"the image is not in the registry any more, and ECS says so": {
		"image-not-found", "services", stops(pull + "not found"), "is not in the registry", "images dev"},
	"the image cannot be pulled without a permission": {
		"image-denied", "services", stops("CannotPullContainerError: pull access denied: unexpected status from HEAD request to " +
			"https://123456789012.dkr.ecr.us-east-1.amazonaws.com/v2/x: 403 Forbidden"), "may not pull from its repository in ECR", "drift dev"},
	"ECR cannot be signed in to without a permission": {
		"image-denied", "services", stops(initialize + "unable to retrieve ecr registry auth: AccessDeniedException: User: " +
			"arn:aws:sts::123456789012:assumed-role/x is not authorized to perform: ecr:GetAuthorizationToken"), "may not pull", "drift dev"},
	"the image cannot be reached, and its tag has a 403 in it": {
		"no-way-out", "services",
		stops("CannotPullContainerError: failed to resolve ref " +
			"123456789012.dkr.ecr.us-east-1.amazonaws.com/parrot-backend:20260102040305-0a1b2c3d4e5f: " +
			"dial tcp 52.94.0.2:443: i/o timeout"), "cannot reach ECR", "revert-drift ParrotDevNetwork"},
	"the log cannot be reached": {
		"no-way-out", "services", stops("ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: " +
			"dial tcp 52.94.0.3:443: i/o timeout"), "cannot reach", "drift dev"},
	"the log may not be written": {
		"log-denied", "services",
		stops("ResourceInitializationError: failed to validate logger args: AccessDeniedException: User: " +
			"arn:aws:sts::123456789012:assumed-role/x is not authorized to perform: logs:CreateLogStream"), "may not write its log",
		"revert-drift ParrotDevCompute"},
	"somebody stopped a task, with SIGKILL": {
		"task-stopped", "services", func(w *cloud.World) {
			w.Stop("backend", "UserInitiated", "Task stopped by user", "", 137)
		}, "a task of the backend stopped", "describe-tasks"},
	"ECS notes that the load balancer timed out": {
		"stopped-by-health-check", "services", func(w *cloud.World) {
			w.Stop("backend", "", "", "", -1)
			w.Tasks["backend"] = nil
			w.Services["backend"]["events"] = []map[string]any{{"id": "1", "createdAt": cloud.Deployed.Add(time.Minute).Unix(),
				"message": "(service " + task + ") (port 3001) is unhealthy in (target-group arn:x) due to (reason Request timed out)"}}
		}, "found the backend unhealthy", "logs dev backend"},
	"the image is for another processor": {
		"image-platform", "services", stops("CannotPullContainerError: image Manifest does not contain descriptor matching platform " +
			"'linux/amd64'"), "another processor", "release dev"},
	"the task has not enough memory": {
		"out-of-memory", "services", func(w *cloud.World) {
			w.Stop("backend", "EssentialContainerExited", "Essential container in task exited",
				"OutOfMemoryError: Container killed due to memory usage", 137)
		}, "MemoryMiB", "logs dev backend"},
	"AWS has no capacity": {
		"no-capacity", "services", stops("Capacity is unavailable at this time. Please try again later or in a different availability zone"),
		"no capacity", "status dev"},
	"the account's quota of CPU is used up": {
		"quota", "services", func(w *cloud.World) {
			w.Stop("backend", "", "", "", -1)
			w.Tasks["backend"] = nil
			w.Services["backend"]["events"] = []map[string]any{{"id": "1", "createdAt": cloud.Deployed.Add(time.Minute).Unix(),
				"message": "(service " + task +
					") was unable to place a task. Reason: You've reached the limit on the number of vCPUs you can run concurrently."}}
		}, "ask AWS for more", "service-quotas"},
	"the security group blocks outgoing traffic": {
		"no-way-out", "services", stops(initialize + `unable to retrieve secret from asm: service call has been retried 5 time(s): failed to fetch secret: RequestError: send request failed caused by: Post "https://secretsmanager.us-east-1.amazonaws.com/": dial tcp 52.94.0.1:443: i/o timeout. Please check your task network configuration.`), "security group blocks outgoing traffic", "describe-security-groups --region us-east-1 --group-ids sg-"},
	"the image cannot be reached": {
		"no-way-out", "services", stops(pull + "dial tcp 52.94.0.2:443: i/o timeout"), "cannot reach ECR", "drift dev"},
	"the secrets may not be read": {
		"secret-denied", "services",
		stops(initialize +
			"unable to retrieve secret from asm: service call has been retried 1 time(s): failed to fetch secret " +
			"arn:aws:secretsmanager:us-east-1:123456789012:secret:parrot-dev-db-credentials-AbCdEf from secrets manager: AccessDeniedException: " +
			"User: arn:aws:sts::123456789012:assumed-role/x is not authorized to perform: secretsmanager:GetSecretValue"),
		"may not read its secrets from Secrets Manager", "drift dev"},
	"the secret is not there": {
		"secret-missing", "services", stops(initialize + "unable to retrieve secret from asm: ResourceNotFoundException: Secrets Manager can't " +
			"find the specified secret."), "does not exist", "list-secrets"},
	"the secret does not have a key": {
		"secret-key-missing", "services", stops(initialize + "retrieved secret from Secrets Manager did not contain json key JWT_SECRET"),
		"does not have the key", "--secret-id parrot-dev-app-env --version-stage AWSCURRENT"},
	"the log group is gone": {
		"log-group-missing", "services",
		stops("ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: ResourceNotFoundException: " +
			"The specified log group does not exist."), "log group",
		"create-log-group --region us-east-1 --log-group-name /aws/ecs/parrot-dev-backend"},
	"the migration fails": {
		"migration-failed", "services", func(w *cloud.World) {
			w.Stop("backend", "TaskFailedToStart", "Dependent container failed", "", -1)
			w.Tasks["backend"][0]["containers"] = []map[string]any{{"name": "migration", "exitCode": 1}, {"name": "backend"}}
		}, "migration", "logs dev backend"},
	"the application ends": {
		"application-ends", "services", func(w *cloud.World) {
			w.Stop("backend", "EssentialContainerExited", "Essential container in task exited", "", 1)
		}, "Its log says why", "logs dev backend --since 30m"},
	"the load balancer had the task replaced, with SIGKILL": {
		"stopped-by-health-check", "services", func(w *cloud.World) {
			w.Stop("frontend", "ServiceSchedulerInitiated", "Task failed ELB health checks in (target-group x)", "", 137)
		}, "answer 200 on /landing within", "logs dev frontend"},
	"a task stops for a reason that nobody has seen": {
		"task-stopped", "services", stops("A tree fell on it"), "a task of the backend stopped", "--tasks fedcba9876543210fedcba9876543210"},
	"a task is pending": {
		"tasks-starting", "services", func(w *cloud.World) {
			w.Services["frontend"]["pendingCount"], w.Services["frontend"]["runningCount"] = 1, 0
		}, "are starting", "services-stable --region us-east-1 --cluster parrot-dev-frontend --services parrot-dev-frontend"},
	"somebody scaled the service down": {
		"nothing-wanted", "services", func(w *cloud.World) {
			w.Services["backend"]["desiredCount"], w.Services["backend"]["runningCount"] = 0, 0
		}, "its desired count is 0", "--desired-count 1"},
	"somebody deleted the service": {
		"service-gone", "services", func(w *cloud.World) { w.Services["backend"]["status"] = "INACTIVE" }, "deleted it by hand",
		"deploy --revert-drift ParrotDevCompute"},

	// 2. Health checks fail.
	"the health check's path answers 404": {
		"health-path", "targets", func(w *cloud.World) {
			w.Unhealthy("backend", "Target.ResponseCodeMismatch", "Health checks failed with these codes: [404]")
		}, "and not with 200", "exec dev backend -- wget"},
	"the application does not answer in time": {
		"health-timeout", "targets", func(w *cloud.World) { w.Unhealthy("frontend", "Target.Timeout", "Request timed out") },
		"does not answer on /landing within", "logs dev frontend"},
	"nothing listens": {
		"health-refused", "targets", func(w *cloud.World) {
			w.Unhealthy("backend", "Target.FailedHealthChecks", "Health checks failed")
		}, "has to listen on 0.0.0.0", "logs dev backend"},
	"the load balancer means another port": {
		"port-mismatch", "targets", func(w *cloud.World) {
			w.Unhealthy("backend", "Target.FailedHealthChecks", "Health checks failed")
			w.Targets["backend"][0].Port = 8080
		}, "target 8080, container 3001, variable PORT 3001", "deploy --revert-drift ParrotDevNetwork ParrotDevCompute"},
	"the application means another port": {
		"port-mismatch", "targets", func(w *cloud.World) {
			w.Unhealthy("backend", "Target.Timeout", "Request timed out")
			w.Services["backend"]["taskDefinition"] = w.Define("backend", 3001, "3000")
		}, "target 3001, container 3001, variable PORT 3000", "drift dev"},
	"the security group blocks the load balancer": {
		"target-closed", "targets", func(w *cloud.World) {
			w.Unhealthy("backend", "Target.Timeout", "Request timed out")
			w.Revoke("backend", 3001, "load-balancer", "")
			w.Allow("backend", 3002, "load-balancer", "")
			w.Allow("backend", 3001, "", "203.0.113.0/24")
		}, "does not allow the load balancer on port 3001", "authorize-security-group-ingress"},
	"a target is ill and another new": {
		"health-path", "targets", func(w *cloud.World) {
			w.Targets["backend"] = []cloud.Target{
				{Address: "10.0.0.1", Port: 3001, State: "initial", Reason: "Elb.InitialHealthChecking"},
				{Address: "10.0.0.9", Port: 3001, State: "unhealthy", Reason: "Target.ResponseCodeMismatch",
					Description: "Health checks failed with these codes: [404]"},
			}
		}, "and not with 200", "logs dev backend"},
	"a target is new": {
		"target-starting", "targets", func(w *cloud.World) {
			w.Targets["backend"] = []cloud.Target{{Address: "10.0.0.9", Port: 3001, State: "initial", Reason: "Elb.InitialHealthChecking"}}
		}, "still checking", "status dev"},
	"no rule uses the targets": {
		"target-not-used", "targets", func(w *cloud.World) {
			w.Targets["backend"] = []cloud.Target{{Address: "10.0.0.9", Port: 3001, State: "unused", Reason: "Target.NotInUse"}}
		}, "no rule of the load balancer", "drift dev"},
	"the load balancer has trouble of its own": {
		"target-other", "targets", func(w *cloud.World) {
			w.Unhealthy("backend", "Elb.InternalError", "Health checks failed due to an internal error")
		}, "not healthy", "describe-target-health --region us-east-1 --target-group-arn arn:"},
	"no task is registered": {
		"no-targets", "targets", func(w *cloud.World) { w.Targets["frontend"] = nil }, "none is registered", "--force-new-deployment"},

	// 3. The database cannot be reached.
	"the image does not have RDS's certificates": {
		"database-not-trusted", "services", complains("backend", "Error: self-signed certificate in certificate chain"), "docs/database.md",
		"release dev"},
	"the application connects to an address": {
		"database-other-name", "services",
		complains("backend", "Error [ERR_TLS_CERT_ALTNAME_INVALID]: Hostname/IP does not match certificate's altnames: IP: 10.0.0.1 is not in "+
			"the cert's list: "), "by another name", "--db-instance-identifier parrot-dev-db --query"},
	"the application switches TLS off": {
		"database-in-clear", "services", complains("backend", `error: no pg_hba.conf entry for host "10.0.0.1", user "parrot_admin", database "parrot", no encryption`), "without TLS", "logs dev backend"},
	"the task has an old password": {
		"database-password", "services", complains("backend", "Error: P1000: Authentication failed against database server"), "start new tasks",
		"--cluster parrot-dev-backend --service parrot-dev-backend --force-new-deployment"},
	"the application connects to another host": {
		"database-no-answer", "services", complains("backend", "Error: P1001: Can't reach database server at `db:5432`"), "another host",
		"describe-events"},
	"another migration has the lock": {
		"migration-locked", "services", complains("migration", "Error: P1002"), "10 seconds", "db dev"},
	"an earlier migration failed": {
		"migration-blocked", "services", complains("migration", "Error: P3009"), "not even those of the old release", "db dev"},
	"a migration has an error": {
		"migration-broken", "services", complains("migration", "Error: P3018"), "a statement of a migration failed",
		"logs dev backend --since 1h"},
	"a migration has an error, and ECS went back": {
		"migration-broken", "", func(w *cloud.World) {
			fails("ParrotDevCompute", "UPDATE_ROLLBACK_COMPLETE", "BackendService", "AWS::ECS::Service",
				"Error occurred during operation 'ECS Deployment Circuit Breaker was triggered'.")(w)
			runs := w.Services["backend"]
			tasks, targets := w.Tasks["backend"], w.Targets["backend"]
			w.Services["backend"] = maps.Clone(runs)
			w.Services["backend"]["deployments"] = []map[string]any{maps.Clone(runs["deployments"].([]map[string]any)[0])}
			complains("migration", "Error: P3018")(w)
			w.Services["backend"], w.Targets["backend"], w.Tasks["backend"] = runs, targets, append(w.Tasks["backend"], tasks...)
		}, "a statement of a migration failed", "db dev"},
	"a target is not healthy, and the log says why": {
		"database-not-trusted", "targets", func(w *cloud.World) {
			w.Unhealthy("backend", "Target.ResponseCodeMismatch", "Health checks failed with these codes: [503]")
			w.Complain("backend", "backend", "code: 'SELF_SIGNED_CERT_IN_CHAIN'")
		}, "does not trust", "release dev"},
	"DATABASE_URL names another host": {
		"secret-other-host", "secrets", func(w *cloud.World) {
			w.Rewrite(`{"url":"postgresql://parrot_admin:hush@old.example.com:5432/parrot"}`)
		}, "old.example.com:5432 instead of parrot-dev-db", "--force-new-deployment"},
	"DATABASE_URL cannot be read": {
		"secret-no-url", "secrets", func(w *cloud.World) { w.Rewrite(`{"url":"postgresql://parrot_admin:hu/sh@:x"}`) }, "no valid connection URL", "--secret-id parrot-dev-db-credentials --version-stage AWSCURRENT"},
	"a rotation has stopped halfway": {
		"rotation-halfway", "secrets", func(w *cloud.World) { w.Answers["ListSecretVersionIds"] = rotating(2 * time.Hour) }, "docs/rotation.md",
		"get-function-configuration --region us-east-1 --function-name parrot-dev-rotation"},
	"the secret is no JSON": {
		"secret-no-url", "secrets", func(w *cloud.World) { w.Rewrite(`hush`) }, "no valid connection URL", "--secret-id parrot-dev-db-credentials --version-stage AWSCURRENT"},
	"the secret is marked for deletion": {
		"secret-gone", "secrets", func(w *cloud.World) { w.Forget(config.DBCredentials) }, "parrot-dev-db-credentials does not exist",
		"restore-secret"},
	"the application's secret is marked for deletion": {
		"secret-gone", "secrets", func(w *cloud.World) { w.Forget(config.AppEnv) }, "parrot-dev-app-env does not exist", "restore-secret"},
	"the secret may not be read by whoever asks": {
		"not-permitted", "secrets", func(w *cloud.World) { w.Denied["GetSecretValue"] = true }, "you may not secretsmanager:GetSecretValue",
		"get-caller-identity"},
	"the database's security group does not have the rule": {
		"database-closed", "database", func(w *cloud.World) { w.Revoke("db", 5432, "", w.Env.Network.VPC) },
		"does not allow the VPC, 10.10.0.0/24, on port 5432", "--cidr 10.10.0.0/24"},
	"the rule is too narrow": {
		"database-closed", "database", func(w *cloud.World) {
			w.Revoke("db", 5432, "", w.Env.Network.VPC)
			w.Allow("db", 5432, "", "10.10.0.0/26")
		}, "does not allow the VPC", "--protocol tcp --port 5432"},
	"only the backend is meant to come in, and may not": {
		"database-closed", "database", func(w *cloud.World) {
			w.Env.Network.DataAccess = config.DataFromBackend
			w.Revoke("db", 5432, "", w.Env.Network.VPC)
			w.Allow("db", 5432, "frontend", "")
		}, "does not allow the backend", "--source-group sg-"},
	"the database is stopped": {
		"database-stopped", "database", func(w *cloud.World) { w.DatabaseIs("stopped") }, "somebody stopped it", "start-db-instance"},
	"the database is full": {
		"database-full", "database", func(w *cloud.World) { w.DatabaseIs("storage-full") }, "MaxAllocatedStorageGiB", "deploy ParrotDevData"},
	"the database restarts": {
		"database-not-available", "database", func(w *cloud.World) { w.DatabaseIs("rebooting") }, "is rebooting", "wait db-instance-available"},
	"the database is gone": {
		"database-missing", "database", func(w *cloud.World) { w.DropDatabase() }, "does not exist any more", "describe-db-snapshots"},
	"the database is in public subnets": {
		"database-not-private", "database", func(w *cloud.World) {
			w.DropDatabase()
			w.Database(w.Public, false)
		}, "is none of them", "drift dev"},
	"the database has a public address": {
		"database-not-private", "database", func(w *cloud.World) {
			w.DropDatabase()
			w.Database(w.Private, true)
		}, "public address", "--no-publicly-accessible"},

	// 4. The certificate.
	"the record of the validation is not in the zone": {
		"validation-record-missing", "certificate", func(w *cloud.World) { w.RequestCertificate(false) }, "waits for a DNS record that is not in the zone", `"Type":"CNAME"`},
	"ACM has not seen the record yet": {
		"validation-pending", "certificate", func(w *cloud.World) { w.RequestCertificate(true) }, "has not seen it yet", "certificate-validated"},
	"the validation took too long": {
		"certificate-failed", "certificate", func(w *cloud.World) {
			w.DropListener()
			w.Answers["DescribeCertificate"] = `{"Certificate":{"CertificateArn":"arn:aws:acm:us-east-1:123456789012:certificate/1","DomainName":"bkgstock.com","Status":"VALIDATION_TIMED_OUT"}}`
		}, "VALIDATION_TIMED_OUT", "destroy ParrotDevCompute ParrotDevEdge"},
	"the certificate that browsers get has expired": {
		"certificate-dead", "certificate", func(w *cloud.World) {
			w.Answers["DescribeCertificate"] = `{"Certificate":{"CertificateArn":"arn:aws:acm:us-east-1:123456789012:certificate/1","DomainName":"bkgstock.com","Status":"EXPIRED"}}`
		}, "EXPIRED, and browsers refuse", "modify-listener --region us-east-1 --listener-arn arn:aws:elasticloadbalancing:"},
	"the certificate is not attached to the listener": {
		"certificate-not-attached", "certificate", func(w *cloud.World) { w.DropListener() }, "the load balancer does not use it", "drift dev"},
	"the certificate is another domain's": {
		"certificate-other-domain", "certificate", func(w *cloud.World) { w.Attach(w.Issue(time.Now().AddDate(1, 0, 0), "other.example")) },
		"for other.example, not for bkgstock.com and www.bkgstock.com", "deploy --revert-drift ParrotDevEdge"},
	"the certificate does not have www": {
		"certificate-other-domain", "certificate", func(w *cloud.World) { w.Attach(w.Issue(time.Now().AddDate(1, 0, 0), "bkgstock.com")) },
		"not for bkgstock.com and www", "deploy --revert-drift ParrotDevEdge"},
	"there is no certificate": {
		"certificate-missing", "certificate", func(w *cloud.World) {
			w.DropListener()
			w.Answers["ListCertificates"] = `{"CertificateSummaryList":[]}`
		}, "no certificate of bkgstock.com", "deploy --revert-drift ParrotDevEdge"},
	"the certificate cannot be renewed": {
		"renewal-waits", "certificate", func(w *cloud.World) {
			w.Answers["DescribeCertificate"] = `{"Certificate":{"CertificateArn":"arn:aws:acm:us-east-1:123456789012:certificate/1","DomainName":"bkgstock.com","SubjectAlternativeNames":["bkgstock.com","*.bkgstock.com"],"Status":"ISSUED","NotAfter":1,"RenewalSummary":{"RenewalStatus":"PENDING_VALIDATION","DomainValidationOptions":[],"UpdatedAt":1}}}`
		}, "cannot renew it", "RenewalSummary"},

	// 5. Deployments fail.
	"another deployment is in progress": {
		"in-progress", "", func(w *cloud.World) { w.StackStatus["ParrotDevData"] = "UPDATE_IN_PROGRESS" },
		"is deploying ParrotDevData (UPDATE_IN_PROGRESS)", "wait stack-update-complete --region us-east-1 --stack-name ParrotDevData"},
	"a name is taken": {
		"name-conflict", "",
		fails("ParrotDevData", "UPDATE_ROLLBACK_COMPLETE", "DatabaseLogs", "AWS::Logs::LogGroup", "Resource of type 'AWS::Logs::LogGroup' with "+
			"identifier '/aws/rds/x' already exists."), "exists already", "deploy ParrotDevData --import-existing-resources"},
	"a permission is missing": {
		"deploy-permission", "stacks", fails("ParrotDevNetwork", "ROLLBACK_COMPLETE", "Vpc", "AWS::EC2::VPC", "API: ec2:CreateVpc You are not "+
			"authorized to perform this operation."), "has no permission for that", "cdk-hnb659fds-cfn-exec-role-123456789012-us-east-1"},
	"a service-linked role is missing": {
		"service-linked-role", "stacks", fails("ParrotDevCompute", "ROLLBACK_COMPLETE", "Cluster", "AWS::ECS::Cluster", "Unable to assume the "+
			"service linked role. Please verify that the ECS service linked role exists."), "does not have a service-linked role", "bootstrap dev"},
	"a first deploy failed": {
		"first-deploy-failed", "stacks", fails("ParrotDevEdge", "ROLLBACK_COMPLETE", "Certificate", "AWS::CertificateManager::Certificate",
			"It rained"), "the first deploy of ParrotDevEdge failed (ROLLBACK_COMPLETE)", "cdk deploy 'ParrotDev*'"},
	"a first deploy failed and could not be rolled back": {
		"first-deploy-failed", "stacks", fails("ParrotDevEdge", "ROLLBACK_FAILED", "Apex", "AWS::Route53::RecordSet", "It rained"),
		"(ROLLBACK_FAILED)", "unblock dev"},
	"a first deploy failed because a name is in use": {
		"name-conflict", "stacks", protected(fails("ParrotDevRegistry", "ROLLBACK_COMPLETE", "Backend", "AWS::ECR::Repository",
			"Resource of type 'AWS::ECR::Repository' with identifier 'parrot-backend' already exists.")), "exists already", "unblock dev"},
	"a first deploy failed after a stack that does not exist yet": {
		"first-deploy-failed", "stacks", func(w *cloud.World) {
			w.Undeploy("ParrotDevNetwork")
			fails("ParrotDevRegistry", "ROLLBACK_COMPLETE", "Backend", "AWS::ECR::Repository", "It rained")(w)
		}, "the first deploy of ParrotDevRegistry failed (ROLLBACK_COMPLETE)", "cdk deploy 'ParrotDev*'"},
	"a deletion failed because of deletion protection": {
		"deletion-protection", "stacks", fails("ParrotDevEdge", "DELETE_FAILED", "LoadBalancer", "AWS::ElasticLoadBalancingV2::LoadBalancer",
			"Load balancer 'x' cannot be deleted because deletion protection is enabled"), "docs/way-back.md", "unblock dev"},
	"a secret's name is not free yet": {
		"secret-marked-for-deletion", "stacks",
		fails("ParrotDevData", "ROLLBACK_COMPLETE", "JwtAccessKey", "AWS::SecretsManager::Secret", "You can't create this secret because a "+
			"secret with this name is already scheduled for deletion."), "marked for deletion", "restore-secret"},
	"a deploy failed of something else": {
		"stack-failed", "", fails("ParrotDevEdge", "UPDATE_ROLLBACK_COMPLETE", "LoadBalancer", "AWS::ElasticLoadBalancingV2::LoadBalancer",
			"It rained"), "the last deploy of ParrotDevEdge failed", "deploy ParrotDevEdge"},
	"new tasks did not become healthy, and their traces are gone": {
		"tasks-not-stable", "", fails("ParrotDevCompute", "UPDATE_ROLLBACK_COMPLETE", "FrontendService", "AWS::ECS::Service", "Error occurred "+
			"during operation 'ECS Deployment Circuit Breaker was triggered'."), "the new tasks of the frontend", "logs dev frontend --since 1h"},
	"new tasks did not become healthy, and one says why": {
		"image-not-found", "services", func(w *cloud.World) {
			fails("ParrotDevCompute", "UPDATE_ROLLBACK_COMPLETE", "BackendService", "AWS::ECS::Service",
				"Error occurred during operation 'ECS Deployment Circuit Breaker was triggered'.")(w)
			stops(pull + "not found")(w)
		}, "is not in the registry", "rollback dev backend"},
	"a failed deploy is rolling back": {
		"deploy-permission", "", fails("ParrotDevEdge", "UPDATE_ROLLBACK_IN_PROGRESS", "LoadBalancer",
			"AWS::ElasticLoadBalancingV2::LoadBalancer", "AccessDenied"), "has no permission for that", "bootstrap dev"},
	"a deploy that failed long ago is not why the database does not run": {
		"database-stopped", "database", func(w *cloud.World) {
			fails("ParrotDevEdge", "UPDATE_ROLLBACK_COMPLETE", "LoadBalancer", "AWS::ElasticLoadBalancingV2::LoadBalancer", "It rained")(w)
			w.DatabaseIs("stopped")
		}, "somebody stopped it", "start-db-instance"},
	"a stack could not roll back": {
		"rollback-failed", "stacks", func(w *cloud.World) { w.StackStatus["ParrotDevCompute"] = "UPDATE_ROLLBACK_FAILED" }, "could not roll back",
		"continue-update-rollback"},

	// The rest of the chain.
	"CDK's bootstrap is missing": {
		"not-bootstrapped", "bootstrap", func(w *cloud.World) { w.Undeploy("CDKToolkit") }, "not bootstrapped for CDK", "bootstrap dev"},
	"CDK's bootstrap is old": {
		"bootstrap-too-old", "bootstrap", func(w *cloud.World) { w.Redeploy("CDKToolkit", map[string]string{"BootstrapVersion": "5"}) },
		"version 5", "bootstrap dev"},
	"the account has no such zone": {
		"zones-unusable", "zones", func(w *cloud.World) { w.Env.Network.AvailabilityZones = []string{"us-east-1a", "us-east-1z"} },
		"the account has no us-east-1z. Choose two of us-east-1a, us-east-1b, ", "describe-availability-zones --region us-east-1 "},
	"Fargate is not in a zone": {
		"zones-unusable", "zones", func(w *cloud.World) {
			w.Env.Region, w.Env.Network.AvailabilityZones = "us-west-1", []string{"us-west-1a", "us-west-1b"}
			w.Answers["DescribeAvailabilityZones"] = `<DescribeAvailabilityZonesResponse><availabilityZoneInfo>
				<item><zoneName>us-west-1a</zoneName><zoneId>usw1-az1</zoneId></item>
				<item><zoneName>us-west-1b</zoneName><zoneId>usw1-az2</zoneId></item>
				<item><zoneName>us-west-1c</zoneName><zoneId>usw1-az3</zoneId></item></availabilityZoneInfo></DescribeAvailabilityZonesResponse>`
		}, "Fargate is not in us-west-1b (usw1-az2). Choose two of us-west-1a, us-west-1c", "describe-availability-zones --region us-west-1 "},
	"a stack is not deployed": {
		"not-deployed", "stacks", func(w *cloud.World) { w.Undeploy("ParrotDevEdge") }, "ParrotDevEdge is not deployed", "deploy 'ParrotDev*'"},
	"a stack is older than its outputs": {
		"missing-output", "services", func(w *cloud.World) { w.Redeploy("ParrotDevCompute", nil) }, "ParrotDevCompute has no output",
		"deploy 'ParrotDev*'"},
	"the zone is gone": {
		"zone-gone", "delegation", func(w *cloud.World) { w.DropZone() }, "does not exist any more", "list-hosted-zones-by-name"},
	"DNS cannot be asked": {
		"delegation-unknown", "", func(w *cloud.World) { w.DNSFails = true }, "port 53", "dig +short NS bkgstock.com"},
	"DNS cannot be asked, and the database does not run": {
		"database-stopped", "database", func(w *cloud.World) { w.DNSFails = true; w.DatabaseIs("stopped") }, "somebody stopped it",
		"start-db-instance"},
	"nobody delegates the domain": {
		"not-delegated", "delegation", func(w *cloud.World) { w.Parent = nil }, "bkgstock.com is not delegated", "dig +short NS bkgstock.com"},
	"the domain is delegated to others": {
		"delegated-elsewhere", "delegation", func(w *cloud.World) { w.Parent = append(slices.Clone(w.Parent[1:]), "ns1.other.example") },
		"ns1.other.example", "dig +short NS bkgstock.com"},
	"nothing is released": {
		"not-released", "images", func(w *cloud.World) { w.Env.Frontend.Image = config.Image{} }, "no image of the frontend is released",
		"release dev"},
	"a released image is gone": {
		"image-missing", "images", func(w *cloud.World) { w.Unpublish(w.Env.Frontend.Repository) }, "is not in repository", "rollback dev"},
	"AWS does not answer as it should": {
		"not-read", "services", func(w *cloud.World) { w.Answers["DescribeServices"] = "<html>" }, "cannot be read", "status dev"},
}

func TestTheDoctorNamesEachCauseAndTheNextCommand(t *testing.T) {
	w, _ := deployed(t)
	names := slices.Sorted(maps.Keys(illnesses))
	for i := 0; i < len(names); i += fakes.Every(3) {
		name, ill := names[i], illnesses[names[i]]
		if !w.Recover() {
			w, _ = deployed(t)
		}
		t.Run(name, func(t *testing.T) {
			ill.breaks(w)
			d := diagnose(t, w)
			require.NotNil(t, d.Finding)
			assert.Equal(t, ill.cause, d.Finding.Cause, d.Finding.Text())
			assert.Contains(t, d.Finding.Words, ill.words)
			next := strings.Join(d.Finding.Next, "\n")
			assert.Contains(t, next, ill.next)
			text := d.Finding.Text()
			assert.NotRegexp(t, placeholder, text, "a placeholder has no value")
			assert.NotContains(t, text, "hush", "a secret is shown")
			if last := d.Links[len(d.Links)-1]; ill.link != "" {
				assert.Equal(t, ill.link, last.Name)
				assert.Equal(t, "broken", last.State)
				assert.Len(t, d.Links, slices.Index(chain, ill.link)+1, "it stops there")
			}
		})
	}
}

func TestEachCauseHasATestThatMakesIt(t *testing.T) {
	made := map[string]bool{"no-credentials": true} // TestTheDoctorBeginsWithCredentials
	for _, ill := range illnesses {
		made[ill.cause] = true
	}
	var all []string
	for _, c := range causes {
		all = append(all, c.name)
		assert.NotEmpty(t, c.words, c.name)
		assert.NotEmpty(t, c.next, c.name)
	}
	assert.ElementsMatch(t, all, slices.Collect(maps.Keys(made)))
}

// A cause of a place can occur with each service and each stack, and tests do not try
// them all.
func TestEachCauseHasTheValuesOfItsPlaceholders(t *testing.T) {
	env := cloud.Described(t)
	d := &doctor{config: env}
	service := d.about(d.config.Services()[0])
	task, groups, stack := values{"task": "1"}, aboutGroups(operate.Service{}), aboutStack(operate.Stack{})
	given := map[place][]values{
		stoppedTask: {service, groups, task},
		targetCode:  {service},
		stackEvent:  {service, stack},
	}
	used := map[string]bool{}
	for _, c := range causes {
		for _, match := range placeholder.FindAllStringSubmatch(strings.Join(append(slices.Clone(c.next), c.words), " "), -1) {
			used[match[1]] = true
		}
		of, known := given[c.in]
		if c.logs != nil {
			of, known = []values{service}, true
		}
		if !known {
			continue // each has its own values, and a test that makes it
		}
		f := d.render(c, "it rained", of...)
		assert.NotRegexp(t, placeholder, strings.Join(append(f.Next, f.Words), " "), c.name)
	}
	for _, v := range []values{d.environment(), service, task, groups, stack} {
		for name := range v {
			assert.True(t, used[name], "no cause uses {%s}", name)
		}
	}
}

// What looks ill for a moment, and is not.
func TestTheDoctorIgnoresWhatIsAsItShouldBe(t *testing.T) {
	for name, looks := range map[string]func(*cloud.World){
		"a password is being replaced": func(w *cloud.World) { w.DatabaseIs("resetting-master-credentials") },
		"a rotation is on its way":     func(w *cloud.World) { w.Answers["ListSecretVersionIds"] = rotating(20 * time.Minute) },
		"an ill target is being removed": func(w *cloud.World) {
			w.Targets["backend"] = append(w.Targets["backend"], cloud.Target{Address: "10.0.0.99", Port: 3001, State: "unhealthy.draining"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, _ := deployed(t)
			looks(w)
			assert.Nil(t, diagnose(t, w).Finding)
		})
	}
}

// CloudFormation compares templates: it does not see what was changed by hand, and
// never the value of a secret.
func TestAPlainDeployDoesNotFixManualChanges(t *testing.T) {
	for _, c := range causes {
		if !regexp.MustCompile(`(changed|deleted) by hand|(?i:somebody) has (changed|deleted|written)`).MatchString(c.words) {
			continue
		}
		for _, command := range c.next {
			assert.NotRegexp(t, `^npx cdk deploy [^-]`, command, c.name)
		}
		if strings.Contains(c.words, "written it by hand") {
			assert.Contains(t, strings.Join(c.next, " "), "update-secret-version-stage", c.name)
		}
	}
}

func TestALinkThatIsUnknownOrFailedIsMarked(t *testing.T) {
	w, _ := deployed(t)
	w.DNSFails = true
	w.StackStatus["ParrotDevEdge"] = "UPDATE_ROLLBACK_COMPLETE"
	d := diagnose(t, w)
	assert.Len(t, d.Links, len(chain))
	assert.Equal(t, "failed", d.Links[slices.Index(chain, "stacks")].State)
	assert.Equal(t, "unknown", d.Links[slices.Index(chain, "delegation")].State)
	assert.Equal(t, "stack-failed", d.Finding.Cause, "it says more")
}

func TestTheDoctorBeginsWithCredentials(t *testing.T) {
	d := Diagnose(t.Context(), Patient{Environment: cloud.Described(t), SignIn: func(context.Context) (*awsclient.Session, error) {
		return nil, errors.New("the token has expired")
	}}, func(Link) {})
	assert.Equal(t, []Link{{"credentials", "broken", "no-credentials"}}, d.Links)
	assert.Equal(t, "no-credentials", d.Finding.Cause)
	assert.Contains(t, d.Finding.Text(), "AWS says: the token has expired")
	assert.Contains(t, d.Finding.Next, "aws sso login")
}

func TestAServiceThatEndsBecauseOfItsDatabaseIsNotOneThatJustEnds(t *testing.T) {
	ends := func(w *cloud.World) {
		w.Stop("backend", "EssentialContainerExited", "Essential container in task exited", "", 1)
	}
	for _, name := range []string{"DATABASE_URL names another host", "the database is stopped",
		"the database's security group does not have the rule"} {
		t.Run(name, func(t *testing.T) {
			w, _ := deployed(t)
			ends(w)
			illnesses[name].breaks(w)
			d := diagnose(t, w)
			assert.Equal(t, illnesses[name].cause, d.Finding.Cause)
			assert.Equal(t, "services", d.Links[len(d.Links)-1].Name, "where it shows")
			assert.Contains(t, d.Finding.Says, "Essential container")
		})
	}
	t.Run("the front end has no database", func(t *testing.T) {
		w, _ := deployed(t)
		w.DatabaseIs("stopped")
		w.Stop("frontend", "EssentialContainerExited", "Essential container in task exited", "", 1)
		assert.Equal(t, "application-ends", diagnose(t, w).Finding.Cause)
	})
}

func TestTheDoctorNamesWhatADeployWaitsForAndNotTheDeploy(t *testing.T) {
	t.Run("a certificate", func(t *testing.T) {
		w, _ := deployed(t)
		w.Undeploy("ParrotDevCompute")
		w.Redeploy("ParrotDevEdge", nil)
		w.StackStatus["ParrotDevEdge"] = "CREATE_IN_PROGRESS"
		w.Parent = nil
		assert.Equal(t, "not-delegated", diagnose(t, w).Finding.Cause)
	})
	t.Run("tasks", func(t *testing.T) {
		w, _ := deployed(t)
		w.StackStatus["ParrotDevCompute"] = "UPDATE_IN_PROGRESS"
		stops(pull + "not found")(w)
		assert.Equal(t, "image-not-found", diagnose(t, w).Finding.Cause)
	})
	t.Run("nothing that is wrong", func(t *testing.T) {
		w, _ := deployed(t)
		w.Undeploy("ParrotDevCompute")
		w.StackStatus["ParrotDevEdge"] = "CREATE_IN_PROGRESS"
		assert.Equal(t, "in-progress", diagnose(t, w).Finding.Cause)
	})
}

// What comes after it is not there, and not what is wrong.
func TestAFirstDeployThatRollsBackIsTheCause(t *testing.T) {
	w, _ := deployed(t)
	w.Undeploy("ParrotDevCompute")
	w.Redeploy("ParrotDevEdge", nil)
	fails("ParrotDevEdge", "ROLLBACK_IN_PROGRESS", "LoadBalancer", "AWS::ElasticLoadBalancingV2::LoadBalancer", "AccessDenied")(w)
	assert.Equal(t, "deploy-permission", diagnose(t, w).Finding.Cause)
}

func TestTasksThatWereMeantToStopHaveNotFailed(t *testing.T) {
	w, _ := deployed(t)
	w.Stop("backend", "ServiceSchedulerInitiated", "Scaling activity initiated by (deployment ecs-svc/1)", "", 137)
	w.Services["backend"]["pendingCount"] = 1
	assert.Equal(t, "tasks-starting", diagnose(t, w).Finding.Cause)
}

func TestFailuresBeforeTheDeploymentAreNotItsCause(t *testing.T) {
	w, _ := deployed(t)
	stops(pull + "not found")(w)
	w.Tasks["backend"][0]["startedBy"] = "ecs-svc/0"
	w.Services["backend"]["pendingCount"] = 1
	w.Services["backend"]["events"] = []map[string]any{{"id": "1", "createdAt": cloud.Deployed.Add(-time.Minute).Unix(),
		"message": "was unable to place a task"}}
	assert.Equal(t, "tasks-starting", diagnose(t, w).Finding.Cause)
}

func TestTheAdviceNamesTheProfileThatTheDoctorWasStartedWith(t *testing.T) {
	w, _ := deployed(t)
	w.Unhealthy("backend", "Target.ResponseCodeMismatch", "Health checks failed with these codes: [404]")
	p := patient(w)
	p.Profile = "our prod"
	assert.Equal(t, []string{
		"go run ./cmd/parrotctl logs dev backend --since 15m --profile 'our prod'",
		"go run ./cmd/parrotctl exec dev backend --profile 'our prod' -- wget -qSO- http://127.0.0.1:3001/api/health",
	}, Diagnose(t.Context(), p, func(Link) {}).Finding.Next)
	w.Parent = nil
	assert.Equal(t, []string{"dig +short NS bkgstock.com"}, Diagnose(t.Context(), p, func(Link) {}).Finding.Next)
}

// The texts of clients, as they print them.
func TestTheDoctorKnowsWhatClientsOfTheDatabaseSay(t *testing.T) {
	for text, cause := range map[string]string{
		// node-postgres
		"Error: self-signed certificate in certificate chain": "database-not-trusted",
		"  code: 'SELF_SIGNED_CERT_IN_CHAIN'":                 "database-not-trusted",
		// Prisma 7
		"Error opening a TLS connection: self-signed certificate in certificate " +
			"chain": "database-not-trusted",
		// Prisma's engine
		"Error: P1011: Error opening a TLS connection: error:0A000086:SSL routines::certificate verify " +
			"failed": "database-not-trusted",
		"Error: unable to get local issuer certificate":                  "database-not-trusted",
		"psycopg.OperationalError: SSL error: certificate verify failed": "database-not-trusted",
		// pgx
		"tls: failed to verify certificate: x509: certificate signed by unknown " +
			"authority": "database-not-trusted",
		"Error: P1011: Error opening a TLS connection: Hostname/IP does not match certificate's altnames: Host: db. is not in the cert's " +
			"altnames: DNS:localhost": "database-other-name",
		`server certificate for "*.rds.amazonaws.com" does not match host name "db"`:                             "database-other-name", // libpq
		`error: no pg_hba.conf entry for host "10.0.0.1", user "parrot_admin", database "parrot", no encryption`: "database-in-clear",
		`FATAL: password authentication failed for user "parrot_admin"`:                                          "database-password",
		"Error: P1000: Authentication failed against database server":                                            "database-password",
		"Error: P1001: Can't reach database server at `db:5432`":                                                 "database-no-answer",
		"Context: Timed out trying to acquire a postgres advisory lock (SELECT pg_advisory_lock(72707369)). Timeout: " +
			"10000ms.": "migration-locked",
		"Error: P3009": "migration-blocked",
		"migrate found failed migrations in the target database, new migrations will not be applied.": "migration-blocked",
		"Error: P3018": "migration-broken",
	} {
		found, line, ok := matchLog([]string{"Nest application successfully started", text})
		assert.True(t, ok, text)
		assert.Equal(t, cause, found.name, text)
		assert.Equal(t, text, line)
	}
	_, _, ok := matchLog([]string{"", "Warning: Ignoring extra certs from `/etc/ssl/certs/rds-global-bundle.pem`, load failed"})
	assert.False(t, ok, "older versions of Prisma connect all the same")
	assert.LessOrEqual(t, len(logPattern()), 1024, "CloudWatch takes no longer pattern")
}

func TestTheDoctorReadsTheLogOfTheTaskThatFailed(t *testing.T) {
	for name, say := range map[string]func(*cloud.World){
		"another task's":     func(w *cloud.World) { w.Log("backend", "1", time.Now(), "Error: P3009") },
		"long ago":           func(w *cloud.World) { w.LogEvents[0].At = time.Now().Add(-time.Hour) },
		"it may not be read": func(w *cloud.World) { w.Denied["FilterLogEvents"] = true },
	} {
		t.Run(name, func(t *testing.T) {
			w, _ := deployed(t)
			complains("backend", "Error: P3009")(w)
			if name == "another task's" {
				w.LogEvents = nil
			}
			say(w)
			assert.Equal(t, "application-ends", diagnose(t, w).Finding.Cause)
		})
	}
	w, _ := deployed(t)
	complains("backend", "Error: P3009")(w)
	assert.Contains(t, diagnose(t, w).Finding.Says, "Essential container in task exited; backend exit 1; its log: Error: P3009")
	assert.Equal(t, []string{logPattern()}, w.Filters)
}
