package installed_test

import (
	"testing"
	"time"

	"akv-injector/e2e/installed"
	"akv-injector/e2e/suite"
	"akv-injector/e2e/system"
)

// TestFirstPod: from nothing but the image on the node to a pod that has its secret, without cert-manager.
func TestFirstPod(t *testing.T) {
	m := machine(t, installed.Options{})
	tenant, err := m.NewTenant(t.Context(), "shop")
	check(t, err)
	_, err = tenant.SetSecret("DB-Password", "the value")
	check(t, err)
	begun := time.Now()
	check(t, m.Install(t.Context()))
	ready := time.Since(begun)
	_, err = tenant.Run(t.Context(), tenant.Pod("web", "DB-Password"))
	check(t, err)
	check(t, tenant.AwaitContent(t.Context(), "web", system.Mounted+"/DB-Password", "the value"))
	took := time.Since(begun)
	suite.Measure(t, "helm install to two ready replicas: %.1f s; to a pod that reads its secret: %.1f s", ready.Seconds(), took.Seconds())
	if took > time.Minute {
		t.Errorf("it took %s, want at most a minute", took)
	}
}
