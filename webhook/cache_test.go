package webhook

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
)

func TestTransforms(t *testing.T) {
	full := metav1.ObjectMeta{
		Namespace: "shop", Name: "x", UID: "u", ResourceVersion: "7",
		Labels:        map[string]string{annotation.LabelInjection: "enabled", "team": "a"},
		ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "kubectl"}},
		Annotations: map[string]string{
			"kubectl.kubernetes.io/last-applied-configuration": "{}",
			annotation.AllowedVaults:                           "a-*",
			provider.AnnotationClientID:                        testClient,
			provider.AnnotationTenantID:                        testTenant,
		},
	}
	meta := func(labels, annotations map[string]string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Namespace: "shop", Name: "x", UID: "u", ResourceVersion: "7", Labels: labels, Annotations: annotations}
	}
	cases := map[string]struct {
		transform toolscache.TransformFunc
		in, want  any
	}{
		"namespace": {
			transform: namespaceTransform,
			in:        &corev1.Namespace{ObjectMeta: full, Spec: corev1.NamespaceSpec{Finalizers: []corev1.FinalizerName{"kubernetes"}}},
			want:      &corev1.Namespace{ObjectMeta: meta(full.Labels, map[string]string{annotation.AllowedVaults: "a-*"})},
		},
		"service account": {
			transform: serviceAccountTransform,
			in: &corev1.ServiceAccount{
				ObjectMeta: full, AutomountServiceAccountToken: new(false),
				Secrets:          []corev1.ObjectReference{{Name: "token"}},
				ImagePullSecrets: []corev1.LocalObjectReference{{Name: "registry"}},
			},
			want: &corev1.ServiceAccount{
				ObjectMeta: meta(nil, map[string]string{
					provider.AnnotationClientID: testClient, provider.AnnotationTenantID: testTenant,
				}),
				AutomountServiceAccountToken: new(false),
				ImagePullSecrets:             []corev1.LocalObjectReference{{Name: "registry"}},
			},
		},
		"without annotations": {
			transform: serviceAccountTransform,
			in:        &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "x"}},
			want:      &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "x"}},
		},
		"tombstone": {
			transform: namespaceTransform,
			in:        toolscache.DeletedFinalStateUnknown{Key: "x"},
			want:      toolscache.DeletedFinalStateUnknown{Key: "x"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := c.transform(c.in)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			// Informers transform what is transformed already, on a resync.
			again, err := c.transform(got)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(got, again); diff != "" {
				t.Errorf("not stable (-once +twice):\n%s", diff)
			}
		})
	}
}

// A decision on what the cache holds is the one on the full objects.
func TestTransformsKeepWhatDecisionsRead(t *testing.T) {
	items := inPlace()
	for i, item := range items {
		for kind, byObject := range CacheByObject(DefaultDriverNamespace) {
			if kindOf(kind) != kindOf(item) || byObject.Transform == nil {
				continue
			}
			kept, err := byObject.Transform(item.DeepCopyObject())
			if err != nil {
				t.Fatal(err)
			}
			items[i] = kept.(client.Object)
		}
	}
	review := reviewOf(raw(t, asking()))
	full := answerOf(t, newCluster(inPlace()...).admission().Mutate(), review)
	if diff := cmp.Diff(full, answerOf(t, newCluster(items...).admission().Mutate(), review)); diff != "" {
		t.Errorf("(-full +cached):\n%s", diff)
	}
}
