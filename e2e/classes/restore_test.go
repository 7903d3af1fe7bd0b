package classes_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/e2e/cluster"
	"akv-injector/e2e/controlplane"
	"akv-injector/e2e/injector"
	"akv-injector/e2e/suite"
	"akv-injector/internal/testing/await"
)

// patience is how long a condition may take to come true, on a machine that is busy.
const patience = time.Minute

var soon = await.Poll{Limit: patience}

// TestRestoredWithinASecond deletes, then edits, 500 classes under pods, with two
// replicas running, and takes the time until each is as it was.
func TestRestoredWithinASecond(t *testing.T) {
	const (
		count     = 500
		namespace = "many"
	)
	c := cluster.Start(t, controlplane.Options{}, injector.Options{Replicas: 2})
	c.Namespace(t, namespace, nil)
	names := make([]string, count)
	inParallel(t, count, func(ctx context.Context, i int) error {
		pod := cluster.Pod(namespace, fmt.Sprintf("pod-%d", i), fmt.Sprintf("object-%d", i))
		if err := c.API.Create(ctx, pod); err != nil {
			return err
		}
		names[i] = cluster.Classes(pod)[0]
		return nil
	})
	before := map[string]*secretsstorev1.SecretProviderClass{}
	for _, class := range listClasses(t, c, namespace) {
		before[class.Name] = &class
	}
	if len(before) != count {
		t.Fatalf("%d pods made %d classes", count, len(before))
	}

	for name, harm := range map[string]func(context.Context, string) error{
		"deleted": func(ctx context.Context, name string) error {
			class := &secretsstorev1.SecretProviderClass{}
			class.Namespace, class.Name = namespace, name
			return c.API.Delete(ctx, class)
		},
		"edited": func(ctx context.Context, name string) error {
			class := &secretsstorev1.SecretProviderClass{}
			class.Namespace, class.Name = namespace, name
			return c.API.Patch(ctx, class, client.RawPatch("application/merge-patch+json",
				[]byte(`{"spec":{"parameters":{"keyvaultName":"another-kv"}}}`)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			restored := watchRestored(t, c, namespace, before)
			harmed := make(map[string]time.Time, count)
			var mu sync.Mutex
			inParallel(t, count, func(ctx context.Context, i int) error {
				mu.Lock()
				harmed[names[i]] = time.Now()
				mu.Unlock()
				return harm(ctx, names[i])
			})
			var took, seen []time.Duration
			for len(took) < count {
				select {
				case r := <-restored:
					mu.Lock()
					at, ok := harmed[r.name]
					mu.Unlock()
					if ok {
						took, seen = append(took, r.at.Sub(at)), append(seen, r.harmSeen.Sub(at))
					}
				case <-time.After(patience):
					t.Fatalf("only %d of %d classes came back", len(took), count)
				}
			}
			slices.Sort(took)
			slices.Sort(seen)
			p50, p99, machine := took[count/2], took[count*99/100], seen[count*99/100]
			ms := time.Millisecond
			suite.Measure(t, "%d classes %s: restored after p50 %s, p99 %s, at most %s; a plain write was seen by a watch after p99 %s",
				count, name, p50.Round(ms), p99.Round(ms), took[count-1].Round(ms), machine.Round(ms))
			// A restore is a watch's news and a write: on a machine so busy that the harm
			// itself is long in coming, it may take a few times as long.
			if limit := time.Second + 5*machine; p50 > time.Second || p99 > limit {
				t.Errorf("p50 is %s, p99 %s; want at most a second, and %s", p50, p99, limit)
			}
		})
	}
}

// restoreTells looks for the event.
func restoreTells(t *testing.T, c *cluster.Cluster) {
	c.Namespace(t, "told", nil)
	name := c.Create(t, cluster.Pod("told", "pod", "DB-Password"))
	if err := c.API.Delete(t.Context(), c.Class(t, "told", name)); err != nil {
		t.Fatal(err)
	}
	err := soon.Until(t.Context(), "an event about the restored class", func(ctx context.Context) (bool, string) {
		events := &corev1.EventList{}
		if err := c.API.List(ctx, events, client.InNamespace("told")); err != nil {
			return false, err.Error()
		}
		seen := ""
		for _, e := range events.Items {
			seen += e.Reason + " " + e.InvolvedObject.Name + "; "
			if e.Reason == "ClassRestored" && e.InvolvedObject.Name == name {
				return true, ""
			}
		}
		return false, seen
	})
	if err != nil {
		t.Error(err)
	}
}

type restoration struct {
	name     string
	harmSeen time.Time
	at       time.Time
}

// watchRestored tells when a class is again what it was, under another version.
func watchRestored(t *testing.T, c *cluster.Cluster, namespace string, before map[string]*secretsstorev1.SecretProviderClass) <-chan restoration {
	t.Helper()
	classes := &secretsstorev1.SecretProviderClassList{}
	if err := c.API.List(t.Context(), classes, client.InNamespace(namespace)); err != nil {
		t.Fatal(err)
	}
	w, err := c.API.Watch(t.Context(), &secretsstorev1.SecretProviderClassList{},
		client.InNamespace(namespace), &client.ListOptions{Raw: listFrom(classes.ResourceVersion)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Stop)
	restored := make(chan restoration, 2*len(before))
	go func() {
		harmed := map[string]time.Time{}
		for event := range w.ResultChan() {
			class, ok := event.Object.(*secretsstorev1.SecretProviderClass)
			if !ok {
				continue
			}
			same := class.Spec.Parameters["keyvaultName"] == before[class.Name].Spec.Parameters["keyvaultName"] &&
				class.Spec.Parameters["objects"] == before[class.Name].Spec.Parameters["objects"]
			since, isHarmed := harmed[class.Name]
			switch {
			case isHarmed && event.Type != watch.Deleted && same:
				delete(harmed, class.Name)
				restored <- restoration{class.Name, since, time.Now()}
			case !isHarmed && (event.Type == watch.Deleted || !same):
				harmed[class.Name] = time.Now()
			}
		}
	}()
	return restored
}
