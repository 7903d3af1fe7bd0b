package vault_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"akv-injector/e2e/azure/faults"
	"akv-injector/e2e/azure/vault"
)

func setFault(t *testing.T, s *stand, name string, f *faults.Fault) {
	t.Helper()
	if err := s.SetFault(name, f); err != nil {
		t.Fatal(err)
	}
}

// statuses are those of all calls so far.
func (s *stand) statuses() []int {
	var got []int
	for _, call := range s.Audit() {
		got = append(got, call.Status)
	}
	return got
}

func TestThrottledClientWaitsAndRetries(t *testing.T) {
	s := newStand(t)
	s.addSecret(t, "one", "value")
	client := s.secretsAt(t, demoURL, 3)
	setFault(t, s, "demo-kv", &faults.Fault{Status: http.StatusTooManyRequests, RetryAfter: 300 * time.Millisecond, Times: 1})
	began := time.Now()
	got, err := client.GetSecret(t.Context(), "one", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	// The header has whole seconds, and the client no other reason to wait as long.
	if took := time.Since(began); took < time.Second {
		t.Errorf("answered after %s: the Retry-After of one second was not honoured", took)
	}
	if *got.Value != "value" {
		t.Errorf("got %q", *got.Value)
	}
	if diff := cmp.Diff([]int{429, 401, 200}, s.statuses()); diff != "" {
		t.Errorf("statuses, -want +got:\n%s", diff)
	}
}

func TestFaultWithAStatus(t *testing.T) {
	for status, code := range map[int]string{
		http.StatusTooManyRequests:     "Throttled",
		http.StatusInternalServerError: "InternalServerError",
		http.StatusServiceUnavailable:  "ServiceUnavailable",
		http.StatusGatewayTimeout:      "GatewayTimeout",
		http.StatusForbidden:           "Forbidden",
		599:                            "599",
	} {
		s := newStand(t)
		s.addSecret(t, "one", "value")
		client := s.secrets(t)
		setFault(t, s, "demo-kv", &faults.Fault{Status: status, Times: 2})
		for range 2 {
			_, err := client.GetSecret(t.Context(), "one", "", nil)
			wantRefusal(t, err, status, code, "")
		}
		if _, err := client.GetSecret(t.Context(), "one", "", nil); err != nil {
			t.Errorf("%d: the third of two times: %v", status, err)
		}
	}
}

func TestFaultThatRefusesTokens(t *testing.T) {
	s := newStand(t)
	setFault(t, s, "demo-kv", &faults.Fault{Status: http.StatusUnauthorized})
	_, err := s.secrets(t).GetSecret(t.Context(), "one", "", nil)
	wantRefusal(t, err, http.StatusUnauthorized, "Unauthorized", "")
}

func TestFaultsOfOneVaultAndOfAll(t *testing.T) {
	s := newStand(t)
	if err := s.CreateVault("other-kv"); err != nil {
		t.Fatal(err)
	}
	status := func(name string) int {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+name+".vault.azure.net/secrets?api-version=7.4", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w.Code
	}
	want := func(what string, demo, other int) {
		t.Helper()
		if gotDemo, gotOther := status("demo-kv"), status("other-kv"); gotDemo != demo || gotOther != other {
			t.Errorf("%s: demo-kv %d, other-kv %d; want %d, %d", what, gotDemo, gotOther, demo, other)
		}
	}
	setFault(t, s, "Demo-KV", &faults.Fault{Status: 500})
	want("one's own", 500, 200)
	setFault(t, s, "*", &faults.Fault{Status: 503})
	want("and all", 500, 503)
	setFault(t, s, "demo-kv", &faults.Fault{Status: 429})
	want("replaced", 429, 503)
	setFault(t, s, "demo-kv", nil)
	want("own cleared", 503, 503)
	setFault(t, s, "demo-kv", &faults.Fault{Status: 500, Times: 1})
	want("own for once", 500, 503)
	want("own used up", 503, 503)
	setFault(t, s, "demo-kv", &faults.Fault{Status: 500})
	setFault(t, s, "*", nil)
	want("all cleared", 200, 200)
	setFault(t, s, "*", &faults.Fault{Status: 503})
	if err := s.CreateVault("third-kv"); err != nil {
		t.Fatal(err)
	}
	if got := status("third-kv"); got != 503 {
		t.Errorf("a vault made later: %d, want 503", got)
	}
	setFault(t, s, "*", nil)
	setFault(t, s, "demo-kv", &faults.Fault{Status: 500})
	if err := errors.Join(s.DeleteVault("demo-kv"), s.CreateVault("demo-kv")); err != nil {
		t.Fatal(err)
	}
	want("a vault regenerated", 200, 200)
}

func TestFaultsThatMakeNoSense(t *testing.T) {
	s := newStand(t)
	for _, f := range []faults.Fault{
		{},
		{Status: 200},
		{Status: 600},
		{RetryAfter: time.Second},
		{Status: 429, RetryAfter: -1},
		{Hang: true, Status: 500},
		{Hang: true, Reset: true},
		{Times: 3},
		{Delay: -1},
		{Reset: true, Times: -1},
	} {
		if err := s.SetFault("demo-kv", &f); err == nil {
			t.Errorf("%+v was taken", f)
		}
	}
	if err := s.SetFault("other-kv", &faults.Fault{Reset: true}); err == nil {
		t.Error("a fault of no vault was taken")
	}
}

// The client has the status and a part of the body when the connection ends.
func TestResetCutsTheBody(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		s := newStand(t)
		s.addSecret(t, "one", strings.Repeat("x", 20<<10))
		if http2 {
			s.server.Close()
			s.server = httptest.NewUnstartedServer(s.Service)
			s.server.EnableHTTP2 = true
			s.server.StartTLS()
			t.Cleanup(s.server.Close)
		}
		s.server.Config.ErrorLog = nil
		transport := s.transport()
		transport.ForceAttemptHTTP2 = http2
		t.Cleanup(transport.CloseIdleConnections)
		get := func() (int, error) {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, demoURL+"secrets/one?api-version=7.4", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer "+token)
			answer, err := transport.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			if http2 != (answer.ProtoMajor == 2) {
				t.Fatalf("the protocol is %s", answer.Proto)
			}
			body, err := io.ReadAll(answer.Body)
			return len(body), err
		}
		whole, err := get()
		if err != nil {
			t.Fatal(err)
		}
		setFault(t, s, "demo-kv", &faults.Fault{Reset: true, Times: 1})
		if part, err := get(); err == nil || part == 0 || part >= whole {
			t.Errorf("%d of %d bytes, error %v: want a part, and an error", part, whole, err)
		}
		if again, err := get(); err != nil || again != whole {
			t.Errorf("the second of one time: %d bytes, %v", again, err)
		}
		if diff := cmp.Diff([]int{200, 200, 200}, s.statuses()); diff != "" {
			t.Errorf("statuses, -want +got:\n%s", diff)
		}
	}
}

// An SDK client takes a cut answer for a passing fault.
func TestResetIsRetriedByTheSDK(t *testing.T) {
	s := newStand(t)
	s.addSecret(t, "one", "value")
	client := s.secretsAt(t, demoURL, 3)
	if _, err := client.GetSecret(t.Context(), "one", "", nil); err != nil {
		t.Fatal(err)
	}
	setFault(t, s, "demo-kv", &faults.Fault{Reset: true, Times: 1})
	if got, err := client.GetSecret(t.Context(), "one", "", nil); err != nil || *got.Value != "value" {
		t.Errorf("got %v", err)
	}
}

// served runs a request in the background; the channel has its status, or 0
// when it ended without an answer.
func (s *stand) served(ctx context.Context) <-chan int {
	done := make(chan int, 1)
	go func() {
		w := httptest.NewRecorder()
		defer func() {
			if recover() != nil {
				done <- 0
				return
			}
			done <- w.Code
		}()
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, demoURL+"secrets?api-version=7.4", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		s.ServeHTTP(w, r)
	}()
	return done
}

func pending(done <-chan int) bool {
	select {
	case <-done:
		return false
	default:
		return true
	}
}

func TestHangEndsWithItsRequestOrTheFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stand{now: start}
		s.Service = vault.New(s.config())
		if err := s.CreateVault("demo-kv"); err != nil {
			t.Fatal(err)
		}
		setFault(t, s, "demo-kv", &faults.Fault{Hang: true, Times: 3})
		ctx, cancel := context.WithCancel(t.Context())
		left := s.served(ctx)
		stays := s.served(t.Context())
		replaced := s.served(t.Context())
		synctest.Wait()
		if got := <-s.served(t.Context()); got != http.StatusOK {
			t.Errorf("the fourth of three times: %d", got)
		}
		time.Sleep(24 * time.Hour) // of the bubble's clock
		if !pending(left) || !pending(stays) || !pending(replaced) {
			t.Error("a request does not hang")
		}
		waiting := func(want int) {
			t.Helper()
			if got := s.Waiting("Demo-KV"); got != want {
				t.Errorf("%d requests wait, want %d", got, want)
			}
		}
		waiting(3)
		cancel()
		if got := <-left; got != 0 {
			t.Errorf("the one whose caller left: %d", got)
		}
		waiting(2)
		if !pending(stays) {
			t.Error("one caller's leaving ended another's request")
		}
		setFault(t, s, "demo-kv", &faults.Fault{Status: 500})
		waiting(0)
		if a, b := <-stays, <-replaced; a != http.StatusOK || b != http.StatusOK {
			t.Errorf("when the fault was replaced: %d, %d; want what hung to be served", a, b)
		}
		if diff := cmp.Diff([]int{200, 0, 200, 200}, s.statuses()); diff != "" {
			t.Errorf("statuses, -want +got:\n%s", diff)
		}
		if first := s.Audit()[1]; first.Action == "" || first.Vault != "demo-kv" {
			t.Errorf("the one that was never answered is %+v", first)
		}
	})
}

func TestDelayComesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stand{now: start}
		s.Service = vault.New(s.config())
		if err := s.CreateVault("demo-kv"); err != nil {
			t.Fatal(err)
		}
		took := func(ctx context.Context) (int, time.Duration) {
			began := time.Now()
			return <-s.served(ctx), time.Since(began)
		}
		setFault(t, s, "demo-kv", &faults.Fault{Delay: time.Minute})
		if status, d := took(t.Context()); status != http.StatusOK || d != time.Minute {
			t.Errorf("delay alone: %d after %s", status, d)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if status, d := took(ctx); status != 0 || d != time.Second {
			t.Errorf("whose caller leaves after a second: %d after %s", status, d)
		}
		setFault(t, s, "demo-kv", &faults.Fault{Delay: time.Minute, Status: 503})
		if status, d := took(t.Context()); status != 503 || d != time.Minute {
			t.Errorf("with a status: %d after %s", status, d)
		}
		done := s.served(t.Context())
		synctest.Wait()
		setFault(t, s, "demo-kv", nil)
		if status := <-done; status != http.StatusOK {
			t.Errorf("cleared while delayed: %d", status)
		}
	})
}

// A client with a deadline of its own is not held by a vault that hangs.
func TestHangEndsWithTheClientsDeadline(t *testing.T) {
	s := newStand(t)
	setFault(t, s, "demo-kv", &faults.Fault{Hang: true})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := s.secrets(t).GetSecret(ctx, "one", "", nil)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}
