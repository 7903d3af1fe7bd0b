package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	"akv-injector/internal/cli/doctor"
	"akv-injector/internal/cli/lint"
)

// doctorFlags are those of doctor.
type doctorFlags struct {
	kube   *genericclioptions.ConfigFlags
	output string
	before bool
	all    bool
	// asWorkload signs in as the workload.
	asWorkload bool
	// withAz asks Azure Resource Manager.
	withAz bool
	wait   time.Duration
}

var doctorFormats = []string{"text", "json"}

func newDoctor(streams genericiooptions.IOStreams) *cobra.Command {
	f := &doctorFlags{kube: genericclioptions.NewConfigFlags(true), output: "text"}
	cmd := &cobra.Command{
		Use:   "doctor [POD|KIND/NAME]",
		Short: "Find what keeps secrets from pods, and how to mend it",
		Long: `Looks at the cluster, at akv-injector in it, and, if one is named, at a pod or a workload, and
says of each check what was seen, why it matters, and what mends it.

It looks with your own rights: what you may not see is "not checked", with the reason. It
changes nothing, and reads no Secret. It asks no vault, but with --as-workload, which takes a
token of the workload's ServiceAccount, exchanges it at Entra ID, and lists the versions of the
objects in use; never a value. --with-az runs az, which lists the federated credentials and the
role assignments of the workload's identity.

Exit codes: 0 if nothing is wrong; 1 if there is a problem; 2 if the cluster could not be asked.`,
		Example: `  # Before the installation
  kubectl akv doctor --pre

  # Why does this pod wait?
  kubectl akv doctor -n shop web-6d4cf56db6-x7k2p`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.run(cmd.Context(), streams, args)
		},
	}
	flags := cmd.Flags()
	f.kube.AddFlags(flags)
	flags.StringVarP(&f.output, "output", "o", f.output, "`format`: text or json")
	flags.BoolVar(&f.before, "pre", false, "only what has to be there before akv-injector is installed")
	flags.BoolVar(&f.all, "all", false, "show the checks that find nothing wrong too")
	flags.BoolVar(&f.asWorkload, "as-workload", false, "sign in as the workload's ServiceAccount, and list the versions of its objects, from this machine")
	flags.BoolVar(&f.withAz, "with-az", false, "look at the workload's identity, its federated credentials and its roles with az, as you are logged in")
	flags.DurationVar(&f.wait, "wait", 0, "look again until nothing is wrong, for this `duration` at most")
	_ = cmd.RegisterFlagCompletionFunc("output", complete(doctorFormats...))
	return cmd
}

func (f *doctorFlags) run(ctx context.Context, streams genericiooptions.IOStreams, args []string) error {
	errs := []error{}
	if err := oneOf("output", f.output, doctorFormats); err != nil {
		errs = append(errs, err)
	}
	if f.before && len(args) > 0 {
		errs = append(errs, errors.New("--pre looks at the cluster alone: leave the pod out"))
	}
	if f.asWorkload && len(args) == 0 {
		errs = append(errs, errors.New("--as-workload: name the pod or the workload"))
	}
	if f.withAz && len(args) == 0 {
		errs = append(errs, errors.New("--with-az: name the pod or the workload"))
	}
	if err := oneLine(errs); err != nil {
		return err
	}
	const pause = 2 * time.Second
	for until := time.Now().Add(f.wait); ; {
		results, err := f.look(ctx, streams, args)
		if err != nil {
			return err
		}
		healthy := doctor.Worst(results) != doctor.Problem
		if healthy || !time.Now().Add(pause).Before(until) {
			return f.end(streams, results, healthy)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// look runs the checks once.
func (f *doctorFlags) look(ctx context.Context, streams genericiooptions.IOStreams, args []string) ([]doctor.Result, error) {
	config, err := f.kube.ToRESTConfig()
	if err != nil {
		return nil, err
	}
	config.QPS, config.Burst = 50, 300 // kubectl's own
	p := &doctor.Patient{Before: f.before, AsWorkload: f.asWorkload, WithAz: f.withAz}
	if p.Client, err = kubernetes.NewForConfig(config); err != nil {
		return nil, err
	}
	if p.Dynamic, err = dynamic.NewForConfig(config); err != nil {
		return nil, err
	}
	if p.Namespace, err = namespaceOf(f.kube, false); err != nil {
		return nil, err
	}
	if err := p.Reach(ctx); err != nil {
		return nil, err
	}
	if len(args) > 0 {
		if err := p.Aim(ctx, args[0]); err != nil {
			return nil, err
		}
	}
	return doctor.Run(ctx, p, func(r doctor.Result) {
		if f.output == "text" && f.wait == 0 {
			f.tell(streams.Out, &r)
		}
	}), nil
}

// tell prints a result.
func (f *doctorFlags) tell(out io.Writer, r *doctor.Result) {
	if r.Status == doctor.OK && !f.all {
		return
	}
	head := fmt.Sprintf("%-11s %s %s", strings.ToUpper(string(r.Status)), r.ID, r.Name)
	if r.Object != "" {
		head += " (" + r.Object + ")"
	}
	fmt.Fprintln(out, lint.Printable(head+": "+r.Seen))
	if r.Matters != "" {
		fmt.Fprintln(out, lint.Printable("            "+r.Matters))
	}
	if r.Fix != "" {
		fmt.Fprintln(out, lint.Printable("            Fix: "+r.Fix))
	}
}

func (f *doctorFlags) end(streams genericiooptions.IOStreams, results []doctor.Result, healthy bool) error {
	if f.output == "json" {
		e := json.NewEncoder(streams.Out)
		e.SetIndent("", "  ")
		if err := e.Encode(results); err != nil {
			return fmt.Errorf("the results could not be written: %w", err)
		}
	} else if f.wait > 0 {
		for i := range results {
			f.tell(streams.Out, &results[i])
		}
	}
	count := map[doctor.Status]int{}
	for _, r := range results {
		count[r.Status]++
	}
	fmt.Fprintf(streams.ErrOut, "%d looked at: %d problems, %d warnings, %d not checked.\n", len(results), count[doctor.Problem], count[doctor.Warning], count[doctor.NotChecked])
	if !healthy {
		return errFindings
	}
	return nil
}
