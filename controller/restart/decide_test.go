package restart

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"akv-injector/inject/request"
)

var noon = time.Date(2026, 3, 6, 12, 0, 0, 0, time.UTC) // a Friday

// workload is one whose pods got a version an hour ago, and that is to be restarted.
func workload(name string, change ...func(*Workload)) *Workload {
	w := &Workload{
		Kind: kindDeployment, Key: types.NamespacedName{Namespace: "shop", Name: name}, UID: types.UID(name),
		Settings: request.OnRotation{Restart: true, Settle: 2 * time.Minute, MaxParallel: 1},
		Changed:  noon.Add(-time.Hour), Objects: []string{"secret/db@v2"}, Shared: []string{"secret/db"},
	}
	for _, c := range change {
		c(w)
	}
	return w
}

func TestDecide(t *testing.T) {
	changed := func(ago time.Duration) func(*Workload) { return func(w *Workload) { w.Changed = noon.Add(-ago) } }
	rolls := func(w *Workload) { w.Rolling = true }
	parallel := func(n int) func(*Workload) { return func(w *Workload) { w.Settings.MaxParallel = n } }
	of := func(object string) func(*Workload) {
		return func(w *Workload) { w.Shared = []string{object} }
	}
	window := func(text string) func(*Workload) {
		return func(w *Workload) {
			parsed, problem := request.ParseWindow(text)
			if problem.Found() {
				t.Fatal(problem)
			}
			w.Settings.Window = parsed
		}
	}
	for name, c := range map[string]struct {
		all  []*Workload
		want string
		wake time.Duration // from noon, 0 for never
	}{
		"one":                              {[]*Workload{workload("a")}, "a", recheck},
		"none":                             {nil, "", 0},
		"no outdated pods":                 {[]*Workload{workload("a", func(w *Workload) { w.Changed = time.Time{} })}, "", 0},
		"not settled":                      {[]*Workload{workload("a", changed(time.Minute))}, "", time.Minute},
		"settled just now":                 {[]*Workload{workload("a", changed(2*time.Minute))}, "a", recheck},
		"its rollout is under way":         {[]*Workload{workload("a", rolls)}, "", recheck},
		"another program restarts it":      {[]*Workload{workload("a", func(w *Workload) { w.Reloaded = true })}, "", 0},
		"outside the window":               {[]*Workload{workload("a", window("0 2 * * 6 4h"))}, "", 14 * time.Hour},
		"within the window":                {[]*Workload{workload("a", window("0 11 * * 5 4h"))}, "a", recheck},
		"two of one object":                {[]*Workload{workload("a"), workload("b", changed(2*time.Hour))}, "b", recheck},
		"two of one object, in parallel":   {[]*Workload{workload("a", parallel(2)), workload("b", parallel(2))}, "a b", recheck},
		"two of other objects":             {[]*Workload{workload("a"), workload("b", of("secret/other"))}, "a b", recheck},
		"one rolls, without outdated pods": {[]*Workload{workload("a"), workload("b", rolls, func(w *Workload) { w.Changed = time.Time{} })}, "", recheck},
		"another object's rolls":           {[]*Workload{workload("a"), workload("b", rolls, of("secret/other"))}, "a", recheck},
	} {
		t.Run(name, func(t *testing.T) {
			due, wake := decide(c.all, noon)
			var names []string
			for _, w := range due {
				names = append(names, w.Key.Name)
			}
			if got := strings.Join(names, " "); got != c.want {
				t.Errorf("restarts %q, want %q", got, c.want)
			}
			if c.wake == 0 != wake.IsZero() || c.wake > 0 && !wake.Equal(noon.Add(c.wake)) {
				t.Errorf("looks again at %s, want %s after noon", wake, c.wake)
			}
		})
	}
}

// A storm of changes in many workloads ends with one restart of each, never more at once than may be.
func TestStorm(t *testing.T) {
	const workloads, parallel = 20, 3
	now := noon
	var all []*Workload
	for i := range workloads {
		all = append(all, workload(fmt.Sprintf("w%02d", i), func(w *Workload) { w.Settings.MaxParallel = parallel }))
	}
	restarts, ends := map[string]int{}, map[*Workload]time.Time{}
	for range 1000 {
		// For the first minutes versions go on changing, each sooner than would have settled.
		if now.Sub(noon) < 10*time.Minute && now.Second() == 0 {
			for _, w := range all {
				w.Changed = now
			}
		}
		for _, w := range all {
			if w.Rolling && !now.Before(ends[w]) {
				w.Rolling, w.Changed = false, time.Time{} // its pods are new
			}
		}
		due, wake := decide(all, now)
		for _, w := range due {
			restarts[w.Key.Name]++
			w.Rolling, ends[w] = true, now.Add(95*time.Second)
		}
		atOnce := 0
		for _, w := range all {
			if w.Rolling {
				atOnce++
			}
		}
		if atOnce > parallel {
			t.Fatalf("%d restart at once", atOnce)
		}
		if wake.IsZero() && now.Sub(noon) > 10*time.Minute {
			break
		}
		now = now.Add(5 * time.Second)
	}
	for _, w := range all {
		if n := restarts[w.Key.Name]; n != 1 {
			t.Errorf("%s was restarted %d times", w.Key.Name, n)
		}
		if !w.Changed.IsZero() {
			t.Errorf("%s still has outdated pods", w.Key.Name)
		}
	}
}
