// Command kubectl-akv is a kubectl plugin: it shows, before anything is applied, what
// akv-injector will make of manifests, and what keeps their secrets from rotating; and
// afterwards, which versions of them running pods have.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// version is stamped by -ldflags "-X main.version=…".
var version = "dev"

// Exit codes.
const (
	exitOK       = 0
	exitFindings = 1 // it did what was asked, and the answer is no
	exitUnusable = 2 // the flags or the input make no sense, or the cluster cannot be asked
)

func main() {
	stop, forget := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	streams := genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}
	code := start(stop, os.Args[1:], streams)
	forget()
	os.Exit(code)
}

// exitError ends the program with a code when everything has been said.
type exitError struct{ code int }

func (e *exitError) Error() string { return fmt.Sprintf("exit status %d", e.code) }

// errFindings and errUnusable are for commands that have printed what is wrong.
var (
	errFindings = &exitError{exitFindings}
	errUnusable = &exitError{exitUnusable}
)

func start(ctx context.Context, args []string, streams genericiooptions.IOStreams) int {
	root := newRoot(streams)
	root.SetArgs(args)
	return exitCode(root.ExecuteContext(ctx), streams.ErrOut)
}

// exitCode prints what went wrong, in one line, unless the command has done so.
func exitCode(err error, stderr io.Writer) int {
	var exit *exitError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &exit):
		return exit.code
	}
	// cobra's own complaints go over more lines, with suggestions on those behind.
	fmt.Fprintln(stderr, "error: "+strings.Join(strings.Fields(err.Error()), " "))
	return exitUnusable
}

// newRoot is the command "kubectl akv".
func newRoot(streams genericiooptions.IOStreams) *cobra.Command {
	root := &cobra.Command{
		Use:   "kubectl-akv",
		Short: "Azure Key Vault secrets that keep rotating in pods",
		Long: `Shows, before anything is applied, what akv-injector will make of manifests, and what
in them keeps a rotated Azure Key Vault secret from reaching the running container; and
afterwards, which versions running pods have mounted.

Exit codes: 0 where all is well, 1 where the answer is no, 2 where the flags or the input
make no sense.`,
		Args:          cobra.NoArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		Annotations:   map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl akv"},
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(streams.In)
	root.SetOut(streams.Out)
	root.SetErr(streams.ErrOut)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w; see: %s --help", err, cmd.CommandPath())
	})
	for _, add := range commands {
		root.AddCommand(add(streams))
	}
	addPluginCompletion(root, streams)
	return root
}

// commands in the order of --help.
var commands = []func(genericiooptions.IOStreams) *cobra.Command{
	newLint, newAudit, newPreview, newConvert, newUses, newBudget, newSetup, newDoctor, newStatus, newWait, newRefresh, newExplain, newMan, newVersion,
}
