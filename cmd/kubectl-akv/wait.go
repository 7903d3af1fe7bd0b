package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"akv-injector/internal/cli/lint"
	"akv-injector/internal/cli/status"
)

// waitFlags are those of wait.
type waitFlags struct {
	kube     *genericclioptions.ConfigFlags
	version  string
	timeout  time.Duration
	interval time.Duration
	noVault  bool
}

func newWait(streams genericiooptions.IOStreams) *cobra.Command {
	f := &waitFlags{kube: genericclioptions.NewConfigFlags(true), timeout: 10 * time.Minute, interval: 5 * time.Second}
	cmd := &cobra.Command{
		Use:   "wait VAULT/[TYPE/]NAME",
		Short: "Wait until no container has an older version of an object",
		Long: `Waits until every running pod that mounts an object of a vault has a version of it, or a
younger one, and no container goes on with an older content: by a subPath or a variable of a
synced Secret, until it restarts. Then the older version can be disabled, as far as this
command can see: it knows nothing of what a program keeps in its memory or has copied, of
other clusters, and of who reads the vault without a volume.

The pods of all namespaces are looked at, or with -n those of one. Without --version it is the
newest version in the vault, which is asked for metadata with your login (Key Vault Reader).

You need the right to list pods, SecretProviderClassPodStatuses and SecretProviderClasses.

Exit codes: 0 when it has arrived everywhere, and nothing was unseen; 1 if not within
--timeout; 2 if something could not be seen, no pod mounts the object, or the cluster
cannot be queried.`,
		Example: `  # After a rotation: when has it arrived?
  kubectl akv wait payments-kv/DB-Password

  # May the version before go?
  kubectl akv wait payments-kv/DB-Password --version c41f7e2a0b7d4f7c9a53d2b1f0e6a8c4 &&
    az keyvault secret set-attributes --vault-name payments-kv -n DB-Password --version "$OLD" --enabled false

  # A certificate, in one namespace
  kubectl akv wait payments-kv/cert/frontend -n shop --timeout 2m`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			target, err := status.ParseTarget(args[0], f.version)
			problems := f.problems()
			if err != nil {
				problems = append(problems, err)
			}
			if err := oneLine(problems); err != nil {
				return err
			}
			return f.run(cmd.Context(), streams, &target)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.version, "version", "", "`version` to wait for; the newest in the vault without it")
	flags.DurationVar(&f.timeout, "timeout", f.timeout, "`duration` to wait")
	flags.DurationVar(&f.interval, "interval", f.interval, "`duration` between two looks at the cluster")
	flags.BoolVar(&f.noVault, "no-vault", false, "ask no vault; needs --version")
	f.kube.AddFlags(flags)
	return cmd
}

func (f *waitFlags) problems() []error {
	var errs []error
	if f.timeout <= 0 {
		errs = append(errs, fmt.Errorf("--timeout=%s: write more than 0, such as 10m", f.timeout))
	}
	if f.interval < time.Second {
		errs = append(errs, fmt.Errorf("--interval=%s: write at least 1s, such as 5s", f.interval))
	}
	if f.noVault && f.version == "" {
		errs = append(errs, errors.New("--no-vault leaves the newest version unknown: name it with --version"))
	}
	if strings.Trim(f.version, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		errs = append(errs, fmt.Errorf("--version=%q: a version of Key Vault has digits and letters alone", f.version))
	}
	return errs
}

func (f *waitFlags) run(ctx context.Context, streams genericiooptions.IOStreams, target *status.Target) error {
	s := &statusFlags{kube: f.kube, noVault: f.noVault, vaultTimeout: 10 * time.Second, watchInterval: f.interval}
	// A namespace of the kubeconfig's context is none that was asked for.
	s.allNamespaces = f.kube.Namespace == nil || *f.kube.Namespace == ""
	source, err := s.source(nil)
	if err != nil {
		return err
	}
	deadline := time.Now().Add(f.timeout)
	said := ""
	for {
		arrival, err := source.Arrived(ctx, target)
		if err != nil {
			return err
		}
		if len(arrival.Mounts) == 0 {
			tellUnseen(streams.ErrOut, arrival)
			return fmt.Errorf("no running pod mounts %s%s: is that the name?", target, f.where())
		}
		if now := progress(arrival); now != said {
			fmt.Fprint(streams.Out, now)
			said = now
		}
		if arrival.Count(status.Older) == 0 {
			return f.conclude(streams, target, arrival)
		}
		if time.Until(deadline) < f.interval {
			fmt.Fprintf(streams.ErrOut, "error: it has not arrived everywhere within %s\n", f.timeout)
			return errFindings
		}
		timer := time.NewTimer(f.interval)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		}
	}
}

func (f *waitFlags) where() string {
	if f.kube.Namespace != nil && *f.kube.Namespace != "" {
		return " in namespace " + lint.Printable(*f.kube.Namespace)
	}
	return ""
}

// conclude says what was seen, and no more.
func (f *waitFlags) conclude(streams genericiooptions.IOStreams, target *status.Target, a *status.Arrival) error {
	tellUnseen(streams.ErrOut, a)
	if a.Count(status.Unseen) > 0 || len(a.Notes) > 0 {
		fmt.Fprintln(streams.ErrOut, "error: of what is named above it is not known whether it has an older version")
		return errUnusable
	}
	fmt.Fprintf(streams.Out, "No mounted file and no container%s has an older version of %s than %s.\n", f.where(), target, a.Version)
	if f.where() != "" {
		fmt.Fprintln(streams.Out, "Other namespaces were not looked at.")
	}
	return nil
}

// most are the mounts that are named in one message.
const most = 5

// progress says how far it is, and what is missing.
func progress(a *status.Arrival) string {
	var b strings.Builder
	fmt.Fprintf(&b, "version %s: %d of %d mounts have it\n", a.Version, a.Count(status.There), len(a.Mounts))
	named := 0
	for i := range a.Mounts {
		m := &a.Mounts[i]
		if m.Progress != status.Older {
			continue
		}
		if named++; named <= most {
			fmt.Fprintf(&b, "  %s/%s: %s\n", lint.Printable(m.Namespace), lint.Printable(m.Pod), lint.Printable(m.Why))
		}
	}
	if named > most {
		fmt.Fprintf(&b, "  and %d more: kubectl akv status -A\n", named-most)
	}
	return b.String()
}

func tellUnseen(w io.Writer, a *status.Arrival) {
	for i := range a.Mounts {
		if m := &a.Mounts[i]; m.Progress == status.Unseen {
			fmt.Fprintf(w, "not seen: %s/%s: %s\n", lint.Printable(m.Namespace), lint.Printable(m.Pod), lint.Printable(m.Why))
		}
	}
	for _, note := range a.Notes {
		fmt.Fprintln(w, "not seen: "+lint.Printable(note))
	}
}
