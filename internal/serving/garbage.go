package serving

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// Go collects garbage when the heap has grown by a percentage of what is in use. Little is in use here, so in a wave of
// admissions the default of 100 collects dozens of times a second, which takes a quarter of the processor time. A percentage
// that is always high would keep the memory of the largest wave for good, and so does a heap that nobody collects afterwards: what
// a wave, or the lists at the start, have left is given back to the system when there is time for it.
const (
	// calmPercent is half of Go's default: a collection takes some ten milliseconds, and there are few.
	calmPercent = 50
	// busyPercent in a wave, or less where that were more than busyBytes.
	busyPercent = 400
	busyBytes   = 128 << 20
	// busyCycles in a second begin a wave. A collection every two minutes, and what changes in the caches, are far below.
	busyCycles = 2
	// calmAfter is for how many seconds in a row there is at most one collection before the wave, or the start, is over.
	calmAfter = 30
	// starting is for how many seconds after the start no wave begins: caches are filled with lists then.
	starting = 10
)

// Garbage lets the heap grow further while there is much to do. The memory limit (GOMEMLIMIT) holds all the same.
type Garbage struct {
	cycles func() uint64
	// live is how many bytes the last collection has left.
	live func() uint64
	set  func(percent int)
	free func()

	last    uint64
	seconds int
	busy    bool
	current int // percent, while busy
	calm    int
	// left is set while there may be something to give back.
	left bool
}

// NewGarbage returns the Garbage of this program.
func NewGarbage() *Garbage {
	return &Garbage{
		cycles: reader("/gc/cycles/total:gc-cycles"),
		live:   reader("/gc/heap/live:bytes"),
		set:    func(percent int) { debug.SetGCPercent(percent) },
		free:   debug.FreeOSMemory,
		left:   true,
	}
}

// reader reads a metric of the runtime.
func reader(name string) func() uint64 {
	sample := []metrics.Sample{{Name: name}}
	return func() uint64 {
		metrics.Read(sample)
		return sample[0].Value.Uint64()
	}
}

// percent is that of a wave.
func (g *Garbage) percent() int {
	return int(min(max(busyBytes*100/max(g.live(), 1), calmPercent), busyPercent))
}

// Run looks every second until ctx ends.
func (g *Garbage) Run(ctx context.Context) {
	g.set(calmPercent)
	g.last = g.cycles()
	every := time.NewTicker(time.Second)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
			g.second()
		}
	}
}

// second looks at what a second has brought.
func (g *Garbage) second() {
	now := g.cycles()
	cycles := now - g.last
	g.last = now
	if cycles > 1 {
		g.calm = 0
	} else {
		g.calm++
	}
	g.seconds++
	switch {
	case !g.busy && cycles >= busyCycles && g.seconds > starting:
		g.busy, g.left = true, true
		g.current = g.percent()
		g.set(g.current)
	case g.busy && g.calm < calmAfter:
		// What is in use may have grown, with large objects or with the cluster.
		if now := g.percent(); now < g.current {
			g.current = now
			g.set(now)
		}
	case g.calm < calmAfter:
	case g.busy:
		g.busy = false
		g.set(calmPercent)
		fallthrough
	case g.left:
		g.left = false
		g.free()
	}
}
