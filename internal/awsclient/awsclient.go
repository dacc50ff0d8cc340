// Package awsclient signs in to AWS for the commands of parrotctl.
package awsclient

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"

	"parrot/config"
)

// Session is an AWS account and region that somebody is signed in to.
type Session struct {
	// Config is what AWS's clients are made of.
	Config aws.Config
	// Account is the twelve-digit account.
	Account string
	// Partition is the account's partition, "aws" but for China and GovCloud.
	Partition string
}

// SignIn finds the credentials that the AWS CLI would use, with a profile where
// one is named, and asks AWS whose they are.
func SignIn(ctx context.Context, profile, region string) (*Session, error) {
	const advice = "sign in (aws sso login, AWS_PROFILE or --profile) until aws sts get-caller-identity answers"
	cfg, err := awsconfig.LoadDefaultConfig(ctx, awsconfig.WithRegion(region), awsconfig.WithSharedConfigProfile(profile),
		awsconfig.WithLogger(logging.Nop{})) // what matters of it is in the errors
	if err != nil {
		return nil, fmt.Errorf("there are no AWS credentials: %s: %w", advice, err)
	}
	identity, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("AWS does not say who you are: %s: %w", advice, err)
	}
	caller, err := arn.Parse(aws.ToString(identity.Arn))
	if err != nil {
		return nil, fmt.Errorf("AWS says that you are %q, which is no ARN: %w", aws.ToString(identity.Arn), err)
	}
	return &Session{Config: cfg, Account: aws.ToString(identity.Account), Partition: caller.Partition}, nil
}

// In checks that the session is in the account that the settings name; an empty
// account is any.
func (s *Session) In(environment, account string) error {
	if account != "" && account != s.Account {
		return fmt.Errorf("you are signed in to account %s, and %s is in %s: name a profile of that account with --profile or AWS_PROFILE",
			s.Account, environment, account)
	}
	return nil
}

// Lookup returns the session with the role that cdk bootstrap makes for reading, in
// an account; an empty account is the session's own. It is how a pipeline or a
// workflow reads, without a right to change anything.
func (s *Session) Lookup(account string) *Session {
	if account == "" {
		account = s.Account
	}
	role := fmt.Sprintf("arn:%s:iam::%s:role/cdk-%s-lookup-role-%s-%s", s.Partition, account, config.BootstrapQualifier, account,
		s.Config.Region)
	looking := s.Config.Copy()
	looking.Credentials = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(sts.NewFromConfig(s.Config), role))
	return &Session{Config: looking, Account: account, Partition: s.Partition}
}

// NoSuchStack reports whether an error of CloudFormation means that there is no such
// stack, for which it has no type.
func NoSuchStack(err error) bool {
	var refused smithy.APIError
	return errors.As(err, &refused) && refused.ErrorCode() == "ValidationError" && strings.Contains(refused.ErrorMessage(), "does not exist")
}
