package webhook

import (
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject/annotation"
)

func contentOf(uid, version, objects string) *secretsstorev1.SecretProviderClass {
	return &secretsstorev1.SecretProviderClass{
		ObjectMeta: metav1.ObjectMeta{Name: "a", UID: types.UID(uid), ResourceVersion: version},
		Spec:       secretsstorev1.SecretProviderClassSpec{Parameters: map[string]string{"objects": objects}},
	}
}

func identityOf(uid, version string) *secretsstorev1.SecretProviderClass {
	class := contentOf(uid, version, "")
	class.Spec.Parameters = nil
	class.Annotations = map[string]string{annotation.CachedContent: annotation.ContentLeftOut}
	return class
}

func TestClassContents(t *testing.T) {
	c := newClassContents()
	if c.whole(identityOf("1", "1")) != nil {
		t.Error("content that was never read")
	}
	if whole := contentOf("1", "1", "x"); c.whole(whole) != whole {
		t.Error("a class that has its content is not taken as it is")
	}
	// The mark counts for nothing on what the API server answers.
	forged := contentOf("1", "1", "first")
	forged.Annotations = map[string]string{annotation.CachedContent: annotation.ContentIntact}
	c.keep(forged)
	if got := c.whole(identityOf("1", "1")); got == nil || got.Spec.Parameters["objects"] != "first" {
		t.Errorf("%v, want the content", got)
	}
	if _, marked := forged.Annotations[annotation.CachedContent]; marked {
		t.Error("a forged mark stays")
	}
	for name, identity := range map[string]*secretsstorev1.SecretProviderClass{"edited since": identityOf("1", "2"), "made again": identityOf("2", "1")} {
		if got := c.whole(identity); got != nil {
			t.Errorf("%s: %v, want nothing", name, got)
		}
	}
	c.keep(contentOf("1", "2", "second"))
	if got := c.whole(identityOf("1", "2")); got == nil || got.Spec.Parameters["objects"] != "second" {
		t.Errorf("%v, want the new content", got)
	}
}

func TestClassContentsAreBounded(t *testing.T) {
	c := newClassContents()
	for i := range 2 * maxContents {
		c.keep(contentOf(fmt.Sprint(i), "1", "x"))
	}
	if n := len(c.stored); n != maxContents {
		t.Errorf("%d are kept, want %d", n, maxContents)
	}
	large := contentOf("large", "1", strings.Repeat("a", maxContent))
	wide := contentOf("wide", "1", "")
	wide.Spec.SecretObjects = make([]*secretsstorev1.SecretObject, 20_000)
	for _, class := range []*secretsstorev1.SecretProviderClass{large, wide} {
		c.keep(class)
		if c.whole(identityOf(string(class.UID), "1")) != nil {
			t.Errorf("the content of %s is kept", class.UID)
		}
	}
}
