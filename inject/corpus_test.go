package inject_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"akv-injector/inject"
	"akv-injector/inject/annotation"
	"akv-injector/inject/finding"
	"akv-injector/internal/testing/corpus"
)

var update = flag.Bool("update", false, "rewrite the want files of the cases")

// cases returns the corpus.
func cases(t *testing.T) []*corpus.Case {
	t.Helper()
	cases, err := corpus.Load(corpus.Root())
	if err != nil {
		t.Fatal(err)
	}
	return cases
}

// podCases returns the cases about pods.
func podCases(t *testing.T) []*corpus.Case {
	t.Helper()
	return slices.DeleteFunc(cases(t), func(c *corpus.Case) bool { return c.Pod == nil })
}

func TestGolden(t *testing.T) {
	for _, c := range cases(t) {
		t.Run(c.Name, func(t *testing.T) {
			got, err := c.Golden()
			if err != nil {
				t.Fatal(err)
			}
			if *update {
				if err := c.Update(got); err != nil {
					t.Fatal(err)
				}
				return
			}
			for _, name := range corpus.WantFiles {
				if diff := cmp.Diff(string(c.Want[name]), string(got[name])); diff != "" {
					t.Errorf("%s (-want +got; -update writes it):\n%s", name, diff)
				}
			}
		})
	}
}

// Every finding has a place, a message and a fix.
func TestFindingsHaveAFix(t *testing.T) {
	for _, c := range cases(t) {
		t.Run(c.Name, func(t *testing.T) {
			for _, f := range c.Findings() {
				if f.Place.String() == "" || !strings.HasSuffix(f.Message, ".") {
					t.Errorf("no field, or a message that is not a sentence: %+v", f)
				}
				if !strings.HasSuffix(f.Fix, ".") && !strings.HasSuffix(f.Fix, "?") && !strings.Contains(f.Fix, ": kubectl ") && !strings.Contains(f.Fix, ": az ") {
					t.Errorf("a fix that is not a sentence and does not end with a command: %+v", f)
				}
				if strings.ContainsAny(f.Place.String()+f.Message+f.Fix, "\n\t\x00") {
					t.Errorf("does not fit on a line: %+v", f)
				}
				// The webhook cuts longer findings.
				if len(f.String()) > 1024 {
					t.Errorf("%d characters: %+v", len(f.String()), f)
				}
			}
		})
	}
}

// The patch results in the pod that the rules checked.
func TestPatchGivesThePlannedPod(t *testing.T) {
	for _, c := range podCases(t) {
		t.Run(c.Name, func(t *testing.T) {
			d := c.Decide()
			if !d.Injected {
				if len(d.Patch)+len(d.Classes) > 0 {
					t.Errorf("a patch or classes for a pod that is not injected: %v %v", d.Patch, d.Classes)
				}
				return
			}
			// Through JSON, in which an empty list equals no list.
			got := decodePod(t, encode(t, decodePod(t, patched(t, c.PodJSON, &d))))
			want := decodePod(t, encode(t, &corev1.Pod{Spec: *inject.PlannedSpec(c.Request(), c.Facts())}))
			if diff := cmp.Diff(want.Spec, got.Spec); diff != "" {
				t.Errorf("the patched pod differs from the planned one (-planned +patched):\n%s", diff)
			}
			if got.Labels[annotation.LabelInjected] != "true" {
				t.Errorf("label %s is missing", annotation.LabelInjected)
			}
			status, err := inject.ParseStatus(got.Annotations[annotation.Status])
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(inject.Status{Version: corpus.Version, Containers: d.Containers, Classes: d.Classes}, status); diff != "" {
				t.Errorf("status (-want +got):\n%s", diff)
			}
		})
	}
}

// The API server admits a pod again after other webhooks, and then validates it. Neither may
// change the pod, or have other findings.
func TestSecondRoundIsEmpty(t *testing.T) {
	for _, c := range podCases(t) {
		t.Run(c.Name, func(t *testing.T) {
			first := c.Decide()
			if !first.Injected {
				return
			}
			again := decodePod(t, patched(t, c.PodJSON, &first))
			for _, mutating := range []bool{true, false} {
				target := c.TargetOf(again)
				target.Mutating = mutating
				request := inject.Parse(target, c.NamespaceObject(), c.Settings())
				second := inject.Decide(request, c.FactsFor(request.Needs()))
				if !mutating && len(second.Errors()) > 0 && namesMissingContainer(c) {
					continue // the container that the annotation names was never added
				}
				if !second.Injected || len(second.Patch) > 0 {
					t.Errorf("mutating=%v: injected %v, patch %v, errors %v", mutating, second.Injected, second.Patch, second.Errors())
				}
				for name, diff := range map[string]string{
					"classes":    cmp.Diff(first.Classes, second.Classes),
					"containers": cmp.Diff(first.Containers, second.Containers),
					"findings":   cmp.Diff(first.Findings, second.Findings),
				} {
					if diff != "" {
						t.Errorf("mutating=%v: other %s in the second round (-first +second):\n%s", mutating, name, diff)
					}
				}
			}
		})
	}
}

func namesMissingContainer(c *corpus.Case) bool {
	pod := c.Pod.DeepCopy()
	target := c.TargetOf(pod)
	target.Mutating = false
	request := inject.Parse(target, c.NamespaceObject(), c.Settings())
	d := inject.Decide(request, c.Facts())
	return slices.ContainsFunc(d.Errors(), func(f finding.Finding) bool {
		return strings.Contains(f.Place.String(), annotation.Containers)
	})
}

func TestDecideChangesNothingAndIsDeterministic(t *testing.T) {
	for _, c := range podCases(t) {
		t.Run(c.Name, func(t *testing.T) {
			before := encode(t, c.Pod)
			facts := c.Facts()
			factsBefore := encode(t, facts)
			want := inject.Decide(c.Request(), facts)
			wantText := encode(t, want)
			for range 100 {
				got := inject.Decide(c.Request(), facts)
				if !bytes.Equal(wantText, encode(t, got)) {
					t.Fatalf("another decision for the same pod:\n%s", cmp.Diff(want, got))
				}
			}
			if after := encode(t, c.Pod); !bytes.Equal(before, after) {
				t.Errorf("the pod was changed:\n%s", cmp.Diff(string(before), string(after)))
			}
			if after := encode(t, facts); !bytes.Equal(factsBefore, after) {
				t.Errorf("the facts were changed:\n%s", cmp.Diff(string(factsBefore), string(after)))
			}
		})
	}
}

// Fields that our types do not know are kept, wherever they are.
func TestUnknownFieldsSurvive(t *testing.T) {
	for _, c := range podCases(t) {
		t.Run(c.Name, func(t *testing.T) {
			d := c.Decide()
			if !d.Injected {
				return
			}
			var pod map[string]any
			if err := json.Unmarshal(c.PodJSON, &pod); err != nil {
				t.Fatal(err)
			}
			plant(pod["spec"])
			planted := encode(t, pod)
			got := patched(t, planted, &d)
			// Token volumes and their mounts may be removed as a whole, with the fields in them.
			want := bytes.Count(planted, []byte(unknownField)) - bytes.Count(planted, []byte(`"kube-api-access-`))
			if n := bytes.Count(got, []byte(unknownField)); n < want {
				t.Errorf("%d of %d unknown fields are kept", n, want)
			}
		})
	}
}

const unknownField = "fieldOfTomorrow"

// plant adds an unknown field to every object, except maps of strings and objects that are
// replaced as a whole.
func plant(v any) {
	switch v := v.(type) {
	case map[string]any:
		for k, child := range v {
			if k != "volumeAttributes" && k != "projected" && k != "imagePullSecrets" && k != unknownField {
				plant(child)
			}
		}
		v[unknownField] = true
	case []any:
		for _, child := range v {
			plant(child)
		}
	}
}

func patched(tb testing.TB, pod []byte, d *inject.Decision) []byte {
	tb.Helper()
	text, err := corpus.Patched(pod, d)
	if err != nil {
		tb.Fatalf("the patch does not apply: %v\n%v", err, d.Patch)
	}
	return text
}

func decodePod(tb testing.TB, text []byte) *corev1.Pod {
	tb.Helper()
	pod := &corev1.Pod{}
	if err := json.Unmarshal(text, pod); err != nil {
		tb.Fatalf("not a pod: %v\n%s", err, text)
	}
	return pod
}

func encode(tb testing.TB, v any) []byte {
	tb.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return text
}
