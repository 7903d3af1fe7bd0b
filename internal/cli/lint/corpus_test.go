package lint_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"akv-injector/inject"
	"akv-injector/inject/finding"
	"akv-injector/internal/cli/lint"
	"akv-injector/internal/cli/manifest"
	"akv-injector/internal/testing/corpus"
)

// Every case of the corpus, written to files with its whole cluster, gets from lint what
// the engine says of it when it is created.
func TestCorpus(t *testing.T) {
	cases, err := corpus.Load(corpus.Root())
	if err != nil {
		t.Fatal(err)
	}
	golden := 0
	for _, c := range cases {
		if c.Object == nil {
			continue // a deletion: there is no manifest of what goes
		}
		t.Run(c.Name, func(t *testing.T) {
			want := asManifest(c).Findings()
			text, err := corpus.GoldenFindings(want)
			if err != nil {
				t.Fatal(err)
			}
			// Where a manifest is all that the case is about, its want file says the same.
			if cmp.Equal(c.Options, asManifest(c).Options) && c.Old == nil {
				golden++
				if file := c.Want[corpus.WantFindingsFile]; len(want) > 0 && !bytes.Equal(file, text) {
					t.Errorf("the want file (-) says otherwise than the engine (+):\n%s", cmp.Diff(string(file), string(text)))
				}
			}
			report := check(t, c)
			if len(report.Problems) > 0 {
				t.Fatal(report.Problems)
			}
			if diff := cmp.Diff(said(toldHere(want, report)), about(report, c)); diff != "" {
				t.Errorf("-engine +lint:\n%s", diff)
			}
			for _, f := range report.Findings {
				text, err := os.ReadFile(f.File)
				if lines := bytes.Count(text, []byte("\n")); err != nil || f.Line < 1 || f.Line > lines {
					t.Errorf("%s:%d is no place: %d lines, %v", f.File, f.Line, lines, err)
				}
			}
		})
	}
	if golden < 150 {
		t.Errorf("only %d cases are about a manifest alone", golden)
	}
}

// toldHere leaves out what lint says of the class instead, where it names the workload.
func toldHere(want []finding.Finding, report *lint.Report) []finding.Finding {
	return slices.DeleteFunc(slices.Clone(want), func(w finding.Finding) bool {
		return w.Class != "" && slices.ContainsFunc(report.Findings, func(f lint.Finding) bool {
			return f.Kind == "SecretProviderClass" && f.Name == w.Class && f.Rule == w.Rule && f.Severity == w.Severity && len(f.Workloads) > 0
		})
	})
}

// asManifest is the case as it stands in a file: nobody has created it yet, and nothing
// was there before.
func asManifest(c *corpus.Case) *corpus.Case {
	m := *c
	m.Old, m.OldJSON = nil, nil
	m.Options.Origin, m.Options.Mutating, m.Options.Admitted = "", nil, false
	m.Options.Vault = nil // no vault is asked about a file
	m.Options.Bindings, m.Options.Calls = nil, nil
	return &m
}

// check lints a case's files.
func check(t *testing.T, c *corpus.Case) *lint.Report {
	t.Helper()
	dir := t.TempDir()
	cluster, err := c.ClusterYAML()
	if err != nil {
		t.Fatal(err)
	}
	object, err := yaml.JSONToYAML(c.ObjectJSON)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{"cluster.yaml": cluster, objectFile: object} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	set := manifest.Source{Paths: []string{dir}}.Read()
	world := set.Cluster(corev1.NamespaceDefault, true)
	world.NoClassCRD = c.Options.NoClassCRD
	return lint.Check(set, world, c.Settings())
}

// objectFile comes behind the cluster's, so that of two classes of one name the case's counts.
const objectFile = "object.yaml"

// about is what lint says of the case's own object, as far as the engine says it too.
func about(report *lint.Report, c *corpus.Case) []string {
	set := manifest.Source{Paths: []string{"-"}, Stdin: bytes.NewReader(c.ObjectJSON)}.Read()
	head := set.Objects[0]
	var lines []string
	for _, f := range report.Findings {
		rule := inject.RuleByID(f.Rule)
		if f.Kind == head.Kind && f.Name == head.Name && (rule == nil || !rule.FilesOnly) {
			lines = append(lines, strings.Join([]string{string(f.Severity), strings.TrimPrefix(f.Rule, lint.Annotations), f.Field, f.Message, f.Fix}, "|"))
		}
	}
	slices.Sort(lines)
	return lines
}

// said is the same of the engine's findings.
func said(findings []finding.Finding) []string {
	var lines []string
	for _, f := range findings {
		lines = append(lines, strings.Join([]string{string(f.Severity), f.Rule, f.Place.String(), f.Message, f.Fix}, "|"))
	}
	slices.Sort(lines)
	return lines
}
