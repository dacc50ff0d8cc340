// Package keys has the names that a template and the program of the rotation
// function share. It is apart from package config so that the program does not
// change, and is not deployed again, when a setting does.
package keys

// The keys of the secrets' JSON.
const (
	Username = "username"
	Password = "password"
	Host     = "host"
	Port     = "port"
	DBName   = "dbname"
	// URL is the connection URL, which tasks get as DATABASE_URL.
	URL = "url"
	// SigningKey is the value of a key that signs tokens.
	SigningKey = "key"
	// AuthToken is the AUTH token of Redis.
	AuthToken = "token"
)

// The environment variables of the rotation function.
const (
	// DBInstance is the identifier of the database.
	DBInstance = "DB_INSTANCE"
	// Projection is the ARN of the secret with the connection URL.
	Projection = "PROJECTION"
	// Clusters and Services are the services whose tasks read the secret: the
	// names of the clusters and of the services in them, in the same order,
	// separated by commas.
	Clusters = "CLUSTER"
	Services = "SERVICE"
)
