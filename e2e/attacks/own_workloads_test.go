package attacks_test

import (
	"context"
	"encoding/json"
	"maps"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"akv-injector/e2e/injector"
)

// With restarts on, whoever has our own account's token may say when workloads were restarted, in
// namespaces that have opted in, and change nothing else of them.
func TestOwnAccountAndWorkloads(t *testing.T) {
	t.Parallel()
	c := start(t, 1)
	const in, out = "tenant", "stranger"
	c.Namespace(t, in, nil)
	if err := c.CreateNamespace(t.Context(), out, nil, nil); err != nil {
		t.Fatal(err)
	}
	c.CreateAccount(t, out)
	applyPolicies(t, c, "restart: {enabled: true}")
	own, admin := as(t, c, account(injector.Namespace, injector.ServiceAccount)), as(t, c, user)
	template := corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "web"}, Annotations: map[string]string{"example.com/note": "mine"}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "registry.example/app"}}},
	}
	selector := &metav1.LabelSelector{MatchLabels: template.Labels}
	meta := func(namespace string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: namespace, Name: "web"} }
	objects := func(namespace string) []client.Object {
		return []client.Object{
			&appsv1.Deployment{ObjectMeta: meta(namespace), Spec: appsv1.DeploymentSpec{Replicas: new(int32(1)), Selector: selector, Template: template}},
			&appsv1.StatefulSet{ObjectMeta: meta(namespace), Spec: appsv1.StatefulSetSpec{Replicas: new(int32(1)), Selector: selector, Template: template}},
			&appsv1.DaemonSet{ObjectMeta: meta(namespace), Spec: appsv1.DaemonSetSpec{Selector: selector, Template: template}},
			&appsv1.ReplicaSet{ObjectMeta: meta(namespace), Spec: appsv1.ReplicaSetSpec{Selector: selector, Template: template}},
		}
	}
	for _, namespace := range []string{in, out} {
		for _, o := range objects(namespace) {
			if err := admin.Create(t.Context(), o); err != nil {
				t.Fatal(err)
			}
		}
	}
	patch := func(o client.Object, content any) error {
		t.Helper()
		raw, err := json.Marshal(content)
		if err != nil {
			t.Fatal(err)
		}
		return own.Patch(t.Context(), o.DeepCopyObject().(client.Object), client.RawPatch(types.MergePatchType, raw), client.DryRunAll)
	}
	type object = map[string]any
	const now = "2026-01-02T03:04:05Z"
	const key = "kubectl.kubernetes.io/restartedAt"
	// inTemplate is the restart, with a change of the template.
	inTemplate := func(change object) object {
		template := object{"metadata": object{"annotations": object{key: now}}}
		maps.Copy(template, change)
		return object{"spec": object{"template": template}}
	}
	restart := inTemplate(nil)
	all := objects(in)
	awaitSeen(t, "the API server to have the policy", func(context.Context) error { return patch(all[0], object{"spec": object{"replicas": 7}}) })
	for _, o := range all[:3] {
		if err := patch(o, restart); err != nil {
			t.Errorf("a restart of a %T: %v", o, err)
		}
		for name, content := range map[string]object{
			"an image":               inTemplate(object{"spec": object{"containers": []object{{"name": "app", "image": "evil"}}}}),
			"an account":             inTemplate(object{"spec": object{"serviceAccountName": "other"}}),
			"a label of the pods":    inTemplate(object{"metadata": object{"labels": object{"more": "x"}, "annotations": object{key: now}}}),
			"another annotation":     inTemplate(object{"metadata": object{"annotations": object{key: now, "example.com/new": "x"}}}),
			"another's annotation":   inTemplate(object{"metadata": object{"annotations": object{key: now, "example.com/note": "theirs"}}}),
			"no time":                inTemplate(object{"metadata": object{"annotations": object{key: "soon"}}}),
			"the workload's labels":  {"metadata": object{"labels": object{"a": "b"}}, "spec": restart["spec"]},
			"its annotations":        {"metadata": object{"annotations": object{"a": "b"}}, "spec": restart["spec"]},
			"the history that stays": {"spec": object{"revisionHistoryLimit": 1, "template": restart["spec"].(object)["template"]}},
		} {
			if err := patch(o, content); !byVerdict(err) || !strings.Contains(err.Error(), "akv-injector-own-workloads") {
				t.Errorf("%s of a %T: %v, want it refused by the policy", name, o, err)
			}
		}
	}
	if err := patch(all[3], restart); !byVerdict(err) {
		t.Errorf("a ReplicaSet: %v", err)
	}
	for _, o := range objects(out) {
		if err := patch(o, restart); !byVerdict(err) {
			t.Errorf("a %T in a namespace that has not opted in: %v", o, err)
		}
	}
	for namespace, allowed := range map[string]bool{in: true, out: false} {
		pod := mounting(namespace, "victim", nil)
		pod.Spec.Containers[0].VolumeMounts = nil
		if err := admin.Create(t.Context(), pod); err != nil {
			t.Fatal(err)
		}
		eviction := &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "victim"}}
		if err := own.SubResource("eviction").Create(t.Context(), pod, eviction, client.DryRunAll); (err == nil) != allowed {
			t.Errorf("an eviction in %s: %v, want it allowed: %t", namespace, err, allowed)
		}
	}
	if err := own.Status().Patch(t.Context(), all[0].DeepCopyObject().(client.Object), client.RawPatch(types.MergePatchType, []byte(`{"status":{"replicas":3}}`)), client.DryRunAll); !byVerdict(err) {
		t.Errorf("the status: %v", err)
	}
}
