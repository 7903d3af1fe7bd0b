package interval_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"akv-injector/e2e/suite"
	"akv-injector/e2e/system"
)

// slack is what the kubelet, the driver, the provider and the vault take.
const slack = 2 * time.Second

// The driver's gate, and the time until its record is seen, pass before each rotation.
const gateOpen = driversDefault + 3*time.Second

// TestInterval: kubelet and driver as they are by default, and each new version is in the container
// within the interval that the pod asks for. Beside them pods whose rotation is left to the driver.
func TestInterval(t *testing.T) {
	rotations := 1
	intervals := []time.Duration{10 * time.Second, 30 * time.Second}
	if text := os.Getenv("AKV_ROTATIONS"); text != "" {
		var err error
		rotations, err = strconv.Atoi(text)
		check(t, err)
		intervals = append(intervals, 2*time.Minute)
	}
	s := start(t, system.Options{PollInterval: driversDefault, SyncFrequency: kubeletsDefault, InjectorIdentity: true, InjectorEvents: true})
	var readers []*reader
	for _, mode := range []string{byList, byCanary, byQueue, byEndpoint, off} {
		tenant := newTenant(t, s, mode)
		asks := intervals
		if pushed(mode) {
			asks = []time.Duration{2 * time.Minute} // without a canary
		}
		for _, asked := range asks {
			for _, by := range []string{injected, byHand} {
				if mode == off && rotations == 1 && (by == byHand || asked != intervals[0]) {
					continue // one is enough to compare with
				}
				readers = append(readers, newReader(t, tenant, mode, by, asked))
			}
		}
	}
	took := make([][]time.Duration, len(readers))
	var all sync.WaitGroup
	for i, r := range readers {
		all.Go(func() {
			for n := range rotations {
				// When within the rounds of those who look must not matter.
				after := gateOpen + rand.N(min(r.asked, 30*time.Second))
				lag, err := r.rotate(t.Context(), fmt.Sprintf("value-%d", n+1), after, 2*driversDefault)
				if err != nil {
					t.Errorf("%s, rotation %d: %v", r, n+1, err)
					return
				}
				took[i] = append(took[i], lag)
				most := r.asked + slack
				if pushed(r.mode) {
					most = slack
				}
				if r.mode != off && lag > most {
					t.Errorf("%s, rotation %d: it arrived after %s", r, n+1, lag)
				}
			}
			if err := r.sameContainer(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	report(t, readers, took)
	metrics, err := s.Injector.Replicas()[0].Metrics(t.Context())
	check(t, err)
	for line := range strings.Lines(metrics) {
		if strings.HasPrefix(line, "akv_injector_rotation_") && !strings.Contains(line, "_bucket") {
			t.Log(strings.TrimSpace(line))
		}
	}
}

// pushed reports whether Key Vault's events say that there is a new version.
func pushed(mode string) bool { return mode == byQueue || mode == byEndpoint }

// report prints a line for each kind of pod.
func report(t *testing.T, readers []*reader, took [][]time.Duration) {
	t.Helper()
	type kind struct {
		mode  string
		asked time.Duration
	}
	lags := map[kind][]time.Duration{}
	var order []kind
	for i, r := range readers {
		k := kind{r.mode, r.asked}
		if r.mode == off {
			k.asked = 0 // it makes no difference there
		}
		if lags[k] == nil {
			order = append(order, k)
		}
		lags[k] = append(lags[k], took[i]...)
	}
	slices.SortStableFunc(order, func(a, b kind) int { return cmp.Compare(a.asked, b.asked) })
	for _, k := range order {
		all := lags[k]
		if len(all) == 0 {
			continue
		}
		slices.Sort(all)
		asked := "asked " + k.asked.String()
		if k.mode == off {
			asked = "whatever is asked"
		}
		suite.Measure(t, "rotation by %s, %s: a new version is in the container after %.1f s at least, median %.1f, at most %.1f (%d rotations of injected pods and of volumes by hand; kubelet 1m, driver 2m)",
			k.mode, asked, all[0].Seconds(), all[len(all)/2].Seconds(), all[len(all)-1].Seconds(), len(all))
	}
}
