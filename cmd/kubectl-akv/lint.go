package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"akv-injector/inject/finding"
	"akv-injector/internal/cli/lint"
	"akv-injector/internal/cli/manifest"
)

// lintFlags are those of lint beside what to read.
type lintFlags struct {
	inputFlags
	output string
	failOn string
	strict bool
	fix    bool

	baselines baselineFlags
}

var (
	lintFormats = []string{"text", "json", "sarif", "github", "gitlab", "junit"}
	failOns     = []string{"error", "warning", "never"}
)

func newLint(streams genericiooptions.IOStreams) *cobra.Command {
	f := &lintFlags{output: "text", failOn: "error"}
	cmd := &cobra.Command{
		Use:   "lint -f PATH",
		Short: "Find in manifests what keeps secrets from rotating",
		Long: `Runs the rules of akv-injector over manifests: Pods, Deployments, StatefulSets, DaemonSets,
ReplicaSets, ReplicationControllers, Jobs, CronJobs and SecretProviderClasses, with
annotations of akv-injector or with volumes that were written by hand. No cluster is asked.

Namespaces, ServiceAccounts, SecretProviderClasses, the CSIDriver and the driver's DaemonSet
among the manifests are taken for what is in the cluster. What is not among them may be
there anyway, and nothing is said of it, unless --complete says that the manifests
are all there is. A Namespace that is not among them counts as opted in, without settings.

-f takes files of any name, folders (their .yaml, .yml and .json files), patterns in quotes,
and - for the standard input; YAML of many documents, JSON, and Lists.

-o text prints, for each finding, a line and how to fix it:
  FILE:LINE: SEVERITY RULE NAME KIND/NAME: FIELD: MESSAGE
      Fix: FIX
-o json prints an array of objects with file, line, kind, namespace, name, rule, severity
(error or warning), field, message, fix, and workloads, those that mount the class that the
finding is about; rule is "annotations" where the annotations themselves are wrong. -o sarif
prints SARIF 2.1.0 for code scanning, -o github workflow commands, -o gitlab a code quality
report and -o junit a JUnit report. What could not be read, and a summary, go to the
standard error.

Objects of other kinds are searched for what looks like a pod: a Rollout, a Knative Service, a
ScaledJob. The summary names what was read that way.

Of several objects of one name the one in the same file counts, else the one in the same
folder, else the one in the nearest folder above: a folder for each environment is read as it
is meant.

.akv.yaml in this folder may have namespace, complete, server (flags of the server, such as
tenant-id), exclude (globs of paths), rules (AKV003: off, warning or error), baseline and
failOn.

Exit codes: 0 without errors; 1 with errors (see --fail-on); 2 if there was nothing to read
or something could not be read, whatever was found in the rest.`,
		Example: `  # A file, and everything below a folder
  kubectl akv lint -f pod.yaml
  kubectl akv lint -R -f deploy/

  # What kustomize or Helm makes
  kubectl kustomize overlays/prod | kubectl akv lint -f -
  helm template shop ./chart | kubectl akv lint -n shop -f -

  # In CI: warnings fail too, and the classes and accounts are all in the folder
  kubectl akv lint -R -f deploy/ --complete --fail-on warning -o sarif > akv.sarif`,
		Args:              noWords,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.configure(cmd); err != nil {
				return err
			}
			return f.run(cmd.Context(), streams)
		},
	}
	f.bind(cmd)
	f.bindSettings(cmd)
	cmd.Flags().StringVarP(&f.output, "output", "o", f.output, "`format`: "+strings.Join(lintFormats, ", "))
	cmd.Flags().StringVar(&f.failOn, "fail-on", f.failOn, "`severity` from which findings make the exit code 1: "+strings.Join(failOns, ", "))
	cmd.Flags().BoolVar(&f.strict, "strict", false,
		"fail if an object could not be judged: one that mentions the secrets store and has no pod in it, a patch, or a template that is not rendered")
	cmd.Flags().BoolVar(&f.fix, "fix", false,
		"write into the files what can be put right without a doubt (of AKV001, AKV002 and AKV003), and report the rest")
	f.baselines.bind(cmd.Flags())
	_ = cmd.RegisterFlagCompletionFunc("output", complete(lintFormats...))
	_ = cmd.RegisterFlagCompletionFunc("fail-on", complete(failOns...))
	return cmd
}

func (f *lintFlags) run(ctx context.Context, streams genericiooptions.IOStreams) error {
	var errs []error
	for _, err := range []error{
		oneOf("output", f.output, lintFormats), oneOf("fail-on", f.failOn, failOns), f.validate(), f.checkFix(),
	} {
		if err != nil {
			errs = append(errs, err)
		}
	}
	if err := oneLine(errs); err != nil {
		return err
	}
	set := f.read(ctx, streams.In)
	report := lint.Check(set, set.Cluster(f.namespace, f.complete), f.settings)
	if f.fix {
		fixed, err := f.fixFiles(streams.ErrOut, set, report)
		if err != nil {
			return err
		}
		if fixed {
			set = f.read(ctx, streams.In)
			report = lint.Check(set, set.Cluster(f.namespace, f.complete), f.settings)
		}
	}
	report.Apply(f.settled.Rules)
	notes, err := f.baselines.use(report)
	if err != nil {
		return err
	}
	if err := f.write(streams, report, set); err != nil {
		return err
	}
	for _, note := range notes {
		fmt.Fprintln(streams.ErrOut, note)
	}
	switch {
	case report.Unusable():
		return errUnusable
	case f.strict && report.Skipped() > 0, fails(report, f.failOn):
		return errFindings
	}
	return nil
}

// fails reports whether findings are as severe as --fail-on says.
func fails(report *lint.Report, failOn string) bool {
	return report.Count(finding.Error) > 0 && failOn != "never" || report.Count(finding.Warning) > 0 && failOn == "warning"
}

func (f *lintFlags) write(streams genericiooptions.IOStreams, report *lint.Report, set *manifest.Set) error {
	var err error
	switch f.output {
	case "json":
		err = report.WriteJSON(streams.Out)
	case "sarif":
		err = report.WriteSARIF(streams.Out, version)
	case "github":
		err = report.WriteGitHub(streams.Out)
	case "gitlab":
		err = report.WriteGitLab(streams.Out)
	case "junit":
		err = report.WriteJUnit(streams.Out, set)
	default:
		err = report.WriteText(streams.Out, colourful(streams.Out))
	}
	if err != nil {
		return fmt.Errorf("the findings could not be written: %w", err)
	}
	report.WriteProblems(streams.ErrOut)
	if report.Objects == 0 && len(report.Problems) == 0 {
		fmt.Fprintln(streams.ErrOut, "nothing to check: there is no Kubernetes object in the input")
	}
	_, err = fmt.Fprintln(streams.ErrOut, report.Summary())
	return err
}
