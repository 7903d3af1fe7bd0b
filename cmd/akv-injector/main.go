// Command akv-injector is the admission webhook: it gives pods the Azure Key Vault
// secrets that their annotations ask for, in a way that keeps them rotating.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// version is stamped by -ldflags "-X main.version=…".
var version = "dev"

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // it ran, and something went wrong
	exitUsage  = 2 // the flags make no sense
)

func main() {
	os.Exit(start(os.Args[1:], os.LookupEnv, os.Stdout, os.Stderr))
}

func start(args []string, env lookupEnv, stdout, stderr io.Writer) int {
	o, problems := parseOptions(args, env)
	switch {
	case o.help:
		fmt.Fprint(stdout, usage())
		return exitOK
	case o.version:
		fmt.Fprintln(stdout, "akv-injector", version)
		return exitOK
	case len(problems) > 0:
		for _, p := range problems {
			fmt.Fprintln(stderr, "akv-injector:", p)
		}
		fmt.Fprintln(stderr, "akv-injector: see akv-injector --help")
		return exitUsage
	}

	stop, forget := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer forget()
	// A second signal ends the program at once.
	context.AfterFunc(stop, forget)

	log := newLogger(stderr, o)
	work := run
	switch {
	case o.openGates:
		work = openGates
	case o.checkNamespace != "":
		work = checkInjection
	}
	if err := work(stop, o, log); err != nil {
		log.Error(err, "stopped")
		return exitFailed
	}
	log.Info("stopped")
	return exitOK
}
