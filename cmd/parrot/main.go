// Command parrot turns the settings of package config into CloudFormation
// templates: npx cdk synth runs it.
package main

import (
	"os"

	"parrot"
	"parrot/config"
)

func main() {
	environments, err := config.Load()
	os.Exit(parrot.Run(environments, config.Delivery(), err, os.Stderr))
}
