package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"akv-injector/internal/cli/budget"
	"akv-injector/internal/cli/lint"
)

// budgetFlags are those of budget.
type budgetFlags struct {
	eitherFlags
	output string
	nodes  int
	every  time.Duration
	most   float64
}

var budgetFormats = []string{"text", "json"}

func newBudget(streams genericiooptions.IOStreams) *cobra.Command {
	f := &budgetFlags{output: "text", most: 100}
	cmd := &cobra.Command{
		Use:   "budget",
		Short: "Forecast how often each vault is asked, against the limits of Key Vault",
		Long: `Forecasts how many calls the CSI driver makes to each vault, from what the workloads mount,
how many pods they have, and how often the driver really asks; against the limits that
Microsoft publishes; with the largest contributors, and what would save calls.

Without -f it reads the cluster, with your own rights; it never asks a vault. Counted are the
pods that workloads are written to have, and what they mount through classes of the Azure
provider: not what programs ask themselves, and not akv-injector's own looks.

Exit codes: 0; 1 if a vault is asked more than --max-share of its limit; 2 if something could
not be read.`,
		Example: `  # All vaults of a cluster
  kubectl akv budget -A

  # In CI: fail if a change brings a vault over half of its limit
  kubectl akv budget -f manifests/ -R --nodes 20 --max-share 50`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.configure(cmd); err != nil {
				return err
			}
			return f.run(cmd.Context(), streams)
		},
	}
	f.autoscalers = true
	f.bindEither(cmd)
	flags := cmd.Flags()
	flags.StringVarP(&f.output, "output", "o", f.output, "`format`: text or json")
	flags.IntVar(&f.nodes, "nodes", 0, "`number` of nodes that DaemonSets run on")
	flags.DurationVar(&f.every, "every", 0, "`duration` between two looks of the driver. Without it, as the CSIDriver and the driver's DaemonSet say")
	flags.Float64Var(&f.most, "max-share", f.most, "`percent` of its limit that a vault may be asked")
	_ = cmd.RegisterFlagCompletionFunc("output", complete(budgetFormats...))
	return cmd
}

func (f *budgetFlags) run(ctx context.Context, streams genericiooptions.IOStreams) error {
	errs := f.eitherErrors()
	if err := oneOf("output", f.output, budgetFormats); err != nil {
		errs = append(errs, err)
	}
	if f.nodes < 0 {
		errs = append(errs, fmt.Errorf("--nodes=%d: write how many there are", f.nodes))
	}
	if f.every < 0 || f.every > 0 && f.every < time.Second {
		errs = append(errs, fmt.Errorf("--every=%s: write a duration of at least 1s", f.every))
	}
	if !(f.most > 0) {
		errs = append(errs, errors.New("--max-share: write a percentage above 0"))
	}
	if err := oneLine(errs); err != nil {
		return err
	}
	set, cluster, err := f.gather(ctx, streams)
	if err != nil {
		return err
	}
	o := budget.Options{Nodes: f.nodes, Cadence: budget.Cadence{Every: f.every, From: "--every"}}
	if f.every == 0 {
		o.Cadence = budget.CadenceIn(set, cluster)
	}
	report := budget.Forecast(set, cluster, f.settings, o)
	write := report.WriteText
	if f.output == "json" {
		write = report.WriteJSON
	}
	if err := write(streams.Out); err != nil {
		return fmt.Errorf("the forecast could not be written: %w", err)
	}
	unusable := report.Objects == 0
	for _, problem := range report.Problems {
		fmt.Fprintln(streams.ErrOut, lint.Printable(problem.String()))
		unusable = unusable || !problem.Note
	}
	const percent = 100
	switch {
	case unusable:
		return errUnusable
	case report.Over(f.most / percent):
		fmt.Fprintf(streams.ErrOut, "A vault is asked more than %g%% of its limit.\n", f.most)
		return errFindings
	}
	return nil
}
