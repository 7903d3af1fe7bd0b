package classes_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/e2e/cluster"
	"akv-injector/e2e/controlplane"
	"akv-injector/e2e/injector"
	"akv-injector/inject/annotation"
	"akv-injector/internal/testing/await"
)

// TestInjectorRestartsAmidCreates stops and starts the only replica while a ReplicaSet's
// pods are created: every pod comes in the end, every one injected, with its class there.
func TestInjectorRestartsAmidCreates(t *testing.T) {
	const replicas = 60
	c := cluster.Start(t, controlplane.Options{ControllerManager: true}, watched(injector.Options{}))
	c.Namespace(t, "rollout", nil)
	deploy(t, c, "rollout", replicas)
	awaitPods(t, c, "rollout", 1)

	var refused atomic.Int32
	if err := c.Injector.StopReplica(c.Injector.Replicas()[0]); err != nil {
		t.Fatal(err)
	}
	// Down: a pod that asks is refused, and told why; one that does not is not touched.
	if err := c.API.Create(t.Context(), cluster.Pod("rollout", "asks", "DB-Password")); err == nil {
		t.Error("a pod that asks was stored without akv-injector")
	} else if !strings.Contains(err.Error(), "azure.keyvault.injector") {
		t.Errorf("the refusal does not say whose it is: %v", err)
	} else {
		refused.Add(1)
	}
	plain := cluster.Pod("rollout", "plain", "")
	plain.Annotations = nil
	if err := c.API.Create(t.Context(), plain); err != nil {
		t.Errorf("a pod that asks for nothing was refused: %v", err)
	}
	if err := c.Injector.StartReplica(t.Context(), c.Injector.Replicas()[0]); err != nil {
		t.Fatal(err)
	}
	if err := c.Injector.AwaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	awaitPods(t, c, "rollout", replicas)
}

// restartWithoutARefusal rolls two replicas, one at a time, while pods are
// created: nothing is refused.
func restartWithoutARefusal(t *testing.T, c *cluster.Cluster) {
	c.Namespace(t, "rolling", nil)
	done := make(chan struct{})
	created := make(chan int)
	go func() {
		n, longest := 0, time.Duration(0)
		defer func() {
			t.Logf("%d pods were created meanwhile, none in more than %s", n, longest.Round(time.Millisecond))
			created <- n
		}()
		for {
			select {
			case <-done:
				return
			default:
			}
			begun := time.Now()
			if err := c.API.Create(t.Context(), cluster.Pod("rolling", fmt.Sprintf("pod-%d", n), fmt.Sprintf("object-%d", n))); err != nil {
				t.Errorf("pod %d: %v", n, err)
				return
			}
			longest = max(longest, time.Since(begun))
			n++
		}
	}()
	for i := range c.Injector.Replicas() {
		if err := c.Injector.Withdraw(i); err != nil {
			t.Fatal(err)
		}
		if err := c.Injector.StopReplica(c.Injector.Replicas()[i]); err != nil {
			t.Fatal(err)
		}
		if err := c.Injector.StartReplica(t.Context(), c.Injector.Replicas()[i]); err != nil {
			t.Fatal(err)
		}
		if err := c.Injector.AwaitReady(t.Context()); err != nil {
			t.Fatal(err)
		}
		c.Injector.Offer()
	}
	close(done)
	n := <-created
	if n == 0 {
		t.Error("no pod was created meanwhile: the test shows nothing")
	}
	if classes := len(listClasses(t, c, "rolling")); classes != n {
		t.Errorf("%d pods have %d classes", n, classes)
	}
}

// apiServerRestart restarts the API server under a running injector: what it injects
// and restores afterwards is what it did before.
func apiServerRestart(t *testing.T, c *cluster.Cluster) {
	c.Namespace(t, "survivor", nil)
	before := cluster.Pod("survivor", "before", "DB-Password")
	name := c.Create(t, before)
	if err := c.StopAPIServer(); err != nil {
		t.Fatal(err)
	}
	if err := c.StartAPIServer(t.Context()); err != nil {
		t.Fatal(err)
	}
	if other := c.Create(t, cluster.Pod("survivor", "after", "DB-Password")); other != name {
		t.Errorf("after the restart the same request has the class %s, want %s", other, name)
	}
	if err := c.API.Delete(t.Context(), c.Class(t, "survivor", name)); err != nil {
		t.Fatal(err)
	}
	(&attack{t: t, c: c, namespace: "survivor"}).awaitClass(name)
	remove(t, c, before)
	after := &corev1.Pod{}
	after.Namespace, after.Name = "survivor", "after"
	remove(t, c, after)
	awaitGone(t, c, "survivor", name)
}

// TestClassCRDComesLate starts the injector on a cluster without the driver's CRDs: it
// stays unready and says so, and goes on by itself.
func TestClassCRDComesLate(t *testing.T) {
	c := cluster.Start(t, controlplane.Options{ControllerManager: true}, watched(injector.Options{WithoutCRDs: true}))
	replica := c.Injector.Replicas()[0]
	soon.Require(t, "the replica to say why it is not ready", func(ctx context.Context) (bool, string) {
		ready, answer := replica.Ready(ctx)
		if ready {
			t.Fatal("ready without the class CRD")
		}
		return strings.Contains(answer, "AKV016") || strings.Contains(replica.Log(), "AKV016"), answer
	})
	c.Namespace(t, "late", nil)
	err := c.API.Create(t.Context(), cluster.Pod("late", "early-bird", "DB-Password"))
	if err == nil {
		t.Error("a pod that asks was stored though its class could not be written")
	} else if !strings.Contains(err.Error(), "SecretProviderClass") && !strings.Contains(err.Error(), "secretproviderclass") && !strings.Contains(err.Error(), "azure.keyvault.injector") {
		t.Errorf("the refusal does not say why: %v", err)
	}
	t.Logf("refused with: %v", err)
	deploy(t, c, "late", 3)

	if err := c.Injector.InstallCRDs(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := c.Injector.AwaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	awaitPods(t, c, "late", 3)
}

// deploy creates a Deployment whose pods ask for DB-Password.
func deploy(t *testing.T, c *cluster.Cluster, namespace string, replicas int32) {
	t.Helper()
	labels := map[string]string{"app": "api"}
	pod := cluster.Pod(namespace, "", "DB-Password")
	d := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "api"},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels, Annotations: pod.Annotations}, Spec: pod.Spec,
			},
		},
	}
	if err := c.API.Create(t.Context(), d); err != nil {
		t.Fatal(err)
	}
}

// awaitPods waits until the Deployment has that many pods at least, all injected, with
// their class there.
func awaitPods(t *testing.T, c *cluster.Cluster, namespace string, count int) {
	t.Helper()
	// A controller that was refused waits longer and longer before it tries again.
	poll := await.Poll{Limit: 2 * time.Minute}
	poll.Require(t, fmt.Sprintf("%d pods of the Deployment", count), func(ctx context.Context) (bool, string) {
		pods := &corev1.PodList{}
		if err := c.API.List(ctx, pods, client.InNamespace(namespace), client.MatchingLabels{"app": "api"}); err != nil {
			return false, err.Error()
		}
		for i := range pods.Items {
			pod := &pods.Items[i]
			names := cluster.Classes(pod)
			if len(names) != 1 || pod.Labels[annotation.LabelInjected] != "true" {
				t.Fatalf("the pod %s is stored without its class: %v", pod.Name, names)
			}
			class := &secretsstorev1.SecretProviderClass{}
			if err := c.API.Get(ctx, client.ObjectKey{Namespace: namespace, Name: names[0]}, class); err != nil {
				t.Fatalf("the pod %s is stored and its class is not there: %v", pod.Name, err)
			}
		}
		return len(pods.Items) >= count, fmt.Sprintf("%d pods", len(pods.Items))
	})
}
