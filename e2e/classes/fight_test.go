package classes_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/e2e/cluster"
	"akv-injector/e2e/controlplane"
	"akv-injector/e2e/injector"
)

// TestFight has 64 clients create pods that a quota refuses after admission, each of which needs a class that no pod ever
// mounts. The collector wants to be rid of the class, and every admission needs it: no admission fails, and the class is not written for each.
func TestFight(t *testing.T) {
	const (
		clients   = 64
		namespace = "fight"
	)
	c := cluster.Start(t, controlplane.Options{}, watched(injector.Options{Replicas: 2, Args: []string{"--class-grace-period=" + grace.String()}}))
	c.Namespace(t, namespace, nil)
	forbidPods(t, c, namespace)
	firstOfItsKind(t, c, namespace)
	before := classWrites(t, c)

	var refused, failed atomic.Int64
	var slowest atomic.Int64
	end := time.Now().Add(4 * grace)
	var wait sync.WaitGroup
	for i := range clients {
		wait.Go(func() {
			for time.Now().Before(end) && failed.Load() == 0 {
				began := time.Now()
				err := c.API.Create(t.Context(), cluster.Pod(namespace, fmt.Sprintf("pod-%d", i), "DB-Password"))
				if took := int64(time.Since(began)); took > slowest.Load() {
					slowest.Store(took)
				}
				if !exceeded(err) {
					failed.Add(1)
					t.Errorf("the pod: %v, want it refused by the quota", err)
				}
				refused.Add(1)
			}
		})
	}
	wait.Wait()
	after := classWrites(t, c)
	t.Logf("%d pods were refused in %s, the slowest in %s; writes before: %v, after: %v", refused.Load(), 4*grace, time.Duration(slowest.Load()).Round(time.Millisecond), before, after)
	for _, result := range []string{"failed", "refused"} {
		if n := after[result] - before[result]; n > 0 {
			t.Errorf("%v admissions could not have their class (%s)", n, result)
		}
	}
	// A mark is put on at most once a pause, and taken off by each replica at most once.
	const most = 20
	if n := after["created"] + after["unmarked"] + after["rewritten"] - before["created"] - before["unmarked"] - before["rewritten"]; n > most {
		t.Errorf("%v admissions wrote the class, at most %d", n, most)
	}
	if after["unchanged"]-before["unchanged"] < float64(refused.Load())/2 {
		t.Errorf("the metrics do not count what happened: %v", after)
	}
}

// forbidPods has a quota without room for any pod, and waits until the API server knows of it.
func forbidPods(t *testing.T, c *cluster.Cluster, namespace string) {
	t.Helper()
	none := corev1.ResourceList{corev1.ResourcePods: resource.MustParse("0")}
	quota := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "no-pods"}, Spec: corev1.ResourceQuotaSpec{Hard: none}}
	if err := c.API.Create(t.Context(), quota); err != nil {
		t.Fatal(err)
	}
	quota.Status = corev1.ResourceQuotaStatus{Hard: none, Used: none} // as the controller of quotas does
	if err := c.API.Status().Update(t.Context(), quota); err != nil {
		t.Fatal(err)
	}
	soon.Require(t, "the quota to hold", func(ctx context.Context) (bool, string) {
		plain := cluster.Pod(namespace, "plain", "")
		plain.Annotations = nil
		err := c.API.Create(ctx, plain, client.DryRunAll)
		return exceeded(err), fmt.Sprint(err)
	})
}

// firstOfItsKind creates a class that has nothing to do with us. The API server takes seconds for the first object of a kind where there is a quota,
// whoever creates it, since it begins to count them then; on a busy machine more than a webhook may take.
func firstOfItsKind(t *testing.T, c *cluster.Cluster, namespace string) {
	t.Helper()
	began := time.Now()
	class := &secretsstorev1.SecretProviderClass{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "of-another-provider"}, Spec: secretsstorev1.SecretProviderClassSpec{Provider: "gcp"},
	}
	if err := c.API.Create(t.Context(), class); err != nil {
		t.Fatal(err)
	}
	t.Logf("the API server took %s for the first class", time.Since(began).Round(time.Millisecond))
}

func exceeded(err error) bool {
	return apierrors.IsForbidden(err) && strings.Contains(err.Error(), "exceeded quota")
}

// classWrites are what admissions did to classes, by the metric of all replicas.
func classWrites(t *testing.T, c *cluster.Cluster) map[string]float64 {
	t.Helper()
	writes := map[string]float64{}
	for _, r := range c.Injector.Replicas() {
		metrics, err := r.Metrics(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(metrics) {
			rest, ok := strings.CutPrefix(line, `akv_injector_class_writes_total{result="`)
			if !ok {
				continue
			}
			result, value, _ := strings.Cut(rest, `"} `)
			n, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			writes[result] += n
		}
	}
	return writes
}
