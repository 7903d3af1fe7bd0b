package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"akv-injector/inject"
	"akv-injector/inject/finding"
	"akv-injector/inject/provider"
	"akv-injector/internal/cli/manifest"
	"akv-injector/internal/cli/render"
)

// inputFlags say which manifests to read, and what their server would know.
type inputFlags struct {
	files     []string
	kustomize []string
	chart     render.Chart
	config    string
	settled   config
	recursive bool
	namespace string
	complete  bool
	settings  inject.Settings
}

// bind adds the flags that every command has which reads manifests.
func (f *inputFlags) bind(cmd *cobra.Command) {
	f.bindFiles(cmd)
	cmd.Flags().StringVarP(&f.namespace, "namespace", "n", corev1.NamespaceDefault,
		"`namespace` of the objects that name none")
}

// bindFiles adds those of them that a command has which may also read a cluster.
func (f *inputFlags) bindFiles(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVarP(&f.files, "filename", "f", nil,
		"`path` of a file or a folder of manifests, or - for the standard input; may be given more than once")
	flags.StringArrayVarP(&f.kustomize, "kustomize", "k", nil,
		"`folder` of a kustomization to build and read; nothing is fetched, and no plugin runs. May be given more than once")
	flags.StringVar(&f.chart.Path, "helm", "",
		"`chart` (a folder or file) to render with the helm on PATH, and read")
	flags.StringArrayVar(&f.chart.Values, "values", nil, "`file` of values for --helm; may be given more than once")
	bindConfig(flags, &f.config)
	flags.BoolVarP(&f.recursive, "recursive", "R", false,
		"read the folders in the folders of -f too")
	_ = cmd.MarkFlagFilename("filename", "yaml", "yml", "json")
}

// ofFiles reports whether files are named.
func (f *inputFlags) ofFiles() bool {
	return len(f.files)+len(f.kustomize) > 0 || f.chart.Path != ""
}

// bindSettings adds those flags of akv-injector that a verdict depends on.
func (f *inputFlags) bindSettings(cmd *cobra.Command) {
	f.bindServer(cmd.Flags())
	_ = cmd.RegisterFlagCompletionFunc("cloud", complete(clouds...))
	_ = cmd.RegisterFlagCompletionFunc("rotation-poll-interval", complete("30s", "1m", provider.DefaultInterval, "10m"))
}

func (f *inputFlags) bindServer(flags *pflag.FlagSet) {
	flags.BoolVar(&f.complete, "complete", false,
		"the files hold everything: a ServiceAccount, class or driver that is not among them does not exist. Without it, nothing is said of what they lack")
	flags.StringVar(&f.settings.TenantID, "tenant-id", "",
		"`tenant` of the vaults as the server of akv-injector has it")
	flags.StringVar(&f.settings.Cloud, "cloud", provider.DefaultCloud,
		"Azure `cloud` of the vaults as the server has it")
	flags.StringVar(&f.settings.RotationPollInterval, "rotation-poll-interval", provider.DefaultInterval,
		"`duration` between looks for a new version of a secret, as the server has it")
	flags.StringVar(&f.settings.AllowedVaults, "allowed-vaults", "",
		"`globs` of the vaults that namespaces without the annotation allowed-vaults may use, as the server has them")
	flags.BoolVar(&f.settings.ForbidAllow, "forbid-allow", false,
		"refuse the annotation allow, as the server does with this flag")
}

var clouds = []string{"AzurePublicCloud", "AzureUSGovernmentCloud", "AzureChinaCloud"}

// noWords refuses words without -f before them, which is how they are given most often.
func noWords(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return fmt.Errorf("%q: manifests are named by -f; write: %s -f %s", args[0], cmd.CommandPath(), args[0])
}

// validate finds what is wrong with the flags, before anything is read.
func (f *inputFlags) validate() error {
	var errs []error
	if !f.ofFiles() {
		errs = append(errs, errors.New("name what to read: -f FILE, -f FOLDER, -f - for the standard input, -k FOLDER or --helm CHART"))
	}
	if f.chart.Path == "" && len(f.chart.Values) > 0 {
		errs = append(errs, errors.New("--values are for --helm, which is not given"))
	}
	if f.namespace == "" {
		f.namespace = corev1.NamespaceDefault
	}
	if problems := validation.IsDNS1123Label(f.namespace); len(problems) > 0 {
		errs = append(errs, fmt.Errorf("--namespace=%q: %s", f.namespace, problems[0]))
	}
	errs = append(errs, f.settingErrors()...)
	return oneLine(errs)
}

// settingErrors are what is wrong with the server's flags.
func (f *inputFlags) settingErrors() []error {
	var errs []error
	for _, setting := range []struct {
		flag, value string
		problem     func(string) finding.Problem
	}{
		{"tenant-id", f.settings.TenantID, provider.TenantProblem},
		{"cloud", f.settings.Cloud, provider.CloudProblem},
		{"rotation-poll-interval", f.settings.RotationPollInterval, provider.IntervalProblem},
		{"allowed-vaults", f.settings.AllowedVaults, inject.DefaultFenceProblem},
	} {
		if setting.value == "" {
			continue
		}
		if problem := setting.problem(setting.value); problem.Found() {
			errs = append(errs, fmt.Errorf("--%s=%q: %s", setting.flag, setting.value, problem))
		}
	}
	return errs
}

// oneLine joins errors with semicolons: an error is one line.
func oneLine(errs []error) error {
	if len(errs) == 0 {
		return nil
	}
	texts := make([]string, 0, len(errs))
	for _, err := range errs {
		texts = append(texts, err.Error())
	}
	return errors.New(strings.Join(texts, "; "))
}

// configure reads the configuration file, whose settings stand in for flags that are not given.
func (f *inputFlags) configure(cmd *cobra.Command) error {
	c, err := readConfig(f.config)
	if err != nil {
		return err
	}
	f.settled = *c
	return c.apply(cmd)
}

// read reads the manifests.
func (f *inputFlags) read(ctx context.Context, stdin io.Reader) *manifest.Set {
	f.settings.Version = version
	source := manifest.Source{Paths: f.files, Recursive: f.recursive, Stdin: stdin, Exclude: f.settled.excludes}
	for _, folder := range f.kustomize {
		text, err := render.Kustomize(folder)
		source.Rendered = append(source.Rendered, manifest.Rendered{Name: filepath.Clean(folder) + " (kustomize)", Text: text, Err: err})
	}
	if f.chart.Path != "" {
		f.chart.Namespace = f.namespace
		text, err := f.chart.Helm(ctx)
		source.Rendered = append(source.Rendered, manifest.Rendered{Name: filepath.Clean(f.chart.Path) + " (helm)", Text: text, Err: err})
	}
	return source.Read()
}

// complete offers fixed values for a flag.
func complete(values ...string) cobra.CompletionFunc {
	return cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)
}
