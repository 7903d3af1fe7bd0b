package entra_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"akv-injector/e2e/azure/faults"
)

func TestTokenFaults(t *testing.T) {
	f := newFixture(t, nil)
	get := func(ctx context.Context) error {
		_, err := f.workload(t).GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{vaultScope}})
		return err
	}
	set := func(fault *faults.Fault) {
		t.Helper()
		if err := f.SetFault(fault); err != nil {
			t.Fatal(err)
		}
	}
	set(&faults.Fault{Status: http.StatusServiceUnavailable, RetryAfter: time.Second, Times: 1})
	if err := get(t.Context()); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("want 503, got %v", err)
	}
	if err := get(t.Context()); err != nil {
		t.Errorf("it was for once: %v", err)
	}
	set(&faults.Fault{Reset: true})
	if err := get(t.Context()); err == nil {
		t.Error("a cut connection gave a token")
	}
	set(&faults.Fault{Hang: true, Times: 1})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := get(ctx); err == nil || !strings.Contains(err.Error(), context.DeadlineExceeded.Error()) {
		t.Errorf("want no answer, got %v", err)
	}
	set(nil)
	if err := get(t.Context()); err != nil {
		t.Error(err)
	}
	if err := f.SetFault(&faults.Fault{Status: 42}); err == nil {
		t.Error("a status that is none was taken")
	}
}

// A request that hangs on a fault is answered when the fault is cleared.
func TestHangingRequestIsLetGo(t *testing.T) {
	f := newFixture(t, nil)
	if err := f.SetFault(&faults.Fault{Hang: true, Times: 1}); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 2)
	for range 2 {
		credential := f.workload(t)
		go func() {
			_, err := credential.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{vaultScope}})
			done <- err
		}()
	}
	// The fault is for one of the two, so when the other is served, this one has met it.
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-done:
		t.Fatalf("neither hangs: %v", err)
	default:
	}
	if err := f.SetFault(nil); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}
