package classes_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/e2e/cluster"
)

// classIsThereBeforeThePod compares the versions of pods and their classes: the API
// server counts all writes in one order, so the class's must be the smaller.
func classIsThereBeforeThePod(t *testing.T, c *cluster.Cluster) {
	const pods = 50
	c.Namespace(t, "first", nil)
	inParallel(t, pods, func(ctx context.Context, i int) error {
		pod := cluster.Pod("first", fmt.Sprintf("pod-%d", i), fmt.Sprintf("object-%d", i/2))
		if err := c.API.Create(ctx, pod); err != nil {
			return err
		}
		name := cluster.Classes(pod)[0]
		class := &secretsstorev1.SecretProviderClass{}
		if err := c.API.Get(ctx, client.ObjectKey{Namespace: "first", Name: name}, class); err != nil {
			return err
		}
		stored, err := version(pod)
		if err != nil {
			return err
		}
		if class.Generation != 1 {
			return fmt.Errorf("the class %s has been written %d times", name, class.Generation)
		}
		// A class of two pods may carry a later mark's version; its own write was before.
		if written, err := version(class); err != nil {
			return err
		} else if len(class.Annotations) == 0 && written > stored {
			return fmt.Errorf("the class %s was written at %d, after its pod at %d", name, written, stored)
		}
		return nil
	})
}

func version(object client.Object) (int, error) {
	return strconv.Atoi(object.GetResourceVersion())
}
