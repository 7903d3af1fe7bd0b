//go:build race

package inject_test

// Under the race detector sync.Pool drops what it is given at random, so that what is allocated says nothing, and everything
// takes ten times as long. `make verify` runs these tests without it.
const race = true
