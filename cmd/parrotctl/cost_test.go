package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"parrot/internal/fakes"
)

// templates writes an assembly of one stack of dev.
func templates(w *world, dir, resources string) {
	w.t.Helper()
	w.write("infra/"+dir+"/manifest.json", `{"version": "54.0.0", "artifacts": {"ParrotDevData": {"type": "aws:cloudformation:stack",
		"environment": "aws://unknown-account/us-east-1", "properties": {"templateFile": "t.json"}}}}`)
	w.write("infra/"+dir+"/t.json", `{"Resources": {`+resources+`}}`)
}

const (
	aSecret  = `"S": {"Type": "AWS::SecretsManager::Secret"}`
	aGateway = `"N": {"Type": "AWS::EC2::NatGateway"}`
)

func TestCostAddsUpTheTemplates(t *testing.T) {
	w := newWorld(t)
	templates(w, "out", aSecret+","+aGateway+`, "Q": {"Type": "AWS::SQS::Queue"}`)

	r := w.succeeds("cost", "--assembly", "out", "--details")
	shows(t, r.stdout, "100,000 requests a month", "| Component | dev |", "| NAT | 33.08 |", "| **A month, USD** | **33.48** |",
		"## dev", "`N`", "Not included in dev, because no price is known: AWS::SQS::Queue.")

	more := w.succeeds("cost", "dev", "--assembly", "out", "--nat-gb", "1005", "--json")
	var read []struct {
		Environment string
		Lines       []struct{ Sum float64 }
	}
	require.NoError(t, json.Unmarshal([]byte(more.stdout), &read))
	sum := 0.0
	for _, line := range read[0].Lines {
		sum += line.Sum
	}
	assert.InDelta(t, 33.475+45, sum, 0.001)

	assert.Equal(t, exitUsage, w.run("", "cost", "nowhere").code)
	r = w.run("", "cost", "--assembly", "out", "--requests", "-5", "--image-gb", "NaN")
	assert.Equal(t, exitUsage, r.code)
	shows(t, r.stderr, "--requests is -5: want 0 to 1e12", "--image-gb is NaN: want 0 to 1e12")
	assert.Equal(t, exitFailed, w.run("", "cost", "--assembly", "elsewhere").code)
}

func TestThePipelineHasAColumnOfItsOwn(t *testing.T) {
	w := newWorld(t)
	templates(w, "out", aSecret)
	manifest := "infra/out/manifest.json"
	text := string(must(os.ReadFile("out/manifest.json")))
	w.write(manifest, strings.Replace(text, `"artifacts": {`, `"artifacts": {"ParrotPipeline": {"type": "aws:cloudformation:stack",
		"environment": "aws://unknown-account/us-east-1", "properties": {"templateFile": "p.json"}},`, 1))
	w.write("infra/out/p.json", `{"Resources": {"B": {"Type": "AWS::CodeBuild::Project"}}}`)
	shows(t, w.succeeds("cost", "--assembly", "out", "--builds", "100").stdout, "| Component | dev | pipeline |", "| Pipeline | – | 1.50 |")
	assert.NotContains(t, w.succeeds("cost", "dev", "--assembly", "out").stdout, "| pipeline |")
}

func TestReviewShowsWhatAChangeCosts(t *testing.T) {
	fakes.Slow(t)
	w := reviewable(t)
	templates(w, "before", aSecret)
	templates(w, "after", aSecret+","+aGateway)
	r := w.succeeds("review", "before", "after")
	shows(t, r.stdout, "A month, at list prices:", "- dev: $0.40 → $33.48 a month (+33.08: NAT +33.08)")
	assert.NotContains(t, w.succeeds("review", "before", "before").stdout, "A month")
}
