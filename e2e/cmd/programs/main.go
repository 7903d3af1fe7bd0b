// The programs command builds what the end-to-end tests run, ahead of them: go test shows
// nothing of a test until it is over, and the first build takes minutes.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"akv-injector/e2e/build"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if _, err := build.Ensure(ctx, os.Stdout, "etcd", "kube-apiserver", "kube-controller-manager", "kubectl"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
