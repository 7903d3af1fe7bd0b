package manifest

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// ConfigFile is the settings of kubectl akv in a folder, and no manifest.
const ConfigFile = ".akv.yaml"

// layout is what is known of a folder that is walked through: which of its files are no manifests by themselves,
// since kustomize or Helm makes manifests of them.
type layout struct {
	kustomizations, charts []string
	passed                 map[string]bool
}

func (l *layout) pass(path string) {
	if l.passed == nil {
		l.passed = map[string]bool{}
	}
	l.passed[filepath.Clean(path)] = true
}

// passes reports whether a file or folder is passed over.
func (l *layout) passes(path string) bool { return l.passed[filepath.Clean(path)] }

// look finds out what kind of folder this is.
func (l *layout) look(folder string, entries []fs.DirEntry) {
	has := func(name string) bool {
		return slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == name })
	}
	for _, name := range []string{"kustomization.yaml", "kustomization.yml", "Kustomization"} {
		if has(name) {
			l.kustomizations = append(l.kustomizations, folder)
			l.pass(filepath.Join(folder, name))
			l.passPatches(folder, filepath.Join(folder, name))
			break
		}
	}
	l.pass(filepath.Join(folder, ConfigFile))
	if has("Chart.yaml") {
		l.charts = append(l.charts, folder)
		l.pass(filepath.Join(folder, "templates"))
		l.pass(filepath.Join(folder, "charts"))
		l.pass(filepath.Join(folder, "Chart.yaml"))
		for _, e := range entries {
			if !e.IsDir() && strings.HasPrefix(e.Name(), "values") {
				l.pass(filepath.Join(folder, e.Name()))
			}
		}
	}
}

// passPatches passes over the patches of a kustomization, which are parts of objects.
func (l *layout) passPatches(folder, file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		return
	}
	type patch struct {
		Path string `json:"path"`
	}
	var k struct {
		Patches               []patch  `json:"patches"`
		PatchesJSON6902       []patch  `json:"patchesJson6902"`
		PatchesStrategicMerge []string `json:"patchesStrategicMerge"`
		Replacements          []patch  `json:"replacements"`
		Transformers          []string `json:"transformers"`
		Configurations        []string `json:"configurations"`
	}
	if yaml.Unmarshal(text, &k) != nil {
		return // kustomize says what is wrong with it
	}
	paths := slices.Concat(k.PatchesStrategicMerge, k.Transformers, k.Configurations)
	for _, p := range slices.Concat(k.Patches, k.PatchesJSON6902, k.Replacements) {
		paths = append(paths, p.Path)
	}
	for _, path := range paths {
		if path != "" && !strings.Contains(path, "\n") {
			l.pass(filepath.Join(folder, path))
		}
	}
}

// notes say how to check what kustomize and Helm make, once for all folders.
func (l *layout) notes() []Problem {
	var notes []Problem
	if n := len(l.kustomizations); n > 0 {
		notes = append(notes, Problem{File: l.kustomizations[0], Note: true, Message: "kustomize builds this folder" + others(n) +
			"; its patches are passed over, and to check what comes out, give it with -k"})
	}
	if n := len(l.charts); n > 0 {
		notes = append(notes, Problem{File: l.charts[0], Note: true, Message: "a Helm chart" + others(n) +
			", whose templates are not rendered; to check them, give it with --helm, or pipe in what helm template writes"})
	}
	return notes
}

func others(n int) string {
	if n == 1 {
		return ""
	}
	return fmt.Sprintf(" (and %d more like it)", n-1)
}
