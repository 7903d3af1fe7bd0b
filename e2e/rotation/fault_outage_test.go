package rotation_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"akv-injector/e2e/azure/faults"
	"akv-injector/e2e/system"
)

// outage: a vault has too much to do, or does not work. The provider repeats such requests
// three times by itself. With the older driver this delays the other pods of the node, and
// so these faults are not made beside other tests; see neighbour.
func outage(t *testing.T, s *system.System) {
	for _, f := range []fault{
		{name: "Throttled", says: "Throttled", breaks: vaultFault(http.StatusTooManyRequests)},
		{name: "Unavailable", says: "ServiceUnavailable", breaks: vaultFault(http.StatusServiceUnavailable)},
	} {
		f.met, f.tries = metVault, 4
		f.fixes = func(t *system.Tenant) error { return t.Azure.SetVaultFault(t.Vault, nil) }
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			f.run(t, s)
		})
	}
}

func vaultFault(status int) func(*system.Tenant) error {
	return func(t *system.Tenant) error {
		return t.Azure.SetVaultFault(t.Vault, &faults.Fault{Status: status, RetryAfter: time.Second})
	}
}

// unreachable: nothing of Azure answers.
func unreachable(t *testing.T, s *system.System) {
	f := fault{
		name: "Unreachable", says: "connection refused", tries: 1,
		breaks: func(t *system.Tenant) error { return t.Azure.Pause() },
		fixes:  func(t *system.Tenant) error { return t.Azure.Resume(context.Background()) },
		// Azure knows nothing of it.
		met: func(t *system.Tenant) func() int {
			count := func() int { return strings.Count(t.Driver.ProviderLog(), "connection refused") }
			before := count()
			return func() int { return count() - before }
		},
		alone: true,
	}
	f.run(t, s)
}
