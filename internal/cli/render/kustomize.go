package render

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// Kustomize builds a folder with kustomize's own library. Files are read from below each kustomization alone. Bases
// from other hosts, plugins and charts are refused before anything is built: kustomize would run git or helm for them.
func Kustomize(folder string) ([]byte, error) {
	c := &kustomizationCheck{seen: map[string]bool{}}
	c.check(folder, 0)
	if len(c.problems) > 0 {
		return nil, errors.Join(c.problems...)
	}
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), folder)
	if err != nil {
		return nil, errors.New(oneLine(err.Error()))
	}
	text, err := built.AsYaml()
	if err != nil {
		return nil, errors.New(oneLine(err.Error()))
	}
	return text, nil
}

// oneLine is an error of a library in one line.
func oneLine(message string) string { return strings.Join(strings.Fields(message), " ") }

// kustomizationNames are the files that kustomize looks for in a folder.
var kustomizationNames = []string{"kustomization.yaml", "kustomization.yml", "Kustomization"}

// kustomizationCheck looks through a kustomization, and those that it is based on, for what is not local.
type kustomizationCheck struct {
	seen     map[string]bool
	problems []error
}

// maxBases is how many kustomizations a build may have, and how deep they may stand.
const (
	maxBases     = 500
	maxBaseDepth = 30
)

func (c *kustomizationCheck) failf(format string, args ...any) {
	c.problems = append(c.problems, fmt.Errorf(format, args...))
}

func (c *kustomizationCheck) check(folder string, depth int) {
	folder = filepath.Clean(folder)
	if c.seen[folder] {
		return
	}
	c.seen[folder] = true
	if depth > maxBaseDepth || len(c.seen) > maxBases {
		c.failf("%s: more bases than a build may have", folder)
		return
	}
	file, k, err := readKustomization(folder)
	if err != nil {
		c.problems = append(c.problems, err)
		return
	}
	if len(k.HelmCharts)+len(k.HelmChartInflationGenerator) > 0 || k.HelmGlobals != nil {
		c.failf("%s: helmCharts are not rendered here; run kustomize build --enable-helm yourself, and pipe it in: -f -", file)
	}
	for _, list := range [][]string{k.Generators, k.Transformers, k.Validators} {
		for _, entry := range list {
			c.checkPlugin(file, folder, entry, depth)
		}
	}
	//nolint:staticcheck // Bases are deprecated, and kustomize still reads them.
	for _, entry := range slices.Concat(k.Resources, k.Bases, k.Components, k.Crds, k.Configurations) {
		c.checkEntry(file, folder, entry, depth)
	}
	for _, path := range filesOf(k) {
		// kustomize says which are not there; those of other hosts it would fetch.
		if looksRemote(path) {
			c.checkEntry(file, folder, path, depth)
		}
	}
}

// filesOf are the files that a kustomization reads beside its resources.
func filesOf(k *types.Kustomization) []string {
	files := []string{k.OpenAPI["path"]}
	for _, p := range slices.Concat(k.Patches, k.PatchesJson6902) { //nolint:staticcheck // deprecated, and still read
		files = append(files, p.Path)
	}
	for _, p := range k.PatchesStrategicMerge { //nolint:staticcheck // deprecated, and still read
		if !strings.Contains(string(p), "\n") {
			files = append(files, string(p))
		}
	}
	for _, r := range k.Replacements {
		files = append(files, r.Path)
	}
	add := func(s types.KvPairSources) {
		for _, f := range s.FileSources {
			if _, path, named := strings.Cut(f, "="); named {
				f = path
			}
			files = append(files, f)
		}
		files = append(append(files, s.EnvSources...), s.EnvSource)
	}
	for i := range k.ConfigMapGenerator {
		add(k.ConfigMapGenerator[i].KvPairSources)
	}
	for i := range k.SecretGenerator {
		add(k.SecretGenerator[i].KvPairSources)
	}
	return slices.DeleteFunc(files, func(f string) bool { return f == "" })
}

// checkEntry refuses what is not on this machine, and looks into a folder.
func (c *kustomizationCheck) checkEntry(file, folder, entry string, depth int) {
	path := filepath.Join(folder, entry)
	info, err := os.Stat(path)
	switch {
	case err != nil && looksRemote(entry):
		c.failf("%s: %q is on another host, and is not fetched; run kustomize build yourself, and pipe it in: -f -", file, entry)
	case err != nil:
		c.failf("%s: %q is not there", file, entry)
	case info.IsDir():
		c.check(path, depth+1)
	}
}

// checkPlugin refuses functions, which are programs. What is built into kustomize may stand in a file or in place.
func (c *kustomizationCheck) checkPlugin(file, folder, entry string, depth int) {
	text := entry
	if !strings.Contains(entry, "\n") {
		path := filepath.Join(folder, entry)
		info, err := os.Stat(path)
		if err != nil || info.IsDir() {
			c.checkEntry(file, folder, entry, depth)
			return
		}
		content, err := os.ReadFile(path)
		if err != nil {
			c.failf("%s: %q cannot be read", file, entry)
			return
		}
		text = string(content)
	}
	if strings.Contains(text, "://") {
		c.failf("%s: a generator or transformer names another host, from which nothing is fetched", file)
	}
	for _, mark := range []string{"config.kubernetes.io/function", "HelmChartInflationGenerator"} {
		if strings.Contains(text, mark) {
			c.failf("%s: plugins and functions are not run; run kustomize build yourself, and pipe it in: -f -", file)
			return
		}
	}
}

func looksRemote(entry string) bool {
	first, _, parts := strings.Cut(entry, "/")
	return strings.Contains(entry, "://") || strings.Contains(entry, "@") || strings.Contains(entry, "?") || parts && strings.Contains(first, ".") && !strings.HasPrefix(first, ".")
}

func readKustomization(folder string) (string, *types.Kustomization, error) {
	for _, name := range kustomizationNames {
		path := filepath.Join(folder, name)
		text, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return path, nil, fmt.Errorf("%s: cannot be read", path)
		}
		k := &types.Kustomization{}
		if err := yaml.Unmarshal(text, k); err != nil {
			return path, nil, fmt.Errorf("%s: %s", path, oneLine(err.Error()))
		}
		return path, k, nil
	}
	return folder, nil, fmt.Errorf("%s: no kustomization.yaml is in this folder", folder)
}
