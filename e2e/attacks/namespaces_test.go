package attacks_test

import (
	"fmt"
	"sync"
	"testing"

	"akv-injector/e2e/cluster"
	"akv-injector/inject/annotation"
)

// A thousand namespaces that opt in at once, each with a fence: their pods are injected from
// the first on, each fence holds, and the replica's memory hardly grows.
func TestManyNamespaces(t *testing.T) {
	t.Parallel()
	c := start(t, 1)
	replica := c.Injector.Replicas()[0]
	before := peakMemory(t, replica)
	const namespaces, each = 1000, 25 // a pod is created in every 25th
	optIn := map[string]string{annotation.LabelInjection: annotation.InjectionEnabled}
	numbers := make(chan int)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for i := range numbers {
				name := fmt.Sprintf("team-%d", i)
				fence := map[string]string{annotation.AllowedVaults: "payments-kv"}
				if i%2 == 1 {
					fence[annotation.AllowedVaults] = "other-*"
				}
				if err := c.CreateNamespace(t.Context(), name, optIn, fence); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range namespaces {
		numbers <- i
	}
	close(numbers)
	group.Wait()
	for i := 0; i < namespaces; i += each {
		name := fmt.Sprintf("team-%d", i)
		c.CreateAccount(t, name)
		err := c.API.Create(t.Context(), cluster.Pod(name, "pod", "DB-Password"))
		if allowed := i%2 == 0; allowed != (err == nil) || err != nil && !byVerdict(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if grown := peakMemory(t, replica) - before; grown > 60 {
		t.Errorf("the memory grew by %d MiB", grown)
	}
}
