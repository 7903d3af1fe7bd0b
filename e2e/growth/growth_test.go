// Package growth_test measures what replicas cost as a cluster grows.
package growth_test

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/e2e/cluster"
	"akv-injector/e2e/compare"
	"akv-injector/e2e/controlplane"
	"akv-injector/e2e/injector"
	"akv-injector/e2e/suite"
	"akv-injector/internal/testing/await"
)

// Boundaries of a whole run, in MiB and seconds. A third of a replica's memory is its program's file, which others share.
const (
	mostOfOthers   = 4
	mostOfFollower = 80
	mostOfLeader   = 120
	readyEmpty     = 1.0
	readyFull      = 5.0
)

// sizes of a run.
type sizes struct {
	others, injected, classes, wave int
	// settle is how long a replica is left alone before its memory counts, and look how long its processor time is looked at.
	settle, look time.Duration
}

// TestGrowth starts two replicas again and again as the cluster grows: empty, with pods that do not concern us, with injected
// pods; and then creates a wave of pods. AKV_GROWTH=1 is the whole size, for docs/performance.md; without it, it is small, and
// shows that nothing is written at a start and that no create fails.
func TestGrowth(t *testing.T) {
	size := sizes{others: 200, injected: 100, classes: 10, wave: 200, settle: time.Second, look: time.Second}
	whole := os.Getenv("AKV_GROWTH") != ""
	if whole {
		size = sizes{others: 100_000, injected: 10_000, classes: 1000, wave: 5000, settle: 45 * time.Second, look: 20 * time.Second}
	}
	c := cluster.Start(t, controlplane.Options{}, injector.Options{Replicas: 2})
	c.Namespace(t, "shop", nil)
	if err := c.CreateNamespace(t.Context(), "others", nil, nil); err != nil {
		t.Fatal(err)
	}
	c.CreateAccount(t, "others")
	g := &growth{T: t, c: c, size: size}
	g.start("nothing", 0)
	empty := g.last
	g.create("others", size.others/10, 0)
	g.start(fmt.Sprintf("%d pods of others", size.others/10), 0)
	g.create("others", size.others, size.others/10)
	g.start(fmt.Sprintf("%d pods of others", size.others), 0)
	others := g.last
	g.run(size.injected)
	g.start(fmt.Sprintf("%d pods of others, %d injected of %d classes", size.others, size.injected, size.classes), size.injected)
	full := g.last
	g.wave()
	if out := os.Getenv("AKV_GROWTH_OUT"); out != "" {
		g.must(compare.Insert(out, "growth", g.table()))
	}
	if !whole {
		return
	}
	within := func(what string, got, most float64) {
		t.Helper()
		if got > most {
			t.Errorf("%s: %.1f, at most %.1f", what, got, most)
		}
	}
	within("memory of the follower for others, MiB", others.follower-empty.follower, mostOfOthers)
	within("memory of the follower, MiB", full.follower, mostOfFollower)
	within("memory of the leader, MiB", full.leader, mostOfLeader)
	within("seconds until ready in an empty cluster", empty.ready, readyEmpty)
	within("seconds until ready", full.ready, readyFull)
}

type growth struct {
	*testing.T
	c    *cluster.Cluster
	size sizes
	last figures
	// created is how many injected pods there are.
	created int
	// rows of the table of figures, and what the wave took.
	rows  []string
	waved string
}

// figures in MiB and seconds.
type figures struct{ follower, leader, ready float64 }

func (g *growth) must(err error) {
	g.Helper()
	if err != nil {
		g.Fatal(err)
	}
}

// side does something for each number, several at once.
func (g *growth) side(from, to int, do func(i int) error) {
	g.Helper()
	var wait sync.WaitGroup
	var next atomic.Int64
	next.Store(int64(from))
	for range 32 {
		wait.Go(func() {
			for i := int(next.Add(1) - 1); i < to; i = int(next.Add(1) - 1) {
				if err := do(i); err != nil {
					g.Error(err)
					return
				}
			}
		})
	}
	wait.Wait()
	if g.Failed() {
		g.FailNow()
	}
}

// create creates pods that do not concern us.
func (g *growth) create(namespace string, to, from int) {
	g.Helper()
	g.side(from, to, func(i int) error {
		pod := compare.Pod(namespace, 1)
		pod.Name, pod.Annotations, pod.Spec.ServiceAccountName = fmt.Sprintf("other-%06d", i), nil, cluster.Account
		return g.c.API.Create(g.Context(), pod)
	})
}

func (g *growth) asking(i int) *corev1.Pod {
	return cluster.Pod("shop", fmt.Sprintf("pod-%06d", i), fmt.Sprintf("object-%d", i%g.size.classes))
}

// run creates injected pods, which run and have mounted.
func (g *growth) run(count int) {
	g.Helper()
	g.side(0, count, func(i int) error {
		pod := g.asking(i)
		if err := g.c.API.Create(g.Context(), pod); err != nil {
			return err
		}
		class := cluster.Classes(pod)[0]
		if err := g.c.API.Status().Patch(g.Context(), pod, client.RawPatch(types.MergePatchType, []byte(`{"status":{"phase":"Running"}}`))); err != nil {
			return err
		}
		return g.c.API.Create(g.Context(), &secretsstorev1.SecretProviderClassPodStatus{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: pod.Namespace, Name: pod.Name + "-" + pod.Namespace + "-" + class,
				OwnerReferences: []metav1.OwnerReference{{APIVersion: "v1", Kind: "Pod", Name: pod.Name, UID: pod.UID}},
			},
			Status: secretsstorev1.SecretProviderClassPodStatusStatus{
				PodName: pod.Name, SecretProviderClassName: class, Mounted: true,
				Objects: []secretsstorev1.SecretProviderClassObject{{ID: fmt.Sprintf("secret/object-%d", i%g.size.classes), Version: strings.Repeat("a", 32)}},
			},
		})
	})
	g.created = count
}

// start starts the replicas again, and measures: time until both are ready, memory, processor time alone and under churn of
// others' pods, and what they write.
func (g *growth) start(what string, mounted int) {
	g.Helper()
	for _, r := range g.c.Injector.Replicas() {
		g.must(g.c.Injector.StopReplica(r))
	}
	before := g.written()
	begun := time.Now()
	for _, r := range g.c.Injector.Replicas() {
		g.must(g.c.Injector.StartReplica(g.Context(), r))
	}
	var ready time.Duration
	await.Poll{Limit: 2 * time.Minute, Every: 20 * time.Millisecond}.Require(g.T, "the replicas to be ready", func(ctx context.Context) (bool, string) {
		for _, r := range g.c.Injector.Replicas() {
			if ok, answer := r.Ready(ctx); !ok {
				return false, answer
			}
		}
		ready = time.Since(begun)
		return true, ""
	})
	leader := g.leader(mounted)
	g.pause(g.size.settle)
	follower := g.c.Injector.Replicas()[0]
	if follower == leader {
		follower = g.c.Injector.Replicas()[1]
	}
	idle := g.cpu(follower, leader, func() { g.pause(g.size.look) })
	churned := 0
	churn := g.cpu(follower, leader, func() { churned = g.churn() })
	g.last = figures{follower: g.memory(follower), leader: g.memory(leader), ready: ready.Seconds()}
	peaks := []float64{g.peak(follower), g.peak(leader)}
	if after := g.written(); after != before {
		g.Errorf("%s: the replicas wrote after a start, though nothing had changed:\n%s", what, after)
	}
	row := fmt.Sprintf("| %s | %.2f | %.0f (%.0f) | %.0f (%.0f) | %.2f, %.2f | %.2f, %.2f at %.0f |", what, ready.Seconds(),
		g.last.follower, peaks[0], g.last.leader, peaks[1], idle[0], idle[1], churn[0], churn[1], float64(churned)/g.size.look.Seconds())
	g.rows = append(g.rows, row)
	suite.Measure(g.T, "growth %s", row)
}

// leader waits for one, which knows all pods that have mounted.
func (g *growth) leader(mounted int) (leader *injector.Replica) {
	g.Helper()
	await.Poll{Limit: 4 * time.Minute}.Require(g.T, "a leader that knows all pods", func(ctx context.Context) (bool, string) {
		var seen []string
		for _, r := range g.c.Injector.Replicas() {
			text, err := r.Metrics(ctx)
			if err != nil {
				return false, err.Error()
			}
			if !strings.Contains(text, `leader_election_master_status{name="akv-injector"} 1`) {
				continue
			}
			known := 0
			for _, m := range rotationPods.FindAllStringSubmatch(text, -1) {
				n, _ := strconv.Atoi(m[1])
				known += n
			}
			seen = append(seen, fmt.Sprint(known))
			if known >= mounted {
				leader = r
			}
		}
		return leader != nil, fmt.Sprintf("of %d pods leaders know %v", mounted, seen)
	})
	return leader
}

var rotationPods = regexp.MustCompile(`(?m)^akv_injector_rotation_pods\{[^}]*\} (\d+)$`)

// written is the API server's own count of what our service account wrote: classes, and pods' status.
func (g *growth) written() string {
	g.Helper()
	metrics, err := g.c.Metrics(g.Context())
	g.must(err)
	var lines []string
	for line := range strings.Lines(metrics) {
		if strings.HasPrefix(line, "apiserver_request_total{") && strings.Contains(line, `resource="secretproviderclasses"`) && !strings.Contains(line, `verb="LIST"`) &&
			!strings.Contains(line, `verb="WATCH"`) && !strings.Contains(line, `verb="GET"`) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

// churn updates pods that do not concern us, for some time.
func (g *growth) churn() int {
	g.Helper()
	list := &corev1.PodList{}
	g.must(g.c.API.List(g.Context(), list, client.InNamespace("others"), client.Limit(500)))
	if len(list.Items) == 0 {
		return 0
	}
	end, updates := time.Now().Add(g.size.look), 0
	for i := 0; time.Now().Before(end); i++ {
		pod := &list.Items[i%len(list.Items)]
		patch := fmt.Sprintf(`{"status":{"phase":"Running","message":"%d"}}`, i)
		g.must(g.c.API.Status().Patch(g.Context(), pod, client.RawPatch(types.MergePatchType, []byte(patch))))
		updates++
	}
	return updates
}

// wave creates many pods at once.
func (g *growth) wave() {
	g.Helper()
	begun := time.Now()
	g.side(g.created, g.created+g.size.wave, func(i int) error { return g.c.API.Create(g.Context(), g.asking(i)) })
	took := time.Since(begun)
	g.waved = fmt.Sprintf("A wave of %d creates, 32 at once, was stored after %.1f s (%.0f a second); none failed, and a replica had at most %.0f MiB.", g.size.wave, took.Seconds(),
		float64(g.size.wave)/took.Seconds(), max(g.peak(g.c.Injector.Replicas()[0]), g.peak(g.c.Injector.Replicas()[1])))
	suite.Measure(g.T, "growth: %s", g.waved)
}

// table has the figures in Markdown.
func (g *growth) table() string {
	return "| the cluster has | both ready, s | follower, MiB (peak) | leader, MiB (peak) | idle, % of a core (follower, leader) | under status updates a second of others' pods |\n" +
		"| --- | --- | --- | --- | --- | --- |\n" + strings.Join(g.rows, "\n") + "\n\n" + g.waved + "\n"
}

// cpu is what two replicas use meanwhile, in percent of a core.
func (g *growth) cpu(one, other *injector.Replica, meanwhile func()) [2]float64 {
	g.Helper()
	used := func(r *injector.Replica) time.Duration {
		d, err := r.CPU()
		g.must(err)
		return d
	}
	begun, a, b := time.Now(), used(one), used(other)
	meanwhile()
	took := time.Since(begun).Seconds()
	return [2]float64{100 * (used(one) - a).Seconds() / took, 100 * (used(other) - b).Seconds() / took}
}

func (g *growth) memory(r *injector.Replica) float64 {
	g.Helper()
	bytes, err := r.Process().Memory()
	g.must(err)
	return float64(bytes) / (1 << 20)
}

func (g *growth) peak(r *injector.Replica) float64 {
	g.Helper()
	bytes, err := r.Process().PeakMemory()
	g.must(err)
	return float64(bytes) / (1 << 20)
}

// pause lets time pass in which nothing is to happen.
func (g *growth) pause(d time.Duration) {
	g.Helper()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-g.Context().Done():
	case <-timer.C:
	}
}
