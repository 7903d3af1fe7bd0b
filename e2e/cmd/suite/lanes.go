package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path"
	"slices"
	"strings"

	"akv-injector/e2e/suite"
)

// Tests against the real system wait more than they compute, so some go on side by
// side. Each package has a control plane, and where it needs one a node, of its own.
const (
	// rotation is half of all the time, and the same with two drivers.
	rotation = "rotation"
	// classes measures times, which must not be disturbed, and teardown runs two whole
	// systems at once, which would disturb all others.
	classes  = "classes"
	teardown = "teardown"
)

// lanes gives the packages of the module in dir: first those that go side by side, then
// those that run by themselves.
func (r *runner) lanes(ctx context.Context, dir string) (together, after []suite.Lane, err error) {
	list := exec.CommandContext(ctx, "go", "list", "./...")
	list.Dir = dir
	var complaint bytes.Buffer
	list.Stderr = &complaint
	out, err := list.Output()
	if err != nil {
		return nil, nil, fmt.Errorf("go list: %w\n%s", err, &complaint)
	}
	packages := strings.Fields(string(out))
	take := func(name string) (string, error) {
		i := slices.IndexFunc(packages, func(p string) bool { return path.Base(p) == name })
		if i < 0 {
			return "", fmt.Errorf("there is no package %s in %s", name, dir)
		}
		taken := packages[i]
		packages = slices.Delete(packages, i, i+1)
		return taken, nil
	}
	rotating, err := take(rotation)
	if err != nil {
		return nil, nil, err
	}
	var alone []string
	for _, name := range []string{classes, teardown} {
		taken, err := take(name)
		if err != nil {
			return nil, nil, err
		}
		alone = append(alone, taken)
	}
	args := func(more ...string) []string {
		// One package after the other within a lane.
		return append(append(slices.Clone(r.flags), "-count=1", "-p=1", "-timeout=40m"), more...)
	}
	// What the first of them runs is what the second skips: no test is in neither.
	together = []suite.Lane{
		{Name: "driver 1.6.0", Args: args("-run=160$", rotating)},
		{Name: "the rest", Args: args("-skip=160$", rotating)},
		{Args: args(packages...)},
	}
	return together, []suite.Lane{{Args: args(alone...)}}, nil
}
