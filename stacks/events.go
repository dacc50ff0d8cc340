package stacks

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"

	"parrot/config"
)

// event is something that AWS reports once, unlike a metric.
type event struct {
	id, description string
	pattern         map[string]any
	// text is the mail's: <name> is the value of a field.
	text   string
	fields map[string]string
	// section is the heading in docs/runbook.md.
	section  string
	severity config.Severity
}

func (m *monitoring) events() []event {
	env := m.env
	var clusters, services, repositories []string
	for _, service := range env.Services() {
		name := service.PhysicalName()
		clusters = append(clusters, m.arn("ecs", "cluster/"+name))
		services = append(services, m.arn("ecs", "service/"+name+"/"+name))
		if service.Build != nil {
			repositories = append(repositories, service.Build.Repository)
		}
	}
	moreThanNone := []any{map[string]any{"numeric": []any{">", 0}}}
	return append([]event{
		{
			// Tasks that a deploy or a scaling stops have another code.
			// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_task_events.html
			id: "TaskFailed", description: "A task could not start, or its container ended by itself", section: "task-failed",
			severity: config.Ticket,
			pattern: map[string]any{
				"source": []string{"aws.ecs"}, "detail-type": []string{"ECS Task State Change"},
				"detail": map[string]any{
					"clusterArn": clusters, "lastStatus": []string{"STOPPED"},
					"stopCode": []string{"EssentialContainerExited", "TaskFailedToStart"},
				},
			},
			text:   "A task of <group> stopped: <reason>",
			fields: map[string]string{"group": "$.detail.group", "reason": "$.detail.stoppedReason"},
		},
		{
			// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_deployment_events.html
			id: "DeploymentFailed", description: "ECS gave a deployment up, and goes back where it can", section: "deployment-failed",
			severity: config.Ticket,
			pattern: map[string]any{
				"source": []string{"aws.ecs"}, "detail-type": []string{"ECS Deployment State Change"},
				"resources": services, "detail": map[string]any{"eventName": []string{"SERVICE_DEPLOYMENT_FAILED"}},
			},
			text:   "A deployment of <service> failed: <reason>",
			fields: map[string]string{"service": "$.resources[0]", "reason": "$.detail.reason"},
		},
		{
			// https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html
			id: "ImageFinding", description: "The scan of a pushed image found something critical or high", section: "image-finding",
			severity: config.Ticket,
			pattern: map[string]any{
				"source": []string{"aws.ecr"}, "detail-type": []string{"ECR Image Scan"},
				"detail": map[string]any{
					"scan-status": []string{"COMPLETE"}, "repository-name": repositories,
					"$or": []any{
						map[string]any{"finding-severity-counts": map[string]any{"CRITICAL": moreThanNone}},
						map[string]any{"finding-severity-counts": map[string]any{"HIGH": moreThanNone}},
					},
				},
			},
			// A list or an object would put its quotes into the mail's, unescaped.
			text: "The scan of <repository>, <tag>, found: critical <critical>, high <high>",
			fields: map[string]string{
				"repository": "$.detail.repository-name", "tag": "$.detail.image-tags[0]",
				"critical": "$.detail.finding-severity-counts.CRITICAL", "high": "$.detail.finding-severity-counts.HIGH",
			},
		},
		m.databaseEvent("DatabaseFailed", "The database failed or runs full", config.Page, "failure", "low storage"),
		m.databaseEvent("DatabaseEvent", "The database failed over, restarts, recovers or is maintained", config.Ticket, "availability",
			"failover", "maintenance", "recovery"),
	}, m.alarmsOver()...)
}

// alarmsOver returns the alarms of each severity that go from ALARM to OK.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
func (m *monitoring) alarmsOver() []event {
	names := map[config.Severity][]string{}
	for _, alarm := range m.env.Alarms() {
		names[alarm.Severity] = append(names[alarm.Severity], m.env.AlarmName(alarm.ID))
	}
	var events []event
	for _, severity := range []config.Severity{config.Page, config.Ticket} {
		if len(names[severity]) == 0 {
			continue // a pattern without a name would be refused
		}
		events = append(events, event{
			id: config.LogicalID(string(severity)) + "Over", description: "An alarm that fired is over", section: "alarm-over", severity: severity,
			pattern: map[string]any{
				"source": []string{"aws.cloudwatch"}, "detail-type": []string{"CloudWatch Alarm State Change"},
				"detail": map[string]any{
					"alarmName":     names[severity],
					"state":         map[string]any{"value": []string{"OK"}},
					"previousState": map[string]any{"value": []string{"ALARM"}},
				},
			},
			text:   "The alarm <alarm> is over: <reason>",
			fields: map[string]string{"alarm": "$.detail.alarmName", "reason": "$.detail.state.reason"},
		})
	}
	return events
}

// databaseEvent returns one of some categories. Backups and the like have others.
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Events.Messages.html
func (m *monitoring) databaseEvent(id, description string, severity config.Severity, categories ...string) event {
	return event{
		id: id, description: description, section: "database-event", severity: severity,
		pattern: map[string]any{
			"source": []string{"aws.rds"}, "detail-type": []string{"RDS DB Instance Event"},
			"detail": map[string]any{"SourceIdentifier": []string{m.env.Database.Identifier}, "EventCategories": categories},
		},
		text:   "The database <database>: <message>",
		fields: map[string]string{"database": "$.detail.SourceIdentifier", "message": "$.detail.Message"},
	}
}

// addEvents makes the rules that mail events.
func (m *monitoring) addEvents() {
	// The topic's policy cannot distinguish the accounts of rules.
	role := awsiam.NewCfnRole(m.stack, jsii.String("EventsRole"), &awsiam.CfnRoleProps{
		AssumeRolePolicyDocument: document(map[string]any{
			"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": map[string]any{"Service": "events.amazonaws.com"},
			"Condition": m.fromHere(),
		}),
		Policies: []any{&awsiam.CfnRole_PolicyProperty{
			PolicyName: jsii.String("publish"),
			PolicyDocument: document(map[string]any{"Effect": "Allow", "Action": "sns:Publish",
				"Resource": []*string{m.topics[config.Page], m.topics[config.Ticket]}}),
		}},
	}).AttrArn()
	for _, e := range m.events() {
		lines := []string{e.text + ".", "What to do: " + m.env.Monitoring.RunbookURL + "#" + e.section}
		awsevents.NewCfnRule(m.stack, &e.id, &awsevents.CfnRuleProps{
			Description:  &e.description,
			EventPattern: e.pattern,
			Targets: []any{&awsevents.CfnRule_TargetProperty{
				Id: jsii.String("mail"), Arn: m.topics[e.severity], RoleArn: role,
				InputTransformer: &awsevents.CfnRule_InputTransformerProperty{
					InputPathsMap: e.fields,
					InputTemplate: jsii.String(template(m.env.Name, lines)),
				},
			}},
		})
	}
}

// template returns a mail of lines, each a JSON text as EventBridge wants it.
func template(environment string, lines []string) string {
	quoted := make([]string, len(lines))
	for i, line := range lines {
		quoted[i] = `"` + line + `"`
	}
	return `"` + config.Project + " " + environment + `:"` + "\n" + strings.Join(quoted, "\n")
}
