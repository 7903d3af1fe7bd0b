package preview

import (
	"context"

	corev1 "k8s.io/api/core/v1"

	"akv-injector/inject/facts"
	"akv-injector/internal/cli/manifest"
)

// Files is a Cluster that knows what stands in files alone.
type Files struct{ *manifest.Cluster }

// Namespace of an object, nil where no file has it.
func (f Files) Namespace(_ context.Context, o *manifest.Object) (*corev1.Namespace, error) {
	return f.From(o).Namespace(), nil
}

// Facts that the files hold.
func (f Files) Facts(_ context.Context, o *manifest.Object, needs facts.Needs) (facts.Facts, error) {
	return f.From(o).Facts(needs), nil //nolint:contextcheck // read from memory: nothing waits
}

// Ambiguities are objects of which the files have several.
func (f Files) Ambiguities(o *manifest.Object, needs facts.Needs) []manifest.Ambiguity {
	return f.From(o).Ambiguities(needs)
}
