package restart

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/controller/refresh"
)

const (
	// emptyFor is how long a pod must be seen without a record. The driver writes it before the
	// containers start; what we read may be a moment old.
	emptyFor = time.Minute
	// emptyTries are the pods of a workload that are evicted one after the other, with pauses that
	// double: what leaves them all empty is not mended by further ones.
	emptyTries = 3
	firstPause = time.Minute
)

// emptied is what was done about the empty pods of a workload.
type emptied struct {
	tries int
	last  time.Time
}

// evictEmpty evicts one empty pod of each workload that wants it, and returns when to look again; zero
// if there is nothing to wait for.
func (r *Restarter) evictEmpty(ctx context.Context, f *found) (again time.Time, err error) {
	now := r.now()
	later := func(at time.Time) {
		if again.IsZero() || at.Before(again) {
			again = at
		}
	}
	for _, w := range f.workloads {
		if len(w.Empty) == 0 {
			continue
		}
		done := r.emptied[w.UID]
		if done.tries >= emptyTries {
			r.tell(f.objects[w.UID], w.UID, done.last, fmt.Sprintf("%d pods that ran without their files were evicted, and the next is empty too: no more are. See the log of the CSI driver on their nodes", done.tries))
			continue
		}
		pod := r.emptyForLong(w.Empty, now)
		due := done.last.Add(firstPause << done.tries)
		switch {
		case pod == nil:
			later(now.Add(emptyFor))
			continue
		case done.tries > 0 && due.After(now):
			later(due)
			continue
		}
		later(now.Add(firstPause))
		if sure, err := r.noRecord(ctx, pod); err != nil || !sure {
			return again, err
		}
		if err := r.evictPod(ctx, w, pod, f.objects[w.UID], "it ran without its files"); err != nil {
			return again, err
		}
		r.emptied[w.UID] = emptied{tries: done.tries + 1, last: now}
	}
	return again, nil
}

// emptyForLong is a pod that has been seen empty for long enough, by our own clock.
func (r *Restarter) emptyForLong(pods []*corev1.Pod, now time.Time) *corev1.Pod {
	if len(r.emptySince) > 10_000 {
		clear(r.emptySince)
	}
	var long *corev1.Pod
	for _, pod := range pods {
		since, known := r.emptySince[pod.UID]
		if !known {
			r.emptySince[pod.UID] = now
			continue
		}
		if long == nil && now.Sub(since) >= emptyFor {
			long = pod
		}
	}
	return long
}

// noRecord asks the API server itself whether the driver has recorded any mount of a pod.
func (r *Restarter) noRecord(ctx context.Context, pod *corev1.Pod) (bool, error) {
	var list secretsstorev1.SecretProviderClassPodStatusList
	if err := r.live.List(ctx, &list, client.InNamespace(pod.Namespace)); err != nil {
		return false, fmt.Errorf("listing the records of %s: %w", pod.Namespace, err)
	}
	for i := range list.Items {
		// A record that does not say whose it is may be this pod's.
		if read, ok := refresh.ReadRecord(&list.Items[i]); ok && (read.UID == pod.UID || read.UID == types.UID("") && read.Pod.Name == pod.Name) {
			return false, nil
		}
	}
	return true, nil
}
