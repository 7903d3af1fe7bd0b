package rotation_test

import (
	"context"
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"akv-injector/e2e/system"
	"akv-injector/inject/annotation"
)

// syncedVariable is why `env` gives paths and never values: a variable of a synced Secret
// stays as it was in the running process, though the Secret itself changes. Beside it a pod
// that asks, whose variable we set, is led to the new value.
func syncedVariable(t *testing.T, s *system.System) {
	b := newByHand(t, s, "synced-variable")
	asking := newTenant(t, s, "env-path")
	set := func(value string) {
		t.Helper()
		setSecret(t, b.Tenant, "DB-Password", value)
		setSecret(t, asking, "DB-Password", value)
	}
	set("first")
	injected := asking.Pod("asking", "DB-Password")
	injected.Annotations[annotation.Env] = "DB_PASSWORD_FILE=DB-Password"
	runPod(t, asking, injected)
	const byPath = `cat "$(tr '\0' '\n' </proc/1/environ | sed -n s/^DB_PASSWORD_FILE=//p)"`
	awaitShell(t, asking, injected.Name, "app", byPath, "first")
	class := b.class("store", object("DB-Password"))
	class.Spec.SecretObjects = syncTo("synced", "DB-Password")
	pod := b.pod("reader", "store")
	from := corev1.EnvFromSource{Prefix: "ALL_", SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "synced"}}}
	pod.Spec.Containers[0].EnvFrom = []corev1.EnvFromSource{from}
	pod.Spec.Containers[0].Env = []corev1.EnvVar{
		{Name: "DB_PASSWORD", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
			LocalObjectReference: from.SecretRef.LocalObjectReference, Key: "DB-Password",
		}}},
	}
	b.create(t, class)
	runPod(t, b.Tenant, pod)

	for _, value := range []string{"second", "third"} {
		set(value)
		awaitShell(t, asking, injected.Name, "app", byPath, value)
		check(t, b.AwaitContent(t.Context(), pod.Name, "/mnt/store/DB-Password", value))
		check(t, b.Await(t.Context(), b.Namespace, fmt.Sprintf("%q in the Secret synced", value), func(ctx context.Context) (bool, string) {
			secret, err := b.Client.CoreV1().Secrets(b.Namespace).Get(ctx, "synced", metav1.GetOptions{})
			if err != nil {
				return false, err.Error()
			}
			got := string(secret.Data["DB-Password"])
			return got == value, got
		}))
	}
	b.stays(t, pod.Name, `tr '\0' '\n' </proc/1/environ | grep -c -E '^(ALL_DB-Password|DB_PASSWORD)=first$'`, "2")
	// Nor does a command that starts now get another.
	b.stays(t, pod.Name, "echo $DB_PASSWORD", "first")
}
