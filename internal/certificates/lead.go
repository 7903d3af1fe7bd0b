package certificates

import (
	"context"
	"os"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// Lead keeps whenever this replica leads, until ctx is done. The Lease is one of its own: in an upgrade to a version or a mode that keeps certificates, replicas of
// before hold the other Lease until the new ones are ready, which they are with a certificate alone.
func (k *Keeper) Lead(ctx context.Context, lease string) error {
	const (
		duration = 15 * time.Second
		deadline = 10 * time.Second
		retry    = 2 * time.Second
	)
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock: &resourcelock.LeaseLock{
			LeaseMeta: metav1.ObjectMeta{Namespace: k.Namespace, Name: lease}, Client: k.Client.CoordinationV1(),
			LockConfig: resourcelock.ResourceLockConfig{Identity: host + "_" + string(uuid.NewUUID())},
		},
		LeaseDuration: duration, RenewDeadline: deadline, RetryPeriod: retry, ReleaseOnCancel: true, Name: lease,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: k.Keep,
			OnStoppedLeading: func() {}, // nothing is lost: it stands for election again
		},
	})
	if err != nil {
		return err
	}
	for ctx.Err() == nil {
		elector.Run(ctx)
	}
	return nil
}
