//go:build unix

package attacks_test

import (
	"context"
	"fmt"
	"math"
	"sync"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/e2e/cluster"
	"akv-injector/e2e/injector"
	"akv-injector/e2e/suite"
	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
)

// anyNumber of creates may fail: refused while nobody can answer, as pods that ask are.
const anyNumber = math.MaxInt

// creators create asking pods without a pause.
const creators = 4

// tally is what became of their creates.
type tally struct {
	mu             sync.Mutex
	stored, failed int
	last           error
}

// creating creates asking pods until the result is called.
func creating(t *testing.T, c *cluster.Cluster, namespace string) (done func() *tally) {
	t.Helper()
	all := &tally{}
	going, stop := context.WithCancel(t.Context())
	var group sync.WaitGroup
	for n := range creators {
		api := as(t, c, user)
		group.Go(func() {
			for i := 0; going.Err() == nil; i++ {
				// Now and then other objects, so that classes are written, too.
				pod := cluster.Pod(namespace, "", fmt.Sprintf("DB-Password-%d", i/10%5))
				pod.GenerateName = fmt.Sprintf("lucky-%d-", n)
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				err := api.Create(ctx, pod)
				cancel()
				all.mu.Lock()
				if err == nil {
					all.stored++
				} else {
					all.failed++
					all.last = err
				}
				all.mu.Unlock()
				if err != nil {
					// A controller waits before it tries again, too.
					select {
					case <-going.Done():
					case <-time.After(100 * time.Millisecond):
					}
				}
			}
		})
	}
	return func() *tally {
		stop()
		group.Wait()
		return all
	}
}

func pause(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-t.Context().Done():
	case <-time.After(d):
	}
}

// Whatever happens to those who take part: no pod that asked is stored without injection, and none
// without its class. What cannot be refused for our sake is not.
func TestBadLuck(t *testing.T) {
	c := start(t, 2)
	const namespace = "lucky"
	c.Namespace(t, namespace, nil)
	api := as(t, c, user)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	kill := func(r *injector.Replica) {
		must(syscall.Kill(r.Process().Pid(), syscall.SIGKILL))
		<-r.Process().Exited()
	}
	back := func(replicas ...*injector.Replica) {
		for _, r := range replicas {
			must(c.Injector.StartReplica(t.Context(), r))
		}
		must(c.Injector.AwaitReady(t.Context()))
	}
	all := c.Injector.Replicas()
	for _, fault := range []struct {
		name    string
		happens func()
		// most is how many creates may fail for our sake. One that a killed replica was answering is lost:
		// the API server does not repeat a call. One that hangs is given up after the webhook's timeout.
		most int
	}{
		{"nothing", func() { pause(t, 3*time.Second) }, 0},
		{"one replica is killed", func() { kill(all[0]); pause(t, 2*time.Second); back(all[0]) }, creators},
		{"both replicas are killed", func() { kill(all[0]); kill(all[1]); pause(t, 3*time.Second); back(all...) }, anyNumber},
		{"one replica hangs", func() {
			must(syscall.Kill(all[1].Process().Pid(), syscall.SIGSTOP))
			pause(t, 8*time.Second)
			must(syscall.Kill(all[1].Process().Pid(), syscall.SIGCONT))
		}, 2 * creators},
		{"etcd hangs", func() { must(c.PauseEtcd()); pause(t, 8*time.Second); must(c.ResumeEtcd()) }, anyNumber},
		{"the API server restarts", func() { must(c.RestartAPIServer(t.Context())) }, anyNumber},
		{"the ServiceAccount is deleted, and made again", func() {
			must(api.Delete(t.Context(), &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: cluster.Account}}))
			pause(t, 2*time.Second)
			c.CreateAccount(t, namespace)
		}, anyNumber},
	} {
		t.Run(fault.name, func(t *testing.T) {
			done := creating(t, c, namespace)
			fault.happens()
			pause(t, 2*time.Second)
			got := done()
			suite.Measure(t, "while %s: %d creates stored, %d failed", fault.name, got.stored, got.failed)
			if got.failed > fault.most {
				t.Errorf("%d creates failed, want at most %d; the last: %v", got.failed, fault.most, got.last)
			}
			if got.stored == 0 {
				t.Errorf("none was stored; the last: %v", got.last)
			}
			wantInjected(t, api, namespace)
		})
	}
}

// wantInjected wants each pod of a namespace to be injected, and its class to be there.
func wantInjected(t *testing.T, api client.Client, namespace string) {
	t.Helper()
	var classes secretsstorev1.SecretProviderClassList
	soon.Require(t, "the classes", func(ctx context.Context) (bool, string) {
		err := api.List(ctx, &classes, client.InNamespace(namespace))
		return err == nil, fmt.Sprint(err)
	})
	known := map[string]bool{}
	for i := range classes.Items {
		known[classes.Items[i].Name] = true
	}
	var pods corev1.PodList
	if err := api.List(t.Context(), &pods, client.InNamespace(namespace)); err != nil {
		t.Fatal(err)
	}
	for i := range pods.Items {
		pod := &pods.Items[i]
		names := provider.ClassNames(&pod.Spec)
		if pod.Labels[annotation.LabelInjected] != "true" || len(names) != 1 {
			t.Errorf("%s asked, and was stored without injection", pod.Name)
			continue
		}
		if !known[names[0]] {
			t.Errorf("the class %s of %s is not there", names[0], pod.Name)
		}
	}
}
