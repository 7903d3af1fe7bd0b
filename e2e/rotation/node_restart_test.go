package rotation_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"akv-injector/e2e/system"
)

// passwordFile is what the pods of these tests read.
const passwordFile = "/DB-Password"

// nodeRestart: kubelet and containerd end and come back, as in an upgrade of either. The
// containers run on, with their content at every moment, and a version that was set
// meanwhile arrives in them.
func nodeRestart(t *testing.T, s *system.System) {
	w := newWatched(t, s, "node-restart")
	check(t, s.Node.StopKubelet())
	check(t, s.Node.StopContainerd())
	w.set(t, "new value")
	down := time.Now()
	for i := range w.pods {
		if s.Options.Legacy {
			// This driver asks for itself, so it does not miss the kubelet.
			w.awaitSeen(t, &w.pods[i], "new value")
			t.Logf("%s: visible %.1f s after the rotation, without a kubelet", w.pods[i].Name, time.Since(down).Seconds())
		} else {
			w.checkStays(t, &w.pods[i], "old value")
		}
	}
	check(t, s.Node.StartContainerd(t.Context()))
	check(t, s.Node.StartKubelet(t.Context()))
	back := time.Now()
	for _, pod := range w.pods {
		check(t, w.AwaitContent(t.Context(), pod.Name, system.Mounted+passwordFile, "new value"))
		t.Logf("%s: visible %.1f s after the node was Ready again", pod.Name, time.Since(back).Seconds())
		gaps, err := w.Cat(t.Context(), pod.Name, "/tmp/gaps")
		check(t, err)
		if gaps != "" {
			t.Errorf("%s could not read its file at %s", pod.Name, strings.TrimSpace(gaps))
		}
	}
	after := w.await(t)
	for i := range after {
		if !sameContainer(&w.pods[i], &after[i]) {
			t.Errorf("%s has another container than before: %+v", after[i].Name, after[i].Status.ContainerStatuses)
		}
	}
}

// nodeReboot: everything on the node ends at once, the driver and the provider too, and
// what was mounted is gone. The pods are the same ones, with new containers that have the
// version which was set meanwhile.
func nodeReboot(t *testing.T, s *system.System) {
	w := newWatched(t, s, "node-reboot")
	check(t, s.Driver.KillDriver())
	check(t, s.Driver.StopProvider())
	check(t, s.Node.Crash())
	w.set(t, "new value")
	check(t, s.Node.Boot(t.Context()))
	back := time.Now()
	// On a cluster they are pods of the node, which come while the others wait for them.
	check(t, s.Driver.StartProvider(t.Context()))
	check(t, s.Driver.StartDriver(t.Context()))
	for _, pod := range w.pods {
		check(t, w.AwaitContent(t.Context(), pod.Name, system.Mounted+passwordFile, "new value"))
		t.Logf("%s: reads the new version %.1f s after the node was Ready again", pod.Name, time.Since(back).Seconds())
	}
	after := w.await(t)
	for i := range after {
		if after[i].UID != w.pods[i].UID {
			t.Errorf("%s is another pod than before", after[i].Name)
		}
		if sameContainer(&w.pods[i], &after[i]) {
			t.Errorf("%s has the container of before the reboot", after[i].Name)
		}
	}
	// What is mounted anew rotates as what was mounted before.
	w.set(t, "newest value")
	for _, pod := range after {
		check(t, w.AwaitContent(t.Context(), pod.Name, system.Mounted+passwordFile, "newest value"))
	}
}

// watched is a Deployment of two pods, each of which notes when it cannot read its file.
type watched struct {
	*system.Tenant
	labels client.MatchingLabels
	pods   []corev1.Pod // by name
}

func newWatched(t *testing.T, s *system.System, name string) *watched {
	t.Helper()
	w := &watched{Tenant: newTenant(t, s, name), labels: client.MatchingLabels{"app": name}}
	w.set(t, "old value")
	pod := w.Pod("", strings.TrimPrefix(passwordFile, "/"))
	pod.Labels = w.labels
	pod.Spec.Containers[0].Command = []string{
		"sh", "-c",
		": > /tmp/gaps; i=0; while :; do [ \"$(cat " + system.Mounted + passwordFile + ")\" ] || date >> /tmp/gaps;" +
			" i=$((i+1)); echo $i > /tmp/looks; sleep 0.1; done",
	}
	replicas := int32(2)
	check(t, s.API.Create(t.Context(), &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: w.Namespace},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas,
			Selector: &metav1.LabelSelector{MatchLabels: w.labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: pod.ObjectMeta, Spec: pod.Spec},
		},
	}))
	w.pods = w.await(t)
	for _, pod := range w.pods {
		check(t, w.AwaitContent(t.Context(), pod.Name, system.Mounted+passwordFile, "old value"))
	}
	return w
}

// await waits until all pods are ready, and gives them by name.
func (w *watched) await(t *testing.T) []corev1.Pod {
	t.Helper()
	pods, err := w.AwaitPods(t.Context(), 2, w.labels)
	check(t, err)
	slices.SortFunc(pods, func(a, b corev1.Pod) int { return strings.Compare(a.Name, b.Name) })
	return pods
}

func (w *watched) set(t *testing.T, value string) {
	t.Helper()
	_, err := w.SetSecret(strings.TrimPrefix(passwordFile, "/"), value)
	check(t, err)
}

// awaitSeen waits until the container itself sees a content, with or without a kubelet.
func (w *watched) awaitSeen(t *testing.T, pod *corev1.Pod, content string) {
	t.Helper()
	file := w.root(t, pod) + system.Mounted + passwordFile
	check(t, w.Await(t.Context(), w.Namespace, "the content in "+pod.Name, func(context.Context) (bool, string) {
		got, err := os.ReadFile(file)
		if err != nil {
			return false, err.Error()
		}
		return string(got) == content, string(got)
	}))
}

// checkStays lets the container look often enough for a driver with a loop of its own to
// have come by several times, and wants the content to be the same after that.
func (w *watched) checkStays(t *testing.T, pod *corev1.Pod, content string) {
	t.Helper()
	root := w.root(t, pod)
	// It sleeps a tenth of a second after each.
	needed, first := int(3*w.Options.PollInterval/(100*time.Millisecond)), 0
	check(t, w.Await(t.Context(), w.Namespace, fmt.Sprintf("%d looks of %s", needed, pod.Name), func(context.Context) (bool, string) {
		text, err := os.ReadFile(root + "/tmp/looks")
		if err != nil {
			return false, err.Error()
		}
		looks, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err != nil {
			return false, err.Error() // It is being written.
		}
		if first == 0 {
			first = looks
		}
		return looks-first >= needed, fmt.Sprintf("%d", looks-first)
	}))
	got, err := os.ReadFile(root + system.Mounted + passwordFile)
	check(t, err)
	if string(got) != content {
		t.Errorf("without a kubelet %s has %q, want %q", pod.Name, got, content)
	}
}

// root is the folder of the node where the container's files are.
func (w *watched) root(t *testing.T, pod *corev1.Pod) string {
	t.Helper()
	root, err := w.Node.ContainerRoot(pod.Status.ContainerStatuses[0].ContainerID)
	check(t, err)
	return root
}
