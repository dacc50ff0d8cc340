package doctor

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parrot/internal/documents"
	"parrot/internal/fakes/cloud"
	"parrot/internal/operate"
	"parrot/internal/status"
	"parrot/internal/terminal"
)

func TestTheDocumentsSamplesAreWhatTheCommandsPrint(t *testing.T) {
	const path = "docs/operations.md"
	text := documents.Read(t, path)
	for name, sample := range samples(t) {
		block := regexp.MustCompile(`(?s)(<!-- sample: ` + name + ` -->\n).*?(\n?` + sample.end + `)`)
		require.Regexp(t, block, text, "no place for sample %s", name)
		text = block.ReplaceAllStringFunc(text, func(string) string {
			return "<!-- sample: " + name + " -->\n" + sample.begin + strings.TrimRight(sample.text, "\n") + "\n" + sample.close
		})
	}
	documents.Golden(t, path, text)
}

// sample is a generated part of the document, and what is around it there.
type sample struct{ text, begin, end, close string }

func fenced(text string) sample {
	return sample{text, "```\n", "\n```\n", "```\n"}
}

// samples returns the document's, by name.
func samples(t *testing.T) map[string]sample {
	t.Helper()
	out := map[string]sample{}
	w, e := deployed(t)
	e.Clock = func() time.Time { return cloud.Deployed.Add(26 * time.Hour) }
	// A certificate with a date that stays.
	issued := fmt.Sprintf(`{"Certificate":{"CertificateArn":"%s","DomainName":"bkgstock.com","SubjectAlternativeNames":["bkgstock.com","www.bkgstock.com"],"Status":"ISSUED","NotAfter":%d}}`,
		w.CertificateARN, cloud.Deployed.AddDate(0, 13, 0).Unix())
	well := func() {
		w.Recover()
		w.Answers["DescribeCertificate"] = issued
	}
	doctor := func() sample {
		var b strings.Builder
		d := Diagnose(t.Context(), patient(w), func(link Link) { fmt.Fprintln(&b, link.Text()) })
		if d.Finding != nil {
			b.WriteString(d.Finding.Text())
		} else {
			b.WriteString("\nNo link is broken.")
		}
		return fenced(b.String())
	}

	well()
	out["status"] = fenced(status.Read(t.Context(), e).Text())
	out["doctor"] = doctor()
	_, line, err := e.Exec(t.Context(), "backend", []string{"npx", "prisma", "migrate", "status"})
	require.NoError(t, err)
	out["exec"] = fenced("+ " + terminal.Shell(line))
	way, err := e.Forward(t.Context(), 5433, "")
	require.NoError(t, err)
	out["db"] = fenced(strings.ReplaceAll(way.Client, w.SecretARN, w.SecretARN[:len(w.SecretARN)-6]+"AbCdEf"))
	out["db-command"] = fenced("+ " + terminal.Shell(way.Command))

	w.Log("backend", "1", cloud.Deployed, "[Nest] 1  - LOG [NestApplication] Nest application successfully started")
	w.Log("backend", "2", cloud.Deployed.Add(90*time.Second),
		"PrismaClientInitializationError: Can't reach database server\n    at async main (/app/dist/main.js:12:3)\n")
	var log strings.Builder
	require.NoError(t, e.Logs(t.Context(), &log, operate.Logs{Service: "backend", Since: cloud.Deployed}))
	out["logs"] = fenced(log.String())

	well()
	w.Unhealthy("backend", "Target.ResponseCodeMismatch", "Health checks failed with these codes: [404]")
	w.Alarms["parrot-dev-backend-unhealthy"] = "Threshold Crossed"
	w.Denied["DescribeDBInstances"] = true
	out["status-ill"] = fenced(status.Read(t.Context(), e).Text())

	well()
	w.Stop("backend", "EssentialContainerExited", "Essential container in task exited",
		"OutOfMemoryError: Container killed due to memory usage", 137)
	out["doctor-task"] = doctor()

	well()
	w.Stop("backend", "EssentialContainerExited", "Essential container in task exited", "", 1)
	w.DatabaseIs("stopped")
	out["doctor-database"] = doctor()

	well()
	w.Parent = nil
	w.StackStatus["ParrotDevEdge"] = "CREATE_IN_PROGRESS"
	out["doctor-delegation"] = doctor()

	var table strings.Builder
	table.WriteString("\n| Cause | What is wrong | What to type first |\n|---|---|---|\n")
	placeholder := regexp.MustCompile(`\{(\w+)\}`)
	for _, c := range causes {
		words := placeholder.ReplaceAllString(c.words, "*$1*")
		next := placeholder.ReplaceAllString(strings.ReplaceAll(c.next[0], "{parrotctl}", "parrotctl"), "$1")
		fmt.Fprintf(&table, "| %s | %s | `%s` |\n", c.name, words, strings.ReplaceAll(next, " env", " ENV"))
	}
	out["causes"] = sample{table.String(), "", "\n<!-- end -->\n", "\n<!-- end -->\n"}
	return out
}
