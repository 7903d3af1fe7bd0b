package rotation_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"akv-injector/e2e/system"
)

// setSecret sets a secret in the tenant's vault.
func setSecret(t *testing.T, tenant *system.Tenant, name, value string) (version string) {
	t.Helper()
	version, err := tenant.SetSecret(name, value)
	check(t, err)
	return version
}

// runPod creates a pod and waits until it is ready. The pod changes to what is stored.
func runPod(t *testing.T, tenant *system.Tenant, pod *corev1.Pod) {
	t.Helper()
	_, err := tenant.Run(t.Context(), pod)
	check(t, err)
}

// shell gives what a script prints in a container, without the line's end.
func shell(t *testing.T, tenant *system.Tenant, pod, container, script string) string {
	t.Helper()
	out, err := tenant.Exec(t.Context(), tenant.Namespace, pod, container, "sh", "-c", script)
	check(t, err)
	return strings.TrimSuffix(out, "\n")
}

// awaitShell waits until a script in a container prints a text.
func awaitShell(t *testing.T, tenant *system.Tenant, pod, container, script, want string) {
	t.Helper()
	what := fmt.Sprintf("%q from %s in container %s of %s", want, script, container, pod)
	check(t, tenant.Await(t.Context(), tenant.Namespace, what, func(ctx context.Context) (bool, string) {
		got, err := tenant.Exec(ctx, tenant.Namespace, pod, container, "sh", "-c", script)
		if err != nil {
			return false, err.Error()
		}
		return strings.TrimSuffix(got, "\n") == want, fmt.Sprintf("%q", got)
	}))
}

// awaitFiles waits until the files of a container have their contents. Paths are
// relative to where the first vault is mounted, unless they begin with a slash.
func awaitFiles(t *testing.T, tenant *system.Tenant, pod, container string, contents map[string]string) {
	t.Helper()
	for path, content := range contents {
		check(t, tenant.AwaitFile(t.Context(), pod, container, mounted(path), content))
	}
}

func mounted(path string) string {
	if strings.HasPrefix(path, "/") {
		return path
	}
	return system.Mounted + "/" + path
}
