package workload

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestFinished(t *testing.T) {
	for phase, want := range map[corev1.PodPhase]bool{"": false, "Pending": false, "Running": false, "Unknown": false, "Succeeded": true, "Failed": true} {
		if got := Finished(&corev1.Pod{Status: corev1.PodStatus{Phase: phase}}); got != want {
			t.Errorf("%q: %v", phase, got)
		}
	}
}
