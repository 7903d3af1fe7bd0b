package refresh

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
)

// A stray is a pod that mounts and that the cache does not have: it has no label of an injected one, because its volume was
// written by hand, or because somebody took the label off. The driver's record names it. It is read from the API server
// once it runs; its volumes never change, and its record goes when it does.

const (
	// strayRetry is the pause before a stray that does not run yet is read again, and strayRetryMost the longest.
	strayRetry     = 5 * time.Second
	strayRetryMost = 2 * time.Minute
	// strayWorkers read at the same time.
	strayWorkers = 4
)

type strayQueue = workqueue.TypedRateLimitingInterface[types.NamespacedName]

func newStrayQueue() strayQueue {
	return workqueue.NewTypedRateLimitingQueue(workqueue.NewTypedItemExponentialFailureRateLimiter[types.NamespacedName](strayRetry, strayRetryMost))
}

// Recorded reports whether the driver has a record of a pod, in a namespace that is served.
func (s *state) Recorded(pod types.NamespacedName) bool {
	_, in := s.namespaces[pod.Namespace]
	return in && s.recorded[pod] > 0
}

// Unknown are the pods of a namespace of which there is a record, and nothing else.
func (s *state) Unknown(namespace string) (pods []types.NamespacedName) {
	for pod := range s.recorded {
		if pod.Namespace == namespace && s.pods[pod] == nil {
			pods = append(pods, pod)
		}
	}
	return pods
}

// readStrays works until the queue is shut down.
func (r *Refresher) readStrays(ctx context.Context) {
	for {
		key, over := r.strays.Get()
		if over {
			return
		}
		if r.readStray(ctx, key) {
			r.strays.AddRateLimited(key)
		} else {
			r.strays.Forget(key)
		}
		r.strays.Done(key)
	}
}

// readStray reads a pod, and reports whether to read it again.
func (r *Refresher) readStray(ctx context.Context, key types.NamespacedName) (again bool) {
	pod := &corev1.Pod{}
	if r.cached.Get(ctx, key, pod) == nil {
		return false // no stray: the cache tells what becomes of it
	}
	recorded := false
	r.read(func(s *state, _ time.Time) { recorded = s.Recorded(key) })
	if !recorded {
		r.feed(func(s *state, now time.Time) { s.DeletePod(key, now) })
		return false
	}
	pod = &corev1.Pod{}
	switch err := r.live.Get(ctx, key, pod); {
	case apierrors.IsNotFound(err):
		r.feed(func(s *state, now time.Time) { s.DeletePod(key, now) })
		return false
	case err != nil:
		return true
	}
	read, ok := ReadPod(pod)
	if ok {
		r.feed(func(s *state, now time.Time) { s.SetPod(read, now) })
		return false
	}
	r.feed(func(s *state, now time.Time) { s.DeletePod(key, now) })
	// It may not run yet; what has ended, or asks for no interval, will not be nudged.
	return pod.DeletionTimestamp == nil && pod.Status.Phase == corev1.PodPending
}
