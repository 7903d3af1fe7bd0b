package controller

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"
)

// What the cache keeps of classes is enough to say which of them sync a Secret.
func TestSyncedBy(t *testing.T) {
	syncing := func(namespace, name string, secrets ...string) *secretsstorev1.SecretProviderClass {
		class := &secretsstorev1.SecretProviderClass{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
		class.Spec.SecretObjects = []*secretsstorev1.SecretObject{nil}
		for _, secret := range secrets {
			class.Spec.SecretObjects = append(class.Spec.SecretObjects, &secretsstorev1.SecretObject{
				SecretName: secret, Type: "Opaque", Data: []*secretsstorev1.SecretObjectData{{ObjectName: "a", Key: "a"}},
			})
		}
		return ClassTransform(class)
	}
	var many []string
	for i := range maxSecretNames + 10 {
		many = append(many, fmt.Sprintf("many-%d", i))
	}
	scheme := runtime.NewScheme()
	if err := secretsstorev1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	cached := fake.NewClientBuilder().WithScheme(scheme).WithObjects(
		syncing("shop", "b", "db", "db"), syncing("shop", "a", "db", "api"), syncing("other", "c", "db"), syncing("shop", "none"),
		syncing("shop", "long", strings.Repeat("a", 300)), syncing("shop", "many", many...),
	).Build()
	ready := false
	syncedBy := SyncedBy(cached, func() bool { return ready })
	if _, err := syncedBy(t.Context(), "shop", []string{"db"}); err == nil {
		t.Error("an answer before the cache has classes")
	}
	ready = true
	got, err := syncedBy(t.Context(), "shop", []string{"db", "api", "plain", strings.Repeat("a", 300), "many-0", many[len(many)-1]})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{
		"db": {"a", "b"}, "api": {"a"}, "plain": nil, "many-0": {"many"},
		strings.Repeat("a", 300): nil, many[len(many)-1]: nil, // not kept
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, o := range syncing("shop", "b", "db").Spec.SecretObjects {
		if len(o.Data) > 0 || o.Type != "" {
			t.Errorf("more than the name is kept: %+v", o)
		}
	}
}
