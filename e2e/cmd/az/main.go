// The az command is Azure's command line for the stand-in that cmd/azure runs.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"akv-injector/e2e/azure/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := cli.Run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}
