package serving

import (
	"slices"
	"testing"
)

func TestGarbage(t *testing.T) {
	var cycles uint64
	live := uint64(10 << 20)
	var set []int
	const freed = 0
	g := &Garbage{
		cycles: func() uint64 { return cycles }, set: func(percent int) { set = append(set, percent) },
		live: func() uint64 { return live },
		free: func() { set = append(set, freed) }, left: true,
	}
	seconds := func(n int, each uint64) {
		for range n {
			cycles += each
			g.second()
		}
	}
	want := func(when string, percents ...int) {
		t.Helper()
		if !slices.Equal(set, percents) {
			t.Errorf("%s: set %v, want %v", when, set, percents)
		}
	}
	seconds(10, 5)
	want("the lists at the start")
	seconds(29, 1)
	want("not over yet")
	seconds(300, 1)
	want("idle", freed)
	seconds(1, 2)
	want("a wave begins", freed, 400)
	seconds(29, 1)
	seconds(1, 2)
	seconds(29, 1)
	want("it goes on, with pauses", freed, 400)
	seconds(1, 0)
	want("it is over", freed, 400, 50, freed)
	seconds(100, 0)
	seconds(5, 20)
	want("the next", freed, 400, 50, freed, 400)
	live = 64 << 20
	seconds(3, 20)
	live = 1 << 30
	seconds(3, 20)
	live = 10 << 20
	seconds(3, 20)
	want("more is in use", freed, 400, 50, freed, 400, 200, 50)
}

// The runtime knows the metric, and takes the percentage.
func TestGarbageOfThisProgram(t *testing.T) {
	g := NewGarbage()
	if g.live(); g.cycles() == ^uint64(0) {
		t.Error("no cycles")
	}
	g.set(calmPercent)
	g.free()
}
