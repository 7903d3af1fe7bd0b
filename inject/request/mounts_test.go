package request

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"akv-injector/inject/annotation"
	"akv-injector/inject/finding"
	"akv-injector/inject/workload"
)

// A mount path with a semicolon is quoted whole, and the fix is not part of it.
func TestSemicolonInAPath(t *testing.T) {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{
		annotation.Objects + ".one-kv": "a", annotation.MountPath + ".one-kv": "/mnt/x; y",
		annotation.Objects + ".two-kv": "a", annotation.MountPath + ".two-kv": "/mnt/x; y/z",
	}}}
	r := Parse(workload.PodTarget(pod), nil, Settings{})
	findings := r.Errors.Findings(finding.Error)
	if len(findings) != 1 {
		t.Fatalf("%+v", findings)
	}
	if want := `Invalid value: "/mnt/x; y/z": overlaps with another mount path of the pod (/mnt/x; y).`; findings[0].Message != want {
		t.Errorf("%s, want %s", findings[0].Message, want)
	}
	if want := "Set separate paths with " + annotation.MountPath + ".<vault>."; findings[0].Fix != want {
		t.Errorf("%s, want %s", findings[0].Fix, want)
	}
}
