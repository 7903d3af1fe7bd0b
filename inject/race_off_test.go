//go:build !race

package inject_test

const race = false
