package rights_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"akv-injector/e2e/cluster"
	"akv-injector/e2e/injector"
	"akv-injector/e2e/load"
	"akv-injector/inject/annotation"
	"akv-injector/internal/testing/await"
)

// TestRightsOfRestarts: the same for what restart.enabled adds. mountedGate.enabled adds nothing that the others do not have.
func TestRightsOfRestarts(t *testing.T) {
	t.Parallel()
	var added []string
	w := newWorld(t, func(c *cluster.Cluster) {
		before := granted(rolesOf(t, c.API))
		installRollouts(t, c)
		objects, err := injector.Chart(t.Context(), "{restart: {enabled: true}, mountedGate: {enabled: true}}")
		check(t, err)
		for _, o := range objects {
			if slices.Contains([]string{"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "ClusterRole"}, o.GetKind()) {
				check(t, injector.Apply(t.Context(), c.Config, o))
			}
		}
		added = slices.DeleteFunc(granted(rolesOf(t, c.API)), func(right string) bool { return slices.Contains(before, right) })
	}, "--restarts")
	probes := restarts(w)
	complete(t, added, probes)
	w.all(t, probes)
}

// restarts are rights to restart workloads. Each has a workload of its own, in a namespace that is let go when it is its turn.
func restarts(w *world) (all []probe) {
	var outdated []func()
	for _, p := range []struct {
		right, kind string
		evict       bool
	}{
		{right: "get deployments.apps", kind: "Deployment"},
		{right: "patch deployments.apps", kind: "Deployment"},
		{right: "get statefulsets.apps", kind: "StatefulSet"},
		{right: "patch statefulsets.apps", kind: "StatefulSet"},
		{right: "get daemonsets.apps", kind: "DaemonSet"},
		{right: "patch daemonsets.apps", kind: "DaemonSet"},
		{right: "get replicasets.apps", kind: "Deployment"},
		{right: "get rollouts.argoproj.io", kind: "Rollout"},
		{right: "patch rollouts.argoproj.io", kind: "Rollout"},
		{right: "create pods/eviction", kind: "StatefulSet", evict: true},
	} {
		namespace := w.name("restarts")
		w.Namespace(w.t, namespace, map[string]string{
			annotation.Vault: "payments-kv", annotation.ServiceAccount: cluster.Account, annotation.Rotation: annotation.RotationOff,
		})
		workload, pod, rotate := w.workload(namespace, p.kind, p.evict)
		outdated = append(outdated, rotate)
		works := func() (bool, string) {
			now := &unstructured.Unstructured{}
			now.SetGroupVersionKind(workload.GroupVersionKind())
			check(w.t, w.API.Get(w.t.Context(), client.ObjectKeyFromObject(workload), now))
			at, _, _ := unstructured.NestedString(now.Object, "spec", "template", "metadata", "annotations", "kubectl.kubernetes.io/restartedAt")
			rollout, _, _ := unstructured.NestedString(now.Object, "spec", "restartAt")
			return at+rollout != "", at + rollout
		}
		if p.evict {
			works = func() (bool, string) {
				now := &corev1.Pod{}
				err := w.API.Get(w.t.Context(), client.ObjectKeyFromObject(pod), now)
				return client.IgnoreNotFound(err) == nil && err != nil || now.DeletionTimestamp != nil, fmt.Sprint(err, now.Status.Conditions)
			}
		}
		all = append(all, probe{right: p.right, fresh: true, again: true, once: true, works: works, prepare: func() {
			ns := &corev1.Namespace{}
			check(w.t, w.API.Get(w.t.Context(), client.ObjectKey{Name: namespace}, ns))
			delete(ns.Annotations, annotation.Rotation)
			check(w.t, w.API.Update(w.t.Context(), ns))
		}})
	}
	// What the driver writes within two seconds of a record's making is no rotation.
	check(w.t, load.Pause(w.t.Context(), 4*time.Second))
	for _, rotate := range outdated {
		rotate()
	}
	return all
}

// installRollouts has the API server know the Rollouts of Argo CD's sister, as far as we look at them.
func installRollouts(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	any := &apiextensionsv1.JSONSchemaProps{Type: "object", XPreserveUnknownFields: new(true)}
	crd := &apiextensionsv1.CustomResourceDefinition{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apiextensions.k8s.io/v1", Kind: "CustomResourceDefinition"},
		ObjectMeta: metav1.ObjectMeta{Name: "rollouts.argoproj.io"},
		Spec: apiextensionsv1.CustomResourceDefinitionSpec{
			Group: "argoproj.io", Scope: apiextensionsv1.NamespaceScoped,
			Names:    apiextensionsv1.CustomResourceDefinitionNames{Kind: "Rollout", ListKind: "RolloutList", Plural: "rollouts", Singular: "rollout"},
			Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{Name: "v1alpha1", Served: true, Storage: true, Schema: &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: any}}},
		},
	}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(crd)
	check(t, err)
	delete(content, "status")
	check(t, injector.Apply(t.Context(), c.Config, &unstructured.Unstructured{Object: content}))
	rollouts := &unstructured.UnstructuredList{}
	rollouts.SetAPIVersion("argoproj.io/v1alpha1")
	rollouts.SetKind("RolloutList")
	check(t, await.Poll{Limit: time.Minute}.Success(t.Context(), "Rollouts", func(ctx context.Context) error { return c.API.List(ctx, rollouts) }))
}

// workload is one that is rolled out, with a pod that runs and asks for restarts. rotate has the driver record another version.
func (w *world) workload(namespace, kind string, evict bool) (made *unstructured.Unstructured, pod *corev1.Pod, rotate func()) {
	labels := map[string]any{"app": "reads-once"}
	secret := w.name("secret")
	asks := map[string]any{
		annotation.Vault: "payments-kv", annotation.Objects: secret, annotation.OnRotation: "restart", annotation.Settle: "10s",
	}
	if evict {
		asks[annotation.OnRotation] = "evict"
	}
	template := map[string]any{
		"metadata": map[string]any{"labels": labels, "annotations": asks},
		"spec":     map[string]any{"containers": []any{map[string]any{"name": "app", "image": "registry.example/app"}}},
	}
	newOne := func(apiVersion, kind string, owner *unstructured.Unstructured) *unstructured.Unstructured {
		o := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": apiVersion, "kind": kind,
			"metadata": map[string]any{"namespace": namespace, "name": strings.ToLower(kind)},
			"spec":     map[string]any{"selector": map[string]any{"matchLabels": labels}, "template": runtime.DeepCopyJSON(template)},
		}}
		if kind == "StatefulSet" {
			check(w.t, unstructured.SetNestedField(o.Object, "reads-once", "spec", "serviceName"))
		}
		if owner != nil {
			o.SetOwnerReferences([]metav1.OwnerReference{ownedBy(owner)})
		}
		check(w.t, w.API.Create(w.t.Context(), o))
		return o
	}
	version := "apps/v1"
	if kind == "Rollout" {
		version = "argoproj.io/v1alpha1"
	}
	made = newOne(version, kind, nil)
	owner := made
	if kind == "Deployment" || kind == "Rollout" {
		owner = newOne("apps/v1", "ReplicaSet", made)
	}
	status := map[string]any{
		"observedGeneration": made.GetGeneration(), "replicas": int64(1), "updatedReplicas": int64(1), "readyReplicas": int64(1), "availableReplicas": int64(1),
	}
	if kind == "DaemonSet" {
		status = map[string]any{
			"observedGeneration": made.GetGeneration(), "currentNumberScheduled": int64(1), "desiredNumberScheduled": int64(1), "numberAvailable": int64(1),
			"numberMisscheduled": int64(0), "numberReady": int64(1), "updatedNumberScheduled": int64(1),
		}
	}
	made.Object["status"] = status
	if kind == "Rollout" {
		check(w.t, w.API.Update(w.t.Context(), made))
	} else {
		check(w.t, w.API.Status().Update(w.t.Context(), made))
	}

	pod = cluster.Pod(namespace, "reads-once-0", secret)
	for key, value := range asks {
		pod.Annotations[key] = value.(string)
	}
	pod.Labels = map[string]string{"app": "reads-once"}
	pod.OwnerReferences = []metav1.OwnerReference{ownedBy(owner)}
	class := w.createWhenServed(pod)
	w.run(pod)
	record := w.record(pod, class, strings.Repeat("1", 32))
	return made, pod, func() {
		record.Status.Objects[0].Version = strings.Repeat("2", 32)
		check(w.t, w.API.Update(w.t.Context(), record))
	}
}

func ownedBy(o *unstructured.Unstructured) metav1.OwnerReference {
	return metav1.OwnerReference{APIVersion: o.GetAPIVersion(), Kind: o.GetKind(), Name: o.GetName(), UID: o.GetUID(), Controller: new(true)}
}
