package keyvault

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/go-logr/logr/funcr"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestObject(t *testing.T) {
	f := newFixture(t)
	f.service.set(func(*http.Request) answered {
		return listed(
			versionJSON("old", `"enabled":true,"created":1700000000`),
			versionJSON("new", `"enabled":false,"created":1750000000,"nbf":1740000000,"exp":1760000000`),
			`{"attributes":{}}`, // nothing that can be told apart
		)
	})
	got, err := f.Object(t.Context(), secret)
	if err != nil {
		t.Fatal(err)
	}
	want := &State{At: f.clock.Now(), Versions: []Version{
		{ID: "new", Created: time.Unix(1750000000, 0).UTC(), NotBefore: time.Unix(1740000000, 0).UTC(), Expires: time.Unix(1760000000, 0).UTC()},
		{ID: "old", Enabled: true, Created: time.Unix(1700000000, 0).UTC()},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !got.Exists() || got.Newest().ID != "new" || !got.IsNewest("new") || got.IsNewest("old") || got.IsNewest("none") || got.Version("none") != nil {
		t.Errorf("%+v", got)
	}
}

// Each type in each cloud is asked for where it is, and nothing but lists are.
func TestWhereIsAsked(t *testing.T) {
	for _, tc := range []struct {
		ref  Ref
		want string
	}{
		{Ref{"", "Payments-KV", Secret, "A"}, "payments-kv.vault.azure.net /secrets/a/versions"},
		{Ref{"AzurePublicCloud", "payments-kv", Key, "a"}, "payments-kv.vault.azure.net /keys/a/versions"},
		{Ref{"azureusgovernment", "payments-kv", Certificate, "a"}, "payments-kv.vault.usgovcloudapi.net /certificates/a/versions"},
		{Ref{"AzureChinaCloud", "payments-kv", Secret, "a"}, "payments-kv.vault.azure.cn /secrets/a/versions"},
		{Ref{"AzureGermanCloud", "payments-kv", Secret, "a"}, "payments-kv.vault.microsoftazure.de /secrets/a/versions"},
	} {
		f := newFixture(t)
		if _, err := f.Object(t.Context(), tc.ref); err != nil {
			t.Errorf("%+v: %v", tc.ref, err)
		}
		if diff := cmp.Diff([]string{tc.want}, f.service.calls); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", tc.ref, diff)
		}
	}
	f := newFixture(t)
	for _, typ := range []Type{Secret, Key, Certificate} {
		if _, err := f.Names(t.Context(), "", "payments-kv", typ); err != nil {
			t.Error(err)
		}
	}
	want := []string{"payments-kv.vault.azure.net /secrets", "payments-kv.vault.azure.net /keys", "payments-kv.vault.azure.net /certificates"}
	if diff := cmp.Diff(want, f.service.calls); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestQuestionsThatMakeNoSense(t *testing.T) {
	f := newFixture(t)
	for name, ref := range map[string]Ref{
		"no vault":         {Type: Secret, Name: "a"},
		"another host":     {Vault: "evil.example/x", Type: Secret, Name: "a"},
		"a path":           {Vault: "payments-kv", Type: Secret, Name: "../keys/a"},
		"a query":          {Vault: "payments-kv", Type: Secret, Name: "a?b"},
		"no name":          {Vault: "payments-kv", Type: Secret},
		"too long":         {Vault: "payments-kv", Type: Secret, Name: strings.Repeat("a", 128)},
		"no type":          {Vault: "payments-kv", Name: "a"},
		"no such cloud":    {Cloud: "Cumulus", Vault: "payments-kv", Type: Secret, Name: "a"},
		"AzureStackCloud":  {Cloud: "AzureStackCloud", Vault: "payments-kv", Type: Secret, Name: "a"},
		"type in a plural": {Vault: "payments-kv", Type: "secrets", Name: "a"},
	} {
		_, err := f.Object(t.Context(), ref)
		if ReasonOf(err) != Invalid || !strings.Contains(err.Error(), ";") && !strings.Contains(err.Error(), "which has") {
			t.Errorf("%s: %v", name, err)
		}
		if _, ok := f.Cached(ref); ok {
			t.Errorf("%s: cached", name)
		}
	}
	if n := f.service.count(); n > 0 {
		t.Errorf("%d calls", n)
	}
}

// A thousand callers who ask the same make one call, also those who come later.
func TestOneCallForAll(t *testing.T) {
	f := newFixture(t)
	var callers sync.WaitGroup
	for range 1000 {
		callers.Go(func() {
			if _, err := f.Object(t.Context(), secret); err != nil {
				t.Error(err)
			}
		})
	}
	callers.Wait()
	other := secret
	other.Name, other.Vault, other.Cloud = "DB-PASSWORD", "PAYMENTS-kv", "AzureCloud"
	if _, err := f.Object(t.Context(), other); err != nil {
		t.Error(err)
	}
	if n := f.service.count(); n != 1 {
		t.Errorf("%d calls", n)
	}
}

// Good news is believed for minutes, bad news for seconds, and failure not at all.
func TestHowLongAnswersAreBelieved(t *testing.T) {
	for name, tc := range map[string]struct {
		answer func(*http.Request) answered
		least  time.Duration // it is believed for that long
		most   time.Duration // and for less than that
	}{
		"there":     {nil, 4 * time.Minute, 6 * time.Minute},
		"missing":   {always(404, "SecretNotFound"), 9 * time.Second, 15 * time.Second},
		"forbidden": {always(403, "Forbidden"), 9 * time.Second, 15 * time.Second},
		"failing":   {always(500, ""), 0, 1},
		"disabled": {func(*http.Request) answered {
			return listed(versionJSON("a", `"enabled":false,"created":1`))
		}, 9 * time.Second, 15 * time.Second},
		"expired": {func(*http.Request) answered {
			return listed(versionJSON("a", `"enabled":true,"created":1,"exp":2`))
		}, 9 * time.Second, 15 * time.Second},
		"none, as an empty list": {func(*http.Request) answered {
			return listed()
		}, 9 * time.Second, 15 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.service.set(tc.answer)
			_, first := f.Object(t.Context(), secret)
			if tc.least > 0 {
				f.clock.Step(tc.least)
				if _, err := f.Object(t.Context(), secret); ReasonOf(err) != ReasonOf(first) || f.service.count() != 1 {
					t.Errorf("after %s: %d calls, %v", tc.least, f.service.count(), err)
				}
			}
			f.clock.Step(tc.most - tc.least)
			_, _ = f.Object(t.Context(), secret)
			if n := f.service.count(); n != 2 {
				t.Errorf("after %s: %d calls", tc.most, n)
			}
		})
	}
}

func TestFresh(t *testing.T) {
	f := newFixture(t)
	f.service.set(always(404, "SecretNotFound"))
	ask := func(want bool) {
		t.Helper()
		state, err := f.Fresh(t.Context(), secret, time.Second)
		if err != nil || state.Exists() != want {
			t.Errorf("%+v, %v; want it there: %v", state, err, want)
		}
	}
	ask(false)
	f.service.set(nil)
	f.clock.Step(time.Second)
	ask(false) // young enough
	f.clock.Step(1)
	ask(true)
	if n := f.service.count(); n != 2 {
		t.Errorf("%d calls", n)
	}
}

// Who leaves does not take the answer from those who stay, nor from who comes later.
func TestCallersComeAndGo(t *testing.T) {
	f := newFixture(t)
	called, answer := make(chan struct{}), make(chan struct{})
	f.service.set(func(req *http.Request) answered {
		close(called)
		<-answer
		page := listed(versionJSON("a1", `"enabled":true,"created":1`))
		page.err = req.Context().Err()
		return page
	})
	impatient, leave := context.WithCancel(t.Context())
	left, stayed := make(chan error, 1), make(chan error, 1)
	go func() { _, err := f.Object(impatient, secret); left <- err }()
	<-called
	go func() { _, err := f.Object(t.Context(), secret); stayed <- err }()
	leave()
	if err := <-left; ReasonOf(err) != Slow {
		t.Errorf("who left got %v", err)
	}
	close(answer)
	if err := <-stayed; err != nil {
		t.Errorf("who stayed got %v", err)
	}
	if _, ok := f.Cached(secret); !ok || f.service.count() != 1 {
		t.Errorf("%d calls, and the answer is kept: %v", f.service.count(), ok)
	}
}

func TestPages(t *testing.T) {
	page := func(more bool) func(req *http.Request) answered {
		n := 0
		return func(req *http.Request) answered {
			n++
			page := listed(versionJSON(fmt.Sprintf("v%d", n), fmt.Sprintf(`"enabled":true,"created":%d`, n)))
			if more || n < 3 {
				page.body = strings.TrimSuffix(page.body, "}") + fmt.Sprintf(`,"nextLink":"https://%s%s?api-version=7.6&$skiptoken=%d"}`, req.URL.Host, req.URL.Path, n)
			}
			return page
		}
	}
	f := newFixture(t)
	f.service.set(page(false))
	state, err := f.Object(t.Context(), secret)
	if err != nil || len(state.Versions) != 3 || state.Newest().ID != "v3" || state.Truncated {
		t.Errorf("%+v, %v", state, err)
	}
	f = newFixture(t, func(o *Options) { o.MaxPages = 4 })
	f.service.set(page(true))
	state, err = f.Object(t.Context(), secret)
	if err != nil || len(state.Versions) != 4 || !state.Truncated || state.Newest() != nil || !state.Exists() || f.service.count() != 4 {
		t.Errorf("%d calls, %+v, %v", f.service.count(), state, err)
	}
}

// What is remembered is bounded, whatever is asked.
func TestMemoryIsBounded(t *testing.T) {
	f := newFixture(t, func(o *Options) { o.MaxAnswers = 50 })
	for i := range 400 {
		ref := Ref{Vault: fmt.Sprintf("vault-%d", i), Type: Secret, Name: fmt.Sprintf("name-%d", i)}
		if _, err := f.Object(t.Context(), ref); err != nil {
			t.Fatal(err)
		}
	}
	// Those that fail are counted, and no longer once they are forgotten.
	f.service.set(always(429, ""))
	for i := range 2 * maxVaults {
		_, _ = f.Object(t.Context(), Ref{Vault: fmt.Sprintf("bad-%d", i), Type: Secret, Name: "a"})
	}
	if open := testutil.ToFloat64(f.metrics.open.WithLabelValues(otherVaults)); open != maxVaults {
		t.Errorf("%v vaults are left alone, of %d that are remembered", open, maxVaults)
	}
	if a, v, l := f.answers.lru.Len(), f.vaults.Len(), len(f.metrics.labels); a != 50 || v != maxVaults || l != maxLabels {
		t.Errorf("%d answers, %d vaults, %d labels", a, v, l)
	}
	families, err := f.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if n := len(family.GetMetric()); n > 2*(maxLabels+1) {
			t.Errorf("%s has %d series", family.GetName(), n)
		}
	}
}

// Nothing that a server says gets into an error or the log, and a panic gets there
// with its place.
func TestErrorsQuoteNobody(t *testing.T) {
	var logged strings.Builder
	f := newFixture(t, func(o *Options) {
		o.Log = funcr.New(func(_, line string) { logged.WriteString(line) }, funcr.Options{})
	})
	for _, answer := range []func(*http.Request) answered{
		always(403, "hunter2"), always(404, "hunter2"), always(418, "hunter2"), always(500, "hunter2"),
		func(*http.Request) answered { return answered{code: 200, body: "hunter2"} },
		func(*http.Request) answered { return answered{err: errors.New("hunter2")} },
		func(*http.Request) answered {
			return answered{code: 200, body: strings.Repeat(" ", maxAnswer+1)}
		},
		func(*http.Request) answered {
			return listed(`{"id":"hunter2","attributes":{}}`)
		},
		func(*http.Request) answered { panic("hunter2") },
	} {
		if logged.Len() > 0 {
			t.Errorf("logged before the panic: %s", &logged)
		}
		f.service.set(answer)
		f.clock.Step(time.Hour)
		_, err := f.Object(t.Context(), secret)
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v", err)
		}
	}
	if l := logged.String(); strings.Contains(l, "hunter2") || !strings.Contains(l, "reader_test.go") || !strings.Contains(l, secret.Vault) {
		t.Errorf("logged of the panic: %s", l)
	}
}

// The identity may come later: a projected token, a credential that was missing.
func TestIdentityThatComesLater(t *testing.T) {
	missing := errors.New("no client ID specified")
	f := newFixture(t, func(o *Options) {
		o.Credential = func(policy.ClientOptions) (azcore.TokenCredential, error) { return anybody{}, missing }
	})
	if _, err := f.Object(t.Context(), secret); ReasonOf(err) != NoIdentity {
		t.Errorf("%v", err)
	}
	missing = nil
	if _, err := f.Object(t.Context(), secret); err != nil {
		t.Error(err)
	}
}
