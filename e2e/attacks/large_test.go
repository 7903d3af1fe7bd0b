package attacks_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"akv-injector/e2e/cluster"
	"akv-injector/e2e/controlplane"
	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
)

// BenchmarkLargeCluster creates 50,000 injected pods of 5,000 classes in 100 namespaces, and
// then restarts a replica. It takes five minutes on two cores:
//
//	go test ./attacks -run '^$' -bench LargeCluster -benchtime 1x -timeout 20m
func BenchmarkLargeCluster(b *testing.B) {
	const namespaces, classesOfEach, pods, clients = 100, 50, 50_000, 24
	c, err := cluster.New(b.Context(), controlplane.Options{Log: b.Output()})
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		if err := c.Stop(); err != nil {
			b.Error(err)
		}
	}()
	if err := c.Install(b.Context(), limited(2)); err != nil {
		b.Fatal(err)
	}
	for i := range namespaces {
		name := fmt.Sprintf("team-%d", i)
		if err := c.CreateNamespace(b.Context(), name, map[string]string{annotation.LabelInjection: annotation.InjectionEnabled}, nil); err != nil {
			b.Fatal(err)
		}
		if err := c.API.Create(b.Context(), &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{
			Name: cluster.Account, Namespace: name,
			Annotations: map[string]string{provider.AnnotationClientID: cluster.ClientID, provider.AnnotationTenantID: cluster.TenantID},
		}}); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		var failed atomic.Int64
		numbers := make(chan int)
		var group sync.WaitGroup
		began := time.Now()
		for range clients {
			group.Go(func() {
				api := as(b, c, user)
				for i := range numbers {
					pod := cluster.Pod(fmt.Sprintf("team-%d", i%namespaces), "", fmt.Sprintf("Object-%d", i/namespaces%classesOfEach))
					pod.GenerateName = "pod-"
					if err := api.Create(b.Context(), pod); err != nil && failed.Add(1) == 1 {
						b.Log(err)
					}
				}
			})
		}
		for i := range pods {
			numbers <- i
		}
		close(numbers)
		group.Wait()
		b.ReportMetric(float64(failed.Load()), "failed")
		b.ReportMetric(pods/time.Since(began).Seconds(), "pods/s")
	}
	replica := c.Injector.Replicas()[0]
	b.ReportMetric(float64(max(peakMemory(b, replica), peakMemory(b, c.Injector.Replicas()[1]))), "MiB")
	if err := c.Injector.StopReplica(replica); err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	if err := c.Injector.StartReplica(b.Context(), replica); err != nil {
		b.Fatal(err)
	}
	soon.Require(b, "the replica to be ready", func(ctx context.Context) (bool, string) { return replica.Ready(ctx) })
	b.ReportMetric(time.Since(began).Seconds(), "s-to-ready")
}
