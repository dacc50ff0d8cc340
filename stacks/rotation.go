package stacks

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3assets"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/jsii-runtime-go"

	"parrot/config"
	"parrot/config/keys"
	blocks "parrot/constructs"
)

// rotate lets Secrets Manager call a function that gives the database a new
// password. source and projection are ARNs of secrets, code is the directory with
// the function's program.
//
// The function is outside the VPC: it calls AWS's APIs and not the
// database. It has no reserved concurrency, which a new account's quota refuses.
func rotate(stack awscdk.Stack, env config.Environment, source, projection *string, code string) {
	logs := blocks.NewLogGroup(stack, "RotationLogs", blocks.LogGroupProps{
		RetentionDays: env.LogRetentionDays,
		RemovalPolicy: dataRemoval(env),
	})
	// Each service is in a cluster of the same name. They are of a later stack: their
	// names are all that is known here.
	names := env.ReadersOf(config.DBCredentials)
	readers := strings.Join(names, ",")
	asset := awss3assets.NewAsset(stack, jsii.String("RotationCode"), &awss3assets.AssetProps{Path: &code})
	function := awslambda.NewCfnFunction(stack, jsii.String("Rotation"), &awslambda.CfnFunctionProps{
		FunctionName:  jsii.String(env.RotationFunctionName()),
		Description:   jsii.String("Gives the database a new password"),
		Runtime:       jsii.String("provided.al2023"),
		Architectures: jsii.Strings("arm64"),
		Handler:       jsii.String("bootstrap"),
		Code:          &awslambda.CfnFunction_CodeProperty{S3Bucket: asset.S3BucketName(), S3Key: asset.S3ObjectKey()},
		MemorySize:    jsii.Number(128),
		Timeout:       jsii.Number(15 * 60),
		Role:          rotationRole(stack, env, names, source, projection, logs.LogGroupArn()),
		LoggingConfig: &awslambda.CfnFunction_LoggingConfigProperty{LogGroup: logs.LogGroupName()},
		Environment: &awslambda.CfnFunction_EnvironmentProperty{Variables: map[string]*string{
			keys.DBInstance: &env.Database.Identifier,
			keys.Projection: projection,
			keys.Clusters:   &readers,
			keys.Services:   &readers,
		}},
	})
	functionARN := function.AttrArn()
	permission := awslambda.NewCfnPermission(stack, jsii.String("RotationPermission"), &awslambda.CfnPermissionProps{
		Action:        jsii.String("lambda:InvokeFunction"),
		FunctionName:  functionARN,
		Principal:     jsii.String("secretsmanager.amazonaws.com"),
		SourceAccount: stack.Account(),
		SourceArn:     source,
	})
	schedule := awssecretsmanager.NewCfnRotationSchedule(stack, jsii.String("RotationSchedule"), &awssecretsmanager.CfnRotationScheduleProps{
		SecretId:          source,
		RotationLambdaArn: functionARN,
		RotationRules: &awssecretsmanager.CfnRotationSchedule_RotationRulesProperty{
			AutomaticallyAfterDays: jsii.Number(env.Database.RotationDays),
		},
		// A deploy must not change the password.
		RotateImmediatelyOnUpdate: jsii.Bool(false),
	})
	schedule.AddResourceDependency(permission, nil)
}

// rotationRole allows the function what its steps do, limited to the environment's
// resources where IAM can limit it. Its policies are inline, so that it has them when
// the schedule calls the function for the first time.
func rotationRole(stack awscdk.Stack, env config.Environment, readers []string, source, projection, logs *string) *string {
	statements := []map[string]any{
		allow(source, "secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue",
			"secretsmanager:UpdateSecretVersionStage"),
		allow(projection, "secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"),
		allow("*", "secretsmanager:GetRandomPassword"), // it takes no resource
		allow(here("rds", env, "db:"+env.Database.Identifier), "rds:DescribeDBInstances", "rds:ModifyDBInstance"),
	}
	for _, name := range readers {
		statements = append(statements,
			allow(here("ecs", env, "service/"+name+"/"+name), "ecs:DescribeServices", "ecs:UpdateService"),
			allow(here("ecs", env, "task/"+name+"/*"), "ecs:DescribeTasks"),
			map[string]any{ // its resource would be an instance of EC2
				"Effect": "Allow", "Action": []string{"ecs:ListTasks"}, "Resource": "*",
				"Condition": map[string]any{"ArnEquals": map[string]any{"ecs:cluster": here("ecs", env, "cluster/"+name)}},
			})
	}
	statements = append(statements, allow(logs, "logs:CreateLogStream", "logs:PutLogEvents"))
	role := awsiam.NewCfnRole(stack, jsii.String("RotationRole"), &awsiam.CfnRoleProps{
		AssumeRolePolicyDocument: document(map[string]any{
			"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": map[string]string{"Service": "lambda.amazonaws.com"},
		}),
		Policies: &[]any{&awsiam.CfnRole_PolicyProperty{
			PolicyName:     jsii.String("rotation"),
			PolicyDocument: document(statements...),
		}},
	})
	return role.AttrArn()
}

// document returns a policy of statements.
func document(statements ...map[string]any) map[string]any {
	return map[string]any{"Version": "2012-10-17", "Statement": statements}
}

// here returns the ARN of a resource in the stack's account.
func here(service string, env config.Environment, resource string) map[string]string {
	return map[string]string{"Fn::Sub": "arn:${AWS::Partition}:" + service + ":" + env.Region + ":${AWS::AccountId}:" + resource}
}

func allow(resource any, actions ...string) map[string]any {
	return map[string]any{"Effect": "Allow", "Action": actions, "Resource": resource}
}
