package config

import (
	"bytes"
	"encoding/json"
	"os"
)

// described returns dev as the system's description has it. Tests change it, and not
// what the environments are today: that is their team's.
func described() Environment {
	document, err := os.ReadFile("testdata/described.json")
	if err != nil {
		panic(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.DisallowUnknownFields()
	var e Environment
	if err := decoder.Decode(&e); err != nil {
		panic(err)
	}
	return e
}

// stage returns an environment that shares nothing with the described one.
func stage() Environment { return apart("stage", "10.11.0.0/24") }

// production returns one whose guards are on.
func production() Environment {
	e := apart("prod", "10.12.0.0/24")
	e.Production, e.RetainData, e.DeletionProtection, e.TerminationProtection = true, true, true, true
	e.Backend.SeedDB, e.Database.BackupRetentionDays = false, 7
	e.Backend.DesiredCount, e.Frontend.DesiredCount = 2, 2
	return e
}

func apart(name, vpc string) Environment {
	e := described()
	e.Name, e.Domain, e.Network.VPC = name, name+".bkgstock.com", vpc
	e.Database.Identifier = e.PhysicalName("db")
	e.Backend.Repository, e.Frontend.Repository = e.PhysicalName("backend"), e.PhysicalName("frontend")
	return e
}

// three returns the environments of most tests that need several.
func three() []Environment { return []Environment{described(), stage(), production()} }
