package refresh

import (
	"context"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"akv-injector/controller/podstatus"
	"akv-injector/inject/annotation"
)

// Results of a nudge.
const (
	sent    = "sent"
	gone    = "gone"
	refused = "refused"
	failed  = "failed"
)

// patcher changes one annotation of pods.
type patcher struct {
	podstatus.Writer
	now func() time.Time
}

// Nudge makes the kubelet ask the driver for the volumes of a pod now.
func (p *patcher) Nudge(ctx context.Context, n Nudge) (result string, err error) {
	err = p.Annotate(ctx, n.Pod, n.UID, map[string]string{annotation.RefreshedAt: p.now().UTC().Format(annotation.RefreshedAtFormat)})
	switch {
	case err == nil:
		return sent, nil
	case podstatus.Gone(err):
		return gone, nil
	case apierrors.IsForbidden(err):
		return refused, err
	default:
		return failed, err
	}
}
