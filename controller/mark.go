package controller

import (
	"context"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject/annotation"
)

func marked(spc *secretsstorev1.SecretProviderClass) bool {
	_, ok := spc.Annotations[annotation.UnusedSince]
	return ok
}

// unusedSince reads the mark. One that cannot be read, or lies in the future, is as
// good as none: another writer wrote it, and it must neither hasten the
// end of a class nor put it off for ever.
func unusedSince(spc *secretsstorev1.SecretProviderClass, now time.Time) (since time.Time, ok bool) {
	since, err := time.Parse(time.RFC3339, spc.Annotations[annotation.UnusedSince])
	return since, err == nil && !since.After(now)
}

// markAt is the mark for an instant. Whole seconds, rounded down: rounded up, it
// would lie in the future when it is read back.
func markAt(now time.Time) string {
	return now.UTC().Format(time.RFC3339)
}

// patchMark writes the mark, or takes it off if it is empty. It is a conflict if
// the class has changed since it was read, and touches nothing but the annotation.
func patchMark(ctx context.Context, writer client.Writer, spc *secretsstorev1.SecretProviderClass, mark string) error {
	changed := spc.DeepCopy()
	if mark == "" {
		delete(changed.Annotations, annotation.UnusedSince)
	} else {
		if changed.Annotations == nil {
			changed.Annotations = map[string]string{}
		}
		changed.Annotations[annotation.UnusedSince] = mark
	}
	return writer.Patch(ctx, changed, client.MergeFromWithOptions(spc, client.MergeFromWithOptimisticLock{}))
}
