package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"akv-injector/internal/cli/lint"
	"akv-injector/internal/cli/refresh"
	"akv-injector/internal/cli/status"
)

// refreshFlags are those of refresh.
type refreshFlags struct {
	kube     *genericclioptions.ConfigFlags
	selector string
	wait     bool
	timeout  time.Duration
}

func newRefresh(streams genericiooptions.IOStreams) *cobra.Command {
	f := &refreshFlags{kube: genericclioptions.NewConfigFlags(true), timeout: 3 * time.Minute}
	cmd := &cobra.Command{
		Use:   "refresh POD|TYPE/NAME...",
		Short: "Have new versions mounted in running pods now",
		Long: `Makes the kubelet ask the Secrets Store CSI driver for the volumes of running pods at once,
instead of at its next round, which is up to 90 s away. One annotation of each pod is patched
(azure.keyvault.injector/refreshed-at); nothing restarts. All volumes of the secrets store are
asked for, also those written by hand and in namespaces that have not opted in.

The driver (from 1.6 on) skips files that it wrote less than its --rotation-poll-interval ago,
and nothing opens that gate earlier: such a pod is skipped, or waited for with --wait. Drivers
before 1.6 have a loop of their own, and are not helped by this.

You need the right to patch pods, and to list SecretProviderClassPodStatuses. No vault is
asked.

Exit codes: 0; 1 if a pod was skipped or could not be patched; 2 if the cluster cannot be
queried, or a pod that is named is not there.`,
		Example: `  # The pods of a Deployment
  kubectl akv refresh deploy/web

  # One pod; say when its new version is there
  kubectl akv refresh web-6f7c9d5b8-x2x7k --wait

  # By labels
  kubectl akv refresh -n shop -l app=web --wait --timeout 5m`,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.validate(args); err != nil {
				return err
			}
			return f.run(cmd.Context(), streams, args)
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&f.selector, "selector", "l", "", "`labels` of the pods, such as app=web,tier!=test")
	flags.BoolVar(&f.wait, "wait", false, "wait until the driver looks, and say what has arrived")
	flags.DurationVar(&f.timeout, "timeout", f.timeout, "`duration` for which --wait waits for a driver that does not look yet")
	f.kube.AddFlags(flags)
	return cmd
}

func (f *refreshFlags) validate(words []string) error {
	var errs []error
	if len(words) == 0 && f.selector == "" {
		errs = append(errs, errors.New("name pods, or deploy/NAME, or give --selector"))
	}
	if len(words) > 0 && f.selector != "" {
		errs = append(errs, errors.New("give names, or --selector"))
	}
	if _, err := labels.Parse(f.selector); err != nil {
		errs = append(errs, fmt.Errorf("--selector=%q: %w", f.selector, err))
	}
	if f.timeout <= 0 {
		errs = append(errs, fmt.Errorf("--timeout=%s: write more than 0, such as 3m", f.timeout))
	}
	for _, word := range words {
		if err := refresh.Check(word); err != nil {
			errs = append(errs, err)
		}
	}
	return oneLine(errs)
}

func (f *refreshFlags) run(ctx context.Context, streams genericiooptions.IOStreams, words []string) error {
	namespace, err := namespaceOf(f.kube, false)
	if err != nil {
		return err
	}
	client, err := dynamicClient(f.kube)
	if err != nil {
		return err
	}
	names, err := refresh.Pods(ctx, client, namespace, words)
	if err != nil {
		return err
	}
	r := &refresh.Refresher{
		Client: client, Wait: f.wait, Timeout: f.timeout, Now: clock,
		Cluster: &status.Cluster{Client: client, Scope: status.Scope{Namespace: namespace, Names: names, Selector: f.selector}},
	}
	told, done := 0, 0
	err = r.Run(ctx, func(line refresh.Line) {
		told++
		switch line.Result {
		case refresh.Asked, refresh.Arrived, refresh.Unchanged:
			done++
		case refresh.Skipped, refresh.Failed:
		}
		fmt.Fprintf(streams.Out, "pod/%s %s: %s\n", lint.Printable(line.Pod), line.Result, lint.Printable(line.Message))
	})
	switch {
	case err != nil:
		return err
	case told == 0:
		return errors.New("no running pods with volumes of the secrets store in " + namespace + " namespace")
	case done < told:
		return errFindings
	}
	return nil
}
