package certificates

import (
	"testing"
	"time"
)

// The first times are answered at once, later ones more and more slowly, and after a while of peace at once again.
func TestFight(t *testing.T) {
	now := time.Now()
	f := &fight{}
	var waits []time.Duration
	for range 12 {
		f.times++
		f.last = now
		waits = append(waits, f.pause(now))
		now = now.Add(f.pause(now))
	}
	for i, w := range waits {
		if i < 3 && w != 0 || i >= 3 && (w < 2*time.Second || w < waits[i-1] || w > 64*time.Second) {
			t.Errorf("waits of %s", waits)
			break
		}
	}
	if now = now.Add(time.Hour); f.pause(now) > 0 || f.times != 0 {
		t.Errorf("after an hour it waits for %s", f.pause(now))
	}
}
