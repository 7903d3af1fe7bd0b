// The demo command shows akv-injector at work on a real control plane that it starts
// on this machine: no cluster, no cloud. Each step prints the command that a user would
// type and what came of it, and the command fails if a step does not do what it says.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"akv-injector/e2e/build"
	"akv-injector/e2e/controlplane"
	"akv-injector/e2e/injector"
)

func main() {
	keep := flag.Bool("keep", false, "leave everything running at the end, until Ctrl-C")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Stdout, *keep); err != nil {
		if ctx.Err() != nil {
			err = errors.New("interrupted")
		}
		fmt.Fprintln(os.Stderr, "\ndemo failed:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, keep bool) (err error) {
	begun := time.Now()
	fmt.Fprintln(out, "akv-injector demo: a real Kubernetes control plane on this machine, no cluster and no cloud.")
	fmt.Fprintln(out, "The first run builds Kubernetes from source, which takes about 10 minutes on 2 cores; later runs take seconds.")
	cp, err := controlplane.Start(ctx, controlplane.Options{ControllerManager: true, Log: out})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cp.Stop()) }()
	in, err := injector.Install(ctx, cp, injector.Options{Log: out})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Stop()) }()
	fmt.Fprintln(out, "akv-injector is installed: deploy/install.yaml's RBAC and webhooks, and the real program.")

	root, err := build.Root()
	if err != nil {
		return err
	}
	s := &show{cp: cp, out: out, dir: filepath.Join(root, "examples", "shop")}
	if err := story(ctx, s); err != nil {
		return err
	}
	fmt.Fprintf(out, "\nAll %d steps did what they say, in %s.\n", s.step, time.Since(begun).Round(100*time.Millisecond))
	fmt.Fprintln(out, "There is no node in this demo: the pods stay Pending, and no file is mounted.")
	if keep {
		fmt.Fprintf(out, "\nLeft running until Ctrl-C. In another terminal:\n  export KUBECONFIG=%s\n  alias kubectl=%s\n", cp.Kubeconfig, cp.Kubectl)
		<-ctx.Done()
		fmt.Fprintln(out, "\nStopping.")
	}
	return nil
}
