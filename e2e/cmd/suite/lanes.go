package main

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"akv-injector/e2e/suite"
)

// real has the packages that are tested against a real Kubernetes: those that take
// longest first. They wait more than they compute, so several go on side by side, each
// with a control plane, and where it needs one a node, of its own.
//
// They are compiled without the race detector, which would take the time of all others
// for code that does little but wait. It looks at all other packages, and at akv-injector
// itself where it has most to do at once (see package classes).
var real = []string{
	"rotation", "installed", "chaos", "interval", "classes", "certificates", "attacks", "secretsstore", "teardown", "rights", "fleet",
	"admission", "workloads", "order", "vaultchecks", "controlplane", "doctor", "dashboard", "node",
}

// parts are runs of tests of one package by themselves. Every other test of the package
// is in a run of its own.
var parts = map[string][]part{
	// The same tests with two drivers, and half of all the time. First mounts that go wrong
	// with driver 1.4.8 are the rest.
	"rotation": {
		{name: "driver 1.6.0", tests: "TestDriver160"},
		{name: "driver 1.4.8", tests: "TestDriver148"},
		{name: "first mounts, driver 1.6.0", tests: "TestFirstMount160"},
	},
	// They have limits of time and memory, which mean nothing on a busy machine, or make it
	// so busy that other tests' API servers do not answer in time.
	"admission": {{name: "limits", tests: "Test(BadInput|GracefulEnd|LargePods)", quiet: true}},
	"interval":  {{name: "asked and got", tests: "TestInterval", quiet: true}},
	"attacks":   {{name: "limits", tests: "Test(Floods|CostOfLargeObjects|SlowSenders|BadLuck)", quiet: true}},
	"classes":   {{name: "limits", tests: "Test(RestoredWithinASecond|Fight)", quiet: true}},
	// As many creates as there can be, for each of a thousand certificates.
	"certificates": {{name: "rotations", tests: "TestRotations", quiet: true}},
}

// byThemselves are packages that run when nothing else does: the API server waits for an
// answer as long as the chart says, and none may fail. Hundreds of nodes are simulated
// in fleet, which has to keep to seconds.
var byThemselves = []string{"installed", "chaos", "fleet"}

type part struct {
	name, tests string
	quiet       bool // nothing else may run
}

// plan is what is run of a module: first the lanes that go side by side, then those that
// run by themselves.
type plan struct {
	compile         []suite.Lane // in which each package is once
	together, alone []suite.Lane
}

// weights of packages that have more than one whole system at a time.
var weights = map[string]int{"teardown": 2}

// withoutC compiles as the programs are, so that what they share is compiled once. The race detector
// is written in C.
var withoutC = []string{"CGO_ENABLED=0"}

// atOnce is how many lanes go side by side. Each waits more than it computes; with more of
// them than this, API servers that start together take half a minute for an answer.
func atOnce() int { return max(2, min(2*runtime.NumCPU(), watchers()/watchersEach)) }

// watchersEach are the inotify instances that a whole system takes, of which Linux gives
// each user 128: certificates and folders are watched by each of its programs.
const watchersEach = 25

// watchers is how many inotify instances there may be; a machine that does not say has room.
func watchers() int {
	text, err := os.ReadFile("/proc/sys/fs/inotify/max_user_instances")
	if err != nil {
		return math.MaxInt
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return math.MaxInt
	}
	return n
}

// planned gives the plan for the module in dir, with all its packages.
func (r *runner) planned(ctx context.Context, dir string) (*plan, error) {
	list := exec.CommandContext(ctx, "go", "list", "./...")
	list.Dir = dir
	var complaint bytes.Buffer
	list.Stderr = &complaint
	out, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w\n%s", err, &complaint)
	}
	return r.plan(strings.Fields(string(out)))
}

func (r *runner) plan(packages []string) (*plan, error) {
	p := &plan{}
	// One package after the other within a lane.
	base := []string{"-count=1", "-p=1", noVet, "-timeout=40m"}
	heavy := slices.Clone(r.flags)
	heavy = slices.DeleteFunc(heavy, func(flag string) bool { return flag == "-race" })
	compile := slices.Clone(heavy)
	for _, name := range real {
		i := slices.IndexFunc(packages, func(p string) bool { return path.Base(p) == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no package %s", name)
		}
		pkg := packages[i]
		packages = slices.Delete(packages, i, i+1)
		compile = append(compile, pkg)
		lane := func(part string, more ...string) suite.Lane {
			return suite.Lane{Name: part, Env: withoutC, Weight: weights[name], Args: slices.Concat(heavy, base, more, []string{pkg})}
		}
		if slices.Contains(byThemselves, name) {
			p.alone = append(p.alone, lane(""))
			continue
		}
		var taken []string
		for _, part := range parts[name] {
			if one := lane(part.name, "-run=^"+part.tests+"$"); part.quiet {
				p.alone = append(p.alone, one)
			} else {
				p.together = append(p.together, one)
			}
			taken = append(taken, part.tests)
		}
		if taken == nil {
			p.together = append(p.together, lane(""))
			continue
		}
		// What the parts run is what the rest skips: no test is in neither.
		skip := "-skip=^(" + strings.Join(taken, "|") + ")$"
		p.together = append(p.together, lane("the rest", skip))
	}
	p.together = append(p.together, suite.Lane{Args: slices.Concat(r.flags, base, packages)})
	p.compile = []suite.Lane{{Env: withoutC, Args: compile}, {Args: slices.Concat(r.flags, packages)}}
	return p, nil
}
