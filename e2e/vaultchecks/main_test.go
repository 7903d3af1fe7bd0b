// Package vaultchecks_test has akv-injector ask the stand-in for Azure what its vaults
// hold: first the reader and the handlers alone, under every fault that the stand-in
// knows, then the program as it is installed, with an API server and an identity that the
// API server's tokens stand for.
package vaultchecks_test

import (
	"testing"
	"time"

	"akv-injector/e2e/cluster"
	"akv-injector/e2e/injector"
	"akv-injector/internal/testing/await"
)

// On a busy machine answers are late: those of the handlers, and more so the program's,
// which come from vaults by way of the API server.
var (
	soon      = await.Poll{Limit: 2 * time.Minute}
	unhurried = await.Poll{Limit: 3 * time.Minute}
)

func TestMain(m *testing.M) { cluster.Main(m, injector.Options{}) }
