package config

import (
	"fmt"
	"regexp"
)

// Pipeline is what Parrot needs to know to promote every commit of a branch
// through the environments, in the order of All. Without a connection there is
// no pipeline, and its other settings mean nothing. It runs in the region of the
// environments, which have to share one, and which CodeBuild has to be in.
type Pipeline struct {
	// ConnectionARN is the CodeConnections connection that reads the repository,
	// made and authorized once in the console of Account. Empty means that there
	// is no pipeline.
	ConnectionARN string
	// Repository is the repository of this app, "owner/name".
	Repository string
	// Directory is where this app is in the repository, such as infra. Empty is
	// the repository's root.
	Directory string
	// Branch is the one branch whose commits are deployed.
	Branch string
	// Account is the twelve-digit AWS account of the pipeline, one of the
	// environments' or one of its own. It is empty if no environment names its
	// account: then all is in the account that the CDK CLI is signed in to.
	Account string
	// NotificationEmails are who hears that an execution failed or waits for an
	// approval. AWS asks each address once whether it wants to.
	NotificationEmails []string
}

// Configured reports whether there is a pipeline.
func (p Pipeline) Configured() bool { return p.ConnectionARN != "" }

var (
	connectionSyntax = regexp.MustCompile(`^arn:aws:(codeconnections|codestar-connections):[a-z0-9-]+:[0-9]{12}:connection/` +
		`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	sourceSyntax = regexp.MustCompile(`^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$`)
	branchSyntax = regexp.MustCompile(`^[A-Za-z0-9_-]([A-Za-z0-9_./-]{0,253}[A-Za-z0-9_-])?$`)
)

// ValidatePipeline returns every error of the pipeline's settings, joined into
// one, or nil. Validate checks the environments.
func ValidatePipeline(p Pipeline, environments []Environment) error {
	if !p.Configured() {
		return nil
	}
	v := validator{environment: "pipeline", of: map[string][]string{}}
	v.matches("ConnectionARN", p.ConnectionARN, connectionSyntax,
		"a connection's ARN such as arn:aws:codeconnections:us-east-1:123456789012:connection/01234567-89ab-cdef-0123-456789abcdef, or nothing "+
			"for no pipeline")
	v.matches("Repository", p.Repository, sourceSyntax, "owner/name")
	if p.Directory != "" {
		v.matches("Directory", p.Directory, prefixSyntax,
			"a directory without slashes at its ends, such as infra, or nothing for the repository's root")
	}
	v.matches("Branch", p.Branch, branchSyntax, "a branch's name, such as main")
	v.matches("Account", p.Account, accountSyntax, "twelve digits, or nothing if no environment names its account")
	if len(p.NotificationEmails) == 0 {
		v.reject("NotificationEmails", p.NotificationEmails, "at least one address: a failure that nobody notices stops all later releases")
	}
	for _, address := range p.NotificationEmails {
		v.matches("NotificationEmails", address, emailSyntax, "addresses such as team@example.com")
	}
	if len(environments) > 0 && lacks(environments[0].Region, buildType) {
		v.reject("ConnectionARN", p.ConnectionARN, "nothing in %s, where CloudFormation has no AWS CodeBuild for a pipeline: deploy from a "+
			"laptop, or from a workflow of GitHub", environments[0].Region)
	}
	v.accounts(p, environments)
	for i, e := range environments {
		if e.Region != environments[0].Region {
			v.about(i, e)
			v.reject("Region", e.Region, "%s, as of %s: the pipeline deploys to one region", environments[0].Region, environments[0].Name)
		}
	}
	return v.err()
}

// accounts checks that all accounts are known, or none: CDK cannot let a pipeline
// cross into or out of an account that it does not know.
func (v *validator) accounts(p Pipeline, environments []Environment) {
	named := ""
	if p.Account != "" {
		named = "the pipeline"
	}
	for _, e := range environments {
		if named == "" && e.Account != "" {
			named = e.Name
		}
	}
	if named == "" {
		return
	}
	allowed := fmt.Sprintf("twelve digits, because %s names its account: with a pipeline all do, or none", named)
	if p.Account == "" {
		v.reject("Account", "", "%s", allowed)
	}
	for i, e := range environments {
		if e.Account == "" {
			v.about(i, e)
			v.reject("Account", "", "%s", allowed)
		}
	}
}
