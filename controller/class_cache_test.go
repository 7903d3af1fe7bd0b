package controller

import (
	"encoding/json"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject/annotation"
)

// A cached class has no content, whatever it is, and says of a generated one whether it is
// intact. A mark that somebody has written counts for nothing.
func TestClassTransform(t *testing.T) {
	class := classOf("payments-kv", "DB-Password")
	forged := func(spc *secretsstorev1.SecretProviderClass) {
		spc.Annotations = map[string]string{annotation.CachedContent: annotation.ContentIntact}
	}
	for name, tc := range map[string]struct {
		stored *secretsstorev1.SecretProviderClass
		want   string
	}{
		"ours, intact":         {stored(class), annotation.ContentIntact},
		"ours, edited":         {stored(class, edited), annotation.ContentLeftOut},
		"ours, edited, forged": {stored(class, edited, forged), annotation.ContentLeftOut},
		"somebody's, intact":   {stored(class, unlabelled), annotation.ContentLeftOut},
		"somebody's, forged":   {stored(class, unlabelled, forged), annotation.ContentLeftOut},
		"marked, and long": {stored(class, func(spc *secretsstorev1.SecretProviderClass) {
			spc.Annotations = map[string]string{annotation.UnusedSince: strings.Repeat("a", 100_000)}
		}), annotation.ContentIntact},
		"many labels":           {stored(class, func(spc *secretsstorev1.SecretProviderClass) { spc.Labels["a"] = strings.Repeat("a", 100_000) }), annotation.ContentIntact},
		"finalizers by hundred": {stored(class, func(spc *secretsstorev1.SecretProviderClass) { spc.Finalizers = make([]string, 100_000) }), annotation.ContentIntact},
		"managed fields": {stored(class, func(spc *secretsstorev1.SecretProviderClass) {
			spc.ManagedFields = make([]metav1.ManagedFieldsEntry, 1000)
		}), annotation.ContentIntact},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := transform(tc.stored)
			if err != nil {
				t.Fatal(err)
			}
			kept, ok := got.(*secretsstorev1.SecretProviderClass)
			if !ok || kept.Annotations[annotation.CachedContent] != tc.want {
				t.Fatalf("%+v, want %s", got, tc.want)
			}
			if text, err := json.Marshal(kept); err != nil || len(text) > 600 {
				t.Errorf("%d bytes are kept (%v)", len(text), err)
			}
			if kept.Name != tc.stored.Name || kept.ResourceVersion != tc.stored.ResourceVersion || managed(kept) != managed(tc.stored) || marked(kept) != marked(tc.stored) {
				t.Errorf("%+v is not the identity of %+v", kept.ObjectMeta, tc.stored.ObjectMeta)
			}
		})
	}
}

// An edited class is rewritten from the API server's object, of which the cache has a part.
func TestEditedClassIsRewrittenWhole(t *testing.T) {
	class := classOf("payments-kv", "DB-Password")
	live := stored(class, edited)
	live.Labels["team"] = "payments"
	api := cluster(t, interceptor.Funcs{}, live)
	cached := cluster(t, interceptor.Funcs{}, ClassTransform(storedClass(t.Context(), t, api, class.Name)))
	w := ClassWriter{Cached: cached, Live: api, Writer: api}
	change, err := w.EnsureClass(t.Context(), live.Namespace, class)
	if err != nil || change != Rewritten {
		t.Fatalf("%s, %v; want it rewritten", change, err)
	}
	if got := storedClass(t.Context(), t, api, class.Name); !intact(got) || got.Labels["team"] != "payments" {
		t.Errorf("%+v, want the content, and the other label kept", got)
	}
}
