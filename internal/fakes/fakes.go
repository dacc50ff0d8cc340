// Package fakes says which tests run. The packages below it are what tests use
// instead of AWS and a database.
package fakes

import (
	"os"
	"testing"
)

// all says whether slow tests run. CI sets the variable.
var all = os.Getenv("PARROT_SLOW_TESTS") == "1"

// Slow skips a test that takes long, unless PARROT_SLOW_TESTS is 1.
func Slow(t testing.TB) {
	t.Helper()
	if !all {
		t.Skip("slow: set PARROT_SLOW_TESTS=1")
	}
}

// Every returns the step of a loop over many cases of one kind: 1 if
// PARROT_SLOW_TESTS is 1, so that all run, and otherwise n.
func Every(n int) int {
	if all {
		return 1
	}
	return n
}
