package restart

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/controller/refresh"
	"akv-injector/inject"
	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
	"akv-injector/internal/text"
)

// found is what a namespace has to be restarted.
type found struct {
	workloads []*Workload
	objects   map[types.UID]*unstructured.Unstructured
	// alone are outdated pods that no restart replaces.
	alone []*corev1.Pod
}

// page is how many pods are read at a time.
const page = 500

// gather reads the pods of a namespace that want restarts, live, and their owners.
func (r *Restarter) gather(ctx context.Context, ns *corev1.Namespace) (*found, error) {
	records, err := r.records(ctx, ns.Name)
	if err != nil {
		return nil, err
	}
	f := &found{objects: map[types.UID]*unstructured.Unstructured{}}
	owned := &owners{live: r.live, read: map[ownerKey]*unstructured.Unstructured{}}
	byUID := map[types.UID]*Workload{}
	options := []client.ListOption{client.InNamespace(ns.Name), client.Limit(page)}
	for token := ""; ; {
		var pods corev1.PodList
		if err := r.live.List(ctx, &pods, append(slices.Clone(options), client.Continue(token))...); err != nil {
			return nil, fmt.Errorf("listing the pods of %s: %w", ns.Name, err)
		}
		for i := range pods.Items {
			if err := r.add(ctx, f, byUID, owned, &pods.Items[i], ns, records); err != nil {
				return nil, err
			}
		}
		if token = pods.Continue; token == "" {
			return f, nil
		}
	}
}

// add adds what a pod means for its owner.
func (r *Restarter) add(ctx context.Context, f *found, byUID map[types.UID]*Workload, owned *owners, pod *corev1.Pod, ns *corev1.Namespace, records map[types.UID][]refresh.Dated) error {
	classes := provider.ClassNames(&pod.Spec)
	if pod.DeletionTimestamp != nil || pod.Status.Phase != corev1.PodRunning || len(classes) == 0 {
		return nil
	}
	settings, ok := inject.OnRotationOf(pod.Annotations, ns.Annotations)
	if !ok || !settings.Restart && !settings.EvictEmpty {
		return nil
	}
	changed, objects := outdated(records[pod.UID])
	if !settings.Restart {
		changed, objects = time.Time{}, nil
	}
	owner, err := owned.of(ctx, pod)
	switch {
	case errors.Is(err, errNoOwner):
		if !changed.IsZero() {
			f.alone = append(f.alone, pod)
		}
		return nil
	case err != nil:
		return err
	}
	w := byUID[owner.GetUID()]
	if w == nil {
		w = &Workload{
			Kind: owner.GetKind(), Key: client.ObjectKeyFromObject(owner), UID: owner.GetUID(), Settings: settings,
			Rolling: rolling(owner), Held: holds(owner), Reloaded: reloaded(owner),
		}
		byUID[w.UID] = w
		f.objects[w.UID] = owner
		f.workloads = append(f.workloads, w)
	}
	if settings.EvictEmpty && len(records[pod.UID]) == 0 {
		w.Empty = append(w.Empty, pod)
	}
	for _, object := range objects {
		w.note(object)
	}
	if changed.After(w.Changed) {
		w.Changed = changed
	}
	if !changed.IsZero() {
		w.Outdated = append(w.Outdated, pod)
	}
	return nil
}

// note adds an object, "secret/DB-Password@version".
func (w *Workload) note(object string) {
	add := func(to []string, what string) []string {
		if i, there := slices.BinarySearch(to, what); !there {
			return slices.Insert(to, i, what)
		}
		return to
	}
	w.Objects = add(w.Objects, object)
	id, _, _ := strings.Cut(object, "@")
	w.Shared = add(w.Shared, id)
}

// moment is how soon after it made a record the driver may write it again without a rotation.
const moment = 2 * time.Second

// outdated says when a version came last into a pod after its containers had started, and which
// objects its records have.
func outdated(records []refresh.Dated) (changed time.Time, objects []string) {
	for i := range records {
		r := &records[i]
		if r.Changed.Sub(r.Made) <= moment {
			continue
		}
		if r.Changed.After(changed) {
			changed = r.Changed
		}
		for id, version := range r.Versions {
			objects = append(objects, id+"@"+version)
		}
	}
	return changed, objects
}

// records of a namespace by the pod's uid.
func (r *Restarter) records(ctx context.Context, namespace string) (map[types.UID][]refresh.Dated, error) {
	var list secretsstorev1.SecretProviderClassPodStatusList
	if err := r.cached.List(ctx, &list, client.InNamespace(namespace)); err != nil {
		return nil, fmt.Errorf("listing the records of %s: %w", namespace, err)
	}
	all := map[types.UID][]refresh.Dated{}
	for i := range list.Items {
		if read, ok := refresh.ReadRecord(&list.Items[i]); ok && read.UID != "" {
			all[read.UID] = append(all[read.UID], refresh.Dated{Record: read, Made: list.Items[i].CreationTimestamp.Time})
		}
	}
	return all, nil
}

// reloaded reports whether another program restarts a workload when a Secret changes.
func reloaded(owner *unstructured.Unstructured) bool {
	template, _, _ := unstructured.NestedStringMap(owner.Object, "spec", "template", "metadata", "annotations")
	return (&annotation.Reloaded{Own: owner.GetAnnotations(), Template: template}).Asks()
}

// served reports whether workloads of a namespace may be restarted.
func served(ns *corev1.Namespace) bool {
	return annotation.OptedIn(ns) && ns.DeletionTimestamp == nil && !stops(ns)
}

func stops(ns *corev1.Namespace) bool {
	return ns.Annotations[annotation.Rotation] == annotation.RotationOff
}

// words names objects for an event.
func words(objects []string) string {
	const most = 5
	out := strings.Join(objects[:min(len(objects), most)], ", ")
	if len(objects) > most {
		out += fmt.Sprintf(" and %d more", len(objects)-most)
	}
	return text.Line(out, 600)
}
