package rotation_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/e2e/system"
)

// fifty is how many pods come at once, half of them the replicas of a Deployment.
const fifty = 50

// fiftyAtOnce: classes are written at admission, moments before the driver looks for them.
// Of the replicas the first brings the class; each other pod brings one of its own.
func fiftyAtOnce(t *testing.T, s *system.System) {
	const replicas, single = fifty / 2, fifty - fifty/2
	tenant, err := s.NewTenant(t.Context(), "fifty")
	check(t, err)
	_, err = tenant.SetSecret("DB-Password", "value")
	check(t, err)
	template := tenant.Pod("", "DB-Password")
	template.Labels = map[string]string{"app": "fifty"}
	deployment := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "fifty", Namespace: tenant.Namespace},
		Spec: appsv1.DeploymentSpec{
			Replicas: new(int32(replicas)),
			Selector: &metav1.LabelSelector{MatchLabels: template.Labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: template.ObjectMeta, Spec: template.Spec},
		},
	}
	// The tests' own client would spread the pods over ten seconds.
	config := rest.CopyConfig(s.Config)
	config.QPS = -1
	hasty, err := client.New(config, client.Options{Scheme: s.API.Scheme()})
	check(t, err)
	allAtOnce(t, tenant, 1+single, func() error {
		if err := hasty.Create(t.Context(), deployment); err != nil {
			return err
		}
		for i := range single {
			pod := tenant.Pod(fmt.Sprintf("pod-%d", i), fmt.Sprintf("file-%d=DB-Password", i))
			if err := hasty.Create(t.Context(), pod); err != nil {
				return err
			}
		}
		return nil
	})
}

// allAtOnce creates fifty pods of as many classes as given, and wants them ready
// without a mount that failed at first.
func allAtOnce(t *testing.T, tenant *system.Tenant, classes int, create func() error) {
	t.Helper()
	pods, err := tenant.API.Watch(t.Context(), &corev1.PodList{}, client.InNamespace(tenant.Namespace))
	check(t, err)
	defer pods.Stop()
	begun := time.Now()
	check(t, create())

	took, err := untilReady(t.Context(), pods)
	if err != nil {
		t.Fatal(tenant.Explain(tenant.Namespace, err))
	}
	all := time.Since(begun)

	var list secretsstorev1.SecretProviderClassList
	check(t, tenant.API.List(t.Context(), &list, client.InNamespace(tenant.Namespace)))
	if len(list.Items) != classes {
		t.Errorf("there are %d classes, want %d", len(list.Items), classes)
	}
	for _, event := range troubles(t, tenant.System, tenant.Namespace) {
		t.Errorf("a mount did not go well at once: %s", event)
	}
	slices.Sort(took)
	t.Logf("%d pods ready %.1f s after the first was asked for; each, from scheduled to ready: median %.1f s, slowest %.1f s",
		fifty, all.Seconds(), took[fifty/2].Seconds(), took[fifty-1].Seconds())
}

// untilReady watches until fifty pods are ready, and gives how long after being
// scheduled each was.
func untilReady(ctx context.Context, pods watch.Interface) ([]time.Duration, error) {
	// As they come: what is read late is timed late.
	ctx, cancel := context.WithTimeout(ctx, 2*system.Patience)
	defer cancel()
	scheduled, took := map[string]time.Time{}, map[string]time.Duration{}
	for len(took) < fifty {
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("of %d pods %d are scheduled and %d ready: %w", fifty, len(scheduled), len(took), ctx.Err())
		case event := <-pods.ResultChan():
			pod, ok := event.Object.(*corev1.Pod)
			if !ok {
				return nil, fmt.Errorf("watching pods: %+v", event)
			}
			if _, seen := scheduled[pod.Name]; !seen && pod.Spec.NodeName != "" {
				scheduled[pod.Name] = time.Now()
			}
			if _, seen := took[pod.Name]; !seen && isReady(pod) {
				took[pod.Name] = time.Since(scheduled[pod.Name])
			}
		}
	}
	return slices.Collect(maps.Values(took)), nil
}

func isReady(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}
