package assembly_test

import (
	"fmt"
	"log"

	"parrot/internal/assembly"
)

func Example() {
	shop, err := assembly.Load("testdata/shop")
	if err != nil {
		log.Fatal(err)
	}
	database := shop.Stack("Data").OfType("AWS::RDS::DBInstance")[0]
	fmt.Println(database.Text("MasterUserPassword"))
	for _, reference := range database.References() {
		fmt.Println(reference.Path, "→", reference.To)
	}
	for _, use := range shop.Stack("Network").Resource("DatabaseGroup").UsedBy() {
		fmt.Println(use.From.LogicalID, "imports", use.Export)
	}
	// Output:
	// {{resolve:secretsmanager:${Data.Password}:SecretString:password::}}
	// MasterUserPassword → ${Data.Password}
	// VPCSecurityGroups.0 → ${Network.DatabaseGroup.GroupId}
	// Database imports Network:DatabaseGroupId
}
