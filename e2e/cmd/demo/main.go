// The demo command shows akv-injector at work on a real Kubernetes that it starts on
// this machine: no cluster, no cloud. Each step prints the command that a user would
// type and what came of it, and the command fails if a step does not do what it says.
//
// As root on Linux there is a real node, with the real Secrets Store CSI driver and a
// stand-in for Azure, and the last step rotates a secret. Elsewhere there is the control
// plane alone, and the command says what is left out.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"akv-injector/e2e/azure/cli"
	"akv-injector/e2e/build"
	"akv-injector/e2e/controlplane"
	"akv-injector/e2e/injector"
	"akv-injector/e2e/sandbox"
	"akv-injector/e2e/system"
)

func main() {
	keep := flag.Bool("keep", false, "at the end, a shell with kubectl and az; its exit ends the demo")
	flag.Parse()
	if err := sandbox.Supported(); err != nil {
		fmt.Printf("akv-injector demo: a real Kubernetes control plane on this machine, no cluster and no cloud.\n"+
			"LEFT OUT: the node, the CSI driver and the rotation of a secret: %v.\n", err)
		os.Exit(guarded(func(ctx context.Context) error { return controlPlane(ctx, os.Stdout, *keep) }))
	}
	os.Exit(sandbox.Run(prepare, func() int {
		return guarded(func(ctx context.Context) error { return whole(ctx, os.Stdout, *keep) })
	}))
}

// guarded runs a demo until its end or an interrupt, and gives the exit status.
func guarded(run func(context.Context) error) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		if ctx.Err() != nil {
			err = errors.New("interrupted")
		}
		fmt.Fprintln(os.Stderr, "\ndemo failed:", err)
		return 1
	}
	return 0
}

// prepare builds everything, while there is a network.
func prepare(ctx context.Context) error {
	fmt.Println("akv-injector demo: a real Kubernetes on this machine, node included; no cluster, no cloud, nothing installed.")
	fmt.Println("The first run builds Kubernetes, containerd and the CSI driver from source, 10 to 30 minutes on 2 cores; later runs take seconds.")
	if err := system.PrepareCurrent(ctx, os.Stdout); err != nil {
		return err
	}
	_, err := build.Own(ctx, os.Stdout, "./cmd/az")
	return err
}

// whole is the demo with a node.
func whole(ctx context.Context, out io.Writer, keep bool) (err error) {
	begun := time.Now()
	s, err := system.Start(ctx, system.Options{PollInterval: 5 * time.Second, SyncFrequency: 5 * time.Second, Log: out})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	if err := os.Setenv(cli.SocketVariable, s.Azure.AdminSocket()); err != nil {
		return err
	}
	// The examples name the image of a real registry, and here nothing can be pulled.
	if err := s.Node.TagShell(ctx, exampleImage); err != nil {
		return err
	}
	show, err := newShow(s.ControlPlane, out)
	if err != nil {
		return err
	}
	show.system = s
	if err := story(ctx, show, append([]step{azureSetUp, optIn, useIdentity}, append(common, readFiles, rotate)...)); err != nil {
		return err
	}
	fmt.Fprintf(out, "\nAll %d steps did what they say, in %s.\n", show.step, time.Since(begun).Round(100*time.Millisecond))
	if keep {
		return shell(ctx, s, out)
	}
	return nil
}

// controlPlane is the demo without a node.
func controlPlane(ctx context.Context, out io.Writer, keep bool) (err error) {
	begun := time.Now()
	fmt.Fprintln(out, "The first run builds Kubernetes from source, about 10 minutes on 2 cores; later runs take seconds.")
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
	show, err := newShow(cp, out)
	if err != nil {
		return err
	}
	if err := story(ctx, show, append([]step{optIn}, common...)); err != nil {
		return err
	}
	fmt.Fprintf(out, "\nAll %d steps did what they say, in %s.\n", show.step, time.Since(begun).Round(100*time.Millisecond))
	fmt.Fprintf(out, "LEFT OUT: the node, the CSI driver and the rotation of a secret: %v.\n", sandbox.Supported())
	if keep {
		fmt.Fprintf(out, "\nLeft running until Ctrl-C. In another terminal:\n  export KUBECONFIG=%s\n  alias kubectl=%s\n", cp.Kubeconfig, cp.Kubectl)
		<-ctx.Done()
		fmt.Fprintln(out, "\nStopping.")
	}
	return nil
}

// shell lets a user look around: from outside of the sandbox nothing can be reached.
func shell(ctx context.Context, s *system.System, out io.Writer) error {
	az, err := build.Own(ctx, out, "./cmd/az")
	if err != nil {
		return err
	}
	program := os.Getenv("SHELL")
	if program == "" {
		program = "/bin/sh"
	}
	fmt.Fprintln(out, "\nAll of it runs on. This is a shell beside it, with kubectl, and az for the stand-in; its exit ends the demo.")
	cmd := exec.CommandContext(ctx, program)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+s.Kubeconfig,
		"PATH="+filepath.Dir(s.Kubectl)+":"+filepath.Dir(az)+":"+os.Getenv("PATH"))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	// With which status a user leaves a shell is the last command's affair.
	if err := cmd.Run(); !errors.As(err, new(*exec.ExitError)) {
		return err
	}
	return nil
}
