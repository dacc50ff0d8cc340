package review

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"parrot/internal/assembly"
	"parrot/internal/program"
)

// diffJS runs the library that knows CloudFormation's specification.
//
//go:embed diff.js
var diffJS string

// library is the package of package.json that diffJS needs.
const library = "@aws-cdk/cloudformation-diff"

// Changes are what CloudFormation's specification says of the differences
// between templates.
type Changes struct {
	// Stacks are the stacks whose templates differ, by Key.
	Stacks map[string]StackChanges
	// Types are the resource types in them.
	Types map[string]Type
}

// Type is what is known of a resource type.
type Type struct {
	// Stateful says that such a resource holds data.
	Stateful bool
	// Name is the property with the physical name, if there is one. Of two
	// resources only one can have it.
	Name string
}

// StackChanges are the differences between two templates of a stack.
type StackChanges struct {
	// Resources are the changes by logical id.
	Resources map[string]ResourceChange
	// Granted and Revoked are the IAM statements that come and go.
	Granted, Revoked []Statement
	// Attached and Detached are the managed policies that come and go.
	Attached, Detached []ManagedPolicy
	// Opened and Closed are the rules of security groups that come and go.
	Opened, Closed []Rule
}

// Impact is what CloudFormation does to a resource for a change.
type Impact string

// The impacts that the report distinguishes; any other is an update in place.
const (
	WillCreate  Impact = "WILL_CREATE"
	WillDestroy Impact = "WILL_DESTROY"
	WillOrphan  Impact = "WILL_ORPHAN"
	WillReplace Impact = "WILL_REPLACE"
	MayReplace  Impact = "MAY_REPLACE"

	// WouldReplace is what may replace a resource whose name stays: where it
	// does, CloudFormation refuses, and nothing is lost. The library has no such
	// impact.
	WouldReplace Impact = "WOULD_REPLACE"
)

// ResourceChange is the change of one resource.
type ResourceChange struct {
	Impact Impact
	// Properties are the properties that change, with the impact of each.
	Properties map[string]Impact
	// Attributes are what else changes, like DeletionPolicy.
	Attributes []string
}

// Statement is an IAM statement.
type Statement struct {
	Effect                         string
	Actions, Resources, Principals Values
	// Condition is the condition as JSON, or empty.
	Condition string
	// Unread is the statement where a function hides what it says.
	Unread string
}

// Values is a list of a statement, or all but the list.
type Values struct {
	Not    bool
	Values []string
}

// ManagedPolicy is a managed policy of a user, group or role.
type ManagedPolicy struct{ Identity, Policy string }

// Rule is a rule of a security group.
type Rule struct {
	// Direction is "in" or "out".
	Direction string
	GroupID   string
	Protocol  string `json:"ipProtocol"`
	// FromPort and ToPort are nil where the rule is for all ports.
	FromPort, ToPort *int
	Peer             struct {
		IP, SecurityGroupID, PrefixListID string
	}
}

// Diff compares the stacks of two assemblies, all in one run of Node.js. The
// library is found in the node_modules of dir, which npm ci fills.
func Diff(ctx context.Context, dir string, base, head *assembly.Assembly, only func(stack string) bool) (*Changes, error) {
	type templates struct {
		Stack string         `json:"stack"`
		Old   map[string]any `json:"old"`
		New   map[string]any `json:"new"`
	}
	input := map[string]templates{}
	for _, p := range match(base, head, only) {
		if p.changed() {
			input[p.key] = templates{p.name(), map[string]any{"Resources": p.old}, map[string]any{"Resources": p.new}}
		}
	}
	changes := &Changes{}
	if len(input) == 0 {
		return changes, nil
	}
	if _, err := os.Stat(filepath.Join(dir, "node_modules", library)); err != nil {
		return nil, fmt.Errorf("%s is not installed in %s: run npm ci there", library, dir)
	}
	stdin, err := json.Marshal(input)
	if err != nil {
		return nil, err
	}
	// Node.js looks for packages from the directory that it runs in.
	node := program.Command{Dir: dir, Input: string(stdin), Args: []string{"node", "--eval", diffJS}}
	stdout, err := node.Output(ctx)
	if err != nil {
		return nil, fmt.Errorf("the templates cannot be compared: %w; run npm ci, which installs %s", err, library)
	}
	if err := json.Unmarshal([]byte(stdout), changes); err != nil {
		return nil, fmt.Errorf("the templates cannot be compared: %s printed no changes: %w", library, err)
	}
	return changes, nil
}
