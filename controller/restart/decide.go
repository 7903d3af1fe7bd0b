package restart

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"akv-injector/inject"
)

// Workload is the owner of outdated pods, or one whose rollout is under way.
type Workload struct {
	Kind     string
	Key      types.NamespacedName
	UID      types.UID
	Settings inject.OnRotation
	// Changed is when a version came last into one of its outdated pods; zero if it has none.
	Changed time.Time
	// Outdated are the outdated pods, in the order in which they are to be evicted.
	Outdated []*corev1.Pod
	// Empty are pods that run without a record of the driver: their containers see no files.
	Empty []*corev1.Pod
	// Objects of the outdated pods, with their versions, sorted.
	Objects []string
	// Shared are the objects without their versions.
	Shared []string
	// Rolling is set while not all its pods are new and available.
	Rolling bool
	// Held is set if a change of its template restarts no pod, or not all.
	Held bool
	// Reloaded is set if another program restarts it when a Secret changes.
	Reloaded bool
}

// decide says which workloads of a namespace are to be restarted now, and when it may be another's
// turn; zero if only an event brings that.
func decide(all []*Workload, now time.Time) (due []*Workload, wake time.Time) {
	later := func(at time.Time) {
		if !at.IsZero() && (wake.IsZero() || at.Before(wake)) {
			wake = at
		}
	}
	rolling := map[string]int{}
	for _, w := range all {
		if w.Rolling {
			count(rolling, w)
			later(now.Add(recheck))
		}
	}
	// Who has waited longest is first.
	slices.SortStableFunc(all, func(a, b *Workload) int { return a.Changed.Compare(b.Changed) })
	for _, w := range all {
		if w.Changed.IsZero() || w.Rolling || w.Reloaded || !w.Settings.Restart || w.Held && !w.Settings.Evict {
			continue
		}
		if settled := w.Changed.Add(max(w.Settings.Settle, leastSettle)); settled.After(now) {
			later(settled)
			continue
		}
		if opens := w.Settings.Window.Next(now); opens.After(now) || opens.IsZero() {
			later(opens)
			continue
		}
		if slices.ContainsFunc(w.Shared, func(object string) bool { return rolling[object] >= w.Settings.MaxParallel }) {
			later(now.Add(recheck))
			continue
		}
		count(rolling, w)
		due = append(due, w)
		later(now.Add(recheck))
	}
	return due, wake
}

// leastSettle is how long a restart waits whatever is asked for: the driver updates synced Secrets
// some time after the record (a loop of its own), and a container must not start with the old one.
const leastSettle = 10 * time.Second

// recheck is how often the health of a rollout is looked at.
const recheck = 10 * time.Second

func count(rolling map[string]int, w *Workload) {
	for _, object := range w.Shared {
		rolling[object]++
	}
}
