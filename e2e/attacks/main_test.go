// Package attacks_test does to the real program what a hostile tenant can do: it looks for ways
// past the fence around vaults, and for ways to stop admission for others.
package attacks_test

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/e2e/cluster"
	"akv-injector/e2e/controlplane"
	"akv-injector/e2e/injector"
	"akv-injector/inject/annotation"
	"akv-injector/internal/testing/await"
)

// memoryLimit is the chart's resources.limits.memory.
const memoryLimit = 512 // MiB

// limited is the program as the chart runs it.
func limited(replicas int) injector.Options {
	return injector.Options{Replicas: replicas, Env: []string{fmt.Sprintf("GOMEMLIMIT=%dMiB", memoryLimit)}}
}

func TestMain(m *testing.M) { cluster.WithHelm(m, limited(1)) }

// soon is how long a condition may take to come true, on a busy machine.
var soon = await.Poll{Limit: 2 * time.Minute}

func start(t *testing.T, replicas int) *cluster.Cluster {
	t.Helper()
	return cluster.Start(t, controlplane.Options{}, limited(replicas))
}

// account is a service account that may do everything: what stops it is admission.
func account(namespace, name string) rest.ImpersonationConfig {
	return rest.ImpersonationConfig{
		UserName: "system:serviceaccount:" + namespace + ":" + name,
		Groups:   []string{"system:serviceaccounts", "system:serviceaccounts:" + namespace, "system:masters"},
	}
}

var (
	user = rest.ImpersonationConfig{}
	// controller is an operator of the tenant, builtin one of the cluster's own controllers,
	// and operator one that somebody has installed in kube-system.
	controller = account("tenant", "rollouts")
	builtin    = account("kube-system", "statefulset-controller")
	operator   = account("kube-system", "keda-operator")
)

func as(tb testing.TB, c *cluster.Cluster, who rest.ImpersonationConfig) client.Client {
	tb.Helper()
	config := rest.CopyConfig(c.Config)
	config.Impersonate = who
	config.QPS = -1
	api, err := client.New(config, client.Options{Scheme: cluster.Scheme()})
	if err != nil {
		tb.Fatal(err)
	}
	return api
}

// class is one of the Azure provider.
func class(namespace, name, vault string) *secretsstorev1.SecretProviderClass {
	return &secretsstorev1.SecretProviderClass{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: secretsstorev1.SecretProviderClassSpec{Provider: "azure", Parameters: map[string]string{
			"keyvaultName": vault, "clientID": cluster.ClientID, "tenantID": cluster.TenantID,
			"objects": "array:\n- |\n  objectName: DB-Password\n  objectType: secret\n",
		}},
	}
}

// mounting is a pod with volumes of classes, the first of them with attributes.
func mounting(namespace, name string, attributes map[string]string, classes ...string) *corev1.Pod {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: corev1.PodSpec{
			ServiceAccountName: cluster.Account,
			Containers:         []corev1.Container{{Name: "app", Image: "registry.example/app"}},
		},
	}
	for i, c := range classes {
		volume := corev1.Volume{Name: fmt.Sprintf("v%d", i), VolumeSource: corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{
			Driver: "secrets-store.csi.k8s.io", ReadOnly: new(true), VolumeAttributes: map[string]string{"secretProviderClass": c},
		}}}
		if i == 0 {
			maps.Copy(volume.CSI.VolumeAttributes, attributes)
		}
		pod.Spec.Volumes = append(pod.Spec.Volumes, volume)
	}
	pod.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "v0", MountPath: "/secrets", ReadOnly: true}}
	return pod
}

// owned gives a pod a reference that says a controller made it.
func owned(pod *corev1.Pod) *corev1.Pod {
	pod.OwnerReferences = []metav1.OwnerReference{{
		APIVersion: "apps/v1", Kind: "StatefulSet", Name: "owner", UID: "00000000-0000-0000-0000-000000000001", Controller: new(true),
	}}
	return pod
}

// setFence sets the vaults that a namespace may use.
func setFence(t *testing.T, c *cluster.Cluster, namespace, fence string) {
	t.Helper()
	ns := &corev1.Namespace{}
	if err := c.API.Get(t.Context(), client.ObjectKey{Name: namespace}, ns); err != nil {
		t.Fatal(err)
	}
	before := ns.DeepCopy()
	if ns.Annotations == nil {
		ns.Annotations = map[string]string{}
	}
	ns.Annotations[annotation.AllowedVaults] = fence
	if err := c.API.Patch(t.Context(), ns, client.MergeFrom(before)); err != nil {
		t.Fatal(err)
	}
}

// byVerdict reports whether an error is a refusal of the object, in words of the fence.
func byVerdict(err error) bool {
	return err != nil && (apierrors.IsInvalid(err) || apierrors.IsForbidden(err) || apierrors.IsRequestEntityTooLargeError(err) || apierrors.IsBadRequest(err)) &&
		!strings.Contains(err.Error(), "failed calling webhook")
}

// peakMemory is the most memory that a replica ever had, in MiB.
func peakMemory(tb testing.TB, r *injector.Replica) int {
	tb.Helper()
	mib, err := r.PeakMemory()
	if err != nil {
		tb.Skipf("no /proc on this machine: %v", err)
	}
	return mib
}

// awaitSeen waits until the program's caches have what was written just now.
func awaitSeen(t *testing.T, what string, try func(context.Context) error) {
	t.Helper()
	soon.Require(t, what, func(ctx context.Context) (bool, string) {
		err := try(ctx)
		return byVerdict(err), fmt.Sprint(err)
	})
}
