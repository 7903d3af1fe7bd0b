package classes_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/e2e/cluster"
	"akv-injector/inject/annotation"
)

// grace is much longer than an admission takes, and a cache may lag, on a busy machine: as
// in a cluster, where it is minutes. Within it a pod may be stored that names the class.
const grace = 8 * time.Second

// collect is about unused classes, which go after the grace period.
func collect(t *testing.T, c *cluster.Cluster) {
	t.Run("an unused class goes after the grace period", func(t *testing.T) {
		t.Parallel()
		c.Namespace(t, "unused", nil)
		pod := cluster.Pod("unused", "pod", "DB-Password")
		name := c.Create(t, pod)
		remove(t, c, pod)
		removed := time.Now()
		awaitGone(t, c, "unused", name)
		// The API server's clock and ours are one; the mark has whole seconds.
		if took := time.Since(removed); took < grace-time.Second {
			t.Errorf("the class went after %s, before the grace period of %s was over", took, grace)
		}
	})

	t.Run("a class stays while any pod uses it", func(t *testing.T) {
		t.Parallel()
		c.Namespace(t, "used", nil)
		first, second := cluster.Pod("used", "first", "DB-Password"), cluster.Pod("used", "second", "DB-Password")
		name := c.Create(t, first)
		if other := c.Create(t, second); other != name {
			t.Fatalf("equal requests have the classes %s and %s", name, other)
		}
		// Without our labels and annotations the pod still mounts it.
		second.Labels, second.Annotations = nil, nil
		if err := c.API.Update(t.Context(), second); err != nil {
			t.Fatal(err)
		}
		remove(t, c, first)
		// A class of the same namespace, unused from now on, says when a used one would
		// have gone too.
		canary := cluster.Pod("used", "canary", "Canary")
		canaryName := c.Create(t, canary)
		remove(t, c, canary)
		awaitGone(t, c, "used", canaryName)
		if class := c.Class(t, "used", name); class == nil {
			t.Error("the class went under a pod that mounts it")
		} else if mark, ok := class.Annotations[annotation.UnusedSince]; ok {
			t.Errorf("the class of a running pod is marked as unused since %s", mark)
		}
		remove(t, c, second)
		awaitGone(t, c, "used", name)
	})

	t.Run("a finished pod does not count", func(t *testing.T) {
		t.Parallel()
		c.Namespace(t, "finished", nil)
		pod := cluster.Pod("finished", "pod", "DB-Password")
		name := c.Create(t, pod)
		pod.Status.Phase = corev1.PodSucceeded
		if err := c.API.Status().Update(t.Context(), pod); err != nil {
			t.Fatal(err)
		}
		awaitGone(t, c, "finished", name)
	})

	t.Run("a class that is used again loses its mark", func(t *testing.T) {
		t.Parallel()
		c.Namespace(t, "again", nil)
		for round := range 5 {
			pod := cluster.Pod("again", fmt.Sprintf("pod-%d", round), "DB-Password")
			name := c.Create(t, pod)
			if c.Class(t, "again", name) == nil {
				t.Fatalf("round %d: the pod is stored and its class is not there", round)
			}
			remove(t, c, pod)
			awaitMarked(t, c, "again", name)
		}
	})

	t.Run("what is not ours is never touched", func(t *testing.T) {
		t.Parallel()
		c.Namespace(t, "theirs", nil)
		generated := c.Create(t, cluster.Pod("theirs", "pod", "DB-Password"))
		content := c.Class(t, "theirs", generated).Spec
		theirs := []*secretsstorev1.SecretProviderClass{
			{ObjectMeta: metav1.ObjectMeta{Name: "by-hand"}, Spec: content},
			{ObjectMeta: metav1.ObjectMeta{Name: "by-hand-labelled", Labels: map[string]string{annotation.LabelManagedBy: annotation.ManagedBy}}, Spec: content},
			{ObjectMeta: metav1.ObjectMeta{Name: "akv-payments-kv-aaaaaaaaaaaaaaaaaaaaaaaaaa"}, Spec: content},
		}
		for _, class := range theirs {
			class.Namespace = "theirs"
			if err := c.API.Create(t.Context(), class); err != nil {
				t.Fatal(err)
			}
		}
		canary := cluster.Pod("theirs", "canary", "Canary")
		canaryName := c.Create(t, canary)
		remove(t, c, canary)
		awaitGone(t, c, "theirs", canaryName)
		for _, class := range theirs {
			now := c.Class(t, "theirs", class.Name)
			if now == nil {
				t.Errorf("%s was collected", class.Name)
			} else if now.ResourceVersion != class.ResourceVersion {
				t.Errorf("%s was changed", class.Name)
			}
		}
	})
}

// remove deletes a pod at once, as the kubelet's last word on it would: there is no node.
func remove(t *testing.T, c *cluster.Cluster, pod *corev1.Pod) {
	t.Helper()
	if err := c.API.Delete(t.Context(), pod, client.GracePeriodSeconds(0)); err != nil {
		t.Fatal(err)
	}
}

func awaitGone(t *testing.T, c *cluster.Cluster, namespace, name string) {
	t.Helper()
	soon.Require(t, "the class "+name+" to be collected", func(ctx context.Context) (bool, string) {
		class := &secretsstorev1.SecretProviderClass{}
		err := c.API.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, class)
		if err != nil {
			return client.IgnoreNotFound(err) == nil, err.Error()
		}
		return false, fmt.Sprintf("there, with annotations %v", class.Annotations)
	})
}

func awaitMarked(t *testing.T, c *cluster.Cluster, namespace, name string) {
	t.Helper()
	soon.Require(t, "the class "+name+" to be marked", func(ctx context.Context) (bool, string) {
		class := &secretsstorev1.SecretProviderClass{}
		if err := c.API.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, class); err != nil {
			return client.IgnoreNotFound(err) == nil, err.Error() // collected already
		}
		_, ok := class.Annotations[annotation.UnusedSince]
		return ok, "not marked"
	})
}
