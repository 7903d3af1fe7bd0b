package workloadidentity

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
)

// awaitCalled waits until the API server acts on the webhook configuration, of which it
// learns by watching: until a pod of a dry run comes back with the token volume.
func (w *Webhook) awaitCalled(ctx context.Context) error {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "called", Labels: map[string]string{"azure.workload.identity/use": "true"}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "none"}}},
	}
	var last error
	err := wait.PollUntilContextTimeout(ctx, 20*time.Millisecond, 30*time.Second, true, func(ctx context.Context) (bool, error) {
		var stored *corev1.Pod
		stored, last = w.cp.Client.CoreV1().Pods(metav1.NamespaceDefault).Create(ctx, pod,
			metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		return last == nil && hasVolume(stored, VolumeName(pod.Name)), nil
	})
	if err != nil && last != nil {
		return w.process.Explain(fmt.Errorf("the API server gets no pod from it: %w: %w", err, last))
	}
	if err != nil {
		return w.process.Explain(fmt.Errorf("the API server does not call it: %w", err))
	}
	return nil
}

func hasVolume(pod *corev1.Pod, name string) bool {
	return slices.ContainsFunc(pod.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == name })
}
