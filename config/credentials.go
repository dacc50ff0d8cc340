package config

import (
	"regexp"
	"strings"
)

// credential is a form of secrets that its provider has made recognizable.
type credential struct {
	// what names it in an error.
	what string
	form *regexp.Regexp
	// browsers says that some of the form are made for browsers, and no secret:
	// a NEXT_PUBLIC_ variable may hold one.
	browsers bool
}

// credentials are the forms of secrets that are never settings. They are prefixes
// that providers document, for secret scanners above all. Keys that are meant to
// be public, such as Stripe's pk_live_ and a Sentry DSN without a password, have
// none of them.
// https://docs.github.com/en/code-security/secret-scanning/introduction/supported-secret-scanning-patterns
// https://github.com/gitleaks/gitleaks/blob/master/config/gitleaks.toml
var credentials = []credential{
	{what: "a private key", form: regexp.MustCompile(`-----BEGIN [A-Z0-9 ]*PRIVATE KEY`)},
	{what: "a private key in Base64",
		form: regexp.MustCompile(`LS0tLS1CRUdJTi(BQUklWQVRF|BSU0EgUFJJVkFU|BFQyBQUklWQVRF|BPUEVOU1NIIFBS|BFTkNSWVBURUQg)`)},
	{what: "a URL with a password", form: regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*://[^/?#@:\s]*:[^/?#@\s]+@`)},
	{what: "a signed token (JWT)", form: regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{16,}`),
		browsers: true},
	// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
	{what: "an AWS access key", form: regexp.MustCompile(`\b(AKIA|ASIA)[A-Z2-7]{16}\b`)},
	// https://docs.stripe.com/keys
	{what: "a Stripe key", form: regexp.MustCompile(`\b(sk|rk)_(live|test)_[A-Za-z0-9]{10,}`)},
	{what: "a webhook's signing secret", form: regexp.MustCompile(`\bwhsec_[A-Za-z0-9+/=]{16,}`)},
	// https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/about-authentication-to-github#githubs-token-formats
	{what: "a GitHub token", form: regexp.MustCompile(`\b(gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,})`)},
	// https://docs.gitlab.com/security/tokens/#token-prefixes
	{what: "a GitLab token", form: regexp.MustCompile(`\bgl(pat|dt|rt|ptt|soat|agent|cbt)-[A-Za-z0-9_.-]{16,}`)},
	// https://docs.slack.dev/authentication/tokens
	{what: "a Slack token", form: regexp.MustCompile(`\bxox[abeprs]-[A-Za-z0-9-]{10,}|\bxapp-[0-9]-[A-Za-z0-9-]{10,}`)},
	{what: "a Slack webhook", form: regexp.MustCompile(`\bhooks\.slack\.com/(services|workflows|triggers)/[A-Za-z0-9]+/`)},
	{what: "a SendGrid key", form: regexp.MustCompile(`\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}`)},
	{what: "a Resend key", form: regexp.MustCompile(`\bre_[A-Za-z0-9]{8}_[A-Za-z0-9]{16,}`)},
	{what: "a Mailgun key", form: regexp.MustCompile(`\bkey-[0-9a-f]{32}\b`)},
	// https://cloud.google.com/docs/authentication/api-keys: those of Maps and Firebase are public.
	{what: "a Google API key", form: regexp.MustCompile(`\bAIza[A-Za-z0-9_-]{35}`), browsers: true},
	{what: "a Google OAuth client's secret", form: regexp.MustCompile(`\bGOCSPX-[A-Za-z0-9_-]{20,}`)},
	{what: "an npm token", form: regexp.MustCompile(`\bnpm_[A-Za-z0-9]{36}`)},
	{what: "an Anthropic key", form: regexp.MustCompile(`\bsk-ant-[A-Za-z0-9_-]{16,}`)},
	{what: "an OpenAI key",
		form: regexp.MustCompile(`\bsk-(proj|svcacct|admin)-[A-Za-z0-9_-]{16,}|\bsk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}`)},
	{what: "a Hugging Face token", form: regexp.MustCompile(`\bhf_[A-Za-z0-9]{30,}`)},
	{what: "a Shopify token", form: regexp.MustCompile(`\bshp(at|ca|pa|ss)_[0-9a-fA-F]{32}`)},
	{what: "a DigitalOcean token", form: regexp.MustCompile(`\bdo[opr]_v1_[0-9a-f]{64}`)},
	{what: "a Sentry token", form: regexp.MustCompile(`\bsntry[su]_[A-Za-z0-9+/=_-]{20,}`)},
	{what: "a Supabase key", form: regexp.MustCompile(`\b(sb_secret_|sbp_)[A-Za-z0-9_-]{16,}`)},
}

// publicPrefix begins the names of the variables that Next.js compiles into what
// it sends to browsers.
// https://nextjs.org/docs/app/guides/environment-variables#bundling-environment-variables-for-the-browser
const publicPrefix = "NEXT_PUBLIC_"

// credentialIn says what a value looks like that should be a secret; nothing where
// it looks like none.
func credentialIn(variable, value string) string {
	for _, c := range credentials {
		if c.browsers && strings.HasPrefix(variable, publicPrefix) {
			continue
		}
		if c.form.MatchString(value) {
			return c.what
		}
	}
	return ""
}
