package vaultchecks_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"akv-injector/e2e/azure"
	"akv-injector/e2e/azure/faults"
	"akv-injector/e2e/azure/front"
	"akv-injector/webhook"
)

// late is what is said of a vault whose answer did not come while the admission could wait.
const late = "did not answer in time"

// answerTime is when the API server stops waiting: see deploy/install.yaml.
const answerTime = 5 * time.Second

// Whatever is wrong with a vault or the way to it: nothing is refused, no admission waits
// longer than it may, and a warning says what was not checked and why. A vault that fails
// is soon left alone, and asked again when its time has come; then a typo is refused as
// before.
func TestFaults(t *testing.T) {
	t.Parallel()
	vaultFault := func(fault faults.Fault) func(*testing.T, *fixture) {
		return func(t *testing.T, f *fixture) {
			t.Helper()
			if err := f.SetVaultFault(vaultName, &fault); err != nil {
				t.Fatal(err)
			}
		}
	}
	tokenFault := func(fault faults.Fault) func(*testing.T, *fixture) {
		return func(t *testing.T, f *fixture) {
			t.Helper()
			if err := f.SetTokenFault(&fault); err != nil {
				t.Fatal(err)
			}
		}
	}
	certificate := func(fault front.CertificateFault) func(*testing.T, *fixture) {
		return func(t *testing.T, f *fixture) {
			t.Helper()
			if err := f.SetCertificateFault(t.Context(), fault); err != nil {
				t.Fatal(err)
			}
		}
	}
	fixed := func(t *testing.T, f *fixture) {
		t.Helper()
		for _, err := range []error{
			f.SetVaultFault(vaultName, nil), f.SetTokenFault(nil), f.SetCertificateFault(t.Context(), front.CertificateGood), f.Resume(t.Context()),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		f.SetDNSDelay(0)
		assign(t, f.Server, f.identity)
	}
	for name, tc := range map[string]struct {
		fault func(*testing.T, *fixture)
		says  string
		// one is set where the fault is each object's own, and no reason to leave the
		// vault alone.
		one bool
		// wait is for how long the vault wants to be left alone, if it says so.
		wait time.Duration
		// unidentified is set where no token was given before the fault.
		unidentified bool
	}{
		"401":                        {fault: vaultFault(faults.Fault{Status: 401}), says: "did not accept the identity's token (401)"},
		"403":                        {fault: vaultFault(faults.Fault{Status: 403}), says: "does not let the identity read metadata (403)", one: true},
		"404 of another server":      {fault: vaultFault(faults.Fault{Status: 404}), says: "gave an answer that Key Vault does not give"},
		"429":                        {fault: vaultFault(faults.Fault{Status: 429}), says: "too many calls (429)"},
		"429 with Retry-After":       {fault: vaultFault(faults.Fault{Status: 429, RetryAfter: 5 * time.Minute}), says: "too many calls (429)", wait: 5 * time.Minute},
		"500":                        {fault: vaultFault(faults.Fault{Status: 500}), says: "error of its own (5xx)"},
		"503 with Retry-After":       {fault: vaultFault(faults.Fault{Status: 503, RetryAfter: 3 * time.Minute}), says: "error of its own (5xx)", wait: 3 * time.Minute},
		"hang":                       {fault: vaultFault(faults.Fault{Hang: true}), says: late},
		"slower than the budget":     {fault: vaultFault(faults.Fault{Delay: time.Minute}), says: late},
		"reset in the middle":        {fault: vaultFault(faults.Fault{Reset: true}), says: "could not be reached"},
		"expired certificate":        {fault: certificate(front.CertificateExpired), says: "has a certificate that is not its own"},
		"another host's certificate": {fault: certificate(front.CertificateWrongHost), says: "has a certificate that is not its own"},
		"another CA's certificate":   {fault: certificate(front.CertificateUnknownAuthority), says: "has a certificate that is not its own"},
		"slow DNS":                   {fault: func(_ *testing.T, f *fixture) { f.SetDNSDelay(time.Minute) }, says: late},
		"connection refused": {fault: func(t *testing.T, f *fixture) {
			t.Helper()
			if err := f.Pause(); err != nil {
				t.Fatal(err)
			}
		}, says: "could not be reached"},
		"no role": {fault: func(t *testing.T, f *fixture) {
			t.Helper()
			scope, err := f.VaultScope(vaultName)
			if err == nil {
				err = f.UnassignRole(reader, f.identity.PrincipalID, scope)
			}
			if err != nil {
				t.Fatal(err)
			}
		}, says: "does not let the identity read metadata (403)", one: true},
		"no token":       {fault: tokenFault(faults.Fault{Status: 500}), says: "was not queried: there is no token", unidentified: true},
		"a token's hang": {fault: tokenFault(faults.Fault{Hang: true}), says: late, unidentified: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, azure.Options{})
			if tc.says == late {
				f.newReader(t, impatient)
			}
			a := f.admission()
			n := 0
			// there makes an object, of which nothing is cached.
			there := func() string {
				n++
				f.secret(t, fmt.Sprintf("object-%d", n))
				return fmt.Sprintf("object-%d", n)
			}
			if !tc.unidentified {
				awaitChecked(t, f, a, there)
			}

			tc.fault(t, f)
			open, told := false, 0
			for range 20 {
				began := time.Now()
				answer := apply(t, a, there(), fmt.Sprintf("missing-%d", n))
				if took := time.Since(began); took > answerTime {
					t.Errorf("answered after %s", took)
				}
				if !answer.Allowed {
					t.Fatalf("refused: %s", answer.Result.Message)
				}
				warnings := strings.Join(answer.Warnings, "\n")
				if !strings.Contains(warnings, "AKV020") || !strings.Contains(warnings, "not checked") {
					t.Fatalf("warnings %q do not say that nothing was checked", answer.Warnings)
				}
				switch {
				case strings.Contains(warnings, tc.says):
					told++
				case !strings.Contains(warnings, late): // which a busy machine makes of any fault
					t.Fatalf("warnings %q do not say %q", answer.Warnings, tc.says)
				}
				if open = strings.Contains(warnings, "is left alone for a moment"); open {
					break
				}
			}
			if told == 0 {
				t.Errorf("after 20 admissions none was told that the vault %s", tc.says)
			}
			if open == tc.one {
				t.Fatalf("after 20 admissions the vault is left alone: %v", open)
			}
			if open {
				f.wantLeftAlone(t, a, there, tc.wait)
			}

			fixed(t, f)
			awaitChecked(t, f, a, there)
		})
	}
}

// wantLeftAlone wants that nobody calls the vault, for as long as it said.
func (f *fixture) wantLeftAlone(t *testing.T, a *webhook.Admission, there func() string, wait time.Duration) {
	t.Helper()
	if wait > 0 {
		f.clock.Step(wait - time.Second)
	}
	// A call that had begun before may come to its end yet.
	soon.Require(t, "the last call to end", func(context.Context) (bool, string) {
		n := f.Vault().Waiting(vaultName)
		return n == 0, fmt.Sprintf("%d calls", n)
	})
	f.ClearAudit()
	for range 5 {
		if answer := apply(t, a, there()); !answer.Allowed || !strings.Contains(strings.Join(answer.Warnings, "\n"), "is left alone") {
			t.Errorf("while the vault is left alone: %+v", answer)
		}
	}
	if calls := f.Vault().Audit(); len(calls) > 0 {
		t.Errorf("the vault is left alone, and was called: %+v", calls)
	}
}

// awaitChecked waits until a typo is refused and an object that is there passes without a
// word. The time of the reader goes by meanwhile.
func awaitChecked(t *testing.T, f *fixture, a *webhook.Admission, there func() string) {
	t.Helper()
	soon.Require(t, "objects to be checked", func(context.Context) (bool, string) {
		f.clock.Step(time.Minute)
		right, wrong := apply(t, a, there()), apply(t, a, there()+"x")
		admitted := right.Allowed && len(right.Warnings) == 0
		refused := !wrong.Allowed && wrong.Result.Code == http.StatusUnprocessableEntity && strings.Contains(wrong.Result.Message, "AKV020")
		return admitted && refused, fmt.Sprintf("right: %+v\nwrong: %+v", right, wrong)
	})
}
