// Package vaultchecks_test has akv-injector ask the stand-in for Azure what its vaults
// hold: first the reader and the handlers alone, under every fault that the stand-in
// knows, then the program as it is installed, with an API server and an identity that the
// API server's tokens stand for.
package vaultchecks_test

import (
	"testing"

	"akv-injector/e2e/cluster"
	"akv-injector/e2e/injector"
)

func TestMain(m *testing.M) { cluster.Main(m, injector.Options{}) }
