package config

// rootDomain is dev's domain; stage and prod have subdomains of it.
const rootDomain = "bkgstock.com"

// All returns every environment in the order of promotion, without its
// released images.
func All() []Environment {
	return []Environment{Dev(), Stage(), Prod()}
}

// Delivery returns the pipeline that promotes every commit of a branch through
// All. Without a connection there is no pipeline: docs/pipeline.md says how to make
// a connection.
func Delivery() Pipeline {
	return Pipeline{
		ConnectionARN:      "",
		Repository:         "",
		Directory:          "",
		Branch:             "main",
		NotificationEmails: []string{},
	}
}

// Dev returns the system as its owner runs it today. It can be destroyed and
// deployed again.
func Dev() Environment {
	e := base("dev", rootDomain)
	e.Network.VPC = "10.10.0.0/24"
	e.Network.DataAccess = DataFromVPC
	e.Backend.Repository = "parrot-backend"
	e.Backend.SeedDB = true
	e.Frontend.Repository = "parrot-frontend"
	return e
}

// Stage returns a small prod: what breaks here would break there.
func Stage() Environment {
	e := base("stage", "stage."+rootDomain)
	e.protect()
	e.Network.VPC = "10.11.0.0/24"
	e.Database.BackupRetentionDays = 7
	return e
}

// Prod can lose a task, a zone and a colleague's laptop.
func Prod() Environment {
	e := base("prod", "prod."+rootDomain)
	e.protect()
	e.Production = true
	e.Network.VPC = "10.12.0.0/24"
	e.Database.BackupRetentionDays = 30
	e.Database.RotationDays = 30
	e.LogRetentionDays = 90
	e.Monitoring.RollbackOnErrors = true
	return e
}
