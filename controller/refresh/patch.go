package refresh

import (
	"context"
	"encoding/json"
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

// Results of a nudge.
const (
	sent    = "sent"
	gone    = "gone"
	refused = "refused"
	failed  = "failed"
)

// patchTimeout is for one patch: the driver must not be nudged for what was true long ago.
const patchTimeout = 10 * time.Second

// patcher changes one annotation of pods.
type patcher struct {
	writer client.SubResourceWriter
	now    func() time.Time
}

// patch is a merge patch of pods/status: the right to it cannot change what a pod runs, and no
// webhook for pods is called. The uid lets it fail for another pod of the same name.
func patchOf(uid types.UID, metadata map[string]any) ([]byte, error) {
	metadata["uid"] = uid
	return json.Marshal(map[string]any{"metadata": metadata})
}

func (p *patcher) send(ctx context.Context, key types.NamespacedName, uid types.UID, metadata map[string]any, options ...client.SubResourcePatchOption) error {
	ctx, cancel := context.WithTimeout(ctx, patchTimeout)
	defer cancel()
	raw, err := patchOf(uid, metadata)
	if err != nil {
		return err
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name}}
	return p.writer.Patch(ctx, pod, client.RawPatch(types.MergePatchType, raw), options...)
}

// Nudge makes the kubelet ask the driver for the volumes of a pod now.
func (p *patcher) Nudge(ctx context.Context, n Nudge) (result string, err error) {
	err = p.send(ctx, n.Pod, n.UID, map[string]any{
		"annotations": map[string]string{annotation.RefreshedAt: p.now().UTC().Format(annotation.RefreshedAtFormat)},
	})
	switch {
	case err == nil:
		return sent, nil
	case apierrors.IsNotFound(err), apierrors.IsConflict(err), apierrors.IsInvalid(err):
		// It was deleted meanwhile, and maybe another has its name.
		return gone, nil
	case apierrors.IsForbidden(err):
		return refused, err
	default:
		return failed, err
	}
}

// probeLabel is never written: the policy of our own account refuses it.
const probeLabel = annotation.Prefix + "policy-probe"

// policyWords are in the message of that policy.
const policyWords = "akv-injector changes nothing of a pod but the annotation " + annotation.RefreshedAt

// Prove tries, in a dry run, to change what we must not change of a pod. It returns why the
// right to patch pods must not be used, or nil if the policy refuses it.
func (p *patcher) Prove(ctx context.Context, key types.NamespacedName, uid types.UID) error {
	err := p.send(ctx, key, uid, map[string]any{"labels": map[string]string{probeLabel: "true"}}, client.DryRunAll)
	switch {
	case err == nil:
		return errNoPolicy
	case apierrors.IsNotFound(err), apierrors.IsConflict(err):
		return fmt.Errorf("%w: the pod is gone", errNotProven)
	case strings.Contains(err.Error(), "ValidatingAdmissionPolicy") && strings.Contains(err.Error(), policyWords):
		return nil
	case apierrors.IsForbidden(err):
		return fmt.Errorf("%w: no right to patch pods/status", errNoRight)
	default:
		return fmt.Errorf("%w: the API server did not answer the probe", errNotProven)
	}
}
