// The programs command builds what the end-to-end tests run, ahead of them: go test shows
// nothing of a test until it is over, and the first build takes minutes. It builds what it
// is told to, else everything that the tests here can use.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"akv-injector/e2e/build"
	"akv-injector/e2e/sandbox"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	names := os.Args[1:]
	if len(names) == 0 {
		names = build.Usable(sandbox.Supported() == nil)
	}
	if _, err := build.Ensure(ctx, os.Stdout, names...); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
