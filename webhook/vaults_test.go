package webhook

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admission/v1"

	"akv-injector/inject"
	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
	"akv-injector/keyvault"
)

// vaults are what tests say. An object of which nothing is said cannot be reached.
type vaults struct {
	mu sync.Mutex
	// said by the object, and fresh, which goes before it where no old answer is wanted.
	said, fresh map[string]vaultSays
	// cached are the objects whose answers are at hand.
	cached map[string]bool
	names  []namesOf
	// asked are the calls, and left the time that each had.
	asked []string
	left  map[string]time.Duration
	// wait is called by each call, before it answers.
	wait func(ctx context.Context)
}

type vaultSays struct {
	state *keyvault.State
	err   error
}

type namesOf struct {
	ref   keyvault.Ref
	names []string
}

func refKey(r keyvault.Ref) string {
	return strings.ToLower(r.Cloud + "/" + r.Vault + "/" + string(r.Type) + "/" + r.Name)
}

func (v *vaults) say(r keyvault.Ref, state *keyvault.State, err error) {
	if v.said == nil {
		v.said = map[string]vaultSays{}
	}
	v.said[refKey(r)] = vaultSays{state, err}
}

func (v *vaults) note(ctx context.Context, call string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.asked = append(v.asked, call)
	if until, ok := ctx.Deadline(); ok {
		if v.left == nil {
			v.left = map[string]time.Duration{}
		}
		v.left[call] = time.Until(until)
	}
}

func (v *vaults) answer(ctx context.Context, r keyvault.Ref, from map[string]vaultSays) (*keyvault.State, error) {
	if v.wait != nil {
		v.wait(ctx)
	}
	if ctx.Err() != nil {
		return nil, &keyvault.UnknownError{Vault: r.Vault, Reason: keyvault.Slow}
	}
	if says, ok := from[refKey(r)]; ok {
		return says.state, says.err
	}
	return nil, &keyvault.UnknownError{Vault: r.Vault, Reason: keyvault.Unreachable}
}

func (v *vaults) Cached(r keyvault.Ref) (*keyvault.State, bool) {
	if !v.cached[r.Name] {
		return nil, false
	}
	return v.said[refKey(r)].state, true
}

func (v *vaults) Object(ctx context.Context, r keyvault.Ref) (*keyvault.State, error) {
	v.note(ctx, "object "+r.Name)
	return v.answer(ctx, r, v.said)
}

func (v *vaults) Fresh(ctx context.Context, r keyvault.Ref, _ time.Duration) (*keyvault.State, error) {
	v.note(ctx, "fresh "+r.Name)
	if _, ok := v.fresh[refKey(r)]; ok {
		return v.answer(ctx, r, v.fresh)
	}
	return v.answer(ctx, r, v.said)
}

func (v *vaults) Names(ctx context.Context, _, vault string, t keyvault.Type) ([]string, error) {
	v.note(ctx, "names "+string(t))
	for _, n := range v.names {
		if n.ref.Vault == vault && n.ref.Type == t {
			return n.names, nil
		}
	}
	return nil, &keyvault.UnknownError{Vault: vault, Reason: keyvault.Unreachable}
}

// there is an object's state with one version in order.
func there() *keyvault.State {
	return &keyvault.State{Versions: []keyvault.Version{{ID: "a1", Enabled: true}}}
}

func secretRef(name string) keyvault.Ref {
	return keyvault.Ref{Cloud: provider.DefaultCloud, Vault: "payments-kv", Type: keyvault.Secret, Name: name}
}

// checking is a cluster whose namespace wants its vault asked.
func checking(mode string) *cluster {
	items := inPlace()
	items[0] = namespace(map[string]string{annotation.VaultChecks: mode, annotation.AllowedVaults: "payments-*"})
	return newCluster(items...)
}

func askingFor(tb testing.TB, objects string) *admissionv1.AdmissionReview {
	tb.Helper()
	return reviewOf(raw(tb, withAnnotation(asking(), annotation.Objects, objects)))
}

func TestCachedVaultAnswersCostNoCall(t *testing.T) {
	cl := checking(inject.VaultChecksEnforce)
	cl.vaults.say(secretRef("DB-Password"), there(), nil)
	cl.vaults.cached = map[string]bool{"db-password": true}
	a := cl.admission()
	if answer := answerOf(t, a.Mutate(), askingFor(t, "DB-Password")); !answer.Allowed || len(answer.Patch) == 0 {
		t.Errorf("want an injected pod, got %+v", answer)
	}
	if len(cl.vaults.asked) > 0 {
		t.Errorf("asked %q", cl.vaults.asked)
	}
}

// An old answer refuses nobody: the object may have been made since.
func TestNothingIsRefusedOnAnOldAnswer(t *testing.T) {
	for name, tc := range map[string]struct {
		fresh   vaultSays
		allowed bool
		warns   string
	}{
		"made since":      {vaultSays{state: there()}, true, ""},
		"still missing":   {vaultSays{state: &keyvault.State{}}, false, ""},
		"no longer known": {vaultSays{err: &keyvault.UnknownError{Vault: "payments-kv", Reason: keyvault.Throttled}}, true, "too many calls"},
	} {
		t.Run(name, func(t *testing.T) {
			cl := checking(inject.VaultChecksEnforce)
			cl.vaults.say(secretRef("new"), &keyvault.State{}, nil)
			cl.vaults.say(secretRef("old"), there(), nil)
			cl.vaults.fresh = map[string]vaultSays{refKey(secretRef("new")): tc.fresh}
			cl.vaults.cached = map[string]bool{"new": true, "old": true}
			kind := workloads()[0]
			pod := withAnnotation(asking(), annotation.Objects, "new, old")
			answer := answerOf(t, cl.admission().ValidateWorkload(), changeOf(t, kind, workloadOf(t, kind, pod), nil))
			if answer.Allowed != tc.allowed {
				t.Errorf("allowed %v, want %v: %+v", answer.Allowed, tc.allowed, answer.Result)
			}
			if diff := cmp.Diff([]string{"fresh new"}, cl.vaults.asked); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
			if tc.warns != "" && !strings.Contains(strings.Join(answer.Warnings, "\n"), tc.warns) {
				t.Errorf("warnings %q do not say %q", answer.Warnings, tc.warns)
			}
		})
	}
}

// Objects are asked about together, and for both decisions there is one time.
func TestVaultsAreAskedSideBySideWithinOneBudget(t *testing.T) {
	cl := checking(inject.VaultChecksEnforce)
	cl.vaultBudget = 50 * time.Millisecond
	const missing, slow = "missing", 7
	cl.vaults.say(secretRef(missing), &keyvault.State{}, nil)
	cl.vaults.cached = map[string]bool{missing: true}
	var waiting sync.WaitGroup
	waiting.Add(slow)
	all := make(chan struct{})
	go func() { waiting.Wait(); close(all) }()
	cl.vaults.wait = func(ctx context.Context) {
		select {
		case <-all: // the second decision
		default:
			waiting.Done()
			<-all // one after the other would wait here for ever
		}
		<-ctx.Done()
	}
	objects := missing
	for i := range slow {
		objects += ", slow-" + string(rune('a'+i))
	}
	answer := answerOf(t, cl.admission().Mutate(), askingFor(t, objects))
	if !answer.Allowed {
		t.Errorf("refused, though nothing is known in time: %s", answer.Result.Message)
	}
	if n := len(cl.vaults.asked); n != slow+1 {
		t.Errorf("asked %d times, want each slow object once and the missing one again: %q", n, cl.vaults.asked)
	}
	for call, left := range cl.vaults.left {
		if left > cl.vaultBudget || strings.HasPrefix(call, "fresh") && left > 0 {
			t.Errorf("%s had %s, and the first calls took all of %s", call, left, cl.vaultBudget)
		}
	}
}

func TestVaultHintsAreAsked(t *testing.T) {
	for _, hints := range []bool{false, true} {
		cl := checking(inject.VaultChecksEnforce)
		cl.vaultHints = hints
		cl.vaults.say(secretRef("DB-Pasword"), &keyvault.State{}, nil)
		cl.vaults.names = []namesOf{{secretRef(""), []string{"DB-Password", "Other"}}}
		answer := answerOf(t, cl.admission().Mutate(), askingFor(t, "DB-Pasword"))
		if answer.Allowed {
			t.Fatal("allowed")
		}
		if told := strings.Contains(answer.Result.Message, "DB-Password"); told != hints {
			t.Errorf("hints %v: %s", hints, answer.Result.Message)
		}
		if asked := slices.Contains(cl.vaults.asked, "names secret"); asked != hints {
			t.Errorf("hints %v: asked %q", hints, cl.vaults.asked)
		}
	}
}

func TestVaultsThatAreNotAsked(t *testing.T) {
	for name, change := range map[string]func(*cluster){
		"off in the namespace": func(c *cluster) {
			c.settings.VaultChecks = inject.VaultChecksEnforce
			c.cached.items[0] = namespace(map[string]string{annotation.VaultChecks: "off", annotation.AllowedVaults: "*"})
		},
		"off by default": func(c *cluster) {
			c.cached.items[0] = namespace(map[string]string{annotation.AllowedVaults: "*"})
		},
		"no fence": func(c *cluster) {
			c.cached.items[0] = namespace(map[string]string{annotation.VaultChecks: "enforce"})
		},
		"another fence": func(c *cluster) {
			c.cached.items[0] = namespace(map[string]string{annotation.VaultChecks: "enforce", annotation.AllowedVaults: "other-*"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			cl := checking(inject.VaultChecksEnforce)
			change(cl)
			cl.live.items = cl.cached.items
			a := cl.admission()
			answerOf(t, a.Mutate(), askingFor(t, "DB-Password"))
			answerOf(t, a.Validate(), askingFor(t, "DB-Password"))
			if len(cl.vaults.asked) > 0 {
				t.Errorf("asked %q", cl.vaults.asked)
			}
		})
	}
}
