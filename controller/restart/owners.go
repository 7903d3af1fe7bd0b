package restart

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Kinds that can be restarted.
const (
	kindDeployment  = "Deployment"
	kindStatefulSet = "StatefulSet"
	kindDaemonSet   = "DaemonSet"
	kindRollout     = "Rollout"
)

const (
	groupApps  = "apps"
	groupArgo  = "argoproj.io"
	replicaSet = "ReplicaSet"
)

// versions of the kinds that are read.
var versions = map[schema.GroupKind]string{
	{Group: groupApps, Kind: replicaSet}:      "v1",
	{Group: groupApps, Kind: kindDeployment}:  "v1",
	{Group: groupApps, Kind: kindStatefulSet}: "v1",
	{Group: groupApps, Kind: kindDaemonSet}:   "v1",
	{Group: groupArgo, Kind: kindRollout}:     "v1alpha1",
}

// errNoOwner is of a pod that nothing would replace, or by no restart.
var errNoOwner = errors.New("it belongs to no Deployment, StatefulSet, DaemonSet or Rollout")

// owners finds the workloads of pods, each read once.
type owners struct {
	live client.Reader
	read map[ownerKey]*unstructured.Unstructured
}

type ownerKey struct {
	schema.GroupKind
	types.NamespacedName
}

// of is the workload that a pod belongs to. The reference and the selector must both say so.
func (o *owners) of(ctx context.Context, pod *corev1.Pod) (*unstructured.Unstructured, error) {
	owner, err := o.next(ctx, pod.Namespace, metav1.GetControllerOf(pod))
	if err != nil {
		return nil, err
	}
	if owner.GetKind() == replicaSet {
		if owner, err = o.next(ctx, pod.Namespace, metav1.GetControllerOf(owner)); err != nil {
			return nil, err
		}
	}
	if owner.GetKind() == replicaSet || !selects(owner, pod.Labels) {
		return nil, errNoOwner
	}
	return owner, nil
}

func (o *owners) next(ctx context.Context, namespace string, ref *metav1.OwnerReference) (*unstructured.Unstructured, error) {
	if ref == nil {
		return nil, errNoOwner
	}
	group, err := schema.ParseGroupVersion(ref.APIVersion)
	if err != nil {
		return nil, errNoOwner
	}
	kind := schema.GroupKind{Group: group.Group, Kind: ref.Kind}
	version, ok := versions[kind]
	if !ok {
		return nil, errNoOwner
	}
	key := ownerKey{kind, types.NamespacedName{Namespace: namespace, Name: ref.Name}}
	owner, known := o.read[key]
	if !known {
		owner = &unstructured.Unstructured{}
		owner.SetGroupVersionKind(kind.WithVersion(version))
		err := o.live.Get(ctx, key.NamespacedName, owner)
		switch {
		case client.IgnoreNotFound(err) == nil && err != nil, meta.IsNoMatchError(err):
			owner = nil
		case err != nil:
			return nil, fmt.Errorf("reading %s %s: %w", ref.Kind, key.NamespacedName, err)
		}
		o.read[key] = owner
	}
	if owner == nil || owner.GetUID() != ref.UID || owner.GetDeletionTimestamp() != nil {
		return nil, errNoOwner
	}
	return owner, nil
}

func selects(owner *unstructured.Unstructured, of map[string]string) bool {
	content, found, err := unstructured.NestedMap(owner.Object, "spec", "selector")
	if err != nil || !found {
		return false
	}
	var selector metav1.LabelSelector
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(content, &selector); err != nil {
		return false
	}
	parsed, err := metav1.LabelSelectorAsSelector(&selector)
	return err == nil && !parsed.Empty() && parsed.Matches(labels.Set(of))
}

// holds reports whether a workload's own strategy keeps pods as they are when its template changes: a
// rollout would never end, and restart nothing.
func holds(owner *unstructured.Unstructured) bool {
	strategy, _, _ := unstructured.NestedString(owner.Object, "spec", "updateStrategy", "type")
	partition, _, _ := unstructured.NestedInt64(owner.Object, "spec", "updateStrategy", "rollingUpdate", "partition")
	return strategy == "OnDelete" || owner.GetKind() == kindStatefulSet && partition > 0
}

// rolling reports whether a workload is not yet what was asked for: its controller has not seen
// the change, pods are of before, or new ones are not available.
func rolling(owner *unstructured.Unstructured) bool {
	number := func(fallback int64, path ...string) int64 {
		if n, found, err := unstructured.NestedInt64(owner.Object, path...); err == nil && found {
			return n
		}
		return fallback
	}
	if owner.GetKind() == kindRollout {
		asked, _, _ := unstructured.NestedString(owner.Object, "spec", "restartAt")
		done, _, _ := unstructured.NestedString(owner.Object, "status", "restartedAt")
		if asked != done {
			return true
		}
	} else if number(0, "status", "observedGeneration") < owner.GetGeneration() {
		return true
	}
	held := holds(owner)
	if owner.GetKind() == kindDaemonSet {
		wanted := number(0, "status", "desiredNumberScheduled")
		return !held && number(0, "status", "updatedNumberScheduled") < wanted || number(0, "status", "numberAvailable") < wanted
	}
	wanted := number(1, "spec", "replicas")
	return !held && number(0, "status", "updatedReplicas") < wanted || number(0, "status", "availableReplicas") < wanted ||
		number(0, "status", "replicas") > wanted
}
