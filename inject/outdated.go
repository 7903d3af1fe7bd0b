package inject

import (
	"maps"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"akv-injector/inject/annotation"
	"akv-injector/inject/facts"
	"akv-injector/inject/finding"
	"akv-injector/inject/plan"
	"akv-injector/inject/policy"
	"akv-injector/inject/request"
	"akv-injector/inject/rules"
	"akv-injector/inject/workload"
)

// Outdated runs the rules that find a running container of a stored pod with outdated content
// although the mount is current. Waivers and the namespace's policy do not apply: the content
// is outdated anyway. The classes are those of the namespace, by name.
func Outdated(pod *corev1.Pod, classes map[string]*facts.Class) []finding.Finding {
	// A stored pod has what it asked for: its annotations neither ask nor waive any more.
	meta := metav1.ObjectMeta{Name: pod.Name, Namespace: pod.Namespace, Annotations: maps.Clone(pod.Annotations)}
	maps.DeleteFunc(meta.Annotations, func(key, _ string) bool { return strings.HasPrefix(key, annotation.Prefix) })
	t := &workload.Target{Meta: &meta, Spec: &pod.Spec, Kind: "Pod"}
	if metav1.GetControllerOfNoCopy(pod) != nil {
		t.Origin = workload.FromController // so that a reloader counts
	}
	view := rules.NewPod(t, &request.Request{}, &policy.Policy{}, facts.Facts{Classes: classes}, &plan.Plan{})
	return finding.Sort(view.CheckOutdated())
}
