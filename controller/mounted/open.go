package mounted

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"akv-injector/controller/podstatus"
)

// page is how many pods are read at once.
const page = 500

// OpenAll opens the gates of all pods, whether or not their secrets are mounted: nobody will do it when
// akv-injector is uninstalled. It returns how many it opened, and goes on after a pod that fails.
func OpenAll(ctx context.Context, reader client.Reader, writer podstatus.Writer, now func() time.Time) (opened int, err error) {
	var errs []error
	next := ""
	for {
		var pods corev1.PodList
		if err := reader.List(ctx, &pods, client.Limit(page), client.Continue(next)); err != nil {
			return opened, errors.Join(append(errs, fmt.Errorf("listing pods: %w", err))...)
		}
		for i := range pods.Items {
			pod := &pods.Items[i]
			if !closed(pod) || pod.DeletionTimestamp != nil {
				continue
			}
			key := client.ObjectKeyFromObject(pod)
			switch err := writer.SetCondition(ctx, key, pod.UID, condition("Uninstalled", "akv-injector was uninstalled", now())); {
			case err == nil:
				opened++
			case !podstatus.Gone(err):
				errs = append(errs, fmt.Errorf("opening the gate of %s: %w", key, err))
			}
		}
		if next = pods.Continue; next == "" {
			return opened, errors.Join(errs...)
		}
	}
}
