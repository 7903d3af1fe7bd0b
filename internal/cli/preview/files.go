package preview

import (
	"context"

	corev1 "k8s.io/api/core/v1"

	"akv-injector/inject/facts"
	"akv-injector/internal/cli/manifest"
)

// Files is a Cluster that knows what stands in files alone.
type Files struct{ *manifest.Cluster }

// Namespace of that name, nil where no file has it.
func (f Files) Namespace(_ context.Context, name string) (*corev1.Namespace, error) {
	return f.Cluster.Namespace(name), nil
}

// Facts that the files hold.
func (f Files) Facts(_ context.Context, namespace string, needs facts.Needs) (facts.Facts, error) {
	return f.Cluster.Facts(namespace, needs), nil //nolint:contextcheck // read from memory: nothing waits
}
