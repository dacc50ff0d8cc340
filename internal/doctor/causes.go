package doctor

import (
	"regexp"
	"slices"
	"strings"

	"parrot/config"
)

// cause is why a link is broken, and what to do about it.
type cause struct {
	name string
	// in is the place where AWS says it; nowhere for what the doctor finds by reading.
	in place
	// says are AWS's words for it.
	says *regexp.Regexp
	// logs are words in the service's log that mean it; any of them, in this case.
	logs []string
	// words and next, the commands to paste, have placeholders in braces.
	words string
	next  []string
	// perhapsData marks causes that look the same from outside as a database that cannot
	// be reached: the doctor looks there, too.
	perhapsData bool
}

// The commands that show and revert manual changes. A plain deploy compares templates,
// and finds nothing to do.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/drift-aware-change-sets.html
const (
	shows  = "{parrotctl} drift {env}"
	undoes = "npx cdk deploy --revert-drift "
)

// undoesSecret reverts a secret's value, which CloudFormation does not know.
var undoesSecret = []string{
	"aws secretsmanager list-secret-version-ids --region {region} --secret-id {secret}",
	"aws secretsmanager update-secret-version-stage --region {region} --secret-id {secret} --version-stage AWSCURRENT --move-to-version-id " +
		"VERSION_BEFORE --remove-from-version-id VERSION_NOW",
}

// place is where AWS gives a reason.
type place int

const (
	nowhere     place = iota
	stoppedTask       // why a task stopped, or a service's event
	targetCode        // the load balancer's code
	stackEvent        // why a resource of a stack failed
)

// causes are all causes that the doctor knows. The first one that matches AWS's words
// is the cause.
var causes = []cause{
	// Credentials, zones and bootstrap.
	{
		name: "no-credentials", words: "you are not signed in to the environment's account",
		next: []string{"aws sts get-caller-identity", "aws sso login"},
	},
	{
		name: "not-permitted", words: "the link cannot be checked: {says}",
		next: []string{"aws sts get-caller-identity"},
	},
	{
		name: "not-read", words: "the link cannot be checked: {says}",
		next: []string{"{parrotctl} status {env}"},
	},
	{
		name: "zones-unusable", words: "the account or Fargate does not have an Availability Zone of the settings. {says}",
		next: []string{config.ListZonesCommand("{region}")},
	},
	{
		name: "not-bootstrapped", words: "the account is not bootstrapped for CDK in {region}",
		next: []string{"{parrotctl} bootstrap {env}"},
	},
	{
		name: "bootstrap-too-old", words: "the account was bootstrapped by a CDK that is too old: version {says}, and at least 6 is needed",
		next: []string{"{parrotctl} bootstrap {env}"},
	},

	// Stacks.
	{
		name: "not-deployed", words: "{stack} is not deployed",
		next: []string{"npx cdk deploy '{stacks}'"},
	},
	{
		name: "missing-output", words: "an output is missing: {says}",
		next: []string{"npx cdk deploy '{stacks}'"},
	},
	{
		name:  "in-progress",
		words: "somebody, or a pipeline, is deploying {stack} ({says}). Nobody else can deploy it until that has ended. Wait for it",
		next: []string{
			"aws cloudformation describe-stack-events --region {region} --stack-name {stack} --max-items 5",
			"aws cloudformation wait stack-{operation}-complete --region {region} --stack-name {stack}",
		},
	},
	{
		name: "secret-marked-for-deletion", in: stackEvent,
		says: says(`scheduled for deletion`),
		words: "a secret with that name is marked for deletion, and keeps the name until it is deleted. Restore it and import it " +
			"(docs/way-back.md), or delete it at once: delete-secret --force-delete-without-recovery",
		next: []string{"aws secretsmanager list-secrets --region {region} --include-planned-deletion --filters Key=name,Values={prefix}",
			"aws secretsmanager restore-secret --region {region} --secret-id NAME"},
	},
	{
		name: "deletion-protection", in: stackEvent,
		says: says(`deletion ?protection|terminationprotection|cannot delete protected`),
		words: "a resource of {stack} is protected and cannot be deleted (\"cannot be deleted while TerminationProtection is enabled\", " +
			"\"deletion protection is enabled\"). unblock deletes what a failed first deploy left. To delete a stack that was complete: " +
			"docs/way-back.md",
		next: []string{"{parrotctl} unblock {env}"},
	},
	{
		name: "name-conflict", in: stackEvent,
		says: says(`already exists|alreadyexists|already in use`),
		words: "a resource with that name exists already: an earlier deployment kept it, or somebody made it by hand. Import it, which works " +
			"only while RetainData is true, or delete it if it holds nothing, and deploy again (docs/failed-first-deploy.md#already-exists)",
		next: []string{"npx cdk deploy {stack} --import-existing-resources"},
	},
	{
		name: "service-linked-role", in: stackEvent,
		says:  says(`service[- ]linked role`),
		words: "the account does not have a service-linked role, which AWS makes too late on first use",
		next:  []string{"{parrotctl} bootstrap {env}", "npx cdk deploy '{stacks}'"},
	},
	{
		name: "deploy-permission", in: stackEvent,
		says: says(`access ?denied|not authorized|unauthorizedoperation`),
		words: "the role that CloudFormation deploys with has no permission for that: somebody changed the role, or a policy of the " +
			"organization denies it",
		next: []string{
			"aws iam list-attached-role-policies --role-name cdk-" + config.BootstrapQualifier + "-cfn-exec-role-{account}-{region}",
			"{parrotctl} bootstrap {env}",
		},
	},
	{
		name: "tasks-not-stable", in: stackEvent,
		says:  says(`circuit breaker|did not stabilize|notstabilized`),
		words: "the new tasks of the {service} did not become healthy, and ECS rolled back to the old ones",
		next:  []string{"{parrotctl} logs {env} {service} --since 1h"}, perhapsData: true,
	},
	{
		name: "stack-failed", words: "the last deploy of {stack} failed ({status})",
		next: []string{"aws cloudformation describe-stack-events --region {region} --stack-name {stack} --max-items 30",
			"npx cdk deploy {stack}"},
	},
	{
		name: "first-deploy-failed", words: "the first deploy of {stack} failed ({status}). " +
			"Fix what AWS says, and deploy again (docs/failed-first-deploy.md)",
		next: []string{"aws cloudformation describe-stack-events --region {region} --stack-name {stack} --max-items 30",
			"npx cdk deploy '{stacks}'"},
	},
	{
		name: "rollback-failed", words: "{stack} could not roll back after a failed deploy, and accepts no other deploy before it has",
		next: []string{"aws cloudformation continue-update-rollback --region {region} --stack-name {stack}"},
	},

	// Delegation.
	{
		name: "zone-gone", words: "the zone {zone} does not exist any more. Create it again, or set HostedZoneID in config/environments.go to " +
			"the zone that serves {domain}",
		next: []string{"aws route53 list-hosted-zones-by-name --dns-name {domain} --max-items 1"},
	},
	{
		name: "not-delegated", words: "{domain} is not delegated. Enter at its registrar, or as an NS record in the parent zone: {says}",
		next: []string{"dig +short NS {domain}"},
	},
	{
		name: "delegated-elsewhere", words: "{domain} is delegated to other name servers than its zone's. {says}",
		next: []string{"dig +short NS {domain}"},
	},

	{
		name: "delegation-unknown", words: "the delegation of {domain} cannot be read, and everything else works: {says}. This network may " +
			"block DNS, port 53. From another network, run",
		next: []string{"dig +short NS {domain}", "{parrotctl} doctor {env}"},
	},

	// Certificate.
	{
		name: "certificate-missing", words: "there is no certificate of {domain}: somebody deleted it",
		next: []string{undoes + "{edge}"},
	},
	{
		name: "validation-record-missing", words: "ACM waits for a DNS record that is not in the zone: {says}. The deploy of {edge} creates " +
			"it. If that has ended, create it by hand",
		next: []string{`aws route53 change-resource-record-sets --hosted-zone-id {zone} --change-batch '{change}'`},
	},
	{
		name: "validation-pending", words: "the DNS record of the validation exists, and ACM has not seen it yet. That takes minutes, and up " +
			"to half an hour after a new delegation",
		next: []string{"aws acm wait certificate-validated --region {region} --certificate-arn {certificate}"},
	},
	{
		name: "certificate-dead", words: "the certificate of the load balancer is {says}, and browsers refuse the site. ACM does not renew it " +
			"any more. Request another one, which has the same DNS record, and use it until {edge} creates its own",
		next: []string{
			"aws acm describe-certificate --region {region} --certificate-arn {certificate}",
			"aws acm request-certificate --region {region} --domain-name {domain} --subject-alternative-names www.{domain} --validation-method DNS",
			"aws elbv2 modify-listener --region {region} --listener-arn {listener} --certificates CertificateArn=ARN_OF_THE_OTHER",
		},
	},
	{
		name:  "certificate-failed",
		words: "the certificate is {says}: it cannot be used any more. Delete {edge} and deploy it again, for a new one",
		next: []string{"aws acm describe-certificate --region {region} --certificate-arn {certificate}", "npx cdk destroy {compute} {edge}",
			"npx cdk deploy '{stacks}'"},
	},
	{
		name:  "certificate-not-attached",
		words: "the certificate is issued, and the load balancer does not use it: somebody deleted or changed the HTTPS listener by hand",
		next:  []string{shows, undoes + "{edge}"},
	},
	{
		name: "certificate-other-domain", words: "the load balancer's certificate is for {says}, not for {domain} and www.{domain}: somebody " +
			"changed the listener, or Domain was changed and not deployed",
		next: []string{shows, undoes + "{edge}"},
	},
	{
		name:  "renewal-waits",
		words: "the certificate ends on {says} and ACM cannot renew it: the DNS record of its validation is not in the zone any more",
		next: []string{"aws acm describe-certificate --region {region} --certificate-arn {certificate} --query Certificate.RenewalSummary", shows,
			undoes + "{edge}"},
	},

	// Images.
	{
		name: "not-released", words: "no image of the {service} is released yet, so none of its tasks run and the load balancer answers 503",
		next: []string{"{parrotctl} release {env}"},
	},
	{
		name: "image-missing", words: "a released image is missing: {says}",
		next: []string{"{parrotctl} release {env}", "{parrotctl} rollback {env}"},
	},

	// Tasks that do not start. The order matters: general words ("unable to pull secrets
	// or registry auth") come after exact ones.
	{
		name: "image-not-found", in: stoppedTask,
		says:  says(`cannotpull.*(not found|manifest unknown|no such image)`),
		words: "the image that the {service} names is not in the registry",
		next:  []string{"{parrotctl} images {env}", "{parrotctl} rollback {env} {service}"},
	},
	{
		name: "image-platform", in: stoppedTask,
		says:  says(`descriptor matching platform|exec format error`),
		words: "the image of the {service} is built for another processor than linux/amd64; parrotctl builds for the right one",
		next:  []string{"{parrotctl} release {env}"},
	},
	{
		name: "image-denied", in: stoppedTask,
		says: says(`cannotpull.*(forbidden|denied|not authorized)|perform: ecr:`),
		words: "the execution role of the {service} may not pull from its repository in ECR. The stacks allow it, so somebody changed the role " +
			"or the repository's policy",
		next: []string{shows, undoes + "{compute}"},
	},
	{
		name: "log-denied", in: stoppedTask,
		says:  says(`perform: logs:`),
		words: "the execution role of the {service} may not write its log. The stacks allow it, so somebody changed the role",
		next:  []string{shows, undoes + "{compute}"},
	},
	{
		name: "secret-denied", in: stoppedTask,
		says: says(`perform: (secretsmanager|kms):|(secret|asm).*accessdenied`),
		words: "the execution role of the {service} may not read its secrets from Secrets Manager. The stacks allow it, so somebody changed " +
			"the role, the secret's policy, or the secret",
		next: []string{shows, undoes + "{compute}"},
	},
	{
		name: "secret-key-missing", in: stoppedTask,
		says: says(`did not contain json key`),
		words: "a secret, {secret} unless you have added others, does not have the key that the {service} reads: somebody edited it by hand. " +
			"Restore the version before",
		next: undoesSecret,
	},
	{
		name: "secret-missing", in: stoppedTask,
		says:  says(`can.t find the specified secret|secret.*(resourcenotfound|marked for deletion)`),
		words: "a secret that the task definition of the {service} names does not exist",
		next: []string{"aws secretsmanager list-secrets --region {region} --include-planned-deletion --filters Key=name,Values={prefix}",
			undoes + "{data}"},
	},
	{
		name: "log-group-missing", in: stoppedTask,
		says:  says(`log group does not exist`),
		words: "the log group of the {service} was deleted by hand",
		next:  []string{"aws logs create-log-group --region {region} --log-group-name {log}"},
	},
	{
		name: "stopped-by-health-check", in: stoppedTask, // before "timed out": it quotes the health check
		says: says(`failed (elb|container) health checks|is unhealthy in`),
		words: "the load balancer found the {service} unhealthy, and ECS replaced it: it has to answer 200 on {path} within {grace} seconds of " +
			"its start",
		next: []string{"{parrotctl} logs {env} {service} --since 30m"}, perhapsData: true,
	},
	{
		name: "no-way-out", in: stoppedTask,
		says: says(`i/o timeout|deadline exceeded|dial tcp|timed out|request canceled|no such host`),
		words: "the task cannot reach ECR or Secrets Manager: its security group blocks outgoing traffic, or its subnet has no way to the " +
			"internet (a public address, or a NAT gateway)",
		next: []string{
			shows, undoes + "{network}",
			"aws ec2 describe-security-groups --region {region} --group-ids {groups} --query 'SecurityGroups[].IpPermissionsEgress'",
		},
	},
	{
		name: "out-of-memory", in: stoppedTask,
		says:  says(`outofmemory|essential container.*exit 137`),
		words: "the {service} needs more memory than it has, and is killed. Increase {setting}.MemoryMiB (config/environments.go), and deploy",
		next:  []string{"{parrotctl} logs {env} {service} --since 30m", "npx cdk deploy {compute}"},
	},
	{
		name: "quota", in: stoppedTask,
		says:  says(`limit on the number of (vcpu|task)`),
		words: "the account's quota of CPU on Fargate is used up: stop something, or ask AWS for more",
		next:  []string{"aws service-quotas get-service-quota --region {region} --service-code fargate --quota-code L-3032A538"},
	},
	{
		name: "no-capacity", in: stoppedTask,
		says: says(`capacity is unavailable|unable to place a task|insufficient`),
		words: "AWS has no capacity for a task of this CPU and memory right now. ECS tries again by itself. It is easier with less CPU and " +
			"memory (config/environments.go)",
		next: []string{"{parrotctl} status {env}"},
	},
	{
		name: "migration-failed", in: stoppedTask,
		says:  says(`migration exit`),
		words: "the migration of the {service} failed, so the {service} was not started",
		next:  []string{"{parrotctl} logs {env} {service} --since 1h"}, perhapsData: true,
	},
	{
		name: "application-ends", in: stoppedTask,
		says:  says(`essential container`),
		words: "the {service} starts and ends by itself. Its log says why",
		next:  []string{"{parrotctl} logs {env} {service} --since 30m"}, perhapsData: true,
	},
	{
		name: "task-stopped", words: "a task of the {service} stopped",
		next: []string{"{parrotctl} logs {env} {service} --since 30m",
			"aws ecs describe-tasks --region {region} --cluster {cluster} --tasks {task}"},
	},
	{
		name: "service-gone", words: "a service does not exist: {says}",
		next: []string{undoes + "{compute}"},
	},
	{
		name:  "nothing-wanted",
		words: "the {service} is released, and its desired count is 0: it was released and not deployed, or somebody scaled it down",
		next: []string{undoes + "{compute}",
			"aws ecs update-service --region {region} --cluster {cluster} --service {name} --desired-count {desired}"},
	},
	{
		name: "tasks-starting", words: "tasks of the {service} are starting, and none of them has failed. Wait for them",
		next: []string{"aws ecs wait services-stable --region {region} --cluster {cluster} --services {name}",
			"{parrotctl} logs {env} {service} --follow"},
	},

	// Targets that are not healthy.
	{
		name: "target-starting", in: targetCode,
		says:  says(`^elb.(initialhealthchecking|registrationinprogress)`),
		words: "the load balancer is still checking the new task of the {service}. Wait",
		next:  []string{"{parrotctl} status {env}"},
	},
	{
		name: "health-path", in: targetCode,
		says: says(`^target.responsecodemismatch`),
		words: "the {service} answers on {path}, and not with 200. {setting}.HealthCheck.Path (config/environments.go) has to be a path that " +
			"answers 200 without a login",
		next: []string{"{parrotctl} logs {env} {service} --since 15m",
			"{parrotctl} exec {env} {service} -- wget -qSO- http://127.0.0.1:{port}{path}"}, perhapsData: true,
	},
	{
		name: "port-mismatch", words: "the load balancer, the container and the application use different ports: {says}",
		next: []string{shows, undoes + "{network} {compute}"},
	},
	{
		name: "target-closed", words: "the security group of the {service} does not allow the load balancer on port {port}",
		next: []string{
			"aws ec2 authorize-security-group-ingress --region {region} --group-id {group} --protocol tcp --port {port} --source-group {balancer}",
			shows, undoes + "{network}",
		},
	},
	{
		name: "health-timeout", in: targetCode,
		says: says(`^target.timeout`),
		words: "the {service} does not answer on {path} within {timeout} seconds, though its security group allows the load balancer: it is " +
			"too busy, or waits for something",
		next: []string{"{parrotctl} logs {env} {service} --since 15m"}, perhapsData: true,
	},
	{
		name: "health-refused", in: targetCode,
		says:  says(`^target.failedhealthchecks`),
		words: "nothing answers HTTP on port {port} of the {service}: the application has to listen on 0.0.0.0 and the port of the variable PORT",
		next:  []string{"{parrotctl} logs {env} {service} --since 15m"}, perhapsData: true,
	},
	{
		name: "target-not-used", in: targetCode,
		says:  says(`^target.(notinuse|notregistered)`),
		words: "no rule of the load balancer sends requests to the {service}: somebody changed the listener",
		next:  []string{shows, undoes + "{edge} {compute}"},
	},
	{
		name: "target-other", words: "a target of the {service} is not healthy",
		next: []string{"aws elbv2 describe-target-health --region {region} --target-group-arn {targets}"},
	},
	{
		name: "no-targets", words: "tasks of the {service} run, and none is registered at the load balancer",
		next: []string{"aws ecs update-service --region {region} --cluster {cluster} --service {name} --force-new-deployment"},
	},

	// Secrets and database.
	{
		name: "secret-gone", words: "the secret {secret} does not exist, or is marked for deletion",
		next: []string{"aws secretsmanager restore-secret --region {region} --secret-id {secret}", undoes + "{data}"},
	},
	{
		name: "secret-no-url", words: "the secret {secret} has no valid connection URL: somebody edited it by hand. Restore the version before",
		next: undoesSecret,
	},
	{
		name: "secret-other-host", words: "DATABASE_URL, in the secret {secret}, names another database than the environment's: {says}. " +
			"Restore the version before, and start new tasks of the {service}, which read it when they start",
		next: append(slices.Clone(undoesSecret),
			"aws ecs update-service --region {region} --cluster {cluster} --service {name} --force-new-deployment"),
	},
	{
		name: "rotation-halfway", words: "a rotation of the database's password began {says} and has not ended: the database may have a " +
			"password that new tasks do not know. docs/rotation.md says how a new rotation fixes it",
		next: []string{
			"aws secretsmanager describe-secret --region {region} --secret-id {secret} --query VersionIdsToStages",
			"aws logs tail --region {region} --since 2d \"$(aws lambda get-function-configuration --region {region} --function-name {rotation} " +
				"--query LoggingConfig.LogGroup --output text)\"",
		},
	},
	{
		name: "database-missing", words: "the database {database} does not exist any more. docs/way-back.md says how to restore it",
		next: []string{"aws rds describe-db-snapshots --region {region} --db-instance-identifier {database}"},
	},
	{
		name: "database-stopped", words: "the database is {says}: somebody stopped it",
		next: []string{"aws rds start-db-instance --region {region} --db-instance-identifier {database}",
			"aws rds wait db-instance-available --region {region} --db-instance-identifier {database}"},
	},
	{
		name:  "database-full",
		words: "the database has no storage left: increase AllocatedStorageGiB and MaxAllocatedStorageGiB in config/environments.go, and deploy",
		next:  []string{"npx cdk deploy {data}"},
	},
	{
		name: "database-not-available", words: "the database is {says} and accepts no connections until it is available",
		next: []string{"aws rds wait db-instance-available --region {region} --db-instance-identifier {database}",
			"aws rds describe-events --region {region} --source-type db-instance --source-identifier {database} --duration 1440"},
	},
	{
		name: "database-not-private", words: "the database has to be in the private subnets and without a public address: {says}",
		next: []string{shows,
			"aws rds modify-db-instance --region {region} --db-instance-identifier {database} --no-publicly-accessible --apply-immediately"},
	},
	{
		name: "database-closed", words: "the security group of the database does not allow {says} on port {port}",
		next: []string{
			"aws ec2 authorize-security-group-ingress --region {region} --group-id {group} --protocol tcp --port {port} {source}",
			shows, undoes + "{network}",
		},
	},

	// What the log of a service, or of its migration, says about the database. The order
	// matters: exact words come before Prisma's general codes.
	{
		name: "database-other-name",
		logs: []string{"ERR_TLS_CERT_ALTNAME_INVALID", "does not match certificate's altnames", "does not match host name"},
		words: "the {service} connects to the database by another name than the one in its certificate, which is the host of DATABASE_URL: the " +
			"application must not replace the host by an address or an alias",
		next: []string{"{parrotctl} logs {env} {service} --since 30m",
			"aws rds describe-db-instances --region {region} --db-instance-identifier {database} --query 'DBInstances[0].Endpoint'"},
	},
	{
		name: "database-not-trusted", logs: []string{
			"SELF_SIGNED_CERT_IN_CHAIN", "self-signed certificate", "self signed certificate", "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
			"unable to get local issuer certificate",
			"UNABLE_TO_VERIFY_LEAF_SIGNATURE", "unable to verify the first certificate", "certificate verify failed",
			"certificate signed by unknown authority", "P1011",
		},
		words: "the {service} does not trust a certificate, most likely the database's: the image does not have RDS's certificates, or " +
			"{setting}.CABundle (config/environments.go) names another path. Node.js logs \"Ignoring extra certs\" if the file is missing. " +
			"docs/database.md has the line of the Dockerfile",
		next: []string{"{parrotctl} release {env}", "{parrotctl} logs {env} {service} --since 30m"},
	},
	{
		name: "database-in-clear", logs: []string{"no pg_hba.conf entry"},
		words: "the {service} connects to the database without TLS, which the database refuses: the client does not get sslmode=require of " +
			"DATABASE_URL. The application uses only parts of the URL, or another one (docs/database.md)",
		next: []string{"{parrotctl} logs {env} {service} --since 30m"},
	},
	{
		name: "database-password", logs: []string{"P1000", "password authentication failed"},
		words: "the database refuses the password of the {service}. Tasks read it when they start: start new tasks. If the database refuses " +
			"these, too, somebody or an unfinished rotation changed the password: docs/rotation.md",
		next: []string{
			"aws ecs update-service --region {region} --cluster {cluster} --service {name} --force-new-deployment",
			"aws secretsmanager describe-secret --region {region} --secret-id {password} --query '[LastRotatedDate,VersionIdsToStages]'",
		},
	},
	{
		name: "database-no-answer", logs: []string{"P1001", "Can't reach database server"},
		words: "the {service} cannot reach the database, though the database runs and its security group allows the {service}. It may have " +
			"been restarting. Otherwise the application connects to another host than that of DATABASE_URL, or somebody changed a network ACL or " +
			"a " +
			"route",
		next: []string{"{parrotctl} logs {env} {service} --since 30m",
			"aws rds describe-events --region {region} --source-type db-instance --source-identifier {database} --duration 1440", shows},
	},
	{
		name: "migration-locked", logs: []string{"P1002", "acquire a postgres advisory lock"},
		words: "the migration waited 10 seconds for Prisma's lock, which another migration has, and stopped. That happens when two tasks start " +
			"together; the next one succeeds after the first has ended. If it continues, docs/runbook.md (migration-failed) says how to find who " +
			"has the lock",
		next: []string{"{parrotctl} logs {env} {service} --since 30m", "{parrotctl} db {env}"},
	},
	{
		name: "migration-blocked", logs: []string{"P3009", "failed migrations in the target database"},
		words: "an earlier migration failed or was stopped, and Prisma applies no other until you resolve it. Until then no task can start, " +
			"not even those of the old release: docs/runbook.md (migration-failed) says what to do",
		next: []string{"{parrotctl} logs {env} {service} --since 1h", "{parrotctl} db {env}"},
	},
	{
		name: "migration-broken", logs: []string{"P3018", "A migration failed to apply"},
		words: "a statement of a migration failed; the log has the migration's name and the database's error. Until you resolve it no task can " +
			"start, not even those of the old release: docs/runbook.md (migration-failed) says what to do",
		next: []string{"{parrotctl} logs {env} {service} --since 1h", "{parrotctl} db {env}"},
	},
}

// matchLog returns the first cause that a line of a log means, and that line.
func matchLog(lines []string) (found cause, line string, ok bool) {
	for _, c := range causes {
		for _, line := range lines {
			if slices.ContainsFunc(c.logs, func(words string) bool { return strings.Contains(line, words) }) {
				return c, line, true
			}
		}
	}
	return cause{}, "", false
}

// logPattern returns the filter pattern of CloudWatch for the lines that mean a cause.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
func logPattern() string {
	var terms []string
	for _, c := range causes {
		for _, words := range c.logs {
			terms = append(terms, `?"`+words+`"`)
		}
	}
	return strings.Join(terms, " ")
}

// causeNamed returns the cause with the given name.
func causeNamed(name string) cause {
	return causes[slices.IndexFunc(causes, func(c cause) bool { return c.name == name })]
}

// matchCause returns the cause that AWS's message in some place means, or the one with
// the name fallback.
func matchCause(source place, message, fallback string) cause {
	for _, c := range causes {
		if c.in == source && c.says != nil && c.says.MatchString(message) {
			return c
		}
	}
	return causeNamed(fallback)
}

// says matches AWS's words in upper or lower case, also across line breaks.
func says(words string) *regexp.Regexp { return regexp.MustCompile("(?is)" + words) }
