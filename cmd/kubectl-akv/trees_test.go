package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"akv-injector/inject"
	"akv-injector/internal/cli/convert"
	"akv-injector/internal/cli/lint"
	"akv-injector/internal/cli/manifest"
)

// tree is a random repository: folders of environments in folders, with objects of few names, so that many are namesakes.
type tree struct {
	*rand.Rand
	dir string
}

func (r *tree) folder(parts ...string) string {
	for range r.IntN(3) {
		parts = append(parts, []string{"a", "b"}[r.IntN(2)])
	}
	return filepath.Join(append([]string{r.dir}, parts...)...)
}

func (r *tree) object() string {
	name, n := []string{"web", "shop"}[r.IntN(2)], r.IntN(3)
	switch r.IntN(4) {
	case 0:
		return fmt.Sprintf("apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: %s\n  annotations:\n    azure.workload.identity/client-id: 1111111%d-1111-1111-1111-111111111111\n", name, n)
	case 1:
		version := []string{"", "\n          objectVersion: abc"}[r.IntN(2)]
		return fmt.Sprintf(`apiVersion: secrets-store.csi.x-k8s.io/v1
kind: SecretProviderClass
metadata:
  name: %s
spec:
  provider: azure
  secretObjects: []
  parameters:
    clientID: 1111111%d-1111-1111-1111-111111111111
    keyvaultName: vault-%d
    tenantID: 22222222-2222-2222-2222-222222222222
    objects: |
      array:
        - |
          objectName: db
          objectType: secret%s
`, name, n, n, version)
	}
	subPath := []string{"", ", subPath: db"}[r.IntN(2)]
	return fmt.Sprintf(`apiVersion: apps/v1
kind: Deployment
metadata:
  name: %s-%d
spec:
  selector: {matchLabels: {app: x}}
  template:
    metadata: {labels: {app: x}}
    spec:
      serviceAccountName: %s
      containers:
        - {name: app, image: app, volumeMounts: [{name: kv, mountPath: /mnt/kv, readOnly: true%s}]}
      volumes:
        - name: kv
          csi: {driver: secrets-store.csi.k8s.io, readOnly: true, volumeAttributes: {secretProviderClass: %s}}
`, name, r.IntN(1000), name, subPath, name)
}

func (r *tree) add(t *testing.T, files int, parts ...string) {
	t.Helper()
	for range files {
		folder := r.folder(parts...)
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		var documents []string
		for range 1 + r.IntN(3) {
			documents = append(documents, r.object())
		}
		file := filepath.Join(folder, fmt.Sprintf("f%d.yaml", r.IntN(1_000_000)))
		if err := os.WriteFile(file, []byte(strings.Join(documents, "---\n")), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// verdict is what is said of a tree.
type verdict struct {
	// findings of each object, by its place.
	findings map[string][]string
	// converted is the text that each file becomes; left the objects that are left.
	converted map[string]string
	left      map[string]string
}

func judge(t *testing.T, dir string) verdict {
	t.Helper()
	set := manifest.Source{Paths: []string{dir}, Recursive: true}.Read()
	cluster := set.Cluster("default", false)
	v := verdict{map[string][]string{}, map[string]string{}, map[string]string{}}
	for _, f := range lint.Check(set, cluster, inject.Settings{}).Findings {
		at := fmt.Sprintf("%s %s/%s", f.File, f.Kind, f.Name)
		if f.Rule == inject.RuleNamesakes().ID {
			continue // which names the places of all namesakes
		}
		v.findings[at] = append(v.findings[at], fmt.Sprintf("%d %s %s %s", f.Line, f.Severity, f.Rule, f.Field))
	}
	result, err := convert.Convert(set, cluster, inject.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range result.Left {
		at := fmt.Sprintf("%s %s/%s", l.Object.File, l.Object.Kind, l.Object.Name)
		for _, p := range l.Problems {
			v.left[at] += p.Message + "\n"
		}
	}
	for _, o := range result.Converted {
		for _, d := range result.Documents {
			if d.Document == o.Document() {
				v.converted[fmt.Sprintf("%s %s/%s", o.File, o.Kind, o.Name)] += string(d.After)
			}
		}
	}
	return v
}

// Adding another environment's files, which stand in no folder above what was there, takes no finding away, and changes no
// conversion.
func TestAddingFiles(t *testing.T) {
	found, converted := 0, 0
	for seed := range uint64(300) {
		r := &tree{rand.New(rand.NewPCG(seed, 0)), t.TempDir()}
		r.add(t, 2+r.IntN(5), "one")
		before := judge(t, r.dir)
		r.add(t, 1+r.IntN(4), "two")
		after := judge(t, r.dir)
		for at, findings := range before.findings {
			for _, f := range findings {
				found++
				if !slices.Contains(after.findings[at], f) {
					t.Errorf("tree %d: %s: lost: %s; now %q", seed, at, f, after.findings[at])
				}
			}
		}
		for at, text := range before.converted {
			converted++
			if after.converted[at] != text {
				t.Errorf("tree %d: %s becomes\n%s\ninstead of\n%s\n%s", seed, at, after.converted[at], text, after.left[at])
			}
		}
		for at := range before.left {
			if after.left[at] == "" {
				t.Errorf("tree %d: %s is converted now, and was not before", seed, at)
			}
		}
	}
	if found < 100 || converted < 50 {
		t.Errorf("only %d findings and %d conversions were there", found, converted)
	}
}
