// Package synthtest gives tests Parrot's synthesized templates: of environments that
// the tests know, and not of the shipped ones, which change.
package synthtest

import (
	"encoding/json"
	"os"
	"strings"

	"parrot"
	"parrot/config"
	"parrot/internal/documents"
)

// The released images of the tests.
var (
	TaggedImage   = config.Image{Tag: "20260102030405-0a1b2c3"}
	DigestedImage = config.Image{Tag: "20260102030405-0a1b2c3", Digest: "sha256:" + strings.Repeat("ab", 32)}
)

// Released returns an environment as it runs, with an image of each service.
func Released(env config.Environment) config.Environment {
	env.Backend.Image, env.Frontend.Image = DigestedImage, TaggedImage
	return env
}

// App has a file in the place of the program that rotates passwords: no test of
// templates has to build it.
var App = parrot.App{RotationCode: documents.Path("internal/synthtest/testdata/rotation")}

// Described returns dev as the system's description has it: what the tests say of
// Parrot they say of this, and not of the shipped settings, which change.
func Described() config.Environment {
	document, err := os.ReadFile(documents.Path("config/testdata/described.json"))
	if err != nil {
		panic(err)
	}
	var env config.Environment
	if err := json.Unmarshal(document, &env); err != nil {
		panic(err)
	}
	return Released(env)
}

// Production returns the described system with all guards and options on.
func Production() config.Environment {
	env := Described()
	env.Name, env.Domain, env.Network.VPC = "prod", "prod.bkgstock.com", "10.12.0.0/24"
	env.Database.Identifier = env.PhysicalName("db")
	env.Backend.Repository, env.Frontend.Repository = env.PhysicalName("backend"), env.PhysicalName("frontend")
	env.Production, env.RetainData, env.DeletionProtection, env.TerminationProtection = true, true, true, true
	env.Network.NATGateways, env.Network.TaskSubnets = config.NATOnePerAZ, config.TasksPrivate
	env.Network.DataAccess, env.Network.FlowLogs, env.Edge.AccessLogs = config.DataFromBackend, true, true
	env.Database.MultiAZ, env.Database.BackupRetentionDays, env.Database.RotationDays = true, 30, 30
	env.Redis.Enabled = true
	env.Backend.SeedDB, env.Backend.MigrationCommand = false, []string{"npx", "prisma", "migrate", "deploy"}
	env.Backend.CABundle = "/etc/ssl/certs/rds-global-bundle.pem"
	env.Backend.DesiredCount, env.Frontend.DesiredCount = 2, 2
	env.Monitoring.Alarms, env.Monitoring.RollbackOnErrors = config.AlarmsAll, true
	env.Monitoring.PageEmails = []string{"oncall@acme.example"}
	env.Monitoring.TicketEmails = []string{"team@acme.example", "oncall@acme.example"}
	return env
}

// Fixtures returns the environments that the tests know.
func Fixtures() []config.Environment { return []config.Environment{Described(), Production()} }

// Delivery returns the pipeline of the fixtures, configured as a user would.
func Delivery() config.Pipeline {
	return config.Pipeline{
		ConnectionARN:      "arn:aws:codeconnections:us-east-1:123456789012:connection/01234567-89ab-cdef-0123-456789abcdef",
		Repository:         "acme/shop",
		Branch:             "main",
		NotificationEmails: []string{"team@acme.example"},
	}
}
