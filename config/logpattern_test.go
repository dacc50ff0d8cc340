package config

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// documented are AWS's own examples of filter patterns: in the pages that
// checkLogPattern names, in CIS's controls of Security Hub, and what CDK writes.
var documented = []string{
	// Terms.
	`ERROR`, `ERROR ARGUMENTS`, `ERROR Exception`, `Failed to process the request`, `"INTERNAL SERVER ERROR"`, `?ERROR ?WARN`, `?ERROR ?ARGUMENTS`,
	`ERROR -WARN`, `ERROR -ARGUMENTS`, `"ERROR" - "Exiting"`, `?"ERROR 1" ?"WARN" INFO`, `"a \"quoted\" text and a \\"`, `ERROR_1 404`,
	// Regular expressions.
	`%AUTHORIZED%`, `%\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}%`, `%[Ee]rror|[Ff]ail%`, `%^[hc]at%`, `%[hc]at$%`, `%colou?r%`, `%[abcx-z]%`, `%a{3,5}%`, `%gra|ey%`,
	`%10\.10\.0\.1%`, `%ab*c%`, `%ab+c%`, `%\x28a\x29%`, `%\d\D\s\S\w\W\b%`, `%a:_#=@/;,-b%`,
	// JSON.
	`{ $.eventType = "UpdateTrail" }`, `{$.eventType="UpdateTrail"}`, `{ $.sourceIPAddress != 123.123.* }`, `{ $.arrayKey[0] = "value" }`, `{ $.objectList[1].id = 2 }`,
	`{ $.SomeObject IS NULL }`, `{ $.SomeOtherObject NOT EXISTS }`, `{ $.ThisFlag IS TRUE }`, `{ $.ThisFlag IS FALSE }`, `{ $.latency = * }`,
	`{ ($.user.id = 1) && ($.users[0].email = "John.Doe@example.com") }`, `{ ($.user.id = 2 && $.users[0].email = "nonmatch") || $.actions[2] = "GET" }`,
	`{ $.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = nonmatch && $.actions[2] = nomatch }`,
	`{ $.latency >= 500 }`, `{ $.numbers[0] < 10e3 }`, `{ $.numbers[0] < 10e-3 }`, `{ $.processes[4].averageRuntime <= 55.5 }`, `{ $.latency > +1000 }`, `{ $.errorCode != 500 }`,
	`{ $.eventType = %Trail% }`, `{ $.a = %1% && $.b = %2% && $.c = "50%" }`, `{ $.detail-type = "x" }`, `{ $.objectList[*].flag = 1 }`, `{ $.a_b-c[10][2].d = "" }`,
	`{ $.statusCode = 4* && ($.path = "*/admin") }`,
	`{ ($.errorCode = "*UnauthorizedOperation") || ($.errorCode = "AccessDenied*") }`,
	`{$.userIdentity.type="Root" && $.userIdentity.invokedBy NOT EXISTS && $.eventType !="AwsServiceEvent"}`,
	`{($.eventSource=kms.amazonaws.com) && (($.eventName=DisableKey) || ($.eventName=ScheduleKeyDeletion))}`,
	`{ ($.component = "HttpServer") && (($.error IS TRUE) || ($.latency > 1000)) }`,
	// Fields with spaces between them.
	`[ip, user, username, timestamp, request, status_code, bytes]`, `[..., status_code, bytes]`, `[ip, user, ..., status_code, bytes]`, `[ip, user, ...]`,
	`[ip, user, username, timestamp, request, status_code, bytes > 1000]`, `[ip, user, username, timestamp, request, status_code = 200, bytes]`,
	`[ip, user, username, timestamp, request = *html*, status_code = 4*, bytes]`, `[..., request=*.html*, status_code=4*,]`,
	`[ip, user, username, timestamp, request, status_code = 4* && bytes > 1000]`, `[ip, user, username, timestamp, request, status_code = 4* && status_code != 403, bytes]`,
	`[w1=ERROR, w2]`, `[w1=ERROR || w1=WARN, w2]`, `[w1=!ERROR&&w1=!WARN, w2]`, `[w1!=ERROR&&w1!=WARN, w2]`, `[w1=ERROR || w1=%WARN|INFO%, w2]`, `[ip=%127\.0\.0\.[1-9]%, ...]`,
	`[time, component = "HttpServer", ..., result_code != 200, latency]`, `[version, account, eni, action="REJECT", flowlogstatus]`, `[(w1=A || w1=B) && w1!=C, w2]`,
}

// broken are patterns that CloudWatch Logs refuses, and what an error says of them.
var broken = map[string]string{
	``: "empty", `  `: "empty",
	// Terms. "Terms that include characters other than alphanumeric or underscore must be placed inside double quotes."
	`level:error`: "a term with ':' has to be in double quotes", `My (error)`: "'('", `a,b`: "','", `foo-bar`: "'-'", `*ERROR*`: "'*'", "`ERROR`": "'`'",
	`level\":\"error`: `'\\'`, `“ERROR”`: "'“'", `ERROR 'x'`: `'\''`, `??ERROR`: "'?'", `5xx.`: "'.'", `ERROR ]`: "']'", `$.level = 50`: "'$'", `level = 50`: "'='",
	`ERROR ?`: "a term is missing at its end", `-`: "a term is missing at its end", `?`: "a term is missing at its end",
	`"ERROR`: "a double quote is not closed", `ERROR "`: "a double quote is not closed", `"ERROR\"`: "a double quote is not closed", `"a" "b`: "a double quote is not closed",
	strings.Repeat("x", 1025): "1025 characters of at most 1024",
	// Regular expressions.
	`%something!%`: "may only have letters, digits and", `%(a|b)%`: `a parenthesis \x28`, `%a b%`: `a space is \s`, `%ä%`: "may only have letters", `%%`: "may only have letters",
	`%AUTH`: "a regular expression is not closed with %", `50% off`: "'%' has to be in double quotes", `%[a-z%`: "is invalid", `%a{5,3}%`: "is invalid", `%*a%`: "is invalid",
	`%a% %b% %c%`: "3 regular expressions of at most 2", `{ $.a = %1% && $.b = %2% && $.c = %3% }`: "3 regular expressions", `[a=%1%, b=%2%, c=%3%]`: "3 regular expressions",
	// JSON.
	`{}`: "a property such as $.level is missing before", `{ }`: "a property such as", `{`: "a property such as $.level is missing at its end", `{ $.a = 1`: "} is missing at its end",
	`{ $.a = 1 } }`: `"}" comes after its }`, `{ $.a = 1 } ERROR`: "comes after its }", `{ a = 1 }`: "a property such as", `{ $. = 1 }`: "a property's name", `{ $.a. = 1 }`: "a property's name",
	`{ $."detail-type" = 1 }`: "a property's name", `{ $.a }`: "one of =, !=, >, <, >=, <= is missing", `{ $.a = }`: "a value, in double quotes", `{ $.a == 1 }`: "a value",
	`{ $.a = "x }`: "a double quote is not closed", `{ $.a = John@example.com }`: "} is missing before", `{ $.a = $b }`: "a value", `{ $.a = ä }`: "a value", `{ $.a = a b }`: "} is missing",
	`{ ($.a = 1 }`: ") is missing", `{ $.a = 1) }`: "} is missing", `{ $.a = 1 && }`: "a property such as", `{ && $.a = 1 }`: "a property such as", `{ $.a = 1 & $.b = 2 }`: "} is missing",
	`{ $.a = 1 and $.b = 2 }`: "} is missing", `{ $.a EXISTS }`: "EXISTS begins none of", `{ $.a IS EMPTY }`: "IS begins none of", `{ $.a[x] = 1 }`: "an element such as", `{ $.a[0 = 1 }`: "an element such as",
	`{ $.a LIKE "x" }`: "LIKE begins none of", `{ $.a[*].b[*] = 1 }`: "2 wildcards of at most one",
	`{ $.a[*] = 1 || $.b[*] = 1 || $.c[*] = 1 || $.d[*] = 1 }`:                    "4 wildcards of at most 3",
	`{ ` + strings.Repeat("(", 200) + `$.a = 1` + strings.Repeat(")", 200) + ` }`: "parentheses in each other",
	// Fields with spaces between them.
	`[`: "is missing", `[]`: "no field", `[a, b`: ", or ] is missing at its end", `[a, b] c`: `"c" comes after its ]`, `[a b]`: "is missing before", `[a=]`: "a value", `[a="x]`: "a double quote is not closed",
	`[a=1 && ]`: "is missing", `[a=1 b]`: ", or ] is missing", `[a=1, b]]`: "comes after its ]", `[a=“x”]`: "a value",
}

func TestPatternsThatAWSDocumentsAreTaken(t *testing.T) {
	for _, pattern := range documented {
		assert.NoError(t, checkLogPattern(pattern), pattern)
		assert.NoError(t, checkLogPattern("  "+pattern+" "), pattern)
	}
	require.NoError(t, checkLogPattern(strings.Repeat("ä", 1024)), "characters are counted, not bytes")
	every := described()
	every.Monitoring.Alarms, every.Backend.Image = AlarmsAll, Image{Tag: "a"}
	for _, field := range []string{"responseTime", "res.time_ms", strings.Repeat("a", 98)} {
		every.Monitoring.LatencyField = field
		metrics := every.LogMetrics()
		require.Len(t, metrics, 3)
		for _, metric := range metrics {
			require.NoError(t, checkLogPattern(metric.Pattern), metric.Pattern)
		}
		assert.LessOrEqual(t, len(metrics[2].Value), 100, "what CloudWatch Logs takes of a metric's value")
	}
}

func TestPatternsThatCloudWatchRefusesAreRefused(t *testing.T) {
	for pattern, says := range broken {
		assert.ErrorContains(t, checkLogPattern(pattern), says, "%.80q", pattern)
	}
}

func FuzzCheckLogPatternNeverPanics(f *testing.F) {
	for _, pattern := range documented {
		f.Add(pattern)
	}
	for pattern := range broken {
		f.Add(pattern)
	}
	f.Fuzz(func(t *testing.T, pattern string) {
		err := checkLogPattern(pattern)
		if err == nil && strings.Count(pattern, `"`)%2 == 1 {
			assert.Contains(t, pattern, `\"`, "an odd number of quotes has one that is escaped")
		}
		if err != nil && utf8.ValidString(pattern) {
			assert.True(t, utf8.ValidString(err.Error()), "the error of %q", pattern)
		}
	})
}
