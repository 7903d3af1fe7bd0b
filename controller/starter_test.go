package controller

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"
)

func TestStarterWaitsForTheCRD(t *testing.T) {
	var steps []string
	var s *Starter
	told := func(step string) {
		state := "ready"
		if err := s.Ready(nil); err != nil {
			state, _, _ = strings.Cut(err.Error(), ":")
		}
		steps = append(steps, step+" | "+state)
	}
	looks := []error{&meta.NoKindMatchError{}, errors.New("connection refused"), &meta.NoKindMatchError{}, nil}
	s = newStarterWith(
		func() error {
			err := looks[0]
			looks = looks[1:]
			told("look")
			return err
		},
		func(context.Context) error { told("setup"); return nil },
		func(context.Context) error { told("sync"); return nil },
	)
	s.sleep = func(_ context.Context, d time.Duration) bool { told("sleep " + d.String()); return true }

	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	told("end")
	want := []string{
		"look | " + errNotStarted.Error(),
		"sleep 1s | AKV016",
		"look | AKV016",
		"sleep 2s | asking the API server for SecretProviderClass",
		"look | asking the API server for SecretProviderClass",
		"sleep 4s | AKV016",
		"look | AKV016",
		"setup | AKV016",
		"sync | " + errNotSynced.Error(),
		"end | ready",
	}
	if diff := cmp.Diff(want, steps); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
}

func TestStarterEndsWithTheProgram(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := newStarterWith(
		func() error { cancel(); return &meta.NoKindMatchError{} },
		func(context.Context) error { t.Error("set up without the CRD"); return nil },
		func(context.Context) error { return nil },
	)
	if err := s.Start(ctx); err != nil {
		t.Errorf("the end of the program is an error: %v", err)
	}
	if s.Ready(nil) == nil {
		t.Error("ready without the CRD")
	}
}

func TestStarterErrors(t *testing.T) {
	broken := errors.New("broken")
	fine := func(context.Context) error { return nil }
	fails := func(context.Context) error { return broken }
	tests := map[string]struct {
		setup, sync func(context.Context) error
	}{
		"setup fails": {fails, fine},
		"sync fails":  {fine, fails},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			s := newStarterWith(func() error { return nil }, tc.setup, tc.sync)
			if err := s.Start(t.Context()); !errors.Is(err, broken) {
				t.Errorf("error = %v", err)
			}
			if s.Ready(nil) == nil {
				t.Error("ready")
			}
		})
	}
}

func TestStarterRunsOnEveryReplica(t *testing.T) {
	if (*Starter)(nil).NeedLeaderElection() {
		t.Error("only the leader would ever be ready")
	}
}

// A mapper that remembers that there was nothing is told to look again.
func TestServesClassesResetsTheMapper(t *testing.T) {
	empty := meta.NewDefaultRESTMapper(nil)
	filled := meta.NewDefaultRESTMapper([]schema.GroupVersion{secretsstorev1.SchemeGroupVersion})
	filled.Add(secretsstorev1.SchemeGroupVersion.WithKind("SecretProviderClass"), meta.RESTScopeNamespace)
	mapper := &forgetful{RESTMapper: empty, after: filled}

	if err := servesClasses(mapper); !meta.IsNoMatchError(err) {
		t.Errorf("error = %v, want NoMatch", err)
	}
	if err := servesClasses(mapper); err != nil {
		t.Error(err)
	}
}

// forgetful answers from what it knew first until it is reset.
type forgetful struct {
	meta.RESTMapper
	after meta.RESTMapper
}

func (f *forgetful) Reset() { f.RESTMapper = f.after }
