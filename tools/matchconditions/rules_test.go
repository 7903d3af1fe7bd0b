package matchconditions

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
)

// rendered is the chart with values.
func rendered(t *testing.T, values ...string) [][]byte {
	t.Helper()
	tool := exec.Command("hack/tool", "helm")
	tool.Dir = "../.."
	helm, err := tool.Output()
	if err != nil {
		t.Fatal(err)
	}
	render := exec.Command(strings.TrimSpace(string(helm)), append([]string{"template", "akv-injector", "../../deploy/chart/akv-injector", "--set", "image.repository=registry.example/akv-injector"}, values...)...)
	var complaint bytes.Buffer
	render.Stderr = &complaint
	raw, err := render.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, &complaint)
	}
	return documentsIn(t, raw)
}

// The rules that need no lookup find in a pod what the policy made of them finds.
func TestRulePolicy(t *testing.T) {
	v := policyIn(t, rendered(t, "--set", "rulePolicy=Deny"), "akv-injector-rules")
	const driver = "secrets-store.csi.k8s.io"
	ofClass := func(name string) map[string]string { return map[string]string{"secretProviderClass": name} }
	good := func(classes ...string) *corev1.Pod {
		attributes := make([]map[string]string, len(classes))
		for i, c := range classes {
			attributes[i] = ofClass(c)
		}
		pod := mounting(driver, attributes...)
		pod.Spec.Containers = []corev1.Container{{Name: "app", VolumeMounts: []corev1.VolumeMount{{Name: "v0", MountPath: "/s", ReadOnly: true}}}}
		for i := range pod.Spec.Volumes {
			pod.Spec.Volumes[i].CSI.ReadOnly = new(true)
		}
		return pod
	}
	changed := func(change func(*corev1.Pod)) *corev1.Pod {
		pod := good("a", "b")
		change(pod)
		return pod
	}
	interval := func(text string) *corev1.Pod {
		return changed(func(p *corev1.Pod) { p.Spec.Volumes[1].CSI.VolumeAttributes["rotationPollInterval"] = text })
	}
	subPath := func(p *corev1.Pod) { p.Spec.Containers[0].VolumeMounts[0].SubPath = "a" }
	owned := changed(subPath)
	owned.OwnerReferences = []metav1.OwnerReference{{Kind: "ReplicaSet", Name: "r", Controller: new(true)}}
	asking := changed(subPath)
	asking.Annotations = map[string]string{"azure.keyvault.injector/allow": "AKV001"}
	warns := map[string]string{"azure.keyvault.injector/rotation-policy": " warn "}
	cases := map[string]struct {
		pod       *corev1.Pod
		namespace map[string]string
		user      string
		want      string // the rule
	}{
		"nothing wrong":    {pod: good("a", "b")},
		"no volume at all": {pod: &corev1.Pod{}},
		"a subPath":        {pod: changed(subPath), want: "AKV001"},
		"a subPathExpr":    {pod: changed(func(p *corev1.Pod) { p.Spec.Containers[0].VolumeMounts[0].SubPathExpr = "$(A)" }), want: "AKV001"},
		"of another volume": {pod: changed(func(p *corev1.Pod) {
			p.Spec.Containers[0].VolumeMounts[0].SubPath, p.Spec.Containers[0].VolumeMounts[0].Name = "a", "other"
		})},
		"in an init container": {pod: changed(func(p *corev1.Pod) {
			p.Spec.InitContainers = []corev1.Container{{Name: "init", VolumeMounts: []corev1.VolumeMount{{Name: "v1", SubPath: "a"}}}}
		})},
		"in a native sidecar": {pod: changed(func(p *corev1.Pod) {
			p.Spec.InitContainers = []corev1.Container{{
				Name: "init", RestartPolicy: new(corev1.ContainerRestartPolicyAlways), VolumeMounts: []corev1.VolumeMount{{Name: "v1", SubPath: "a"}},
			}}
		}), want: "AKV001"},
		"in a pod that ends": {pod: changed(func(p *corev1.Pod) {
			subPath(p)
			p.Spec.RestartPolicy = corev1.RestartPolicyOnFailure
		})},
		"lax":                  {pod: changed(subPath), namespace: warns},
		"lax, not waivable":    {pod: changed(func(p *corev1.Pod) { p.Spec.Volumes[0].CSI.ReadOnly = nil }), namespace: warns, want: "AKV002"},
		"not read-only":        {pod: changed(func(p *corev1.Pod) { p.Spec.Volumes[1].CSI.ReadOnly = new(false) }), want: "AKV002"},
		"a number":             {pod: interval("2"), want: "AKV005"},
		"empty":                {pod: interval(""), want: "AKV005"},
		"negative":             {pod: interval("-2m"), want: "AKV005"},
		"too short":            {pod: interval("9999ms"), want: "AKV005"},
		"too large":            {pod: interval("999999999999999h"), want: "AKV005"},
		"a duration":           {pod: interval("1h2m3.5s")},
		"as short as allowed":  {pod: interval("10s")},
		"a class twice":        {pod: good("a", "b", "a"), want: "AKV010"},
		"made by a controller": {pod: owned, user: "system:kube-controller-manager"},
		"says a user":          {pod: owned, user: "jane", want: "AKV001"},
		"asks":                 {pod: asking},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop", Annotations: tc.namespace}}
			w := write{now: tc.pod, user: tc.user}
			got := v.Validate(t.Context(), schema.GroupVersionResource{}, w.attributes(corev1.SchemeGroupVersion.WithKind("Pod")), nil, ns, celconfig.RuntimeCELCostBudget, nil)
			found := ""
			for _, d := range got.Decisions {
				if d.Evaluation == validating.EvalError {
					t.Errorf("cannot be evaluated: %s", d.Message)
				}
				if d.Action == validating.ActionDeny {
					found, _, _ = strings.Cut(d.Message, " ")
				}
			}
			if found != tc.want {
				t.Errorf("%q, want %q", found, tc.want)
			}
		})
	}
}
