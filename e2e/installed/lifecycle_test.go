package installed_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"akv-injector/e2e/injector"
	"akv-injector/e2e/installed"
	"akv-injector/e2e/load"
	"akv-injector/e2e/suite"
	"akv-injector/internal/testing/await"
)

// asked is where the load asks, and perSecond how often.
const (
	asked     = "load"
	perSecond = 40
)

// underLoad runs steps one after the other while pods are created, and wants none of them to fail, from the moment at which the load begins.
func underLoad(t *testing.T, m *installed.Machine, mode string, steps ...step) {
	t.Helper()
	l, err := load.Start(t.Context(), m.Config, asked, perSecond)
	check(t, err)
	defer l.Stop()
	steps = append([]step{{"just installed", func(ctx context.Context) error { return load.Pause(ctx, 3*time.Second) }}}, steps...)
	for _, s := range steps {
		begun := time.Now()
		check(t, s.run(t.Context()))
		// What ends now may fail in a moment.
		check(t, load.Pause(t.Context(), time.Second))
		counts := l.Take()
		suite.Measure(t, "%s, %s (%.0f s): %s", mode, s.name, time.Since(begun).Seconds(), counts)
		if counts.Failed+counts.Uninjected+counts.Unchecked+counts.Unanswered > 0 || counts.Admitted == 0 || counts.Refused == 0 {
			t.Errorf("%s: %s:\n%s", s.name, counts, strings.Join(counts.First, "\n"))
		}
	}
}

type step struct {
	name string
	run  func(context.Context) error
}

// uninstalled wants nothing to be left of an installation but its namespace, what workloads need, and what others have written for it.
func uninstalled(t *testing.T, m *installed.Machine, others ...string) {
	t.Helper()
	check(t, m.Helm(t.Context(), "uninstall", installed.Release, "--wait"))
	// Helm does not wait for pods, which may answer until their grace is over.
	const grace = 40 * time.Second
	await.Poll{Limit: grace + 20*time.Second, Every: 200 * time.Millisecond}.Require(t, "nothing to be left", func(ctx context.Context) (bool, string) {
		all, err := m.KubectlCommand(ctx, "get", "-A", "-o", "name",
			"clusterroles,clusterrolebindings,roles,rolebindings,deployments,replicasets,pods,services,endpointslices,secrets,serviceaccounts,poddisruptionbudgets,"+
				"mutatingwebhookconfigurations,validatingwebhookconfigurations,validatingadmissionpolicies,validatingadmissionpolicybindings").CombinedOutput()
		var left []string
		for line := range strings.Lines(string(all)) {
			if line = strings.TrimSpace(line); strings.Contains(line, "akv-injector") && !slices.Contains(others, line) {
				left = append(left, line)
			}
		}
		return err == nil && len(left) == 0, fmt.Sprint(left, err)
	})
}

// TestOwnCertificates: installed without cert-manager, upgraded, rolled back, restarted and uninstalled.
func TestOwnCertificates(t *testing.T) {
	m := machine(t, installed.Options{})
	check(t, m.OptIn(t.Context(), asked))
	firstPod(t, m)
	underLoad(t, m, "certificates of its own",
		step{"helm upgrade, another flag", func(ctx context.Context) error { return m.Upgrade(ctx, "server.logLevel=debug") }},
		step{"helm upgrade, nothing changed", func(ctx context.Context) error { return m.Upgrade(ctx, "server.logLevel=debug") }},
		step{"helm rollback", func(ctx context.Context) error { return m.Helm(ctx, "rollback", installed.Release, "1", "--wait") }},
		step{"kubectl rollout restart", m.Restart},
	)
	testPassed(t, m)
	uninstalled(t, m)
}

// testPassed runs `helm test`, which leaves nothing behind when it has passed.
func testPassed(t *testing.T, m *installed.Machine) {
	t.Helper()
	check(t, m.Helm(t.Context(), "test", installed.Release))
	left, err := m.KubectlCommand(t.Context(), "get", "pods,serviceaccounts", "-n", injector.Namespace, "-l", "app.kubernetes.io/component=test", "-o", "name").CombinedOutput()
	if err != nil || strings.Contains(string(left), "/") {
		t.Errorf("a test that has passed leaves %s (%v)", left, err)
	}
}

// TestCertManager: installed with cert-manager's real controllers, which an upgrade keeps, until it is told to do without.
func TestCertManager(t *testing.T) {
	m := machine(t, installed.Options{CertManager: true})
	check(t, m.OptIn(t.Context(), asked))
	check(t, m.Install(t.Context(), "certificates.mode=cert-manager"))
	underLoad(t, m, "cert-manager",
		step{"helm upgrade with the default", func(ctx context.Context) error { return m.Upgrade(ctx) }},
		step{"helm rollback", func(ctx context.Context) error { return m.Helm(ctx, "rollback", installed.Release, "1", "--wait") }},
		step{"helm upgrade to certificates of its own", func(ctx context.Context) error { return m.Upgrade(ctx, "certificates.mode=self") }},
	)
	// cert-manager deletes no Secret with its Certificate, unless it is told to.
	uninstalled(t, m, "secret/akv-injector-ca", "secret/akv-injector-tls")
}
