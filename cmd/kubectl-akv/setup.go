package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/kubernetes"

	"akv-injector/inject"
	"akv-injector/internal/cli/lint"
	"akv-injector/internal/cli/setup"
	"akv-injector/internal/cli/signin"
	"akv-injector/internal/cli/uses"
	"akv-injector/keyvault"
)

// setupFlags are those of setup.
type setupFlags struct {
	eitherFlags
	options  setup.Options
	output   string
	scope    string
	mode     string
	apply    bool
	teardown bool
	yes      bool
	wait     time.Duration
	place    placeFlags
}

var (
	setupFormats = append([]string{"text", "az"}, slices.Sorted(maps.Keys(setup.Templates))...)
	setupScopes  = []string{"object", "vault"}
	setupModes   = []string{"federated", "binding"}
)

func newSetup(streams genericiooptions.IOStreams) *cobra.Command {
	f := &setupFlags{output: "text", scope: "object", mode: "federated", wait: 10 * time.Minute}
	cmd := &cobra.Command{
		Use:   "setup",
		Short: "Make what workloads need of Azure to read their objects",
		Long: `Works out from manifests (-f), or from a namespace, which vaults, objects and service accounts
there are, and what they need: the cluster's OIDC issuer, workload identity and Secrets Store
CSI driver with rotation; a managed identity for each account that names none, with a federated
credential or an identity binding; the least role for the objects in use; the annotated
ServiceAccount; and the namespace's label.

It prints the plan, or with -o az a POSIX script of az and kubectl, or with -o bicep, terraform
or aso a template of its part in Azure. --apply runs the script step by step, and then signs in
as each account until its roles hold. All can be run again: what is there already stays as it
is. --teardown removes what was made so, and nothing else.

It makes no vault, no object and no namespace, and reads no value.

Exit codes: 0; 1 if a step failed; 2 if the input makes no sense.`,
		Example: `  # What would be made
  kubectl akv setup -f manifests/ -g shop --cluster-name shop

  # The script, to read and to run
  kubectl akv setup -f manifests/ -g shop --cluster-name shop -o az > setup.sh

  # At once, and away again
  kubectl akv setup -f manifests/ -g shop --cluster-name shop --apply
  kubectl akv setup -f manifests/ -g shop --cluster-name shop --apply --teardown`,
		Args:              noWords,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.configure(cmd); err != nil {
				return err
			}
			return f.run(cmd.Context(), streams)
		},
	}
	f.bindEither(cmd)
	flags := cmd.Flags()
	flags.StringVarP(&f.options.Group, "resource-group", "g", "", "resource `group` of the AKS cluster")
	flags.StringVar(&f.options.Cluster, "cluster-name", "", "`name` of the AKS cluster")
	flags.StringVar(&f.options.IdentityGroup, "identity-resource-group", "", "resource `group` of the managed identities that are made; the cluster's by default")
	flags.StringVar(&f.options.Identity, "identity", "", "`name` of one managed identity for all accounts that name none, in place of one for each")
	flags.StringVar(&f.options.Interval, "addon-poll-interval", "", "`duration` that the add-on waits between looks for new versions; as it is by default")
	flags.StringVar(&f.scope, "scope", f.scope, "what roles are for: the `object`s in use, or the whole vault")
	flags.StringVar(&f.mode, "identity-mode", f.mode, "how accounts reach their identity where nothing says so: `federated` or binding")
	flags.StringVarP(&f.output, "output", "o", f.output, "`format`: text, az, bicep, terraform or aso (Azure Service Operator)")
	flags.BoolVar(&f.apply, "apply", false, "run the steps")
	flags.BoolVar(&f.teardown, "teardown", false, "remove what was made")
	flags.BoolVar(&f.yes, "yes", false, "do not ask before --apply")
	flags.DurationVar(&f.wait, "wait", f.wait, "`duration` to wait at most until the roles hold; 0 does not wait")
	f.place.bind(flags)
	_ = cmd.RegisterFlagCompletionFunc("output", complete(setupFormats...))
	_ = cmd.RegisterFlagCompletionFunc("scope", complete(setupScopes...))
	_ = cmd.RegisterFlagCompletionFunc("identity-mode", complete(setupModes...))
	return cmd
}

func (f *setupFlags) flagErrors() error {
	var errs []error
	for _, flag := range []struct {
		name, value string
		of          []string
	}{{"output", f.output, setupFormats}, {"scope", f.scope, setupScopes}, {"identity-mode", f.mode, setupModes}} {
		if err := oneOf(flag.name, flag.value, flag.of); err != nil {
			errs = append(errs, err)
		}
	}
	for name, value := range map[string]string{"resource-group": f.options.Group, "cluster-name": f.options.Cluster} {
		if value == "" {
			errs = append(errs, fmt.Errorf("--%s: name that of the AKS cluster", name))
		}
	}
	if f.apply && f.output != "text" {
		errs = append(errs, errors.New("--apply runs the steps, and -o prints them: leave one out"))
	}
	if f.teardown && setup.Templates[f.output] != nil {
		errs = append(errs, fmt.Errorf("--teardown: what -o %s has made is removed by its own tool", f.output))
	}
	errs = append(errs, f.place.errors(f.output)...)
	if f.apply || f.output == "az" {
		errs = append(errs, f.kubectlErrors()...)
	}
	if f.yes && !f.apply {
		errs = append(errs, errors.New("--yes is for --apply"))
	}
	if f.teardown && !f.ofFiles() {
		// In the cluster the accounts name the identities by now, and those that were there before cannot be told from ours.
		errs = append(errs, errors.New("--teardown: name by -f what was set up"))
	}
	if f.wait < 0 {
		errs = append(errs, fmt.Errorf("--wait=%s: write 0 or more, such as 10m", f.wait))
	}
	return oneLine(append(errs, f.eitherErrors()...))
}

// kubectlErrors are flags of kubectl that the commands of a script are not given: they would reach the cluster as somebody else, or another one.
func (f *setupFlags) kubectlErrors() []error {
	var errs []error
	for name, value := range map[string]*string{
		"as": f.kube.Impersonate, "as-uid": f.kube.ImpersonateUID, "cluster": f.kube.ClusterName, "server": f.kube.APIServer, "token": f.kube.BearerToken, "user": f.kube.AuthInfoName,
		"certificate-authority": f.kube.CAFile, "client-certificate": f.kube.CertFile, "client-key": f.kube.KeyFile, "tls-server-name": f.kube.TLSServerName,
	} {
		if value != nil && *value != "" {
			errs = append(errs, fmt.Errorf("--%s: the commands of a script take --context alone; name a context that has it", name))
		}
	}
	return errs
}

func (f *setupFlags) run(ctx context.Context, streams genericiooptions.IOStreams) error {
	if err := f.flagErrors(); err != nil {
		return err
	}
	set, cluster, err := f.gather(ctx, streams)
	if err != nil {
		return err
	}
	f.settings.IdentityMode = f.mode
	report := uses.Find(set, cluster, f.settings, uses.Wanted{})
	for _, problem := range report.Problems {
		fmt.Fprintln(streams.ErrOut, lint.Printable(problem.String()))
		if !problem.Note {
			return errUnusable
		}
	}
	f.options.PerVault, f.options.Context = f.scope == "vault", *f.kube.Context
	plan, err := setup.Make(report, f.options)
	if err != nil {
		return oneLine([]error{err})
	}
	if len(plan.Identities) == 0 {
		for _, note := range plan.Notes {
			fmt.Fprintln(streams.ErrOut, "note: "+lint.Printable(note))
		}
		return errors.New("no workload reads an object with an identity that can be set up")
	}
	namespaceIn := func(name string) *corev1.Namespace {
		for _, o := range set.Objects {
			if ns, ok := o.Typed.(*corev1.Namespace); ok && ns.Name == name {
				return ns
			}
		}
		return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	}
	if err := fenced(report, namespaceIn, f.settings.AllowedVaults); err != nil {
		return err
	}
	if template := setup.Templates[f.output]; template != nil {
		plan.Place = f.place.place()
		out, errs := template(plan, version)
		if errs != nil {
			return oneLine(errs)
		}
		_, err = io.WriteString(streams.Out, out)
		return err
	}
	steps := plan.Steps()
	if f.teardown {
		steps = plan.TeardownSteps()
	}
	switch {
	case f.apply:
		return f.doApply(ctx, streams, report, plan, steps)
	case f.output == "az":
		for _, note := range plan.Notes {
			fmt.Fprintln(streams.ErrOut, "note: "+lint.Printable(note))
		}
		_, err = io.WriteString(streams.Out, setup.Script(f.head(plan), steps))
	default:
		_, err = io.WriteString(streams.Out, setup.Text(plan, steps))
	}
	return err
}

// fenced refuses vaults that a namespace may not use.
func fenced(report *uses.Report, namespace func(string) *corev1.Namespace, clusterDefault string) error {
	var errs []error
	seen := map[string]bool{}
	for i := range report.Rows {
		row := &report.Rows[i]
		if seen[row.Namespace+"/"+row.Vault] || inject.AllowsVault(namespace(row.Namespace), clusterDefault, row.Vault) {
			continue
		}
		seen[row.Namespace+"/"+row.Vault] = true
		errs = append(errs, fmt.Errorf("namespace %s may not use the vault %s (allowed-vaults)", lint.Printable(row.Namespace), lint.Printable(row.Vault)))
	}
	return oneLine(errs)
}

// head is the script's first lines.
func (f *setupFlags) head(p *setup.Plan) string {
	what := "Makes what the workloads of " + strings.Join(p.Namespaces, ", ") + " need of Azure."
	if f.teardown {
		what = "Removes what was made for the workloads of " + strings.Join(p.Namespaces, ", ") + "."
	}
	return what + " It can be run again.\nWritten by kubectl akv setup " + version + ". It needs az, logged in, and kubectl."
}

func (f *setupFlags) doApply(ctx context.Context, streams genericiooptions.IOStreams, report *uses.Report, plan *setup.Plan, steps []setup.Step) error {
	var missing []error
	for _, program := range []string{"az", "kubectl"} {
		if _, err := exec.LookPath(program); err != nil {
			missing = append(missing, fmt.Errorf("--apply runs %s, which is not on PATH", program))
		}
	}
	if err := oneLine(missing); err != nil {
		return err
	}
	config, err := f.kube.ToRESTConfig()
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	if !f.teardown {
		if err := f.liveFence(ctx, client, report, plan); err != nil {
			return err
		}
	}
	fmt.Fprint(streams.Out, setup.Text(plan, steps))
	if !f.yes {
		if err := ask(streams); err != nil {
			return err
		}
	}
	runner := &setup.Runner{Out: streams.Out, Err: streams.ErrOut, Env: os.Environ()}
	if path := *f.kube.KubeConfig; path != "" {
		runner.Env = append(runner.Env, "KUBECONFIG="+path)
	}
	if err := runner.Run(ctx, steps); err != nil {
		fmt.Fprintln(streams.ErrOut, "error: "+lint.Printable(err.Error())+". Run it again when that is mended: what is there already stays.")
		return errFindings
	}
	if !f.teardown && f.wait > 0 {
		if err := f.await(ctx, streams, client, plan, runner); err != nil {
			return err
		}
	}
	fmt.Fprintf(streams.Out, "%d of %d steps changed something.\n", runner.Changed, len(steps))
	return nil
}

// liveFence asks the cluster what the namespaces may use.
func (f *setupFlags) liveFence(ctx context.Context, client kubernetes.Interface, report *uses.Report, plan *setup.Plan) error {
	live := map[string]*corev1.Namespace{}
	for _, name := range plan.Namespaces {
		ns, err := client.CoreV1().Namespaces().Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		live[name] = ns
	}
	return fenced(report, func(name string) *corev1.Namespace {
		if ns := live[name]; ns != nil {
			return ns
		}
		return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	}, f.settings.AllowedVaults)
}

func ask(streams genericiooptions.IOStreams) error {
	fmt.Fprint(streams.ErrOut, "Do this? [y/N] ")
	answer, err := bufio.NewReader(io.LimitReader(streams.In, 16)).ReadString('\n')
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer == "y" || answer == "yes" {
		return nil
	}
	if err != nil && answer == "" {
		return errors.New("nothing was done: --apply asks, and there was no answer; --yes does not ask")
	}
	return errors.New("nothing was done")
}

// await signs in as each account until its roles hold: they take some minutes.
func (f *setupFlags) await(ctx context.Context, streams genericiooptions.IOStreams, client kubernetes.Interface, plan *setup.Plan, runner *setup.Runner) error {
	ctx, cancel := context.WithTimeout(ctx, f.wait)
	defer cancel()
	fmt.Fprintf(streams.Out, "Waiting until the roles hold, for %s at most, from this machine\n", f.wait)
	for n := range plan.Identities {
		i := &plan.Identities[n]
		clientID, tenantID := runner.Variable(fmt.Sprintf("CLIENT_%d", n+1)), runner.Variable(fmt.Sprintf("TENANT_%d", n+1))
		for _, a := range i.Accounts {
			if a.Binding {
				fmt.Fprintf(streams.Out, "  not checked: %s/%s signs in through an identity binding, which a machine outside the cluster cannot\n", a.Namespace, a.Name)
				continue
			}
			account := &signin.Account{Client: client, Namespace: a.Namespace, Name: a.Name, ClientID: clientID, TenantID: tenantID}
			for _, ref := range i.Reads {
				if err := f.awaitRole(ctx, streams, account, ref); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (f *setupFlags) awaitRole(ctx context.Context, streams genericiooptions.IOStreams, account *signin.Account, ref keyvault.Ref) error {
	const pause = 5 * time.Second
	for {
		outcome := account.Try(ctx, ref)
		who := account.Namespace + "/" + account.Name
		switch {
		case outcome.Stage == signin.Through && outcome.Exists:
			fmt.Fprintf(streams.Out, "  %s reads %s\n", who, lint.Printable(ref.String()))
			return nil
		case outcome.Stage == signin.Through:
			fmt.Fprintf(streams.Out, "  %s may read %s, which is not there yet\n", who, lint.Printable(ref.String()))
			return nil
		case outcome.Stage == signin.AtToken:
			fmt.Fprintf(streams.Out, "  not checked: %s\n", lint.Printable(outcome.String()))
			return nil
		}
		select {
		case <-ctx.Done():
			fmt.Fprintf(streams.ErrOut, "error: %s cannot read %s yet, from this machine: %s\n", who, lint.Printable(ref.String()), lint.Printable(outcome.String()))
			return errFindings
		case <-time.After(pause):
		}
	}
}
