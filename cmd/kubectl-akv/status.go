package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"akv-injector/internal/cli/lint"
	"akv-injector/internal/cli/status"
	"akv-injector/keyvault"
)

// statusFlags are those of status.
type statusFlags struct {
	kube          *genericclioptions.ConfigFlags
	allNamespaces bool
	selector      string
	output        string
	noHeaders     bool
	watch         bool
	watchInterval time.Duration
	noVault       bool
	vaultTimeout  time.Duration
	failOnStale   bool
	byObject      bool
}

var statusFormats = []string{"wide", "json", "yaml"}

func newStatus(streams genericiooptions.IOStreams) *cobra.Command {
	f := &statusFlags{
		kube: genericclioptions.NewConfigFlags(true), watchInterval: 15 * time.Second, vaultTimeout: 10 * time.Second,
	}
	cmd := &cobra.Command{
		Use:   "status [POD...]",
		Short: "Show which versions running pods have mounted, and which are stale",
		Long: `Shows of each pod and Key Vault object the version that is mounted, the newest one in the
vault, the age of each, and whether the pod is stale, and why: the version is pinned, the
driver's interval is not over, rotation is off, the mount fails, the volume was never mounted,
or a container goes on with what it started with (subPath, variables of a synced Secret).
Pods with volumes written by hand are shown too. Nothing is written anywhere.

MOUNTED is what the Secrets Store CSI driver has recorded in the pod's
SecretProviderClassPodStatus. NEWEST is asked of the vault, with the login of the Azure CLI,
of the environment (AZURE_CLIENT_ID, …) or of the machine: metadata alone, for which the role
Key Vault Reader is enough. Without it, what is mounted is shown anyway, and whether it
is stale is unknown. Values are never read.

STATUS is current, stale, empty (a container runs, and its volume was never mounted), pending
(the pod has not started) or unknown.

Exit codes: 0; with --fail-on-stale, 1 if anything is stale or empty, or else 2 if of anything
it is unknown. 2 if the cluster cannot be queried, or a pod that is named is not there.`,
		Example: `  # The pods of this namespace, of all namespaces, of one application
  kubectl akv status
  kubectl akv status -A
  kubectl akv status -n shop -l app=web

  # Which versions are in use, and in how many pods
  kubectl akv status -A --by-object

  # Wait after a rotation, and see it arrive
  kubectl akv status web-6f7c9d5b8-x2x7k --watch

  # In a pipeline: go on when all pods have the new version
  until kubectl akv status -n shop --fail-on-stale; do sleep 10; done

  # For a program
  kubectl akv status -A -o json | jq -r '.items[] | select(.status == "stale") | .namespace + "/" + .pod'`,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.validate(args); err != nil {
				return err
			}
			return f.run(cmd.Context(), streams, args)
		},
	}
	flags := cmd.Flags()
	flags.BoolVarP(&f.allNamespaces, "all-namespaces", "A", false, "look at the pods of all namespaces")
	flags.StringVarP(&f.selector, "selector", "l", "", "`labels` of the pods to look at, such as app=web,tier!=test")
	flags.StringVarP(&f.output, "output", "o", "", "`format`: "+strings.Join(statusFormats, ", ")+"; a table by default")
	flags.BoolVar(&f.noHeaders, "no-headers", false, "print the table without its headers")
	flags.BoolVar(&f.byObject, "by-object", false, "sum up by objects and their versions: which are in use, and in how many pods")
	flags.BoolVarP(&f.watch, "watch", "w", false, "go on, and print what changes, until interrupted")
	flags.DurationVar(&f.watchInterval, "watch-interval", f.watchInterval, "`duration` after which --watch asks the vaults again")
	flags.BoolVar(&f.noVault, "no-vault", false, "ask no vault: show what is mounted alone")
	flags.DurationVar(&f.vaultTimeout, "vault-timeout", f.vaultTimeout, "`duration` to wait for the answer of a vault about one object")
	flags.BoolVar(&f.failOnStale, "fail-on-stale", false, "exit with 1 if anything is stale or empty")
	f.kube.AddFlags(flags)
	_ = cmd.RegisterFlagCompletionFunc("output", complete(statusFormats...))
	return cmd
}

// validate finds what is wrong with flags and words, before anybody is asked.
func (f *statusFlags) validate(names []string) error {
	var errs []error
	add := func(bad bool, text string) {
		if bad {
			errs = append(errs, errors.New(text))
		}
	}
	if f.output != "" {
		if err := oneOf("output", f.output, statusFormats); err != nil {
			errs = append(errs, err)
		}
	}
	if _, err := labels.Parse(f.selector); err != nil {
		errs = append(errs, fmt.Errorf("--selector=%q: %w", f.selector, err))
	}
	add(len(names) > 0 && f.allNamespaces, "a pod's name is one of a namespace; give names, or --all-namespaces")
	add(len(names) > 0 && f.selector != "", "give names of pods, or --selector")
	add(f.failOnStale && f.noVault, "--fail-on-stale needs the vaults' word, and --no-vault does not ask; give one of the two")
	add(f.failOnStale && f.watch, "--watch does not end by itself, and so has no exit code for --fail-on-stale; give one of the two")
	add(f.byObject && f.watch, "--by-object does not go with --watch; give one of the two")
	add(f.vaultTimeout <= 0, fmt.Sprintf("--vault-timeout=%s: write more than 0, such as 10s", f.vaultTimeout))
	add(f.watchInterval < time.Second, fmt.Sprintf("--watch-interval=%s: write at least 1s, such as 15s", f.watchInterval))
	for _, name := range names {
		if kind, _, ok := strings.Cut(name, "/"); ok && podName(name) == name {
			errs = append(errs, fmt.Errorf("%q: status looks at pods, not at %s; write the names of pods, or -l with their labels", name, kind))
		}
	}
	return oneLine(errs)
}

// podName takes the form pod/NAME too, as kubectl prints it.
func podName(word string) string {
	for _, kind := range []string{"pod/", "pods/", "po/"} {
		if name, ok := strings.CutPrefix(word, kind); ok {
			return name
		}
	}
	return word
}

// What tests stand in for.
var (
	clock = time.Now
	// vaultReader is who asks the vaults.
	vaultReader = func(f *statusFlags) status.Reader {
		return keyvault.New(keyvault.Options{
			Credential: keyvault.DefaultIdentity, CallTimeout: f.vaultTimeout,
			// One person's look, at most sideBySide at a time: it may take what the vaults give.
			CallsPerSecond: 200, Burst: 400,
			CacheTime: max(keyvault.DefaultCacheTime, f.watchInterval), MaxPages: 100, UserAgent: "kubectl-akv",
		})
	}
)

func (f *statusFlags) run(ctx context.Context, streams genericiooptions.IOStreams, names []string) error {
	source, err := f.source(names)
	if err != nil {
		return err
	}
	p := &statusPrinter{
		out: streams.Out, format: f.output, namespaces: f.allNamespaces, noHeaders: f.noHeaders, now: clock,
	}
	if f.watch {
		w := &statusWatch{printer: p, errOut: streams.ErrOut}
		return source.Watch(ctx, f.watchInterval, w.report, w.failed)
	}
	report, err := source.Read(ctx)
	if err != nil {
		return err
	}
	tellNotes(streams.ErrOut, report)
	if len(report.Items) == 0 && !p.structured() {
		where := "in " + source.Cluster.Scope.Namespace + " namespace"
		if f.allNamespaces {
			where = "in any namespace"
		}
		fmt.Fprintf(streams.ErrOut, "No pods with volumes of the secrets store found %s.\n", where)
	}
	show := p.print
	if f.byObject {
		show = p.printObjects
	}
	if err := show(report); err != nil {
		return err
	}
	switch {
	case f.failOnStale && report.Stale():
		return errFindings
	case f.failOnStale && report.Untold(), len(report.Missing) > 0:
		return errUnusable
	}
	return nil
}

// source is where the answers come from.
func (f *statusFlags) source(names []string) (*status.Source, error) {
	scope := status.Scope{Selector: f.selector}
	for _, name := range names {
		scope.Names = append(scope.Names, podName(name))
	}
	var err error
	if scope.Namespace, err = namespaceOf(f.kube, f.allNamespaces); err != nil {
		return nil, err
	}
	client, err := dynamicClient(f.kube)
	if err != nil {
		return nil, err
	}
	vaults := &status.Vaults{Timeout: f.vaultTimeout}
	if f.watch {
		vaults.MaxAge = f.watchInterval / 2 // a change in the cluster alone does not concern the vaults
	}
	if !f.noVault {
		vaults.Reader = vaultReader(f)
	}
	return &status.Source{Cluster: &status.Cluster{Client: client, Scope: scope}, Vaults: vaults, Now: clock}, nil
}

func tellNotes(w io.Writer, report *status.Report) {
	for _, note := range report.Missing {
		fmt.Fprintln(w, "error: "+lint.Printable(note))
	}
	for _, note := range report.Notes {
		fmt.Fprintln(w, "note: "+lint.Printable(note))
	}
}
