package status

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"akv-injector/keyvault"
)

// fakeReader answers by a func, and counts.
type fakeReader struct {
	answer func(ref keyvault.Ref, maxAge time.Duration) (*keyvault.State, error)

	mu         sync.Mutex
	asked      []string
	now, most  int
	everyoneIn chan struct{}
}

func (f *fakeReader) Fresh(_ context.Context, ref keyvault.Ref, maxAge time.Duration) (*keyvault.State, error) {
	f.mu.Lock()
	f.asked = append(f.asked, fmt.Sprintf("%s %s", ref, maxAge))
	f.now++
	f.most = max(f.most, f.now)
	if f.now == sideBySide && f.everyoneIn != nil {
		close(f.everyoneIn)
		f.everyoneIn = nil
	}
	wait := f.everyoneIn
	f.mu.Unlock()
	if wait != nil {
		<-wait
	}
	defer func() {
		f.mu.Lock()
		f.now--
		f.mu.Unlock()
	}()
	return f.answer(ref, maxAge)
}

func states(versions ...string) func(keyvault.Ref, time.Duration) (*keyvault.State, error) {
	s := &keyvault.State{}
	for i, id := range versions {
		s.Versions = append(s.Versions, version(id, time.Duration(i)*time.Hour))
	}
	return func(keyvault.Ref, time.Duration) (*keyvault.State, error) { return s, nil }
}

// Pods of one workload ask for the same objects: each is asked for once.
func TestAskOnce(t *testing.T) {
	reader := &fakeReader{answer: states("v1")}
	mounts := []Mount{*mounted("v1"), *mounted("v1"), *mounted("v1", func(m *Mount) { m.Ref = nil })}
	answers, problems := (&Vaults{Reader: reader, Timeout: time.Minute}).Ask(t.Context(), mounts)
	if len(reader.asked) != 1 || len(answers) != 1 || answers[*mounts[0].Ref].State == nil || problems != nil {
		t.Error(reader.asked, answers, problems)
	}
}

// An answer from before a mount is no answer.
func TestAskAgain(t *testing.T) {
	for name, c := range map[string]struct {
		mounted string
		answer  func(ref keyvault.Ref, maxAge time.Duration) (*keyvault.State, error)
		asked   []string
		newest  string
	}{
		"known": {"v1", states("v2", "v1"), []string{"secret/DB-Password in shop-kv 5s"}, "v2"},
		"from before": {"v2", func(_ keyvault.Ref, maxAge time.Duration) (*keyvault.State, error) {
			if maxAge == 0 {
				return states("v2", "v1")(keyvault.Ref{}, 0)
			}
			return states("v1")(keyvault.Ref{}, 0)
		}, []string{"secret/DB-Password in shop-kv 5s", "secret/DB-Password in shop-kv 0s"}, "v2"},
		"purged": {"v0", states("v1"), []string{"secret/DB-Password in shop-kv 5s", "secret/DB-Password in shop-kv 0s"}, "v1"},
		"and then it fails": {"v2", func(_ keyvault.Ref, maxAge time.Duration) (*keyvault.State, error) {
			if maxAge == 0 {
				return nil, errors.New("no")
			}
			return states("v1")(keyvault.Ref{}, 0)
		}, []string{"secret/DB-Password in shop-kv 5s", "secret/DB-Password in shop-kv 0s"}, "v1"},
	} {
		t.Run(name, func(t *testing.T) {
			reader := &fakeReader{answer: c.answer}
			mounts := []Mount{*mounted(c.mounted)}
			answers, problems := (&Vaults{Reader: reader, Timeout: time.Minute, MaxAge: 5 * time.Second}).Ask(t.Context(), mounts)
			if diff := cmp.Diff(c.asked, reader.asked); diff != "" || len(problems) > 0 {
				t.Error(diff, problems)
			}
			if got := answers[*mounts[0].Ref].State.Newest().ID; got != c.newest {
				t.Errorf("newest %s, want %s", got, c.newest)
			}
		})
	}
}

// Many objects are asked for side by side, but never all at once.
func TestAskSideBySide(t *testing.T) {
	reader := &fakeReader{answer: states("v1"), everyoneIn: make(chan struct{})}
	var mounts []Mount
	for i := range 4 * sideBySide {
		mounts = append(mounts, *mounted("v1", func(m *Mount) {
			m.Ref = &keyvault.Ref{Vault: "shop-kv", Type: keyvault.Secret, Name: fmt.Sprint("s", i)}
		}))
	}
	answers, _ := (&Vaults{Reader: reader, Timeout: time.Minute}).Ask(t.Context(), mounts)
	if reader.most != sideBySide || len(answers) != len(mounts) {
		t.Errorf("%d at once, %d answers", reader.most, len(answers))
	}
}

// What is wrong with a vault is told once, and with each of its objects.
func TestAskProblems(t *testing.T) {
	reader := &fakeReader{answer: func(ref keyvault.Ref, _ time.Duration) (*keyvault.State, error) {
		if ref.Name == "s2" {
			return nil, &keyvault.UnknownError{Vault: ref.Vault, Reason: keyvault.Open, Because: keyvault.Forbidden}
		}
		return nil, &keyvault.UnknownError{Vault: ref.Vault, Reason: keyvault.Forbidden}
	}}
	var mounts []Mount
	for i := range 3 {
		mounts = append(mounts, *mounted("v1", func(m *Mount) {
			m.Ref = &keyvault.Ref{Vault: "shop-kv", Type: keyvault.Secret, Name: fmt.Sprint("s", i)}
		}))
	}
	answers, problems := (&Vaults{Reader: reader, Timeout: time.Minute}).Ask(t.Context(), mounts)
	first := &keyvault.UnknownError{Vault: "shop-kv", Reason: keyvault.Forbidden}
	want := first.Error() + ". " + first.Fix()
	if diff := cmp.Diff([]string{want}, problems); diff != "" {
		t.Error(diff)
	}
	for ref, a := range answers {
		if a.State != nil || a.Unknown == "" {
			t.Errorf("%s: %+v", ref, a)
		}
	}
	if len(answers) != 3 {
		t.Errorf("%d answers", len(answers))
	}
}

// Where nobody is to be asked, nobody is.
func TestAskNobody(t *testing.T) {
	answers, problems := (&Vaults{}).Ask(t.Context(), []Mount{*mounted("v1")})
	if len(answers) > 0 || len(problems) > 0 {
		t.Error(answers, problems)
	}
}
