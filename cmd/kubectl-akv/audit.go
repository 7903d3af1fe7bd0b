package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"akv-injector/internal/cli/audit"
	"akv-injector/internal/cli/lint"
)

// auditFlags are those of audit.
type auditFlags struct {
	inputFlags
	kube          *genericclioptions.ConfigFlags
	allNamespaces bool
	output        string
	failOn        string
	baselines     baselineFlags
}

var auditFormats = []string{"text", "json", "sarif", "policyreport"}

func newAudit(streams genericiooptions.IOStreams) *cobra.Command {
	f := &auditFlags{kube: genericclioptions.NewConfigFlags(true), output: "text", failOn: "error"}
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Find in a cluster what keeps secrets from rotating",
		Long: `Runs the rules of akv-injector over what is in a cluster: the workloads, the pods that nothing
else makes, and the SecretProviderClasses, whether akv-injector is installed there or not. It
reads the cluster with your own rights, changes nothing and never reads Secrets.

Start the adoption with its list: write what is there into a baseline, and see what is new.

-o text prints the findings by namespace and object; -o json and -o sarif as lint does;
-o policyreport prints a PolicyReport (wgpolicyk8s.io/v1alpha2) for each namespace, which
dashboards of policies read: pipe it into kubectl apply.

Exit codes: 0 without errors; 1 with errors (see --fail-on); 2 if the cluster could not be
read.`,
		Example: `  # The current namespace, and all of them
  kubectl akv audit
  kubectl akv audit -A

  # What is new since the adoption began
  kubectl akv audit -A --write-baseline akv-baseline.json
  kubectl akv audit -A --baseline akv-baseline.json

  # For the dashboards
  kubectl akv audit -A -o policyreport --fail-on never | kubectl apply -f -`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.configure(cmd); err != nil {
				return err
			}
			return f.run(cmd.Context(), streams)
		},
	}
	flags := cmd.Flags()
	flags.BoolVarP(&f.allNamespaces, "all-namespaces", "A", false, "look at all namespaces")
	flags.StringVarP(&f.output, "output", "o", f.output, "`format`: "+strings.Join(auditFormats, ", "))
	flags.StringVar(&f.failOn, "fail-on", f.failOn, "`severity` from which findings make the exit code 1: "+strings.Join(failOns, ", "))
	f.baselines.bind(flags)
	bindConfig(flags, &f.config)
	f.bindSettings(cmd)
	_ = flags.MarkHidden("complete") // a cluster is all there is
	f.kube.AddFlags(flags)
	_ = cmd.RegisterFlagCompletionFunc("output", complete(auditFormats...))
	_ = cmd.RegisterFlagCompletionFunc("fail-on", complete(failOns...))
	return cmd
}

func (f *auditFlags) run(ctx context.Context, streams genericiooptions.IOStreams) error {
	var errs []error
	for _, err := range []error{oneOf("output", f.output, auditFormats), oneOf("fail-on", f.failOn, failOns), oneLine(f.settingErrors())} {
		if err != nil {
			errs = append(errs, err)
		}
	}
	if err := oneLine(errs); err != nil {
		return err
	}
	reader, err := f.reader()
	if err != nil {
		return err
	}
	set, complete, notes, err := reader.Read(ctx)
	if err != nil {
		return err
	}
	for _, note := range notes {
		fmt.Fprintln(streams.ErrOut, "note: "+lint.Printable(note))
	}
	f.settings.Version = version
	report := lint.Check(set, set.Cluster("", complete), f.settings)
	report.Apply(f.settled.Rules)
	report.Source = "the cluster"
	told, err := f.baselines.use(report)
	if err != nil {
		return err
	}
	if err := f.write(streams.Out, report); err != nil {
		return fmt.Errorf("the findings could not be written: %w", err)
	}
	report.WriteProblems(streams.ErrOut)
	for _, note := range told {
		fmt.Fprintln(streams.ErrOut, note)
	}
	fmt.Fprintln(streams.ErrOut, report.Summary())
	if fails(report, f.failOn) {
		return errFindings
	}
	return nil
}

func (f *auditFlags) write(out io.Writer, report *lint.Report) error {
	switch f.output {
	case "json":
		return report.WriteJSON(out)
	case "sarif":
		return report.WriteSARIF(out, version)
	case "policyreport":
		return audit.WritePolicyReports(out, report, clock())
	}
	return audit.WriteText(out, report)
}

func (f *auditFlags) reader() (*audit.Reader, error) {
	namespace, err := namespaceOf(f.kube, f.allNamespaces)
	if err != nil {
		return nil, err
	}
	client, err := dynamicClient(f.kube)
	if err != nil {
		return nil, err
	}
	return &audit.Reader{Client: client, Namespace: namespace}, nil
}
