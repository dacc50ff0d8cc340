package cost

import (
	_ "embed"
	"encoding/json"
)

//go:embed prices.json
var pricesJSON []byte

// Price is what AWS asks for one unit.
type Price struct {
	// USD is the list price in US dollars.
	USD float64 `json:"usd"`
	// Unit is what it is asked for.
	Unit string `json:"unit"`
	// Source is AWS's page with the price.
	Source string `json:"source"`
}

// Prices are the prices of one region, as they were on a day.
type Prices struct {
	Region string           `json:"region"`
	Date   string           `json:"date"`
	Note   string           `json:"note"`
	Prices map[string]Price `json:"prices"`
}

// ListPrices returns the prices that this program knows.
func ListPrices() Prices {
	var p Prices
	if err := json.Unmarshal(pricesJSON, &p); err != nil {
		panic(err) // it is compiled in: a test would have failed
	}
	return p
}
