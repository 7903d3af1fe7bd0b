package controller

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject"
)

// Between two looks for the class CRD.
const (
	firstLook = time.Second
	lastLook  = 15 * time.Second
)

// Reasons for not being ready.
var (
	errNotStarted = errors.New("the controllers of SecretProviderClasses have not started yet")
	errNotSynced  = errors.New("waiting for the caches of SecretProviderClasses, pods and namespaces to fill")
	errNoCRD      = errors.New(inject.RuleNoDriver().ID + ": the cluster does not serve SecretProviderClass (secrets-store.csi.x-k8s.io/v1). " +
		"Fix: install the Secrets Store CSI driver, on AKS with az aks enable-addons --addons azure-keyvault-secrets-provider; " +
		"akv-injector goes on by itself then")
)

// Starter waits for the class CRD, then sets up the controllers and waits for their
// caches. Until then the program stays up and unready: it may well be installed
// before the driver. It is a manager.Runnable of every replica.
type Starter struct {
	// look fails with a NoMatch error while the API server does not know the classes.
	look  func() error
	setup func(context.Context) error
	sync  func(context.Context) error
	sleep func(context.Context, time.Duration) bool

	unready atomic.Pointer[error]
}

// NewStarter returns the Starter for a manager, to be added to it and to its
// readiness checks.
func NewStarter(mgr ctrl.Manager, opts Options) *Starter {
	return newStarterWith(
		func() error { return servesClasses(mgr.GetRESTMapper()) },
		func(ctx context.Context) error { return Setup(ctx, mgr, opts) },
		func(ctx context.Context) error {
			for _, obj := range []client.Object{&secretsstorev1.SecretProviderClass{}, &corev1.Pod{}, &corev1.Namespace{}} {
				// Returns when the informer has synced.
				if _, err := mgr.GetCache().GetInformer(ctx, obj); err != nil {
					return fmt.Errorf("filling the cache of %T: %w", obj, err)
				}
			}
			return nil
		},
	)
}

// newStarterWith returns a Starter for what look finds, setup starts and sync waits for.
func newStarterWith(look func() error, setup, sync func(context.Context) error) *Starter {
	s := &Starter{look: look, setup: setup, sync: sync, sleep: sleep}
	s.unready.Store(&errNotStarted)
	return s
}

// NeedLeaderElection is false: every replica restores classes.
func (*Starter) NeedLeaderElection() bool { return false }

// Ready is a healthz.Checker: it fails until the controllers are at work.
func (s *Starter) Ready(*http.Request) error { return *s.unready.Load() }

// Start returns when the controllers are at work, or with an error that they cannot
// recover from.
func (s *Starter) Start(ctx context.Context) error {
	if !s.wait(ctx) {
		return nil
	}
	if err := s.setup(ctx); err != nil {
		return err
	}
	s.unready.Store(&errNotSynced)
	if err := s.sync(ctx); err != nil {
		return unlessDone(ctx, err)
	}
	var ready error
	s.unready.Store(&ready)
	return nil
}

// wait looks for the classes until they are there. It returns false if the program
// ends first.
func (s *Starter) wait(ctx context.Context) bool {
	for delay := firstLook; ; delay = min(2*delay, lastLook) {
		err := s.look()
		if err == nil {
			return true
		}
		if meta.IsNoMatchError(err) {
			err = errNoCRD
		} else {
			err = fmt.Errorf("asking the API server for SecretProviderClass: %w", err)
		}
		if (*s.unready.Load()).Error() != err.Error() {
			log.FromContext(ctx).Info("Not ready", "reason", err.Error())
		}
		s.unready.Store(&err)
		if !s.sleep(ctx, delay) {
			return false
		}
	}
}

// servesClasses asks the mapper that the client and the cache use, so that neither
// remembers that there was nothing once we go on. controller-runtime's (0.25) asks
// the API server again after each miss; others need an option for that.
func servesClasses(mapper meta.RESTMapper) error {
	_, err := mapper.RESTMapping(secretsstorev1.SchemeGroupVersion.WithKind("SecretProviderClass").GroupKind(),
		secretsstorev1.SchemeGroupVersion.Version)
	if meta.IsNoMatchError(err) {
		meta.MaybeResetRESTMapper(mapper)
	}
	return err
}

// sleep returns false if the context ends first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// unlessDone makes the end of the program no error of the Starter's.
func unlessDone(ctx context.Context, err error) error {
	select {
	case <-ctx.Done():
		return nil
	default:
		return err
	}
}
