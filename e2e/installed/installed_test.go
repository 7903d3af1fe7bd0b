package installed_test

import (
	"testing"
	"time"

	"akv-injector/e2e/installed"
	"akv-injector/e2e/suite"
	"akv-injector/e2e/system"
)

// firstPod installs akv-injector, and wants a pod to have its secret within a minute: from nothing but the image on the node, without cert-manager.
func firstPod(t *testing.T, m *installed.Machine) {
	t.Helper()
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
