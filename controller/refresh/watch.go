package refresh

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject"
	"akv-injector/inject/annotation"
)

// watchRetry is the pause after a kind that the API server does not know, or lets nobody list.
const watchRetry = 15 * time.Second

// watchCache feeds the state from a cache, and returns when that is filled.
func (r *Refresher) watchCache(ctx context.Context, c cache.Cache) error {
	for _, kind := range []struct {
		object client.Object
		on     toolscache.ResourceEventHandler
	}{
		// Pods come before their records, and namespaces before both.
		{&corev1.Namespace{}, handler(r.setNamespace, r.deleteNamespace)},
		{&secretsstorev1.SecretProviderClass{}, handler(r.setClass, r.deleteClass)},
		{&corev1.Pod{}, handler(r.setPod, r.deletePod)},
		{&secretsstorev1.SecretProviderClassPodStatus{}, handler(r.setRecord, r.deleteRecord)},
	} {
		for {
			informer, err := c.GetInformer(ctx, kind.object)
			if err == nil {
				_, err = informer.AddEventHandler(kind.on)
				if err != nil {
					return fmt.Errorf("watching %T: %w", kind.object, err)
				}
				break
			}
			r.log.Info("rotation waits for a kind of the CSI driver", "kind", fmt.Sprintf("%T", kind.object), "error", err.Error())
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(watchRetry):
			}
		}
	}
	return nil
}

// handler calls set for what is there, and remove for what goes.
func handler[T client.Object](set func(object, before T, listed bool), remove func(T)) toolscache.ResourceEventHandler {
	var none T
	return toolscache.ResourceEventHandlerDetailedFuncs{
		AddFunc: func(obj any, listed bool) {
			if o, ok := obj.(T); ok {
				set(o, none, listed)
			}
		},
		UpdateFunc: func(before, obj any) {
			o, ok := obj.(T)
			b, okBefore := before.(T)
			if ok && okBefore && o.GetResourceVersion() != b.GetResourceVersion() {
				set(o, b, false)
			}
		},
		DeleteFunc: func(obj any) {
			if gone, ok := obj.(toolscache.DeletedFinalStateUnknown); ok {
				obj = gone.Obj
			}
			if o, ok := obj.(T); ok {
				remove(o)
			}
		},
	}
}

// served reports whether the pods of a namespace may be nudged.
func served(ns *corev1.Namespace) bool {
	return annotation.OptedIn(ns) && ns.DeletionTimestamp == nil && !stops(ns)
}

// stops reports whether a namespace's annotation stops rotation.
func stops(ns *corev1.Namespace) bool {
	return ns.Annotations[annotation.Rotation] == annotation.RotationOff
}

func fenceOf(ns *corev1.Namespace, clusterDefault string) func(vault string) bool {
	kept := &corev1.Namespace{}
	kept.Name = ns.Name
	if value, ok := ns.Annotations[annotation.AllowedVaults]; ok {
		kept.Annotations = map[string]string{annotation.AllowedVaults: value}
	}
	return func(vault string) bool { return inject.FenceNames(kept, clusterDefault, vault) }
}

func (r *Refresher) setNamespace(ns, _ *corev1.Namespace, _ bool) {
	if ns.Name == r.o.OwnNamespace && r.o.Mode == ModeDrive {
		stopped := stops(ns)
		r.feed(func(s *state, now time.Time) { s.Stop(stopped, now) })
		if stopped != r.stoppedHere {
			r.stoppedHere = stopped
			r.log.Info("the annotation of akv-injector's own namespace stops or starts rotation", "stopped", stopped)
		}
	}
	known := r.namespace(ns)
	var unknown []types.NamespacedName
	r.feed(func(s *state, now time.Time) {
		_, served := s.namespaces[ns.Name]
		s.SetNamespace(ns.Name, known, now)
		if known != nil && !served {
			unknown = s.Unknown(ns.Name)
		}
	})
	for _, pod := range unknown {
		r.strays.Add(pod)
	}
}

func (r *Refresher) deleteNamespace(ns *corev1.Namespace) {
	r.feed(func(s *state, now time.Time) { s.SetNamespace(ns.Name, nil, now) })
}

func (r *Refresher) setClass(class, _ *secretsstorev1.SecretProviderClass, _ bool) {
	r.feed(func(s *state, _ time.Time) { s.ClassChanged(client.ObjectKeyFromObject(class)) })
}

// deleteClass keeps what is known of the content: pods that run still have the files.
func (*Refresher) deleteClass(*secretsstorev1.SecretProviderClass) {}

func (r *Refresher) setPod(pod, _ *corev1.Pod, _ bool) {
	read, ok := ReadPod(pod)
	r.feed(func(s *state, now time.Time) {
		if ok {
			s.SetPod(read, now)
		} else {
			s.DeletePod(read.Key, now)
		}
	})
}

func (r *Refresher) deletePod(pod *corev1.Pod) {
	r.feed(func(s *state, now time.Time) { s.DeletePod(client.ObjectKeyFromObject(pod), now) })
	if pod.DeletionTimestamp == nil && pod.Status.Phase == corev1.PodRunning {
		r.strays.Add(client.ObjectKeyFromObject(pod)) // its label may have gone, and not the pod
	}
}

func (r *Refresher) setRecord(record, before *secretsstorev1.SecretProviderClassPodStatus, listed bool) {
	read, ok := ReadRecord(record)
	var arrivals []Arrival
	stray := false
	r.feed(func(s *state, now time.Time) {
		if before != nil && (before.Status.PodName != record.Status.PodName || before.Status.SecretProviderClassName != record.Status.SecretProviderClassName) {
			s.DeleteRecord(types.NamespacedName{Namespace: before.Namespace, Name: before.Status.PodName}, before.Status.SecretProviderClassName, now)
		}
		if !ok {
			s.DeleteRecord(types.NamespacedName{Namespace: record.Namespace, Name: record.Status.PodName}, record.Status.SecretProviderClassName, now)
			return
		}
		read.Changed = r.lastChange(&read, before, listed, now)
		arrivals = s.SetRecord(read, now)
		known := s.pods[read.Pod]
		stray = (known == nil || !s.belongs(&read, known)) && s.Recorded(read.Pod)
	})
	if stray {
		r.strays.Add(read.Pod)
	}
	if ok && r.o.Heard != nil {
		r.o.Heard(types.NamespacedName{Namespace: record.Namespace, Name: read.Class})
	}
	for i := range arrivals {
		a := &arrivals[i]
		r.metrics.arrivals.Inc()
		if a.Lag > 0 {
			r.metrics.lag.Observe(a.Lag.Seconds())
		}
		if r.spoken.Allow() {
			r.arrived(a)
		}
	}
}

// lastChange is when the versions of a record changed, by our own clock. What is seen to change is
// dated when it is seen; of what was there before only the API server's date is known, which
// may lie in our future.
func (*Refresher) lastChange(read *Record, before *secretsstorev1.SecretProviderClassPodStatus, listed bool, now time.Time) time.Time {
	if listed {
		if read.Changed.After(now) {
			return now
		}
		return read.Changed
	}
	if before == nil {
		return now
	}
	old, ok := ReadRecord(before)
	if !ok || old.UID != read.UID || len(old.Versions) != len(read.Versions) {
		return now
	}
	for id, version := range read.Versions {
		if old.Versions[id] != version {
			return now
		}
	}
	return time.Time{}
}

func (r *Refresher) deleteRecord(record *secretsstorev1.SecretProviderClassPodStatus) {
	pod := types.NamespacedName{Namespace: record.Namespace, Name: record.Status.PodName}
	r.feed(func(s *state, now time.Time) { s.DeleteRecord(pod, record.Status.SecretProviderClassName, now) })
	r.strays.Add(pod)
}
