package admission_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"akv-injector/inject/finding"
	"akv-injector/internal/testing/corpus"
)

// Cases whose pod cannot come to us through an API server as the case has it.
var (
	// newerFields has fields that this API server leaves out before anybody sees them.
	newerFields = []string{"unknown-fields-of-a-newer-api-server-survive"}
	// refusedLater are admitted by the mutating webhook, since another one may still
	// bring what is missing, and refused by the validating one, since none does.
	refusedLater = map[string]cause{"containers-named-that-may-yet-come": {
		Field:   "metadata.annotations[azure.keyvault.injector/containers][1]",
		Message: `Invalid value: "istio-proxy": the pod has no such container. Fix: Use one of: app.`,
	}}
)

// check sends the case's pod, as a dry run and in earnest, into a namespace that has
// the case's facts. The twin has them too, but has not opted in: what the API server
// makes there of the wanted pod is what it should have stored here.
func (s *system) check(t *testing.T, c *corpus.Case) {
	t.Helper()
	pod, want := pods(t, c)
	namespace, twin := s.facts(t, c)
	if namespace == "" {
		return
	}
	req := request{as: origin(t, c), namespace: namespace, pod: pod, unknown: slices.Contains(newerFields, c.Name)}
	inTwin := func(pod *unstructured.Unstructured) answer {
		t.Helper()
		r := req
		r.namespace, r.pod, r.dryRun = twin, pod, true
		a := s.admit(t.Context(), r)
		if a.err != nil {
			t.Fatalf("a fault of the case: without akv-injector the API server itself refuses the pod: %v", a.err)
		}
		return a
	}
	plain := inTwin(pod)
	refusal, warnings := wantFindings(t, c, noToken(t, c, want)...)
	later, isLater := refusedLater[c.Name]
	if isLater {
		refusal = append(refusal, later)
	}

	for _, dryRun := range []bool{true, false} {
		t.Run(fmt.Sprintf("dry run %t", dryRun), func(t *testing.T) {
			r := req
			r.dryRun = dryRun
			if dryRun {
				awaitFence(t, c, func(ctx context.Context) ([]string, error) {
					a := s.admit(ctx, r)
					return a.warnings, a.err
				})
			}
			a := s.admit(t.Context(), r)
			wantWarnings(t, warnings, plain.warnings, a.warnings, namespace)
			// A preview is of what its reader would apply.
			byUser := c.Options.Origin == "" || c.Options.Origin == "user"
			if dryRun && byUser && !isLater && c.Mutating() {
				s.wantPreviewed(t, c, r, a, inTwin)
			}
			if len(refusal) > 0 {
				wantRefused(t, refusal, a.err, namespace)
				// Its class is there, and collected when it has been unused for a while.
				s.wantStored(t, c, namespace, nil, isLater && !dryRun)
				return
			}
			if a.err != nil {
				t.Fatalf("refused: %v", a.err)
			}
			if diff := cmp.Diff(stored(inTwin(want).pod), stored(a.pod)); diff != "" {
				t.Errorf("stored (-want +got):\n%s", diff)
			}
			if dryRun {
				s.wantStored(t, c, namespace, nil, false)
				return
			}
			s.wantStored(t, c, namespace, []string{a.pod.GetName()}, true)
			if want != pod {
				s.wantAgain(t, req, a)
			}
		})
	}
}

// wantAgain creates an injected pod again from what is stored. Nothing is left to be
// patched, and the same is told.
func (s *system) wantAgain(t *testing.T, r request, before answer) {
	t.Helper()
	const name = "again"
	r.pod = resubmitted(before.pod, name)
	again := s.mustAdmit(t, r)
	want := stored(before.pod)
	metadata := want["metadata"].(map[string]any)
	metadata["name"] = name
	delete(metadata, "generateName")
	if diff := cmp.Diff(want, stored(again.pod)); diff != "" {
		t.Errorf("created again from its stored form (-before +again):\n%s", diff)
	}
	if diff := cmp.Diff(before.warnings, again.warnings); diff != "" {
		t.Errorf("warnings when created again (-before +again):\n%s", diff)
	}
	event := s.audited(t, r.namespace, name)
	for key, value := range event.Annotations {
		if strings.HasPrefix(key, "mutation.webhook.admission.k8s.io/") && !strings.Contains(value, `"mutated":false`) {
			t.Errorf("created again it is patched once more: %s: %s", key, value)
		}
	}
}

// wantStored wants these pods in the namespace, and beside the case's own classes
// those that it wants generated.
func (s *system) wantStored(t *testing.T, c *corpus.Case, namespace string, pods []string, generated bool) {
	t.Helper()
	if diff := cmp.Diff(pods, s.pods(t, namespace)); diff != "" {
		t.Errorf("pods (-want +got):\n%s", diff)
	}
	var want []map[string]any
	if generated {
		want = documents(t, c.Want[corpus.WantClassFile])
	}
	var got []map[string]any
	for _, class := range s.classes(t, namespace) {
		if hasClass(c, class.GetName()) {
			continue
		}
		for _, field := range []string{"uid", "creationTimestamp", "resourceVersion", "managedFields", "generation"} {
			unstructured.RemoveNestedField(class.Object, "metadata", field)
		}
		// The driver's types have it, empty.
		if status, _, _ := unstructured.NestedMap(class.Object, "status"); len(status) == 0 {
			delete(class.Object, "status")
		}
		class.SetNamespace(corpus.Namespace)
		got = append(got, class.Object)
	}
	byName := cmpopts.SortSlices(func(a, b map[string]any) bool {
		return (&unstructured.Unstructured{Object: a}).GetName() < (&unstructured.Unstructured{Object: b}).GetName()
	})
	if diff := cmp.Diff(want, got, byName); diff != "" {
		t.Errorf("classes (-want +got):\n%s", diff)
	}
}

// cause of a refusal, as far as a case says it.
type cause struct{ Field, Message string }

// wantRefused wants HTTP 422 with these causes.
func wantRefused(t *testing.T, want []cause, err error, namespace string) {
	t.Helper()
	if httpCode(err) != http.StatusUnprocessableEntity {
		t.Fatalf("answered with %v, want HTTP 422", err)
	}
	status := err.(apierrors.APIStatus).Status()
	if fenced(want) {
		// The API server asks nobody who else might refuse it.
		if !strings.Contains(status.Message, "ValidatingAdmissionPolicy 'akv-injector-fence'") || !strings.Contains(status.Message, "AKV018 vault-not-allowed: ") {
			t.Errorf("want it refused by the fence's policy, as the rule refuses it: %s", status.Message)
		}
		return
	}
	var got []cause
	for _, c := range status.Details.Causes {
		got = append(got, cause{c.Field, inCase(c.Message, namespace)})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("causes (-want +got):\n%s", diff)
	}
	for _, c := range got {
		// Controllers show nothing but the message.
		if !strings.Contains(inCase(status.Message, namespace), c.Field+": "+c.Message) {
			t.Errorf("the message does not say %s: %s\n%s", c.Field, c.Message, status.Message)
		}
	}
}

// fenced reports whether one of the causes is AKV018 in what the admission policy of the fence
// sees: a class, or a pod's volume that names another vault than its class. The policy refuses
// exactly what the rule refuses there; the causes of any other refusal are the webhooks'.
func fenced(causes []cause) bool {
	return slices.ContainsFunc(causes, func(c cause) bool {
		return strings.HasPrefix(c.Message, "AKV018 ") &&
			(c.Field == "spec.parameters.keyvaultName" || strings.HasPrefix(c.Field, "spec.volumes[") && strings.HasSuffix(c.Field, "[keyvaultName]"))
	})
}

// wantWarnings wants one line a warning, behind those that the API server gives
// without us.
func wantWarnings(t *testing.T, want []string, plain, got []string, namespace string) {
	t.Helper()
	var ours []string
	for _, w := range got {
		if !slices.Contains(plain, w) {
			ours = append(ours, inCase(w, namespace))
		}
	}
	// Of a namespace that has not opted in the API server tells, in its own frame.
	want = slices.Clone(want)
	for i, w := range want {
		_, text, found := strings.Cut(w, ": AKV021 ")
		if !found {
			continue
		}
		want[i] = notOptedInFrame + "AKV021 " + text
		// It does not shorten the line as we do.
		if begin, short := strings.CutSuffix(want[i], "…"); short {
			if j := slices.IndexFunc(ours, func(line string) bool { return strings.HasPrefix(line, begin) }); j >= 0 {
				want[i] = ours[j]
			}
		}
	}
	if diff := cmp.Diff(want, ours); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

// notOptedInFrame is what the API server writes before the message of the policy.
const notOptedInFrame = "Validation failed for ValidatingAdmissionPolicy 'akv-injector-not-opted-in' with binding 'akv-injector-not-opted-in': "

// inCase is a text with the case's namespace in the place of the real one.
func inCase(text, namespace string) string {
	return strings.ReplaceAll(text, namespace, corpus.Namespace)
}

// cut is how the webhook shortens a line.
func cut(text string, limit int) string {
	if utf8.RuneCountInString(text) <= limit {
		return text
	}
	return string([]rune(text)[:limit-1]) + "…"
}

// noToken is what is found of a pod that comes to validation: this cluster has no identity
// webhook, which the cases have nothing to do with unless they say so.
func noToken(t *testing.T, c *corpus.Case, stored *unstructured.Unstructured) []finding.Finding {
	t.Helper()
	first := c.Decide()
	if c.Options.Admitted || c.Mutating() && c.Request().Asks() && len(first.Errors()) > 0 {
		return nil
	}
	pod := &corev1.Pod{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(stored.Object, pod); err != nil {
		t.Fatal(err)
	}
	target := c.TargetOf(pod)
	target.Mutating, target.Admitted = false, true
	d := c.DecideTarget(target)
	return slices.DeleteFunc(d.Findings, func(f finding.Finding) bool { return f.Rule != "AKV013" })
}

// wantFindings reads what the case wants to be told, as the webhook tells it.
func wantFindings(t *testing.T, c *corpus.Case, also ...finding.Finding) (refusal []cause, warnings []string) {
	t.Helper()
	findings := slices.Clone(c.Findings())
	// The file is what counts; a finding has more than the file shows.
	golden, err := corpus.GoldenFindings(findings)
	if err != nil {
		t.Fatal(err)
	}
	if text := c.Want[corpus.WantFindingsFile]; len(findings) > 0 && string(golden) != string(text) || len(findings) == 0 && text != nil {
		t.Fatalf("the engine finds\n%s, and the case wants\n%s", golden, text)
	}
	findings = append(findings, also...)
	slices.SortStableFunc(findings, func(a, b finding.Finding) int {
		if a.Severity != b.Severity {
			return strings.Compare(string(a.Severity), string(b.Severity))
		}
		return strings.Compare(a.Rule, b.Rule)
	})
	for _, f := range findings {
		if f.Severity == finding.Error {
			refusal = append(refusal, cause{f.Place.String(), cut(f.String(), 1024)})
		} else {
			warnings = append(warnings, f.Line(256))
		}
	}
	return refusal, warnings
}
