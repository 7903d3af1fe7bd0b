package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"akv-injector/internal/cli/audit"
	"akv-injector/internal/cli/lint"
	"akv-injector/internal/cli/manifest"
)

// eitherFlags are those of commands that read files, or the cluster where none are named.
type eitherFlags struct {
	inputFlags
	kube          *genericclioptions.ConfigFlags
	allNamespaces bool
	// autoscalers are read from the cluster too.
	autoscalers bool
}

func (f *eitherFlags) bindEither(cmd *cobra.Command) {
	f.kube = genericclioptions.NewConfigFlags(true)
	f.kube.AddFlags(cmd.Flags())
	f.bindFiles(cmd)
	cmd.Flags().BoolVarP(&f.allNamespaces, "all-namespaces", "A", false, "look at all namespaces")
	f.bindSettings(cmd)
}

// eitherErrors are what is wrong with the flags.
func (f *eitherFlags) eitherErrors() []error {
	errs := f.settingErrors()
	if f.allNamespaces && f.ofFiles() {
		errs = append(errs, errors.New("-A is for the cluster, and -f, -k and --helm are for files: leave one out"))
	}
	return errs
}

// gather reads the files, or the cluster where none are named.
func (f *eitherFlags) gather(ctx context.Context, streams genericiooptions.IOStreams) (*manifest.Set, *manifest.Cluster, error) {
	f.settings.Version = version
	namespace, err := namespaceOf(f.kube, f.allNamespaces)
	if f.ofFiles() {
		if err != nil || namespace == "" {
			namespace = "default"
		}
		f.namespace = namespace
		if err := f.validate(); err != nil {
			return nil, nil, err
		}
		set := f.read(ctx, streams.In)
		return set, set.Cluster(f.namespace, f.complete), nil
	}
	if err != nil {
		return nil, nil, err
	}
	client, err := dynamicClient(f.kube)
	if err != nil {
		return nil, nil, err
	}
	set, complete, notes, err := (&audit.Reader{Client: client, Namespace: namespace, Autoscalers: f.autoscalers}).Read(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, note := range notes {
		fmt.Fprintln(streams.ErrOut, "note: "+lint.Printable(note))
	}
	return set, set.Cluster("", complete), nil
}
