package rotation_test

import (
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"akv-injector/e2e/system"
	"akv-injector/inject/annotation"
	"akv-injector/inject/finding"
)

// lateClass is AKV007, and why it only warns: the pod waits until its class is there, and
// then starts by itself.
func lateClass(t *testing.T, s *system.System) {
	b := newByHand(t, s, "late-class")
	setSecret(t, b.Tenant, "DB-Password", "1")
	pod := b.pod("reader", "store")
	b.create(t, pod)
	b.refusedBy(t, "AKV007", finding.Warning, pod)
	b.awaitMountError(t, pod.Name, exactly("failed to get secretproviderclass late-class/store"))
	b.create(t, b.class("store", object("DB-Password")))
	_, err := b.AwaitPod(t.Context(), pod.Name)
	check(t, err)
	b.rotate(t, "2", pod.Name, "/mnt/store/DB-Password")
}

// missingAccount is AKV012: the API server refuses a pod of an account that is not there.
// A pod that asks for one comes with the account "default", which is there: so it is
// akv-injector that says so, before it sets the other.
func missingAccount(t *testing.T, s *system.System) {
	b := newByHand(t, s, "missing-account")
	pod := b.pod("reader", "store")
	pod.Spec.ServiceAccountName = "nobody"
	err := s.API.Create(t.Context(), pod)
	if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), `serviceaccount "nobody" not found`) {
		t.Errorf("the API server answers %v", err)
	}

	tenant := newTenant(t, s, "asks-for-nobody")
	asking := tenant.Pod("reader", secret)
	asking.Annotations[annotation.ServiceAccount] = "nobody"
	err = s.API.Create(t.Context(), asking)
	if !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), "AKV012") || !strings.Contains(err.Error(), "nobody") {
		t.Errorf("akv-injector answers %v", err)
	}
}
