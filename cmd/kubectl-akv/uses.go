package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"akv-injector/internal/cli/lint"
	"akv-injector/internal/cli/uses"
)

// usesFlags are those of uses.
type usesFlags struct {
	eitherFlags
	output string
}

var usesFormats = []string{"text", "wide", "json"}

func newUses(streams genericiooptions.IOStreams) *cobra.Command {
	f := &usesFlags{output: "text"}
	cmd := &cobra.Command{
		Use:   "uses [VAULT[/[TYPE/]OBJECT]]",
		Short: "Show who reads an object of a vault, and how a change reaches them",
		Long: `Shows which workloads read an object of a vault: in which containers, by which file or
variable, with which identity (-o wide), and how each takes a change of it:

  file      the file has the new version, for programs that read it again
  restart   a reloader, or akv-injector with on-rotation, restarts the workload
  next run  a Job, or an init container: its next run has it
  never     it keeps what it started with (subPath, a variable, a command that reads it
            once), or asks for one version

So before a rotation or a deletion it says who is affected. It also lists objects of classes
that nobody mounts, and the least roles with which all of this works.

Without -f it reads the cluster, with your own rights; it never asks a vault, and never reads
Secrets.

Exit codes: 0; 2 if something could not be read.`,
		Example: `  # Who is affected if this secret is rotated, or deleted
  kubectl akv uses payments-kv/DB-Password -A

  # All objects that the workloads of a folder read
  kubectl akv uses -f manifests/ -R`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.configure(cmd); err != nil {
				return err
			}
			return f.run(cmd.Context(), streams, args)
		},
	}
	f.bindEither(cmd)
	cmd.Flags().StringVarP(&f.output, "output", "o", f.output, "`format`: text, wide or json")
	_ = cmd.RegisterFlagCompletionFunc("output", complete(usesFormats...))
	return cmd
}

func (f *usesFlags) run(ctx context.Context, streams genericiooptions.IOStreams, args []string) error {
	var want uses.Wanted
	errs := []error{}
	if len(args) > 0 {
		var problem error
		if want, problem = wantedOf(args[0]); problem != nil {
			errs = append(errs, problem)
		}
	}
	if err := oneOf("output", f.output, usesFormats); err != nil {
		errs = append(errs, err)
	}
	errs = append(errs, f.eitherErrors()...)
	if err := oneLine(errs); err != nil {
		return err
	}
	set, cluster, err := f.gather(ctx, streams)
	if err != nil {
		return err
	}
	// Whether this cluster restarts workloads is not known; that a workload asks for it is what counts here.
	f.settings.Restarts = true
	report := uses.Find(set, cluster, f.settings, want)
	write := func(w io.Writer) error { return report.WriteText(w, f.output == "wide") }
	if f.output == "json" {
		write = report.WriteJSON
	}
	if err := write(streams.Out); err != nil {
		return fmt.Errorf("the uses could not be written: %w", err)
	}
	for _, note := range report.Notes {
		fmt.Fprintln(streams.ErrOut, "note: "+lint.Printable(note))
	}
	unusable := report.Objects == 0
	for _, problem := range report.Problems {
		fmt.Fprintln(streams.ErrOut, lint.Printable(problem.String()))
		unusable = unusable || !problem.Note
	}
	fmt.Fprintln(streams.ErrOut, report.Summary())
	if unusable {
		return errUnusable
	}
	return nil
}

func wantedOf(arg string) (uses.Wanted, error) {
	want, problem := uses.ParseWanted(arg)
	if problem.Found() {
		return want, fmt.Errorf("%q: %s", arg, problem)
	}
	return want, nil
}
