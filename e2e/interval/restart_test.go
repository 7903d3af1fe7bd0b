package interval_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"akv-injector/e2e/images"
	"akv-injector/e2e/injector"
	"akv-injector/e2e/system"
	"akv-injector/inject/annotation"
)

// TestRestart: a program that reads its secret once is restarted when that has been rotated, once
// for two changes, by a rollout in which no replica is missing; and the new pods have the new value.
func TestRestart(t *testing.T) {
	s := start(t, system.Options{PollInterval: shortGate, SyncFrequency: kubeletsDefault, InjectorArgs: []string{"--restarts"}})
	objects, err := injector.Chart(t.Context(), "restart: {enabled: true}")
	check(t, err)
	for _, o := range objects {
		if slices.Contains([]string{"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "ClusterRole"}, o.GetKind()) {
			check(t, injector.Apply(t.Context(), s.Config, o))
		}
	}
	tenant := newTenant(t, s, byCanary)
	for _, name := range []string{"one", "two"} {
		_, err := tenant.SetSecret(name, "old "+name)
		check(t, err)
	}
	deployment := readsOnce(tenant)
	check(t, s.API.Create(t.Context(), deployment))
	labels := client.MatchingLabels(deployment.Spec.Selector.MatchLabels)
	before, err := tenant.AwaitPods(t.Context(), 2, labels)
	check(t, err)

	missing := watchAvailable(t, s, client.ObjectKeyFromObject(deployment))
	// Two changes, the second within what settles.
	for _, name := range []string{"one", "two"} {
		timer := time.NewTimer(shortGate + 2*time.Second)
		select {
		case <-t.Context().Done():
		case <-timer.C:
		}
		_, err = tenant.SetSecret(name, "new "+name)
		check(t, err)
	}
	check(t, tenant.Await(t.Context(), tenant.Namespace, "new pods with the new values", func(ctx context.Context) (bool, string) {
		var pods corev1.PodList
		if err := s.API.List(ctx, &pods, client.InNamespace(tenant.Namespace), labels); err != nil {
			return false, err.Error()
		}
		said := ""
		for i := range pods.Items {
			p := &pods.Items[i]
			text, err := s.Client.CoreV1().Pods(p.Namespace).GetLogs(p.Name, &corev1.PodLogOptions{}).DoRaw(ctx)
			said += fmt.Sprintf("%s says %q (%v); ", p.Name, text, err)
			if string(text) != "started with new one, new two\n" {
				return false, said
			}
		}
		return len(pods.Items) == 2, said
	}))
	if least := missing(); least < 2 {
		t.Errorf("%d replicas were available for a while", least)
	}
	now := &appsv1.Deployment{}
	check(t, s.API.Get(t.Context(), client.ObjectKeyFromObject(deployment), now))
	var sets appsv1.ReplicaSetList
	check(t, s.API.List(t.Context(), &sets, client.InNamespace(tenant.Namespace), labels))
	if len(sets.Items) != 2 {
		t.Errorf("%d ReplicaSets for two changes within what settles, want that of before and one more", len(sets.Items))
	}
	after, err := tenant.AwaitPods(t.Context(), 2, labels)
	check(t, err)
	for i := range after {
		if slices.ContainsFunc(before, func(p corev1.Pod) bool { return p.UID == after[i].UID }) {
			t.Errorf("%s is one of before", after[i].Name)
		}
	}
	_, err = tenant.AwaitEvent(t.Context(), "deployment/reads-once RestartedForRotation", "secret/two@")
	check(t, err)
}

// readsOnce is a Deployment whose containers read their secrets when they start.
func readsOnce(tenant *system.Tenant) *appsv1.Deployment {
	pod := tenant.Pod("", "one, two")
	pod.Labels = map[string]string{"app": "reads-once"}
	pod.Annotations[annotation.OnRotation] = "restart"
	pod.Annotations[annotation.Settle] = "20s"
	pod.Annotations[annotation.RotationPollInterval] = "10s"
	pod.Spec.Containers = []corev1.Container{{
		Name: "app", Image: images.Shell, ImagePullPolicy: corev1.PullNever,
		Command: []string{"sh", "-c", `echo "started with $(cat ` + folder + `/one), $(cat ` + folder + `/two)"; exec sleep 1000000`},
	}}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "reads-once", Namespace: tenant.Namespace},
		Spec: appsv1.DeploymentSpec{
			Replicas: new(int32(2)), Selector: &metav1.LabelSelector{MatchLabels: pod.Labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: pod.ObjectMeta, Spec: pod.Spec},
			Strategy: appsv1.DeploymentStrategy{Type: appsv1.RollingUpdateDeploymentStrategyType, RollingUpdate: &appsv1.RollingUpdateDeployment{
				MaxUnavailable: new(intstr.FromInt32(0)), MaxSurge: new(intstr.FromInt32(1)),
			}},
		},
	}
}

// watchAvailable watches a Deployment until the result is called, which is the least number of
// available replicas that it had.
func watchAvailable(t *testing.T, s *system.System, key types.NamespacedName) (least func() int32) {
	t.Helper()
	watched, err := s.API.Watch(t.Context(), &appsv1.DeploymentList{}, client.InNamespace(key.Namespace))
	check(t, err)
	done := make(chan int32, 1)
	go func() {
		fewest := int32(2)
		for event := range watched.ResultChan() {
			if d, ok := event.Object.(*appsv1.Deployment); ok && d.Name == key.Name {
				fewest = min(fewest, d.Status.AvailableReplicas)
			}
		}
		done <- fewest
	}()
	return func() int32 {
		watched.Stop()
		return <-done
	}
}
