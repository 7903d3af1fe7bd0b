package facts

import (
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject/finding"
	"akv-injector/inject/provider"
)

// Class is a SecretProviderClass whose objects have been read.
type Class struct {
	*secretsstorev1.SecretProviderClass
	// Objects of a class for the Azure provider, and the index of each in the array of
	// its class.
	Objects []provider.Object
	At      []int
	// Errors in the objects.
	Errors finding.FieldErrors
}

// NewClass reads the objects of a class, once for all callers. It is nil for a nil class.
func NewClass(class *secretsstorev1.SecretProviderClass) *Class {
	if class == nil {
		return nil
	}
	c := &Class{SecretProviderClass: class}
	if c.Azure() {
		c.Objects, c.At, c.Errors = readObjects(class.Spec.Parameters)
	}
	return c
}

func readObjects(parameters map[string]string) ([]provider.Object, []int, finding.FieldErrors) {
	return provider.ReadObjects(parameters[provider.ParamObjects], finding.At("spec", "parameters", provider.ParamObjects))
}

// Azure reports whether the class is for the Azure provider.
func (c *Class) Azure() bool { return c != nil && c.Spec.Provider == provider.ProviderAzure }

// Generated reports whether the class has a name that is reserved for generated ones.
func (c *Class) Generated() bool { return provider.Reserved(c.Name) }
