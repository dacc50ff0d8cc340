package stacks_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot/config"
	"parrot/internal/assembly"
	"parrot/internal/documents"
	. "parrot/internal/synthtest"
)

const failedFirstDeploy = "docs/failed-first-deploy.md"

// The ways that something is in the way of a first deploy's next try.
const (
	terminationProtection = "termination protection"
	deletionProtection    = "deletion protection"
	keptByName            = "kept, with a fixed name"
	keptWithoutName       = "kept, with a name of its own"
)

// blocked is what a failed first deploy leaves of each protected stack, resource and
// name, and what clears it. A new one needs a text here.
var blocked = map[string]struct{ when, step string }{
	"Network " + terminationProtection:  {"anything in it fails, such as a quota of VPCs or addresses", "`unblock`"},
	"Registry " + terminationProtection: {"anything in it fails, such as a repository that is there already", "`unblock`"},
	"Data " + terminationProtection:     {"anything in it fails", "`unblock`"},
	"Edge " + terminationProtection: {"anything in it fails, most often the certificate: it comes first, so nothing else is there yet",
		"`unblock`"},
	"Compute " + terminationProtection:    {"anything in it fails, such as a service that does not become stable", "`unblock`"},
	"Monitoring " + terminationProtection: {"anything in it fails", "`unblock`"},

	"AWS::ElasticLoadBalancingV2::LoadBalancer " + deletionProtection: {"something after it fails, such as a record that is there already: " +
		"the stack is ROLLBACK_FAILED", "`unblock` switches it off; the load balancer goes with the stack"},
	"AWS::RDS::DBInstance " + deletionProtection: {"it or something after it fails (`db-credentials`, the rotation): " +
		"the stack is ROLLBACK_FAILED", "`unblock` switches it off, [after asking](#the-database)"},

	"AWS::RDS::DBInstance " +
		keptByName: {"the stack is ROLLBACK_FAILED and is deleted", "`unblock` deletes it, [after asking](#the-database)"},
	"AWS::RDS::DBSubnetGroup " + keptByName:     {"the database could not be rolled back, and the stack is deleted", "`unblock` deletes it"},
	"AWS::RDS::DBParameterGroup " + keptByName:  {"the database could not be rolled back, and the stack is deleted", "`unblock` deletes it"},
	"AWS::SecretsManager::Secret " + keptByName: {"the database could not be rolled back, and the stack is deleted", "`unblock` deletes it"},
	"AWS::Logs::LogGroup " +
		keptByName: {"something that needs it could not be rolled back, and the stack is deleted", "`unblock` deletes it"},
	"AWS::ECR::Repository " + keptByName: {"it could not be rolled back, because somebody has pushed an image by then, and the stack " +
		"is deleted", "`unblock` deletes it with its images"},
	"AWS::Route53::HostedZone " + keptByName: {"it could not be rolled back, because somebody has added records by then. It blocks " +
		"nothing, but a second zone has other name servers", "[`HostedZoneID`](#already-exists), or delete it"},

	"AWS::Logs::LogGroup " + keptWithoutName: {"never: the next try makes another", "none needed"},
	"AWS::S3::Bucket " + keptWithoutName:     {"never: the next try makes another", "none needed; `aws s3 rb --force` deletes it"},
}

// protection is one thing that is protected or kept.
type protection struct{ part, what, kind, how string }

func (p protection) key() string {
	if p.how == terminationProtection {
		return p.part + " " + p.how
	}
	return p.kind + " " + p.how
}

// protecting are names of properties and attributes that refuse a deletion.
var protecting = regexp.MustCompile(`(?i)(deletion|termination|delete)[._]?protection`)

// protects reports whether a property, or what is in it, refuses a deletion.
func protects(value any) bool {
	switch value := value.(type) {
	case []any:
		return slices.ContainsFunc(value, protects)
	case map[string]any:
		key, isAttribute := value["Key"].(string)
		if isAttribute && protecting.MatchString(key) && fmt.Sprint(value["Value"]) != "false" {
			return true
		}
		for name, inner := range value {
			if protecting.MatchString(name) && fmt.Sprint(inner) != "false" || protects(inner) {
				return true
			}
		}
	}
	return false
}

// physicalName returns the fixed name of a resource; empty where AWS chooses one.
func physicalName(r *assembly.Resource) string {
	for _, property := range []string{byName[r.Type], "Name", "BucketName"} {
		if name := r.Text(property); property != "" && name != "" && !strings.Contains(name, "${") {
			return strings.TrimSuffix(name, ".")
		}
	}
	return ""
}

// protections are those of an environment, with its name and domain left open.
func protections(t *testing.T, a *assembly.Assembly, env config.Environment) (all []protection) {
	t.Helper()
	open := strings.NewReplacer("parrot-"+env.Name, "parrot-ENV", env.Domain, "DOMAIN")
	names := stackNames(t, a, env)
	slices.SortStableFunc(names, func(a, b string) int { // in the order that they are deployed
		return slices.Index(env.StackNames(), a) - slices.Index(env.StackNames(), b)
	})
	for _, name := range names {
		stack, part := a.Stack(name), strings.TrimPrefix(name, env.StackName(""))
		if stack.TerminationProtection {
			all = append(all, protection{part, "the stack", "", terminationProtection})
		}
		for _, r := range stack.Resources {
			name := physicalName(r)
			what := strings.TrimPrefix(r.Type, "AWS::")
			if name != "" {
				what += " `" + open.Replace(name) + "`"
			} else {
				what += " " + withoutHash(r.LogicalID)
			}
			if protects(r.Properties) {
				all = append(all, protection{part, what, r.Type, deletionProtection})
			}
			if slices.Contains(kept, r.DeletionPolicy) {
				how := keptByName
				if name == "" {
					how = keptWithoutName
				}
				all = append(all, protection{part, what, r.Type, how})
			}
		}
	}
	return all
}

func TestTheDocumentSaysOfAllThatIsProtectedWhatBlocksARetryAndWhatClearsIt(t *testing.T) {
	t.Parallel()
	all := protections(t, Direct(t), Production())
	require.NotEmpty(t, all)
	var table strings.Builder
	table.WriteString("| Stack | What | Protected by | Blocks the next try when | Cleared by |\n| --- | --- | --- | --- | --- |\n")
	used := map[string]bool{}
	for _, p := range all {
		text, written := blocked[p.key()]
		assert.True(t, written, "no text says what a failed first deploy leaves of %s %s (%s)", p.part, p.what, p.how)
		fmt.Fprintf(&table, "| %s | %s | %s | %s | %s |\n", p.part, p.what, p.how, text.when, text.step)
		used[p.key()] = true
	}
	for key := range blocked {
		assert.True(t, used[key], "a text about nothing: %s", key)
	}
	documents.Generated(t, failedFirstDeploy, "protections", table.String())
}

// The shipped stage and prod have options and names of their own: none is protected
// in a way that the table does not know.
func TestNothingThatIsShippedIsProtectedOtherwiseThanTheTableSays(t *testing.T) {
	t.Parallel()
	for _, env := range environments() {
		all := protections(t, shipped.Assembly(t), env)
		// With a zone of its own, an environment without guards protects nothing.
		if env.RetainData || env.TerminationProtection {
			require.NotEmpty(t, all, env.Name)
		}
		for _, p := range all {
			_, known := blocked[p.key()]
			assert.True(t, known, "%s: %s %s (%s)", env.Name, p.part, p.what, p.how)
		}
	}
}

// What can fail comes before what cannot be rolled back.
func TestWhatIsProtectedIsMadeAfterAllThatItsStackCanMakeBefore(t *testing.T) {
	t.Parallel()
	env := Production()
	edge := StackOf(t, Direct(t), env, "Edge")
	certificate := Only(t, edge, "AWS::CertificateManager::Certificate")
	for _, r := range edge.Resources {
		if r != certificate {
			assert.True(t, after(r, certificate, nil), "%s waits for the certificate", r.LogicalID)
		}
	}
	data := StackOf(t, Direct(t), env, "Data")
	database := Only(t, data, "AWS::RDS::DBInstance")
	before := 0
	for _, r := range data.Resources {
		if r == database || after(r, database, nil) || strings.HasPrefix(r.LogicalID, "RotationLogs") {
			continue
		}
		before++
		assert.True(t, after(database, r, nil), "the database waits for %s", r.LogicalID)
	}
	assert.Greater(t, before, 5)
}

// after reports whether a resource is made after another one of its stack.
func after(r, other *assembly.Resource, seen []*assembly.Resource) bool {
	if slices.Contains(seen, r) {
		return false
	}
	seen = append(seen, r)
	needed := slices.Clone(r.DependsOn)
	for _, target := range r.Stack.Targets(r.Properties) {
		if target.Resource != nil && target.Resource.Stack == r.Stack {
			needed = append(needed, target.Resource.LogicalID)
		}
	}
	for _, id := range needed {
		if next := r.Stack.Resource(id); next != nil && (next == other || after(next, other, seen)) {
			return true
		}
	}
	return false
}
