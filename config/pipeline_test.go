package config

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const connection = "arn:aws:codeconnections:us-east-1:123456789012:connection/01234567-89ab-cdef-0123-456789abcdef"

// delivered returns a pipeline's settings as a user would fill them in.
func delivered() Pipeline {
	return Pipeline{ConnectionARN: connection, Repository: "acme/shop", Branch: "main", NotificationEmails: []string{"team@acme.example"}}
}

// inAccounts returns the shipped environments in one region and in accounts of their
// own; those that are left out name none.
func inAccounts(accounts ...string) []Environment {
	var environments []Environment
	for _, name := range []string{"dev", "stage", "prod"} {
		environments = append(environments, Environment{Name: name, Region: "us-east-1"})
	}
	for i, account := range accounts {
		environments[i].Account = account
	}
	return environments
}

func TestThereIsNoPipelineUntilItIsConfigured(t *testing.T) {
	t.Parallel()
	assert.False(t, Pipeline{}.Configured())
	assert.True(t, delivered().Configured())
	assert.NoError(t, ValidatePipeline(Pipeline{Repository: "?", Account: "1"}, inAccounts("111111111111")), "its settings mean nothing then")
}

func TestPipelineSettingsSayWhatIsAllowed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		change func(*Pipeline)
		want   string // how the error begins; nothing for no error
	}{
		{func(*Pipeline) {}, ""},
		{func(p *Pipeline) {
			p.ConnectionARN = "arn:aws:codestar-connections:eu-west-1:123456789012:connection/01234567-89ab-cdef-0123-456789abcdef"
		}, ""},
		{func(p *Pipeline) { p.ConnectionARN = "github" }, `ConnectionARN is "github": want a connection's ARN`},
		{func(p *Pipeline) { p.ConnectionARN += "0" }, `ConnectionARN is "` + connection + `0": want`},
		{func(p *Pipeline) { p.Repository = "acme" }, `Repository is "acme": want owner/name`},
		{func(p *Pipeline) { p.Repository = "https://github.com/acme/shop" }, `Repository is "https:`},
		{func(p *Pipeline) { p.Directory = "deploy/infra" }, ""},
		{func(p *Pipeline) { p.Directory = "/infra" }, `Directory is "/infra": want a directory without slashes`},
		{func(p *Pipeline) { p.Branch = "release/2" }, ""},
		{func(p *Pipeline) { p.Branch = "" }, `Branch is "": want a branch's name`},
		{func(p *Pipeline) { p.Branch = "main/" }, `Branch is "main/": want`},
		{func(p *Pipeline) { p.NotificationEmails = nil }, `NotificationEmails is []: want at least one address`},
		{func(p *Pipeline) { p.NotificationEmails = []string{"a@b.example", "team"} }, `NotificationEmails is "team": want addresses`},
	} {
		p := delivered()
		c.change(&p)
		err := ValidatePipeline(p, inAccounts())
		if c.want == "" {
			assert.NoError(t, err)
		} else {
			assert.ErrorContains(t, err, "pipeline: "+c.want)
		}
	}
}

func TestAPipelineKnowsAllAccountsOrNone(t *testing.T) {
	t.Parallel()
	const a, b, c, d = "111111111111", "222222222222", "333333333333", "444444444444"
	p := delivered()
	require.NoError(t, ValidatePipeline(p, inAccounts()))

	err := ValidatePipeline(p, inAccounts(a))
	require.EqualError(t, err, `pipeline, stage, prod: Account is "": want twelve digits, because dev names its account: with a pipeline all do, or none`)

	p.Account = d
	require.ErrorContains(t, ValidatePipeline(p, inAccounts()), `dev, stage, prod: Account is "": want twelve digits, because the pipeline names its account`)
	require.NoError(t, ValidatePipeline(p, inAccounts(a, b, c)))
	require.NoError(t, ValidatePipeline(p, inAccounts(d, d, d)))
	p.Account = "4"
	require.ErrorContains(t, ValidatePipeline(p, inAccounts(a, b, c)), `pipeline: Account is "4": want twelve digits`)
}

func TestAPipelineDeploysToOneRegion(t *testing.T) {
	t.Parallel()
	environments := inAccounts()
	environments[2].Region = "eu-west-1"
	assert.EqualError(t, ValidatePipeline(delivered(), environments), `prod: Region is "eu-west-1": want us-east-1, as of dev: the pipeline deploys to one region`)
}

func TestEveryErrorOfThePipelineIsReportedAtOnce(t *testing.T) {
	t.Parallel()
	err := ValidatePipeline(Pipeline{ConnectionARN: "x"}, inAccounts("111111111111"))
	for _, setting := range []string{"ConnectionARN", "Repository", "Branch", "Account", "NotificationEmails"} {
		assert.Regexp(t, `(?m)^pipeline.*: `+setting+" is ", err.Error())
	}
}
