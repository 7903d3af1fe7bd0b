// Package podstatus patches the status of pods with the little that akv-injector's account may change
// there, and finds out whether the admission policy holds it to that.
package podstatus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"akv-injector/inject/annotation"
)

// Timeout is for one patch: nothing may be done for what was true long ago.
const Timeout = 10 * time.Second

// Writer patches the status of pods: the right to it cannot change what a pod runs, and no webhook
// for pods is called.
type Writer struct{ Client client.SubResourceWriter }

// Annotate sets annotations of a pod.
func (w Writer) Annotate(ctx context.Context, key types.NamespacedName, uid types.UID, annotations map[string]string) error {
	return w.send(ctx, key, uid, types.MergePatchType, map[string]any{"metadata": map[string]any{"annotations": annotations}})
}

// SetCondition sets a condition of a pod. A strategic patch leaves the kubelet's conditions alone.
func (w Writer) SetCondition(ctx context.Context, key types.NamespacedName, uid types.UID, condition corev1.PodCondition) error {
	return w.send(ctx, key, uid, types.StrategicMergePatchType, map[string]any{
		"metadata": map[string]any{}, "status": map[string]any{"conditions": []corev1.PodCondition{condition}},
	})
}

// send patches a pod. The uid lets it fail for another pod of the same name.
func (w Writer) send(ctx context.Context, key types.NamespacedName, uid types.UID, kind types.PatchType, content map[string]any, options ...client.SubResourcePatchOption) error {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	content["metadata"].(map[string]any)["uid"] = uid
	raw, err := json.Marshal(content)
	if err != nil {
		return err
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name}}
	return w.Client.Patch(ctx, pod, client.RawPatch(kind, raw), options...)
}

// Gone reports whether a patch failed because the pod was deleted, and maybe another has its name.
func Gone(err error) bool {
	return apierrors.IsNotFound(err) || apierrors.IsConflict(err) || apierrors.IsInvalid(err)
}

// probeLabel is never written: the policy of our own account refuses it.
const probeLabel = annotation.Prefix + "policy-probe"

// policyWords begin the messages of that policy, for pods of namespaces that have opted in and of
// others.
var policyWords = []string{
	"akv-injector changes nothing of a pod but ",
	"akv-injector changes pods by their status only",
}

// Why the right to patch pods must not be used.
var (
	ErrNoPolicy  = errors.New("no admission policy keeps akv-injector from changing more of a pod than it needs")
	ErrNoRight   = errors.New("not allowed")
	ErrNotProven = errors.New("it could not be shown that the admission policy of pods/status works")
)

// Prove tries, in a dry run, to change what we must not change of a pod. It returns why the right
// to patch pods must not be used, or nil if the policy refuses it. Its message has to name what we
// are about to change, so that it allows that.
func (w Writer) Prove(ctx context.Context, key types.NamespacedName, uid types.UID, named string) error {
	err := w.send(ctx, key, uid, types.MergePatchType, map[string]any{"metadata": map[string]any{"labels": map[string]string{probeLabel: "true"}}}, client.DryRunAll)
	switch {
	case err == nil:
		return ErrNoPolicy
	case apierrors.IsNotFound(err), apierrors.IsConflict(err):
		return fmt.Errorf("%w: the pod is gone", ErrNotProven)
	case byPolicy(err) && !strings.Contains(err.Error(), named):
		return fmt.Errorf("%w: the policy does not allow %s", ErrNoRight, named)
	case byPolicy(err):
		return nil
	case apierrors.IsForbidden(err):
		return fmt.Errorf("%w: no right to patch pods/status", ErrNoRight)
	default:
		return fmt.Errorf("%w: the API server did not answer the probe", ErrNotProven)
	}
}

func byPolicy(err error) bool {
	message := err.Error()
	if !strings.Contains(message, "ValidatingAdmissionPolicy") {
		return false
	}
	for _, words := range policyWords {
		if strings.Contains(message, words) {
			return true
		}
	}
	return false
}
