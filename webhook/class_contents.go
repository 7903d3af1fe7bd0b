package webhook

import (
	"sync"

	"k8s.io/apimachinery/pkg/types"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject/annotation"
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
	if contentSize(class) > maxContent {
		return
	}
	kept := class.DeepCopy()
	kept.ManagedFields = nil
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

func contentSize(class *secretsstorev1.SecretProviderClass) int {
	n := 0
	for _, m := range []map[string]string{class.Annotations, class.Labels, class.Spec.Parameters} {
		for k, v := range m {
			n += len(k) + len(v)
		}
	}
	const element = 64 // of a list, at least
	n += len(class.Spec.SecretObjects) * element
	for _, o := range class.Spec.SecretObjects {
		if o == nil {
			continue
		}
		n += len(o.SecretName) + len(o.Type) + len(o.Data)*element
		for _, d := range o.Data {
			if d != nil {
				n += len(d.Key) + len(d.ObjectName)
			}
		}
		for _, m := range []map[string]string{o.Labels, o.Annotations} {
			for k, v := range m {
				n += len(k) + len(v)
			}
		}
	}
	return n
}
