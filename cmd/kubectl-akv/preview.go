package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"sigs.k8s.io/yaml"

	"akv-injector/internal/cli/lint"
	"akv-injector/internal/cli/manifest"
	"akv-injector/internal/cli/preview"
)

// previewFlags are those of preview beside what to read.
type previewFlags struct {
	inputFlags
	output string
	live   bool
	kube   *genericclioptions.ConfigFlags
}

var previewFormats = []string{"diff", "yaml", "json", "name"}

func newPreview(streams genericiooptions.IOStreams) *cobra.Command {
	f := &previewFlags{output: "diff", kube: genericclioptions.NewConfigFlags(true)}
	f.kube.Namespace = nil // --namespace is one of the input's flags
	cmd := &cobra.Command{
		Use:   "preview -f PATH",
		Short: "Show what akv-injector makes of manifests",
		Long: `Shows what akv-injector makes of Pods and workloads at admission: as a diff of the pod, or
of the template that a workload's pods are made from, then the SecretProviderClasses that
are written for it, what its containers get, and what the rules find.

ServiceAccounts, Namespaces, SecretProviderClasses and the CSIDriver are taken from the
manifests. With --live, what is not among them is read from the cluster. Without a
ServiceAccount that an answer depends on there is none: nothing is guessed.

-o yaml, json and name print the injected objects and the classes alone, and what the rules
find on the standard error. They are for looking at and for other tools: the template of a
workload is not what to apply, since akv-injector gives its pods the same by itself.

Exit codes: 0 if nothing is refused; 1 if something is; 2 if something could not be read, or
a ServiceAccount is missing.`,
		Example: `  # What do the pods of these manifests get?
  kubectl akv preview -f shop/

  # With the ServiceAccounts and Namespaces of the cluster
  kubectl akv preview --live -f deployment.yaml

  # The volumes, for another tool
  kubectl akv preview -f shop/ -o json | jq '.items[].spec.template.spec.volumes'`,
		Args:              noWords,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.configure(cmd); err != nil {
				return err
			}
			return f.run(cmd.Context(), streams, cmd.Flags().Changed("namespace"))
		},
	}
	f.bind(cmd)
	f.bindSettings(cmd)
	cmd.Flags().StringVarP(&f.output, "output", "o", f.output, "`format`: "+strings.Join(previewFormats, ", "))
	cmd.Flags().BoolVar(&f.live, "live", false, "read from the cluster what is not among the manifests; it is never written to")
	f.kube.AddFlags(cmd.Flags())
	_ = cmd.RegisterFlagCompletionFunc("output", complete(previewFormats...))
	return cmd
}

func (f *previewFlags) run(ctx context.Context, streams genericiooptions.IOStreams, namespaced bool) error {
	var errs []error
	for _, err := range []error{oneOf("output", f.output, previewFormats), f.validate(), f.validateLive()} {
		if err != nil {
			errs = append(errs, err)
		}
	}
	if err := oneLine(errs); err != nil {
		return err
	}
	set := f.read(ctx, streams.In)
	tellProblems(streams.ErrOut, set)
	files, cluster, err := f.cluster(set, namespaced)
	if err != nil {
		return err
	}
	items, err := preview.Of(ctx, set, cluster, f.settings)
	if err != nil {
		return err
	}
	p := &previewPrinter{streams: streams, files: files, items: items, colour: colourful(streams.Out)}
	if err := p.print(f.output); err != nil {
		return err
	}
	return f.verdict(set, items, streams.ErrOut)
}

func (f *previewFlags) validateLive() error {
	if f.live && f.complete {
		return errors.New("--complete says that the files hold everything, and --live reads the cluster; give one of the two")
	}
	return nil
}

// cluster is where facts come from.
func (f *previewFlags) cluster(set *manifest.Set, namespaced bool) (*manifest.Cluster, preview.Cluster, error) {
	if !f.live {
		files := set.Cluster(f.namespace, f.complete)
		return files, preview.Files{Cluster: files}, nil
	}
	namespace := f.namespace
	if !namespaced {
		var err error
		if namespace, err = namespaceOf(f.kube, false); err != nil {
			return nil, nil, fmt.Errorf("--live: %w", err)
		}
	}
	client, err := dynamicClient(f.kube)
	if err != nil {
		return nil, nil, fmt.Errorf("--live: %w", err)
	}
	files := set.Cluster(namespace, false)
	return files, &preview.Live{Files: files, Client: client}, nil
}

func (f *previewFlags) verdict(set *manifest.Set, items []preview.Item, stderr io.Writer) error {
	worst := error(nil)
	if len(set.Objects) == 0 && !set.Unusable() {
		fmt.Fprintln(stderr, "nothing to preview: there is no Kubernetes object in the input")
		return errUnusable
	}
	if len(items) == 0 && !set.Unusable() {
		fmt.Fprintln(stderr, "nothing to preview: there is no Pod or workload in the input")
	}
	for _, item := range items {
		switch item.Outcome {
		case preview.Refused:
			worst = errFindings
		case preview.Unknown:
			return errUnusable
		case preview.Unchanged, preview.Injected:
		}
	}
	if set.Unusable() {
		return errUnusable
	}
	return worst
}

func tellProblems(w io.Writer, set *manifest.Set) {
	(&lint.Report{Problems: set.Problems}).WriteProblems(w)
}

// previewPrinter writes what was found.
type previewPrinter struct {
	streams genericiooptions.IOStreams
	files   *manifest.Cluster
	items   []preview.Item
	colour  bool
}

func (p *previewPrinter) print(format string) error {
	if format != "diff" {
		return p.printObjects(format)
	}
	var out bytes.Buffer
	shown := map[string]bool{}
	for i := range p.items {
		if i > 0 {
			out.WriteByte('\n')
		}
		if err := p.printItem(&out, &p.items[i], shown); err != nil {
			return err
		}
	}
	_, err := out.WriteTo(p.streams.Out)
	return err
}

// where names an object and its place.
func where(item *preview.Item) string {
	return lint.Printable(fmt.Sprintf("%s (%s:%d)", item.Title(), item.Object.File, item.Object.Line()))
}

// outcome is the line for what is not shown as a diff.
func outcome(item *preview.Item) string {
	what := "it"
	if item.Target.Template {
		what = "its pods"
	}
	switch item.Outcome {
	case preview.Refused:
		return fmt.Sprintf("%s: %s would be refused", where(item), what)
	case preview.Unknown:
		return fmt.Sprintf("%s: not known: %s", where(item), lint.Printable(item.Why))
	case preview.Unchanged:
		return fmt.Sprintf("%s: unchanged: %s", where(item), lint.Printable(item.Why))
	case preview.Injected:
	}
	return ""
}

func (p *previewPrinter) printItem(out *bytes.Buffer, item *preview.Item, shown map[string]bool) error {
	if line := outcome(item); line != "" {
		fmt.Fprintln(out, line)
		return p.printFindings(out, item, p.colour)
	}
	diff, err := item.Diff()
	if err != nil {
		return err
	}
	if diff == "" {
		fmt.Fprintf(out, "%s: unchanged: it has what it asks for\n", where(item))
	}
	out.WriteString(preview.Paint(diff, p.colour))
	for _, class := range item.Classes {
		if key := item.Namespace + "/" + class.Name; !shown[key] {
			shown[key] = true
			text, err := item.ClassJSON(class)
			if err != nil {
				return err
			}
			if text, err = yaml.JSONToYAML(text); err != nil {
				return err
			}
			out.WriteString("---\n")
			out.Write(text)
		}
	}
	if len(item.Described) > 0 {
		out.WriteByte('\n')
	}
	for _, line := range item.Described {
		fmt.Fprintln(out, lint.Printable(line))
	}
	return p.printFindings(out, item, p.colour)
}

func (p *previewPrinter) printFindings(w io.Writer, item *preview.Item, colour bool) error {
	report := &lint.Report{Findings: lint.Place(p.files, item.Object, item.Findings)}
	return report.WriteText(w, colour)
}

// printObjects prints what is stored, for programs; the rest goes to the standard error.
func (p *previewPrinter) printObjects(format string) error {
	var objects []json.RawMessage
	var names []string
	seen := map[string]bool{}
	for i := range p.items {
		item := &p.items[i]
		if line := outcome(item); line != "" {
			fmt.Fprintln(p.streams.ErrOut, line)
		}
		if err := p.printFindings(p.streams.ErrOut, item, colourful(p.streams.ErrOut)); err != nil {
			return err
		}
		if item.Outcome != preview.Injected {
			continue
		}
		for _, class := range item.Classes {
			if key := item.Namespace + "/" + class.Name; !seen[key] {
				seen[key] = true
				text, err := item.ClassJSON(class)
				if err != nil {
					return err
				}
				objects = append(objects, text)
				names = append(names, "secretproviderclass.secrets-store.csi.x-k8s.io/"+class.Name)
			}
		}
		objects = append(objects, item.After)
		names = append(names, resourceName(item.Object))
	}
	switch format {
	case "name":
		for _, name := range names {
			fmt.Fprintln(p.streams.Out, lint.Printable(name))
		}
		return nil
	case "json":
		return printObjectsJSON(p.streams.Out, objects)
	}
	var out bytes.Buffer
	for _, o := range objects {
		text, err := yaml.JSONToYAML(o)
		if err != nil {
			return err
		}
		addDocument(&out, text)
	}
	_, err := out.WriteTo(p.streams.Out)
	return err
}

// resourceName is what kubectl -o name prints: deployment.apps/shop.
func resourceName(o *manifest.Object) string {
	kind := strings.ToLower(o.Kind)
	if group := o.GroupVersionKind().Group; group != "" {
		kind += "." + group
	}
	return kind + "/" + o.Name
}
