package webhook

import (
	"maps"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject/annotation"
	"akv-injector/inject/facts"
)

const (
	// maxContents classes are kept, and of each no more than maxContent bytes: some 16 MiB.
	maxContents = 256
	maxContent  = 64 << 10
)

// classContents has the content of classes that pods mounted lately. The cache of all classes
// has only their identity; its resourceVersion says whether what is here is still right.
type classContents struct {
	mu     sync.Mutex
	stored map[types.UID]*secretsstorev1.SecretProviderClass
}

func newClassContents() *classContents {
	return &classContents{stored: map[types.UID]*secretsstorev1.SecretProviderClass{}}
}

// whole is a cached class with its content, or nil if that is not known. It must not be
// changed.
func (c *classContents) whole(cached *secretsstorev1.SecretProviderClass) *secretsstorev1.SecretProviderClass {
	if _, leftOut := cached.Annotations[annotation.CachedContent]; !leftOut {
		return cached
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	class := c.stored[cached.UID]
	if class == nil || class.ResourceVersion != cached.ResourceVersion {
		return nil
	}
	return class
}

// keep keeps what the API server has answered.
func (c *classContents) keep(class *secretsstorev1.SecretProviderClass) {
	// Of an object of the API server the mark says nothing.
	delete(class.Annotations, annotation.CachedContent)
	if facts.SizeOf(class) > maxContent {
		return
	}
	// Of the metadata rules read our own annotations and labels; what else there is can be large.
	kept := class.DeepCopy()
	foreign := func(key, _ string) bool { return !strings.HasPrefix(key, annotation.Prefix) }
	maps.DeleteFunc(kept.Annotations, foreign)
	maps.DeleteFunc(kept.Labels, foreign)
	kept.ManagedFields, kept.Finalizers, kept.OwnerReferences = nil, nil, nil
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, known := c.stored[kept.UID]; !known && len(c.stored) >= maxContents {
		for other := range c.stored {
			delete(c.stored, other) // any will do
			break
		}
	}
	c.stored[kept.UID] = kept
}
