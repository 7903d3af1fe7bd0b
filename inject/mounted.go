package inject

import (
	"maps"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"akv-injector/inject/annotation"
	"akv-injector/inject/facts"
	"akv-injector/inject/workload"
)

// FindOutdating runs those rules over a stored pod by which a running container goes on
// with an old content though the mount is current: AKV001 and AKV006. What a waiver or a
// namespace's policy lets pass is found too: it is as true as before.
func FindOutdating(pod *corev1.Pod, classes map[string]*facts.Class) []Finding {
	t := workload.PodTarget(&corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: pod.Name, Namespace: pod.Namespace, Annotations: withoutOurs(pod.Annotations)},
		Spec:       pod.Spec,
	})
	if metav1.GetControllerOf(pod) != nil {
		t.Origin = workload.FromController // so that a reloader counts
	}
	d := Decide(t, Parse(t, nil, Settings{}), facts.Facts{Classes: classes})
	var findings []Finding
	for _, f := range d.Findings {
		if f.Rule == subPathRule.ID || f.Rule == envFromSyncedSecretRule.ID {
			findings = append(findings, f)
		}
	}
	return findings
}

// withoutOurs leaves the annotations out by which a pod asks or waives: a stored pod has
// what it asked for.
func withoutOurs(annotations map[string]string) map[string]string {
	rest := maps.Clone(annotations)
	maps.DeleteFunc(rest, func(key, _ string) bool { return strings.HasPrefix(key, annotation.Prefix) })
	return rest
}
