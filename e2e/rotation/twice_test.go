package rotation_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/e2e/system"
	"akv-injector/inject/finding"
)

// classTwice is AKV010. There is one record for both volumes, of the one that was mounted
// last. The loop of 1.4.8 goes by it, and looks for the class in the pod's first volume:
// the second never rotates, and the first not either if the record is the second's. With
// 1.6.0 both rotate, and each call of the kubelet writes the record anew for its volume.
func classTwice(t *testing.T, s *system.System) {
	b := newByHand(t, s, "class-twice")
	setSecret(t, b.Tenant, "DB-Password", "1")
	b.create(t, b.class("twice", object("DB-Password")), b.class("once", object("DB-Password")))
	pod := b.pod("reader", "once", "twice", "second")
	pod.Spec.Volumes[2].CSI.VolumeAttributes["secretProviderClass"] = "twice"
	runPod(t, b.Tenant, pod)
	b.refusedBy(t, "AKV010", finding.Error, pod)

	files := []string{"/mnt/once/DB-Password", "/mnt/twice/DB-Password", "/mnt/second/DB-Password"}
	if s.Options.Legacy {
		files = files[:1]
	}
	for _, value := range []string{"2", "3"} {
		b.rotate(t, value, pod.Name, files...)
	}
	if s.Options.Legacy {
		b.stays(t, pod.Name, "cat /mnt/second/DB-Password", "1")
		recorded, err := b.recorded(t.Context(), pod.Name, "twice")
		check(t, err)
		if recorded == "second" {
			b.stays(t, pod.Name, "cat /mnt/twice/DB-Password", "1")
		}
		return
	}
	first, err := b.recorded(t.Context(), pod.Name, "twice")
	check(t, err)
	check(t, b.Await(t.Context(), b.Namespace, "a record of the other volume than "+first, func(ctx context.Context) (bool, string) {
		now, err := b.recorded(ctx, pod.Name, "twice")
		return err == nil && now != first, fmt.Sprintf("one of volume %q, %v", now, err)
	}))
}

// recorded is the volume that the driver's record of a pod and class is about.
func (b byHand) recorded(ctx context.Context, pod, class string) (volume string, err error) {
	var record secretsstorev1.SecretProviderClassPodStatus
	key := client.ObjectKey{Namespace: b.Namespace, Name: fmt.Sprintf("%s-%s-%s", pod, b.Namespace, class)}
	if err := b.API.Get(ctx, key, &record); err != nil {
		return "", err
	}
	return filepath.Base(filepath.Dir(record.Status.TargetPath)), nil // …/<volume>/mount
}
