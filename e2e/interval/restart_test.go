package interval_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

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
	deployment := readsOnce(tenant, "reads-once", "restart", "one", "two")
	check(t, s.API.Create(t.Context(), deployment))
	_, err = tenant.SetSecret("three", "old three")
	check(t, err)
	evicted := readsOnce(tenant, "evicted", "evict", "three")
	check(t, s.API.Create(t.Context(), evicted))
	check(t, s.API.Create(t.Context(), &policyv1.PodDisruptionBudget{
		ObjectMeta: metav1.ObjectMeta{Name: "evicted", Namespace: tenant.Namespace},
		Spec:       policyv1.PodDisruptionBudgetSpec{MinAvailable: new(intstr.FromInt32(1)), Selector: evicted.Spec.Selector},
	}))
	toEvict := client.MatchingLabels(evicted.Spec.Selector.MatchLabels)
	first, err := tenant.AwaitPods(t.Context(), 2, toEvict)
	check(t, err)
	fewer := watchAvailable(t, s, client.ObjectKeyFromObject(evicted))
	labels := client.MatchingLabels(deployment.Spec.Selector.MatchLabels)
	before, err := tenant.AwaitPods(t.Context(), 2, labels)
	check(t, err)

	missing := watchAvailable(t, s, client.ObjectKeyFromObject(deployment))
	// Two changes, the second within what settles.
	for _, name := range []string{"one", "two", "three"} {
		timer := time.NewTimer(shortGate + 2*time.Second)
		select {
		case <-t.Context().Done():
		case <-timer.C:
		}
		_, err = tenant.SetSecret(name, "new "+name)
		check(t, err)
	}
	awaitStarted(t, tenant, labels, "started with new one new two\n")
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

	// The others were evicted one after the other, and their template is as it was.
	awaitStarted(t, tenant, toEvict, "started with new three\n")
	after, err = tenant.AwaitPods(t.Context(), 2, toEvict)
	check(t, err)
	for i := range after {
		if slices.ContainsFunc(first, func(p corev1.Pod) bool { return p.UID == after[i].UID }) {
			t.Errorf("%s is one of before", after[i].Name)
		}
	}
	if least := fewer(); least < 1 {
		t.Error("both were evicted at once")
	}
	check(t, s.API.List(t.Context(), &sets, client.InNamespace(tenant.Namespace), toEvict))
	if len(sets.Items) != 1 {
		t.Errorf("%d ReplicaSets of what was evicted", len(sets.Items))
	}
	replacesEmpty(t, tenant)
}

// awaitStarted waits until there are two pods, and both have started with what is wanted.
func awaitStarted(t *testing.T, tenant *system.Tenant, labels client.MatchingLabels, want string) {
	t.Helper()
	check(t, tenant.Await(t.Context(), tenant.Namespace, "pods that have "+want, func(ctx context.Context) (bool, string) {
		var pods corev1.PodList
		if err := tenant.API.List(ctx, &pods, client.InNamespace(tenant.Namespace), labels); err != nil {
			return false, err.Error()
		}
		said := ""
		for i := range pods.Items {
			p := &pods.Items[i]
			text, err := tenant.Client.CoreV1().Pods(p.Namespace).GetLogs(p.Name, &corev1.PodLogOptions{}).DoRaw(ctx)
			said += fmt.Sprintf("%s says %q (%v); ", p.Name, text, err)
			if string(text) != want {
				return false, said
			}
		}
		return len(pods.Items) == 2, said
	}))
}

// readsOnce is a Deployment whose containers read their secrets when they start.
func readsOnce(tenant *system.Tenant, name, onRotation string, secrets ...string) *appsv1.Deployment {
	pod := tenant.Pod("", strings.Join(secrets, ", "))
	pod.Labels = map[string]string{"app": name}
	pod.Annotations[annotation.OnRotation] = onRotation
	pod.Annotations[annotation.Settle] = "20s"
	pod.Annotations[annotation.RotationPollInterval] = "10s"
	pod.Spec.Containers = []corev1.Container{{
		Name: "app", Image: images.Shell, ImagePullPolicy: corev1.PullNever,
		Command: []string{"sh", "-c", `cd ` + folder + ` && said="started with" && for secret in ` + strings.Join(secrets, " ") +
			`; do said="$said $(cat $secret)"; done; echo "$said"; exec sleep 1000000`},
	}}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: tenant.Namespace},
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

// replacesEmpty: a pod of which the driver has no record is evicted, and the next one has its files.
// Package rotation has pods that a first mount that was interrupted leaves so; here the record is
// deleted while the driver, which would write it again, is away.
func replacesEmpty(t *testing.T, tenant *system.Tenant) {
	t.Helper()
	_, err := tenant.SetSecret("four", "four")
	check(t, err)
	deployment := readsOnce(tenant, "empty", "none", "four")
	deployment.Spec.Replicas = new(int32(1))
	deployment.Spec.Template.Annotations[annotation.OnEmpty] = "evict"
	check(t, tenant.API.Create(t.Context(), deployment))
	labels := client.MatchingLabels(deployment.Spec.Selector.MatchLabels)
	first, err := tenant.AwaitPods(t.Context(), 1, labels)
	check(t, err)
	check(t, tenant.Driver.StopDriver())
	var records secretsstorev1.SecretProviderClassPodStatusList
	check(t, tenant.API.List(t.Context(), &records, client.InNamespace(tenant.Namespace)))
	for i := range records.Items {
		if records.Items[i].Status.PodName == first[0].Name {
			check(t, tenant.API.Delete(t.Context(), &records.Items[i]))
		}
	}
	_, err = tenant.AwaitEvent(t.Context(), "deployment/empty RestartedForRotation", "it ran without its files")
	check(t, err)
	check(t, tenant.Driver.StartDriver(t.Context()))
	check(t, tenant.Await(t.Context(), tenant.Namespace, "a pod with its files", func(ctx context.Context) (bool, string) {
		var pods corev1.PodList
		err := tenant.API.List(ctx, &pods, client.InNamespace(tenant.Namespace), labels)
		if err != nil || len(pods.Items) != 1 || pods.Items[0].UID == first[0].UID {
			return false, fmt.Sprint(err, len(pods.Items))
		}
		text, err := tenant.Client.CoreV1().Pods(tenant.Namespace).GetLogs(pods.Items[0].Name, &corev1.PodLogOptions{}).DoRaw(ctx)
		return string(text) == "started with four\n", fmt.Sprintf("%q %v", text, err)
	}))
}
