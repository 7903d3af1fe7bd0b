package restart

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"akv-injector/inject/annotation"
)

// restartedAt is what `kubectl rollout restart` writes.
const restartedAt = "kubectl.kubernetes.io/restartedAt"

// patchTimeout is for one patch.
const patchTimeout = 10 * time.Second

// patchOf restarts a workload, as its own tools do. The uid lets it fail for another of its name.
func patchOf(owner *unstructured.Unstructured, now time.Time) ([]byte, error) {
	stamp := now.UTC().Format(time.RFC3339)
	spec := map[string]any{"template": map[string]any{"metadata": map[string]any{"annotations": map[string]string{restartedAt: stamp}}}}
	if owner.GetKind() == kindRollout {
		spec = map[string]any{"restartAt": stamp}
	}
	return json.Marshal(map[string]any{"metadata": map[string]any{"uid": owner.GetUID()}, "spec": spec})
}

func send(ctx context.Context, writer client.Writer, owner *unstructured.Unstructured, patch []byte, options ...client.PatchOption) error {
	ctx, cancel := context.WithTimeout(ctx, patchTimeout)
	defer cancel()
	target := &unstructured.Unstructured{}
	target.SetGroupVersionKind(owner.GroupVersionKind())
	target.SetNamespace(owner.GetNamespace())
	target.SetName(owner.GetName())
	return writer.Patch(ctx, target, client.RawPatch(types.MergePatchType, patch), options...)
}

// policyWords are in the message of the admission policy for workloads.
const policyWords = "akv-injector changes nothing of a workload but when it was restarted"

// probeKey is never written: the policy refuses it.
const probeKey = annotation.Prefix + "policy-probe"

var (
	errNoPolicy = errors.New("no admission policy keeps akv-injector from changing more of a workload than when it was restarted")
	errNoRight  = errors.New("not allowed to patch workloads")
)

// prove tries, in a dry run, to change what we must not change of a workload. It returns why the right
// to patch workloads must not be used, or nil if the policy refuses it.
func prove(ctx context.Context, writer client.Writer, owner *unstructured.Unstructured) error {
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"uid": owner.GetUID(), "annotations": map[string]string{probeKey: "true"}}})
	if err != nil {
		return err
	}
	err = send(ctx, writer, owner, patch, client.DryRunAll)
	switch {
	case err == nil:
		return errNoPolicy
	case strings.Contains(err.Error(), "ValidatingAdmissionPolicy") && strings.Contains(err.Error(), policyWords):
		return nil
	case apierrors.IsForbidden(err):
		return errNoRight
	}
	return err
}
