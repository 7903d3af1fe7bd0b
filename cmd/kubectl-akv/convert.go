package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/aymanbagabas/go-udiff"
	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"sigs.k8s.io/yaml"

	"akv-injector/inject/annotation"
	"akv-injector/internal/cli/convert"
	"akv-injector/internal/cli/lint"
	"akv-injector/internal/cli/manifest"
	"akv-injector/internal/cli/preview"
	"akv-injector/internal/text"
)

// convertOptions are the flags of kubectl akv convert.
type convertOptions struct {
	input  inputFlags
	output string
	diff   bool
	write  bool
}

var convertFormats = []string{"yaml", "json"}

func newConvert(streams genericiooptions.IOStreams) *cobra.Command {
	o := &convertOptions{}
	cmd := &cobra.Command{
		Use:   "convert -f FILE...",
		Short: "Turn SecretProviderClasses written by hand into annotations",
		Long: `Turns workloads that mount SecretProviderClasses written by hand into annotated ones: their
volumes, mounts and identity label go, and so do the classes that nothing mounts any more.
What comes out gets the same objects at the same paths, in the same containers and with the
same identity. A workload with something that cannot be carried over (a pinned version, a
synced Secret, a subPath) is named with its lines and left as it was.

All documents of the input come out, on the standard output; what was done is reported on the
standard error. Give the ServiceAccounts and the Namespaces too, so that what they say need
not be said again.

Exit codes: 0 if everything was converted, 1 if a workload was left as it was, 2 if the
flags or the input make no sense (then nothing comes out).`,
		Example: `  # Look at the change
  kubectl akv convert -f shop/ --diff

  # Make it in the files themselves
  kubectl akv convert -f shop/ --write

  # Convert what a chart renders
  helm template shop ./chart | kubectl akv convert -f - > shop.yaml`,
		Args:              noWords,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.input.configure(cmd); err != nil {
				return err
			}
			return o.run(cmd.Context(), streams)
		},
	}
	o.input.bind(cmd)
	o.input.bindSettings(cmd)
	cmd.Flags().StringVarP(&o.output, "output", "o", "", "`format`: yaml or json; by default each document keeps its own")
	cmd.Flags().BoolVar(&o.diff, "diff", false, "show the change instead of the documents")
	cmd.Flags().BoolVar(&o.write, "write", false, "change the files in place")
	_ = cmd.RegisterFlagCompletionFunc("output", complete(convertFormats...))
	return cmd
}

func (o *convertOptions) run(ctx context.Context, streams genericiooptions.IOStreams) error {
	if err := o.validate(); err != nil {
		return err
	}
	set := o.input.read(ctx, streams.In)
	tellProblems(streams.ErrOut, set)
	if set.Unusable() {
		return errUnusable
	}
	cluster := set.Cluster(o.input.namespace, o.input.complete)
	result, err := convert.Convert(set, cluster, o.input.settings)
	if err != nil {
		return err
	}
	if err := o.print(streams, result); err != nil {
		return err
	}
	tellConverted(streams.ErrOut, cluster, result)
	if len(result.Left) > 0 {
		return errFindings
	}
	return nil
}

func (o *convertOptions) validate() error {
	if err := o.input.validate(); err != nil {
		return err
	}
	if o.output != "" {
		if err := oneOf("output", o.output, convertFormats); err != nil {
			return err
		}
	}
	switch {
	case o.write && o.output != "":
		return errors.New("--write changes files in place, which keep their format; leave --output out")
	case o.write && o.diff:
		return errors.New("--diff shows the change and --write makes it; give one of the two")
	case o.diff && o.output != "":
		return errors.New("--diff shows the change in the files, which keep their format; leave --output out")
	}
	if o.write && (len(o.input.kustomize) > 0 || o.input.chart.Path != "") {
		return errors.New("--write changes files, and what -k and --helm make stands in none; convert the files that they read")
	}
	for _, path := range o.input.files {
		if o.write && path == manifest.Stdin {
			return errors.New("--write needs files, and - is the standard input")
		}
	}
	return nil
}

func (o *convertOptions) print(streams genericiooptions.IOStreams, r *convert.Result) error {
	switch {
	case o.diff:
		return printConvertDiff(streams, r)
	case o.write:
		return writeConverted(streams.ErrOut, r)
	case o.output == "json":
		return printConvertJSON(streams.Out, r)
	}
	var out bytes.Buffer
	for _, d := range r.Documents {
		text := d.After
		if text == nil {
			continue
		}
		if d.IsJSON() && o.output == "yaml" {
			var err error
			if text, err = yaml.JSONToYAML(text); err != nil {
				return err
			}
		}
		addDocument(&out, text)
	}
	_, err := out.WriteTo(streams.Out)
	return err
}

// addDocument puts a separator before every document but the first.
func addDocument(out *bytes.Buffer, text []byte) {
	end := "\n"
	if bytes.Contains(text, []byte("\r\n")) {
		end = "\r\n"
	}
	if out.Len() > 0 {
		out.WriteString("---" + end)
	}
	out.Write(text)
	if !bytes.HasSuffix(text, []byte("\n")) {
		out.WriteString(end)
	}
}

func printConvertJSON(w io.Writer, r *convert.Result) error {
	var objects []json.RawMessage
	for _, d := range r.Documents {
		if d.After == nil {
			continue
		}
		text, err := yaml.YAMLToJSON(d.After)
		if d.IsJSON() {
			text, err = d.After, nil
		}
		if err != nil {
			return err
		}
		objects = append(objects, text)
	}
	return printObjectsJSON(w, objects)
}

// printObjectsJSON prints one object as it is, and several as a List.
func printObjectsJSON(w io.Writer, objects []json.RawMessage) error {
	if len(objects) == 1 {
		return printJSON(w, objects[0])
	}
	return printJSON(w, struct {
		APIVersion string            `json:"apiVersion"`
		Kind       string            `json:"kind"`
		Items      []json.RawMessage `json:"items"`
	}{"v1", "List", append([]json.RawMessage{}, objects...)})
}

// texts of a file now and after. What was read from the standard input is put together
// from its documents.
func texts(r *convert.Result, file string) (before, after []byte, err error) {
	if file == manifest.StdinName {
		var was, will bytes.Buffer
		for _, d := range r.Documents {
			if d.File() != file {
				continue
			}
			addDocument(&was, d.Text())
			if d.After != nil {
				addDocument(&will, d.After)
			}
		}
		return was.Bytes(), will.Bytes(), nil
	}
	if before, err = os.ReadFile(file); err != nil { //nolint:gosec // the file that the user named
		return nil, nil, err
	}
	after, err = r.Rewrite(file, before)
	return before, after, err
}

func printConvertDiff(streams genericiooptions.IOStreams, r *convert.Result) error {
	colour := colourful(streams.Out)
	for _, file := range r.Files() {
		if !r.Changed(file) {
			continue
		}
		before, after, err := texts(r, file)
		if err != nil {
			return err
		}
		name := file
		if after == nil {
			name = "/dev/null"
		}
		if _, err := io.WriteString(streams.Out, preview.Paint(udiff.Unified(file, name, string(before), string(after)), colour)); err != nil {
			return err
		}
	}
	return nil
}

func writeConverted(stderr io.Writer, r *convert.Result) error {
	// All of them before the first is written.
	after := map[string][]byte{}
	for _, file := range r.Files() {
		if !r.Changed(file) {
			continue
		}
		_, text, err := texts(r, file)
		if err != nil {
			return err
		}
		after[file] = text
	}
	for _, file := range r.Files() {
		text, changed := after[file]
		switch {
		case !changed:
		case text == nil:
			if err := os.Remove(file); err != nil {
				return err
			}
			fmt.Fprintf(stderr, "removed %s, in which nothing is left; take it out of what lists it (kustomization.yaml)\n", file)
		default:
			if err := overwrite(file, text); err != nil {
				return err
			}
			fmt.Fprintf(stderr, "wrote %s\n", file)
		}
	}
	return nil
}

// overwrite keeps the file's mode, and a link where the file is one.
func overwrite(file string, text []byte) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_TRUNC, 0) //nolint:gosec // the file that the user named
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}

// tellConverted says what was done and what is left to do.
func tellConverted(w io.Writer, cluster *manifest.Cluster, r *convert.Result) {
	where := func(o *manifest.Object) string {
		return lint.Printable(fmt.Sprintf("%s %s/%s (%s:%d)", o.Kind, cluster.NamespaceOf(o), o.Name, o.File, o.Line()))
	}
	if len(r.Converted)+len(r.Left) == 0 {
		fmt.Fprintln(w, "nothing to convert: no workload here mounts a secrets-store volume")
	}
	for _, o := range r.Converted {
		fmt.Fprintln(w, "converted "+where(o))
	}
	for _, note := range r.Notes {
		fmt.Fprintln(w, "note: "+lint.Printable(note.String()))
	}
	for _, left := range r.Left {
		fmt.Fprintln(w, "left as it was: "+where(left.Object))
		for _, p := range left.Problems {
			fmt.Fprintln(w, "  "+lint.Printable(p.String()))
		}
	}
	for _, o := range r.Kept {
		fmt.Fprintf(w, "kept %s: something that was not converted needs it\n", where(o))
	}
	for _, o := range r.Dropped {
		fmt.Fprintf(w, "no longer needed: %s. Once the rollout is over and no other pod mounts it, run: %s\n", where(o),
			text.Command("kubectl delete secretproviderclass -n {namespace} {class}", text.Values{"namespace": cluster.NamespaceOf(o), "class": o.Name}))
	}
	for _, name := range r.Namespaces {
		fmt.Fprintln(w, "before applying, run: "+annotation.OptInCommand(name))
	}
}
