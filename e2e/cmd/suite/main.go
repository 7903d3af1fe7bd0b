// The suite command runs the project's tests: the unit tests, and those against a real
// Kubernetes on this machine, after building it. It says what it is doing all along,
// and at the end where the time went and what could not be tested here.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"akv-injector/e2e/build"
	"akv-injector/e2e/prometheus"
	"akv-injector/e2e/rundir"
	"akv-injector/e2e/sandbox"
	"akv-injector/e2e/suite"
)

func main() {
	race := flag.Bool("race", false, "test with the race detector")
	verbose := flag.Bool("v", false, "print all that the tests print")
	only := flag.String("only", "", "unit or e2e: that part alone")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// Without paths of this checkout, another one finds compiled what has not changed.
	r := &runner{verbose: *verbose, flags: []string{"-trimpath"}}
	if *race {
		r.flags = append(r.flags, "-race")
		if err := os.Setenv(build.RaceVariable, "1"); err != nil {
			panic(err) // the name is ours
		}
	}
	if err := r.run(ctx, *only); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type runner struct {
	flags   []string
	place   *rundir.Dir
	verbose bool
	phases  []suite.Phase
	failed  bool
}

// noVet leaves out what `make verify` looks for in any case.
const noVet = "-vet=off"

// prefix of the folder that has all temporary files of the tests, so that those of tests
// that are killed go with it.
const prefix = "akv-suite-"

func (r *runner) run(ctx context.Context, only string) (err error) {
	root, err := build.Root()
	if err != nil {
		return err
	}
	// Sandboxes of a killed run have their folders in that of their suite.
	if r.place, err = rundir.New("", prefix, sandbox.Sweep); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.remove()) }()
	if only != "e2e" {
		fmt.Println("Unit tests:")
		if err := r.test(ctx, "unit tests", root, 1, suite.Lane{Args: append(slices.Clone(r.flags), noVet, "./...")}); err != nil {
			return err
		}
	}
	if only != "unit" {
		if err := r.build(ctx); err != nil {
			return err
		}
		dir := filepath.Join(root, "e2e")
		plan, err := r.planned(ctx, dir)
		if err != nil {
			return err
		}
		if err := r.compile(ctx, dir, plan.compile); err != nil {
			return err
		}
		fmt.Println("Tests against a real Kubernetes:")
		if err := r.test(ctx, "end-to-end tests, side by side", dir, atOnce(), plan.together...); err != nil {
			return err
		}
		if err := r.test(ctx, "end-to-end tests, by themselves", dir, 1, plan.alone...); err != nil {
			return err
		}
	}
	suite.Summarize(os.Stdout, r.phases)
	if r.failed {
		return errors.New("FAILED")
	}
	fmt.Println("passed")
	return nil
}

// remove removes what tests have left, also of those that an interrupt has killed.
func (r *runner) remove() error {
	if err := sandbox.Sweep(r.place.Path); err != nil {
		return errors.Join(err, r.place.Abandon())
	}
	return r.place.Close(false)
}

func (r *runner) build(ctx context.Context) error {
	begun := time.Now()
	node := sandbox.Supported() == nil
	_, err := build.Ensure(ctx, os.Stdout, build.Usable(node)...)
	tools := []string{"helm"}
	if node {
		tools = append(tools, prometheus.Tool)
	}
	// Ahead of the tests: beside them a build would take what they need to answer in time.
	for _, name := range tools {
		if err == nil {
			_, err = build.Tool(ctx, os.Stdout, name)
		}
	}
	r.phases = append(r.phases, suite.Phase{Name: "building Kubernetes", Took: time.Since(begun)})
	return err
}

// compile compiles the tests of the module in dir, ahead of lanes that share packages.
func (r *runner) compile(ctx context.Context, dir string, runs []suite.Lane) error {
	begun := time.Now()
	fmt.Println("Compiling the tests …")
	for _, each := range runs {
		if err := suite.Compile(ctx, dir, each); err != nil {
			return err
		}
	}
	r.phases = append(r.phases, suite.Phase{Name: "compiling the tests", Took: time.Since(begun)})
	return nil
}

func (r *runner) test(ctx context.Context, name, dir string, atOnce int, lanes ...suite.Lane) error {
	begun := time.Now()
	report, err := suite.RunLanes(ctx, os.Stdout, suite.Where{Dir: dir, Run: r.place}, r.verbose, atOnce, lanes...)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	r.phases = append(r.phases, suite.Phase{Name: name, Took: time.Since(begun), Report: report})
	r.failed = r.failed || report.Failed
	return nil
}
