package workloadidentity

import (
	"context"
	"errors"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"akv-injector/internal/testing/await"
)

// awaitCalled waits until the API server acts on the webhook configuration, of which it
// learns by watching: until a pod of a dry run comes back with the token volume.
func (w *Webhook) awaitCalled(ctx context.Context) error {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "called", Labels: map[string]string{"azure.workload.identity/use": "true"}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "none"}}},
	}
	err := await.Poll{Limit: 30 * time.Second}.Success(ctx, "the API server to call it", func(ctx context.Context) error {
		stored, err := w.cp.Client.CoreV1().Pods(metav1.NamespaceDefault).Create(ctx, pod,
			metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		if err == nil && !hasVolume(stored, VolumeName(pod.Name)) {
			err = errors.New("a pod without the token volume")
		}
		return err
	})
	if err != nil {
		return w.process.Explain(err)
	}
	return nil
}

func hasVolume(pod *corev1.Pod, name string) bool {
	return slices.ContainsFunc(pod.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == name })
}
