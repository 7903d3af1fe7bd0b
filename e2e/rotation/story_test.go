package rotation_test

import (
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"akv-injector/e2e/suite"
	"akv-injector/e2e/system"
)

// story: two replicas of an annotated Deployment read a secret; it is rotated; the same
// containers read the new value.
func story(t *testing.T, s *system.System) {
	tenant := newTenant(t, s, "story")
	_, err := tenant.SetSecret("DB-Password", "old value")
	check(t, err)

	pod := tenant.Pod("", "DB-Password")
	labels := map[string]string{"app": "story"}
	pod.Labels = labels
	replicas := int32(2)
	check(t, s.API.Create(t.Context(), &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "story", Namespace: tenant.Namespace},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas,
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: pod.ObjectMeta, Spec: pod.Spec},
		},
	}))
	before, err := tenant.AwaitPods(t.Context(), int(replicas), client.MatchingLabels(labels))
	check(t, err)
	const file = system.Mounted + "/DB-Password"
	for _, pod := range before {
		check(t, tenant.AwaitContent(t.Context(), pod.Name, file, "old value"))
	}

	rotated := time.Now()
	_, err = tenant.SetSecret("DB-Password", "new value")
	check(t, err)
	for _, pod := range before {
		check(t, tenant.AwaitContent(t.Context(), pod.Name, file, "new value"))
	}
	driver := "1.6.0"
	if s.Options.Legacy {
		driver = "1.4.8"
	}
	suite.Measure(t, "driver %s: a new version is in both pods %.1f s after it was set; kubelet's --sync-frequency %s,"+
		" driver's --rotation-poll-interval %s, other tests beside it",
		driver, time.Since(rotated).Seconds(), s.Options.SyncFrequency, s.Options.PollInterval)

	after, err := tenant.AwaitPods(t.Context(), int(replicas), client.MatchingLabels(labels))
	check(t, err)
	for i := range after {
		same := false
		for j := range before {
			same = same || sameContainer(&before[j], &after[i])
		}
		if !same {
			t.Errorf("%s has another container than before: %+v", after[i].Name, after[i].Status.ContainerStatuses)
		}
	}
}

// sameContainer reports whether two readings of a pod have the same container, which never
// restarted.
func sameContainer(a, b *corev1.Pod) bool {
	if a.UID != b.UID || len(a.Status.ContainerStatuses) != 1 || len(b.Status.ContainerStatuses) != 1 {
		return false
	}
	x, y := a.Status.ContainerStatuses[0], b.Status.ContainerStatuses[0]
	return x.ContainerID == y.ContainerID && y.RestartCount == 0
}
