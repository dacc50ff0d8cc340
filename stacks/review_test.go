package stacks_test

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot/config"
	"parrot/internal/assembly"
	"parrot/internal/documents"
	"parrot/internal/fakes"
	"parrot/internal/review"
	. "parrot/internal/synthtest"
)

// reviewed is a change of Parrot, and what its review has to say.
type reviewed struct {
	name       string
	base, head *assembly.Assembly
	categories []review.Category // all that are found
	says       []string          // what stands in the report
	hides      []string          // what does not
	slow       bool              // another one is much like it
}

// reviewedVariants returns stages beside the variants: the described system alone,
// and changes that a running environment cannot take, which a review has to say.
func reviewedVariants() []variant {
	database, network := Described(), Described()
	database.Database.Identifier = "parrot-dev-other"
	network.Network.VPC = "10.20.0.0/24"
	return []variant{{"Described", Described()}, {"OtherDatabase", database}, {"OtherRange", network}}
}

// devOnly returns the described system alone, as each variant has it.
func devOnly(t *testing.T) *assembly.Assembly {
	t.Helper()
	return nested(t, "Described")
}

func TestReviewsSayWhatAChangeDoes(t *testing.T) {
	t.Parallel()
	dev := devOnly(t)
	env := Described()
	for _, test := range []reviewed{
		{
			name: "nothing", base: dev, head: edited(t, dev, func(templates) {}),
			says: []string{"No template changes."},
		},
		{
			name: "image", base: dev, head: nested(t, "Images"),
			says:  []string{"image of `backend`", "image of `frontend`", ": no resource is replaced, no data is at risk; 2 images are released"},
			hides: []string{"TaskDefinition", "Read these first"},
		},
		{
			name: "count", slow: true, base: dev, head: nested(t, "Counts"),
			says: []string{"desired count `1` → `7`", "desired count `1` → `0`"},
		},
		{
			name: "port", base: dev, head: nested(t, "Ports"),
			categories: []review.Category{review.Broadening},
			says: []string{
				"`ParrotDevNetwork.BackendSecurityGroup` lets in `ParrotDevNetwork.LoadBalancerSecurityGroup` on tcp 8081, and no longer " +
					"`ParrotDevNetwork.LoadBalancerSecurityGroup` on tcp 3001",
				"the old rule stays until the rest of this stack is deployed",
			},
			hides: []string{"## ParrotDevNetwork", "TargetGroup"},
		},
		{
			name: "redis_on", slow: true, base: dev, head: nested(t, "Redis"),
			says: []string{"added `Redis` (ElastiCache::ReplicationGroup)"},
		},
		{
			name: "redis_off", base: nested(t, "Redis"), head: dev,
			categories: []review.Category{review.DataLoss},
			says:       []string{"`Redis` (ElastiCache::ReplicationGroup) of `ParrotDevData` is deleted with all that is in it"},
		},
		{
			name: "redis_off_retained", slow: true, base: nested(t, "RedisRetained"), head: nested(t, "RetainData"),
			categories: []review.Category{review.DataLoss},
			says:       []string{"a snapshot of it is kept"},
		},
		{
			name: "database_class", slow: true, base: dev, head: nested(t, "DatabaseSize"),
			says:  []string{"`DBInstanceClass` `db.t3.micro` → `db.m7g.large`"},
			hides: []string{"replaced `Database`", "Read these first"},
		},
		{
			name: "database_identifier", base: dev, head: nested(t, "OtherDatabase"),
			categories: []review.Category{review.DataLoss},
			says:       []string{"`Database` (RDS::DBInstance) of `ParrotDevData` is replaced for `DBInstanceIdentifier`", "the new one is empty"},
		},
		{
			name: "database_unencrypted", slow: true, base: dev,
			head: edited(t, dev, func(all templates) {
				all.one(t, "Data", "AWS::RDS::DBInstance")["StorageEncrypted"] = false
			}),
			categories: []review.Category{review.DataLoss, review.Deadlock, review.Protection},
			says:       []string{"two cannot have it", "`StorageEncrypted` of `Database` in `ParrotDevData` is switched off"},
		},
		{
			name: "security_group_opened", base: dev,
			head: edited(t, dev, func(all templates) {
				all.resources(t, "Network")["DatabaseFromVpc"].(map[string]any)["Properties"].(map[string]any)["CidrIp"] = "0.0.0.0/0"
			}),
			categories: []review.Category{review.Broadening},
			says:       []string{"lets in **the internet** (`0.0.0.0/0`) on tcp 5432, and no longer `10.10.0.0/24` on tcp 5432"},
		},
		{
			name: "iam_widened", base: dev,
			head: edited(t, dev, func(all templates) {
				for _, policy := range all.of(t, "Compute", "AWS::IAM::Policy") {
					document := policy["PolicyDocument"].(map[string]any)
					document["Statement"] = append(document["Statement"].([]any), map[string]any{
						"Effect": "Allow", "Action": "s3:*", "Resource": "*",
					})
				}
			}),
			categories: []review.Category{review.Broadening},
			says:       []string{"may now `s3:*` on `*`"},
		},
		{
			name: "vpc_range", slow: true, base: dev, head: nested(t, "OtherRange"),
			categories: []review.Category{review.Deadlock, review.Broadening},
		},
		{
			name: "export_dropped", base: dev,
			head: edited(t, dev, func(all templates) {
				all.dropSecurityGroup(t)
			}),
			categories: []review.Category{review.Deadlock},
			says:       []string{"**Safe order:** `npx cdk deploy --exclusively ParrotDevData`, then the rest as usual"},
		},
		{
			name: "service_removed", slow: true, base: dev, head: edited(t, dev, func(all templates) {
				maps.DeleteFunc(all.resources(t, "Compute"), func(id string, _ any) bool { return strings.HasPrefix(id, "Frontend") })
				maps.DeleteFunc(all[env.StackName("Compute")]["Outputs"].(map[string]any),
					func(id string, _ any) bool { return strings.Contains(id, "Frontend") })
			}),
			categories: []review.Category{review.DataLoss},
			says:       []string{"`FrontendLogs` (Logs::LogGroup)"},
		},
		{
			name: "stack_removed", base: dev, head: edited(t, dev, func(all templates) { delete(all, env.StackName("Compute")) }),
			categories: []review.Category{review.DataLoss, review.Removal},
			says:       []string{"`ParrotDevCompute` is not in the app any more"},
		},
		{
			name: "protection_off", base: nested(t, "Protection"), head: dev,
			categories: []review.Category{review.Protection},
			says: []string{"Termination protection is switched off: `ParrotDevCompute`, `ParrotDevData`",
				"`DeletionProtection` of `Database`"},
		},
		{
			// The zone's id crosses in an SSM parameter.
			name: "imported_zone", slow: true, base: nested(t, "ImportedZone"), head: nested(t, "OtherImportedZone"),
			says: []string{"**replaced** `Certificate` (CertificateManager::Certificate)"},
		},
		{
			name: "cost_center", slow: true, base: dev, head: nested(t, "CostCenter"),
			says: []string{"tags only, of"},
		},
		{
			name: "tokens", slow: true, base: dev, head: nested(t, "Tokens"),
			says: []string{"new tasks start and read their secrets"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if test.slow {
				fakes.Slow(t)
			}
			report := compare(t, test.base, test.head)
			var found []review.Category
			for _, category := range review.Categories {
				if report.Has(category) {
					found = append(found, category)
				}
			}
			assert.Equal(t, test.categories, found)
			markdown := report.Markdown()
			for _, text := range test.says {
				assert.Contains(t, markdown, text)
			}
			for _, text := range test.hides {
				assert.NotContains(t, markdown, text)
			}
			assert.LessOrEqual(t, len([]rune(report.Summary(1000))), 1000)
			documents.Golden(t, "stacks/testdata/review/"+test.name+".md", markdown)
		})
	}
}

func compare(t testing.TB, base, head *assembly.Assembly) *review.Report {
	t.Helper()
	changes, err := review.Diff(context.Background(), documents.Path("."), base, head, nil)
	require.NoError(t, err)
	var options review.Options
	for _, env := range config.All() {
		options.Environments = append(options.Environments, review.Environment{Name: env.Name, StackPrefix: env.StackName("")})
	}
	return review.Compare(base, head, changes, options)
}

// templates are an assembly's templates by stack, to be edited.
type templates map[string]map[string]any

// edited returns a copy of an assembly with other templates; one that is deleted is a
// stack that is gone.
func edited(t *testing.T, a *assembly.Assembly, edit func(templates)) *assembly.Assembly {
	t.Helper()
	all := templates{}
	for _, stack := range a.Stacks {
		var template map[string]any
		require.NoError(t, json.Unmarshal(stack.Template, &template))
		all[stack.Name] = template
	}
	edit(all)
	dir := t.TempDir()
	artifacts := map[string]any{}
	for _, stack := range a.Stacks {
		template, ok := all[stack.Name]
		if !ok {
			continue
		}
		text, err := json.MarshalIndent(template, "", " ")
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, stack.Name+".json"), text, 0o600))
		var needs []string
		for _, needed := range stack.DependsOn {
			if _, ok := all[needed.Name]; ok {
				needs = append(needs, needed.Name)
			}
		}
		artifacts[stack.Name] = map[string]any{
			"type": "aws:cloudformation:stack", "environment": "aws://" + stack.Account + "/" + stack.Region,
			"dependencies": needs, "properties": map[string]any{"templateFile": stack.Name + ".json"},
		}
	}
	manifest, err := json.Marshal(map[string]any{"artifacts": artifacts})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "manifest.json"), manifest, 0o600))
	copied, err := assembly.Load(dir)
	require.NoError(t, err)
	return copied
}

// resources returns the resources of one of dev's stacks.
func (all templates) resources(t *testing.T, part config.Part) map[string]any {
	t.Helper()
	template := all[Described().StackName(part)]
	require.NotNil(t, template, part)
	return template["Resources"].(map[string]any)
}

// of returns the properties of a stack's resources of a type, at least one.
func (all templates) of(t *testing.T, part config.Part, resourceType string) []map[string]any {
	t.Helper()
	resources := all.resources(t, part)
	var found []map[string]any
	for _, id := range slices.Sorted(maps.Keys(resources)) {
		if resource := resources[id].(map[string]any); resource["Type"] == resourceType {
			found = append(found, resource["Properties"].(map[string]any))
		}
	}
	require.NotEmpty(t, found, "%s in %s", resourceType, part)
	return found
}

// one returns the properties of a stack's only resource of a type.
func (all templates) one(t *testing.T, part config.Part, resourceType string) map[string]any {
	t.Helper()
	found := all.of(t, part, resourceType)
	require.Len(t, found, 1, "%s in %s", resourceType, part)
	return found[0]
}

// dropSecurityGroup takes the database out of its security group, and the
// group's export away.
func (all templates) dropSecurityGroup(t *testing.T) {
	t.Helper()
	database := all.one(t, "Data", "AWS::RDS::DBInstance")
	imported := database["VPCSecurityGroups"].([]any)[0].(map[string]any)["Fn::ImportValue"]
	require.NotEmpty(t, imported)
	delete(database, "VPCSecurityGroups")
	before := len(all[Described().StackName("Network")]["Outputs"].(map[string]any))
	maps.DeleteFunc(all[Described().StackName("Network")]["Outputs"].(map[string]any), func(_ string, output any) bool {
		export, _ := output.(map[string]any)["Export"].(map[string]any)
		return export["Name"] == imported
	})
	require.Len(t, all[Described().StackName("Network")]["Outputs"], before-1)
}

// BenchmarkReview compares all shipped stacks, each of them changed: what runs on
// every pull request, without the synthesis.
func BenchmarkReview(b *testing.B) {
	base, head := changedEnvironments(b)
	stacks := 0
	for b.Loop() {
		report := compare(b, base, head)
		require.NotEmpty(b, report.Markdown())
		stacks = len(report.Stacks)
	}
	require.Equal(b, len(base.Stacks), stacks)
}

// changedEnvironments are three environments before and after a change of all stacks.
func changedEnvironments(b *testing.B) (base, head *assembly.Assembly) {
	b.Helper()
	before, after := environments(), environments()
	for i := range after {
		after[i].CostCenter = "research"
		after[i].Backend.DesiredCount++
	}
	for into, settings := range map[**assembly.Assembly][]config.Environment{&base: before, &head: after} {
		app := NewApp(settings)
		for _, env := range settings {
			App.Define(app, env)
		}
		var err error
		*into, err = assembly.Load(*app.Synth(nil).Directory())
		require.NoError(b, err)
	}
	return base, head
}
