package fleet_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/e2e/cluster"
	"akv-injector/e2e/controlplane"
	"akv-injector/e2e/injector"
	"akv-injector/e2e/suite"
	"akv-injector/inject/provider"
	"akv-injector/internal/testing/await"
)

const (
	fleet  = "fleet"
	gate   = 10 * time.Second
	asked  = 30 * time.Second
	nudges = 100 // a second
)

// TestFleet: a rotation costs one nudge for each pod that is stale, and no rotation none but the canaries'.
// AKV_FLEET is the number of pods, with ten to a class; without it, 500 pods share an object.
func TestFleet(t *testing.T) {
	count, classes := 500, 1
	if text := os.Getenv("AKV_FLEET"); text != "" {
		var err error
		if count, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
		classes = max(1, count/10)
	}
	c := cluster.Start(t, controlplane.Options{}, injector.Options{Args: []string{fmt.Sprintf("--rotation-nudges-per-second=%d", nudges)}})
	c.Namespace(t, fleet, nil)
	n := &nodes{T: t, Cluster: c, gate: gate, versions: map[string]string{}, pods: map[string]*simulated{}, nudged: map[string]int{}}
	class := func(i int) string { return fmt.Sprintf("class-%d", i%classes) }
	n.driver()
	side(classes, func(i int) {
		n.mu.Lock()
		n.versions[class(i)] = "v1"
		n.mu.Unlock()
		n.must(c.API.Create(t.Context(), &secretsstorev1.SecretProviderClass{
			ObjectMeta: metav1.ObjectMeta{Namespace: fleet, Name: class(i)},
			Spec: secretsstorev1.SecretProviderClassSpec{Provider: "azure", Parameters: map[string]string{
				"keyvaultName": "fleet-kv", "clientID": cluster.ClientID, "tenantID": cluster.TenantID,
				"objects": "array:\n  - |\n    objectName: DB-Password\n    objectType: secret\n",
			}},
		}))
	})
	n.run(fleet, count, class, asked.String())
	n.watch(t.Context(), fleet)
	leader := c.Injector.Replicas()[0]
	n.awaitMetric(leader, fmt.Sprintf(`akv_injector_rotation_pods{state="current"} %d`, count))

	// Nothing is rotated: only canaries are nudged, one for each class and interval.
	n.counts()
	cpu := n.cpu(leader)
	const idle = 2 * asked
	n.pause(idle)
	sent, pods, _ := n.counts()
	used := n.cpu(leader) - cpu
	// The interval is kept with something to spare, so that there may be three rounds.
	if most := 3 * classes; sent > most {
		t.Errorf("%d nudges in %s without a rotation, want one for each class and interval: %d", sent, idle, most)
	}
	suite.Measure(t, "rotation of %d pods of %d classes that ask for %s, simulated kubelets: without a rotation %d nudges of %d pods in %s, and the leader uses %.1f %% of a core",
		count, classes, asked, sent, pods, idle, 100*used.Seconds()/idle.Seconds())

	// All objects are rotated, and each class's first pod has it by itself.
	cpu = n.cpu(leader)
	n.mu.Lock()
	for i := range classes {
		n.versions[class(i)] = "v2"
	}
	n.mu.Unlock()
	begun := time.Now()
	side(classes, func(i int) { n.ask(fmt.Sprintf("pod-%05d", i), false) })
	await.Poll{Limit: 5 * time.Minute, Every: 100 * time.Millisecond}.Require(t, "all pods to have the new version", func(context.Context) (bool, string) {
		left := n.stale()
		return left == 0, fmt.Sprint(left, " have not")
	})
	took := time.Since(begun)
	n.awaitMetric(leader, fmt.Sprintf(`akv_injector_rotation_pods{state="current"} %d`, count))
	sent, pods, wasted := n.counts()
	used = n.cpu(leader) - cpu
	// A canary may come before a class's first pod has asked, or have been sent just before.
	if sent-wasted > count || wasted > 2*classes {
		t.Errorf("%d nudges of %d pods, %d of them of pods that were current, for %d pods that were stale", sent, pods, wasted, count-classes)
	}
	memory, err := leader.PeakMemory()
	n.must(err)
	suite.Measure(t, "rotation of %d pods of %d classes, all objects at once: the last has it after %.1f s at %d nudges a second, %d nudges of %d pods, %.1f s of processor time; the leader's memory was at most %d MiB",
		count, classes, took.Seconds(), nudges, sent, pods, used.Seconds(), memory)
}

// driver installs what tells of a driver 1.6.
func (n *nodes) driver() {
	n.Helper()
	n.must(n.API.Create(n.Context(), &storagev1.CSIDriver{
		ObjectMeta: metav1.ObjectMeta{Name: provider.DriverName},
		Spec: storagev1.CSIDriverSpec{
			AttachRequired: new(false), PodInfoOnMount: new(true), RequiresRepublish: new(true), VolumeLifecycleModes: []storagev1.VolumeLifecycleMode{storagev1.VolumeLifecycleEphemeral},
			TokenRequests: []storagev1.TokenRequest{{Audience: "api://AzureADTokenExchange"}},
		},
	}))
	labels := map[string]string{"app": "secrets-store-csi-driver"}
	n.must(n.API.Create(n.Context(), &appsv1.DaemonSet{
		ObjectMeta: metav1.ObjectMeta{Name: "secrets-store-csi-driver", Namespace: "kube-system"},
		Spec: appsv1.DaemonSetSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{Containers: []corev1.Container{{
				Name: "secrets-store", Image: "registry.k8s.io/csi-secrets-store/driver:v1.6.0",
				Args: []string{"--provider-volume=/providers", "--enable-secret-rotation=true", "--rotation-poll-interval=" + gate.String()},
			}}}},
		},
	}))
}

func (n *nodes) awaitMetric(r *injector.Replica, line string) {
	n.Helper()
	await.Poll{Limit: 2 * time.Minute, Every: 200 * time.Millisecond}.Require(n.T, "the metric "+line, func(ctx context.Context) (bool, string) {
		text, err := r.Metrics(ctx)
		if err != nil {
			return false, err.Error()
		}
		var have []string
		for l := range strings.Lines(text) {
			if strings.HasPrefix(l, "akv_injector_rotation_pods") {
				have = append(have, strings.TrimSpace(l))
			}
		}
		return strings.Contains(text, "\n"+line+"\n"), strings.Join(have, ", ")
	})
}

func (n *nodes) cpu(r *injector.Replica) time.Duration {
	n.Helper()
	used, err := r.CPU()
	n.must(err)
	return used
}

// pause lets time pass in which nothing is to happen, so that there is nothing to wait for.
func (n *nodes) pause(d time.Duration) {
	n.Helper()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-n.Context().Done():
	case <-timer.C:
	}
}
