package review

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"parrot/internal/assembly"
	"parrot/internal/awsclient"
)

// Deployed is what CloudFormation runs now of an assembly's stacks that are
// chosen. A stack that is not there yet is not in it.
func Deployed(ctx context.Context, cfg aws.Config, head *assembly.Assembly, only func(stack string) bool) (*assembly.Assembly, error) {
	client := cloudformation.NewFromConfig(cfg)
	dir, err := os.MkdirTemp("", "parrot-review-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // it is in the temporary directory
	artifacts := map[string]any{}
	for _, stack := range head.Stacks {
		if !only(stack.Name) {
			continue
		}
		runs, err := client.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &stack.Name})
		if awsclient.NoSuchStack(err) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("stack %s cannot be looked up: %w; the credentials need cloudformation:DescribeStacks and GetTemplate, as the "+
				"lookup role has them", stack.Name, err)
		}
		if runs.Stacks[0].StackStatus == types.StackStatusReviewInProgress { // a change set made it, and nothing ran yet
			continue
		}
		template, err := client.GetTemplate(ctx,
			&cloudformation.GetTemplateInput{StackName: &stack.Name, TemplateStage: types.TemplateStageOriginal})
		if err != nil {
			return nil, fmt.Errorf("the template of stack %s cannot be read: %w", stack.Name, err)
		}
		file := stack.Name + ".template.json"
		if err := os.WriteFile(filepath.Join(dir, file), []byte(aws.ToString(template.TemplateBody)), 0o600); err != nil {
			return nil, err
		}
		artifacts[stack.Name] = map[string]any{
			"type":        "aws:cloudformation:stack",
			"environment": "aws://" + stack.Account + "/" + stack.Region,
			"displayName": stack.Path,
			"properties": map[string]any{
				"templateFile":          file,
				"terminationProtection": aws.ToBool(runs.Stacks[0].EnableTerminationProtection),
			},
		}
	}
	manifest, err := json.Marshal(map[string]any{"artifacts": artifacts})
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "manifest.json"), manifest, 0o600); err != nil {
		return nil, err
	}
	return assembly.Load(dir)
}
