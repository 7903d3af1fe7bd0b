package facts

import (
	"slices"
	"strings"

	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject/finding"
	"akv-injector/inject/provider"
	"akv-injector/internal/text"
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

// Limits of what is read of a class; see provider.MaxObjectsText for the objects.
const (
	maxParameters    = 200
	maxSecretObjects = 1000 // and the entries of their data
)

// SizeOf is the size of a class's content, about the bytes of its JSON.
func SizeOf(class *secretsstorev1.SecretProviderClass) int {
	const element = 64 // of a list, at least
	n := sizeOfMap(class.Spec.Parameters) + len(class.Spec.SecretObjects)*element
	for _, o := range class.Spec.SecretObjects {
		if o == nil {
			continue
		}
		n += len(o.SecretName) + len(o.Type) + len(o.Data)*element + sizeOfMap(o.Labels) + sizeOfMap(o.Annotations)
		for _, d := range o.Data {
			if d != nil {
				n += len(d.Key) + len(d.ObjectName)
			}
		}
	}
	return n
}

func sizeOfMap(m map[string]string) int {
	n := 0
	for k, v := range m {
		n += len(k) + len(v)
	}
	return n
}

// oversize reports a class that is too large to be read.
func oversize(class *secretsstorev1.SecretProviderClass) *finding.FieldError {
	if n := len(class.Spec.Parameters); n > maxParameters {
		return finding.TooMany(finding.At("spec", "parameters"), n, maxParameters)
	}
	n := len(class.Spec.SecretObjects)
	for _, o := range class.Spec.SecretObjects {
		if o != nil {
			n += len(o.Data)
		}
	}
	if n > maxSecretObjects {
		return finding.TooMany(finding.At("spec", "secretObjects"), n, maxSecretObjects)
	}
	return nil
}

// trimmed is a class that is too large, with what can be read of it anyway: above all its
// vault, which the fence is about.
func trimmed(class *secretsstorev1.SecretProviderClass) *secretsstorev1.SecretProviderClass {
	some := &secretsstorev1.SecretProviderClass{TypeMeta: class.TypeMeta, ObjectMeta: class.ObjectMeta}
	some.Spec.Provider = class.Spec.Provider
	some.Spec.Parameters = map[string]string{}
	for _, key := range provider.ClassParameters() {
		if value, ok := class.Spec.Parameters[key]; ok {
			some.Spec.Parameters[key] = value
		}
	}
	return some
}

// NewClass reads the objects of a class, once for all callers. It is nil for a nil class.
func NewClass(class *secretsstorev1.SecretProviderClass) *Class {
	if class == nil {
		return nil
	}
	c := &Class{SecretProviderClass: class}
	if problem := oversize(class); problem != nil {
		c.SecretProviderClass, c.Errors = trimmed(class), finding.FieldErrors{problem}
		return c
	}
	if c.Azure() {
		c.Objects, c.At, c.Errors = readObjects(class.Spec.Parameters)
	}
	return c
}

func readObjects(parameters map[string]string) ([]provider.Object, []int, finding.FieldErrors) {
	return provider.ReadObjects(parameters[provider.ParamObjects], finding.At("spec", "parameters", provider.ParamObjects))
}

// Azure reports whether the class is for the Azure provider, however its name is written: a
// driver that finds another spelling must not be a way past the rules. A class without a provider, or
// with one that is nearly called so, is meant for it if it names a vault as only that provider has it.
func (c *Class) Azure() bool {
	if c == nil {
		return false
	}
	name := strings.ToLower(strings.TrimSpace(string(c.Spec.Provider)))
	if name == provider.ProviderAzure {
		return true
	}
	_, vault := c.Spec.Parameters[provider.ParamVault]
	return vault && (name == "" || strings.Contains(name, provider.ProviderAzure) || text.Nearest(name, []string{provider.ProviderAzure}) != "")
}

// Syncs reports whether the driver makes a Secret of that name for the class.
func (c *Class) Syncs(secret string) bool {
	return c != nil && slices.ContainsFunc(c.Spec.SecretObjects, func(o *secretsstorev1.SecretObject) bool {
		return o != nil && o.SecretName == secret && secret != ""
	})
}

// Generated reports whether the class has a name that is reserved for generated ones.
func (c *Class) Generated() bool { return provider.Reserved(c.Name) }
