package main

import (
	"slices"
	"strings"
	"testing"

	"akv-injector/e2e/suite"
)

func TestPlan(t *testing.T) {
	r := &runner{flags: []string{"-trimpath", "-race"}}
	var packages []string
	for _, name := range append([]string{"new", "suite"}, real...) {
		packages = append(packages, "akv-injector/e2e/"+name)
	}
	p, err := r.plan(slices.Clone(packages))
	if err != nil {
		t.Fatal(err)
	}
	var seen []string
	for _, lane := range slices.Concat(p.together, p.alone) {
		pkg := lane.Args[len(lane.Args)-1]
		seen = append(seen, lane.Args[slices.IndexFunc(lane.Args, func(a string) bool { return strings.Contains(a, "/e2e/") }):]...)
		// Packages without a system of their own, and new ones, get the race detector.
		if race := slices.Contains(lane.Args, "-race"); race != strings.HasSuffix(pkg, "suite") {
			t.Errorf("%s: -race is %t", pkg, race)
		} else if race == slices.Contains(lane.Env, "CGO_ENABLED=0") {
			t.Errorf("%s: -race is %t with %q", pkg, race, lane.Env)
		}
	}
	slices.Sort(seen)
	slices.Sort(packages)
	if got := slices.Compact(seen); !slices.Equal(got, packages) {
		t.Errorf("the lanes have %q, want %q", got, packages)
	}
	rest := p.together[3].Args
	if !slices.Contains(rest, "-skip=^(TestDriver160|TestDriver148|TestFirstMount160)$") {
		t.Errorf("the rest of rotation is %q", rest)
	}
	if len(p.alone) != 5+len(byThemselves) || !slices.Contains(p.alone[3].Args, "-run=^Test(RestoredWithinASecond|Fight)$") {
		t.Errorf("alone is %+v", p.alone)
	}
	for _, name := range byThemselves {
		if !slices.ContainsFunc(p.alone, func(l suite.Lane) bool { return strings.HasSuffix(l.Args[len(l.Args)-1], "/"+name) }) {
			t.Errorf("%s is not run by itself", name)
		}
	}
}

func TestPlanWantsItsPackages(t *testing.T) {
	if _, err := (&runner{}).plan([]string{"akv-injector/e2e/suite"}); err == nil || !strings.Contains(err.Error(), "there is no package rotation") {
		t.Errorf("the error is %v", err)
	}
}
