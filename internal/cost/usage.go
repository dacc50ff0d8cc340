package cost

// hoursPerMonth is what AWS's own calculator counts with.
const hoursPerMonth = 730

// Usage is what a month's bill depends on and no template says. All of it is of
// one environment.
type Usage struct {
	// Requests is how many requests a month the load balancer gets.
	Requests float64 `json:"requests"`
	// ResponseKB is the size of an answer on average, in thousands of bytes.
	ResponseKB float64 `json:"responseKB"`
	// LogKB is what a request writes to the logs, in thousands of bytes.
	LogKB float64 `json:"logKB"`
	// DatabaseLogGB is what the database writes to its logs.
	DatabaseLogGB float64 `json:"databaseLogGB"`
	// FlowLogGB is what the VPC's flow logs write, where they are on.
	FlowLogGB float64 `json:"flowLogGB"`
	// BucketGB is what a bucket holds: access logs, or the pipeline's artifacts.
	BucketGB float64 `json:"bucketGB"`
	// ImageGB is the images of one repository, shared layers counted once.
	ImageGB float64 `json:"imageGB"`
	// NATGB is what goes out and in through the NAT gateways.
	NATGB float64 `json:"natGB"`
	// Builds is how often the pipeline runs.
	Builds float64 `json:"builds"`
	// BuildMinutes is how long each of its steps runs on average, and
	// ActionMinutes how long all actions of a run take together.
	BuildMinutes  float64 `json:"buildMinutes"`
	ActionMinutes float64 `json:"actionMinutes"`
}

// QuietUsage returns a team trying its product: some 3,000 requests a day.
func QuietUsage() Usage {
	return Usage{
		Requests: 100_000, ResponseKB: 20, LogKB: 2, DatabaseLogGB: 0.1, FlowLogGB: 1, BucketGB: 1,
		ImageGB: 1.5, NATGB: 5, Builds: 30, BuildMinutes: 3, ActionMinutes: 45,
	}
}

const kbPerGB = 1_000_000

func (u Usage) gbOut() float64 { return u.Requests * u.ResponseKB / kbPerGB }
func (u Usage) logGB() float64 { return u.Requests * u.LogKB / kbPerGB }

// lcus returns the load balancer's capacity units, on average over the month: 25 new
// connections a second or 1 GB an hour each, if every request is a connection.
// https://aws.amazon.com/elasticloadbalancing/pricing/
func (u Usage) lcus() float64 {
	return max(u.Requests/(hoursPerMonth*3600)/25, u.gbOut()/hoursPerMonth)
}
