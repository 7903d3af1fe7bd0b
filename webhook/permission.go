package webhook

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"akv-injector/inject/facts"
)

// Creator creates objects; every client.Client is one.
type Creator interface {
	Create(ctx context.Context, obj client.Object, opts ...client.CreateOption) error
}

// Permissions asks the API server.
func Permissions(c Creator) MayUseFunc {
	return func(ctx context.Context, namespace string, use facts.Use) (facts.Permission, error) {
		review := use.Review(namespace)
		switch err := c.Create(ctx, review); {
		case apierrors.IsForbidden(err):
			// With a ClusterRole of before there were bindings. It costs a warning; with auto, words about it.
			return facts.NotKnown, nil
		case err != nil:
			return facts.Denied, fmt.Errorf("looking up whether ServiceAccount %s may use an identity: %w", line(use.Account, maxName), err)
		}
		return facts.PermissionIn(&review.Status), nil
	}
}
