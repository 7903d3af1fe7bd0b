package installed_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"akv-injector/e2e/build"
	"akv-injector/e2e/cluster"
	"akv-injector/e2e/injector"
	"akv-injector/e2e/installed"
	"akv-injector/inject/annotation"
	"akv-injector/internal/testing/await"
)

// TestFromTheFirst: an installation with the manifests from before the policies, whose certificates are cert-manager's, becomes one of today by
// applying what a release renders. The program is today's all the while: none of then was released.
func TestFromTheFirst(t *testing.T) {
	m := machine(t, installed.Options{CertManager: true})
	check(t, m.OptIn(t.Context(), asked))
	root, err := build.Root()
	check(t, err)
	first, err := os.ReadFile(filepath.Join(root, "e2e", "attacks", "testdata", "install-before-policies.yaml"))
	check(t, err)
	theirs := []byte("ghcr.io/akv-injector/akv-injector:v0.1.0")
	if !bytes.Contains(first, theirs) {
		t.Fatalf("the first manifests have no %s", theirs)
	}
	check(t, m.Apply(t.Context(), bytes.ReplaceAll(first, theirs, []byte(build.ImageName+":"+build.ImageVersion))))
	check(t, m.Ready(t.Context(), 2))
	await.Poll{Limit: time.Minute, Every: 100 * time.Millisecond}.Require(t, "the first installation to answer", func(ctx context.Context) (bool, string) {
		pod := cluster.Pod(asked, "first", "DB-Password")
		err := m.API.Create(ctx, pod, client.DryRunAll)
		return err == nil && pod.Labels[annotation.LabelInjected] == "true", fmt.Sprint(err, pod.Labels)
	})
	underLoad(t, m, "from the first manifests",
		step{"kubectl apply --server-side --force-conflicts of today's", func(ctx context.Context) error {
			today, err := m.Manifests(ctx)
			if err != nil {
				return err
			}
			if err := m.Apply(ctx, today, "--server-side", "--force-conflicts"); err != nil {
				return err
			}
			return m.RolledOut(ctx)
		}},
		step{"what cert-manager had is deleted", func(ctx context.Context) error { return deleteCertManagers(ctx, m) }},
		step{"kubectl rollout restart", m.Restart},
	)
}

// deleteCertManagers deletes what docs/operations.md says is no longer needed.
func deleteCertManagers(ctx context.Context, m *installed.Machine) error {
	for _, args := range [][]string{{"certificates,issuers", "--all"}, {"secret", "akv-injector-tls", "akv-injector-ca"}} {
		if out, err := m.KubectlCommand(ctx, append([]string{"delete", "--namespace", injector.Namespace}, args...)...).CombinedOutput(); err != nil {
			return fmt.Errorf("kubectl delete: %w: %s", err, out)
		}
	}
	return nil
}
