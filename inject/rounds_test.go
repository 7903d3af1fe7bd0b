package inject_test

import (
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"akv-injector/inject"
	"akv-injector/inject/annotation"
	"akv-injector/inject/facts"
	"akv-injector/inject/finding"
	"akv-injector/inject/provider"
	"akv-injector/inject/workload"
	"akv-injector/internal/testing/corpus"
)

// asking returns a pod that asks for one secret, and the facts with which it gets it.
func asking(annotations map[string]string) (*corev1.Pod, *corev1.Namespace, facts.Facts) {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "web", Annotations: map[string]string{
			annotation.Vault: "payments-kv", annotation.Objects: "DB-Password",
		}},
		Spec: corev1.PodSpec{ServiceAccountName: "app", Containers: []corev1.Container{{Name: "app"}}},
	}
	maps.Copy(pod.Annotations, annotations)
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: corpus.Namespace, Labels: map[string]string{annotation.LabelInjection: annotation.InjectionEnabled},
	}}
	return pod, ns, facts.Facts{Namespace: ns, ServiceAccounts: map[string]*corev1.ServiceAccount{
		"app": {ObjectMeta: metav1.ObjectMeta{Name: "app", Annotations: map[string]string{
			provider.AnnotationClientID: "11111111-1111-1111-1111-111111111111",
			provider.AnnotationTenantID: "22222222-2222-2222-2222-222222222222",
		}}},
	}}
}

func admit(t *testing.T, pod *corev1.Pod, ns *corev1.Namespace, f facts.Facts, mutating bool) (inject.Decision, *corev1.Pod) {
	t.Helper()
	target := &workload.Target{Meta: &pod.ObjectMeta, Spec: &pod.Spec, Mutating: mutating}
	d := inject.Decide(inject.Parse(target, ns, inject.Settings{Version: corpus.Version}), f)
	return d, decodePod(t, patched(t, encode(t, pod), &d))
}

func mountsOf(pod *corev1.Pod) map[string]int {
	n := map[string]int{}
	for _, c := range pod.Spec.Containers {
		n[c.Name] = len(c.VolumeMounts)
	}
	return n
}

// A webhook between the rounds adds a container. It gets secrets in the next round if the
// annotation names it, and otherwise none.
func TestSidecarOfALaterWebhook(t *testing.T) {
	for name, tc := range map[string]struct {
		containers  string
		first       map[string]int
		second      map[string]int
		wantRefused bool // by the validating round, without the sidecar
	}{
		"not named":   {"", map[string]int{"app": 1}, map[string]int{"proxy": 0, "app": 1}, false},
		"named":       {"app, proxy", map[string]int{"app": 1}, map[string]int{"proxy": 1, "app": 1}, true},
		"named alone": {"proxy", map[string]int{"app": 0}, map[string]int{"proxy": 1, "app": 0}, true},
	} {
		t.Run(name, func(t *testing.T) {
			annotations := map[string]string{}
			if tc.containers != "" {
				annotations[annotation.Containers] = tc.containers
			}
			pod, ns, facts := asking(annotations)
			_, pod = admit(t, pod, ns, facts, true)
			if diff := cmp.Diff(tc.first, mountsOf(pod)); diff != "" {
				t.Errorf("first round, mounts (-want +got):\n%s", diff)
			}
			if d, _ := admit(t, pod, ns, facts, false); len(d.Errors()) > 0 != tc.wantRefused {
				t.Errorf("validated without the sidecar: %v", d.Errors())
			}
			// In front, as some webhooks do it, so that indexes shift.
			pod.Spec.Containers = append([]corev1.Container{{Name: "proxy"}}, pod.Spec.Containers...)
			_, pod = admit(t, pod, ns, facts, true)
			if diff := cmp.Diff(tc.second, mountsOf(pod)); diff != "" {
				t.Errorf("second round, mounts (-want +got):\n%s", diff)
			}
			for _, mutating := range []bool{true, false} {
				if d, _ := admit(t, pod, ns, facts, mutating); !d.Injected || len(d.Patch) > 0 {
					t.Errorf("third round, mutating=%v: %v, %v", mutating, d.Patch, d.Errors())
				}
			}
		})
	}
}

// A later webhook that mounts something else at our path is reported.
func TestLaterWebhookTakesThePath(t *testing.T) {
	pod, ns, facts := asking(nil)
	_, pod = admit(t, pod, ns, facts, true)
	pod.Spec.Containers[0].VolumeMounts[0].SubPath = "DB-Password"
	d, _ := admit(t, pod, ns, facts, false)
	if d.Injected || len(d.Errors()) == 0 {
		t.Errorf("injected %v, errors %v", d.Injected, d.Errors())
	}
}

// The pod of an older rollout has the class of that rollout. In a copy with other annotations
// its volume is not the planned one.
func TestCopiedInjectedPodWithOtherAnnotations(t *testing.T) {
	pod, ns, facts := asking(nil)
	_, pod = admit(t, pod, ns, facts, true)
	if d, _ := admit(t, pod, ns, facts, true); !d.Injected || len(d.Patch) > 0 {
		t.Errorf("an equal copy: %v, %v", d.Patch, d.Errors())
	}
	pod.Annotations[annotation.Objects] = "DB-User"
	if d, _ := admit(t, pod, ns, facts, true); d.Injected || len(d.Errors()) == 0 {
		t.Errorf("a copy that asks for something else: injected %v, errors %v", d.Injected, d.Errors())
	}
}

func TestTemplate(t *testing.T) {
	path := finding.At("spec", "template")
	for name, tc := range map[string]struct {
		change func(*corev1.Pod, facts.Facts)
		// Findings as severity, rule and field.
		want     []string
		injected bool
	}{
		"plain": {func(*corev1.Pod, facts.Facts) {}, nil, true},
		"the account may be created later": {
			func(_ *corev1.Pod, f facts.Facts) { f.ServiceAccounts["app"] = nil },
			[]string{"warning AKV012 spec.template.spec.serviceAccountName"},
			false,
		},
		"the account may be annotated later": {
			func(_ *corev1.Pod, f facts.Facts) { f.ServiceAccounts["app"].Annotations = nil },
			[]string{
				"warning  spec.template.metadata.annotations[azure.keyvault.injector/tenant-id]",
				"warning AKV012 spec.template.spec.serviceAccountName",
			},
			false,
		},
		"status and label in a template": {
			func(pod *corev1.Pod, _ facts.Facts) {
				pod.Annotations[annotation.Status] = "{}"
				pod.Labels = map[string]string{annotation.LabelInjected: "true"}
			},
			[]string{
				"error  spec.template.metadata.annotations[azure.keyvault.injector/status]",
				"error  spec.template.metadata.labels[azure.keyvault.injector/injected]",
			},
			false,
		},
		"a container may be added later": {
			func(pod *corev1.Pod, _ facts.Facts) { pod.Annotations[annotation.Containers] = "app,proxy" },
			nil, true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			pod, ns, facts := asking(nil)
			tc.change(pod, facts)
			target := &workload.Target{Meta: &pod.ObjectMeta, Spec: &pod.Spec, Path: path, Template: true}
			d := inject.Decide(inject.Parse(target, ns, inject.Settings{}), facts)
			var got []string
			for _, f := range d.Findings {
				got = append(got, string(f.Severity)+" "+f.Rule+" "+f.Place.String())
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			if d.Injected != tc.injected {
				t.Errorf("injected %v, want %v", d.Injected, tc.injected)
			}
		})
	}
}

// Without a namespace, as in a linter, none of its settings apply.
func TestNoNamespace(t *testing.T) {
	pod, _, facts := asking(nil)
	facts.Namespace = nil
	if d, _ := admit(t, pod, nil, facts, true); !d.Injected {
		t.Errorf("errors %v", d.Errors())
	}
}
