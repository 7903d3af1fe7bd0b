package restart

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// evict evicts one outdated pod of a workload, the oldest. The next one follows when all its replicas
// are available again.
func (r *Restarter) evict(ctx context.Context, w *Workload, owner *unstructured.Unstructured) error {
	pod := slices.MinFunc(w.Outdated, func(a, b *corev1.Pod) int {
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
	})
	return r.evictPod(ctx, w, pod, owner, "its secrets were rotated: "+words(w.Objects))
}

// evictPod asks for the eviction of a pod.
func (r *Restarter) evictPod(ctx context.Context, w *Workload, pod *corev1.Pod, owner *unstructured.Unstructured, because string) error {
	ctx, cancel := context.WithTimeout(ctx, patchTimeout)
	defer cancel()
	err := r.evictions.Create(ctx, pod.DeepCopy(), &policyv1.Eviction{
		ObjectMeta:    metav1.ObjectMeta{Namespace: pod.Namespace, Name: pod.Name},
		DeleteOptions: &metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &pod.UID}},
	})
	switch {
	case apierrors.IsTooManyRequests(err):
		// A PodDisruptionBudget says no for now. It is never got around.
		r.tell(owner, pod.UID, pod.CreationTimestamp.Time, fmt.Sprintf("A PodDisruptionBudget refuses the eviction of pod %s, which is due because %s; it is tried again", pod.Name, because))
		return nil
	case apierrors.IsNotFound(err), apierrors.IsConflict(err):
		return nil // it is gone already
	case err != nil:
		return fmt.Errorf("evicting pod %s of %s %s: %w", client.ObjectKeyFromObject(pod), w.Kind, w.Key, err)
	}
	r.restarts.Inc()
	r.log.Info("evicted a pod", "namespace", pod.Namespace, "pod", pod.Name)
	r.events.Eventf(owner, nil, corev1.EventTypeNormal, eventRestarted, "Evict", "Pod %s was evicted, because %s", pod.Name, because)
	return nil
}
