package manifest

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject"
	"akv-injector/inject/provider"
)

// Cluster is what the objects of a set tell about the cluster that they are for.
type Cluster struct {
	// Complete says that the objects are all there is: what is not among them does not
	// exist. Otherwise nobody knows.
	Complete bool
	// DefaultNamespace of objects that name none.
	DefaultNamespace string
	// NoClassCRD is set by who knows it: no manifest of an application tells.
	NoClassCRD bool

	namespaces map[string]*Object
	accounts   map[place]*corev1.ServiceAccount
	classes    map[place]*secretsstorev1.SecretProviderClass
	csiDriver  *storagev1.CSIDriver
	driver     *provider.Driver
}

type place struct{ namespace, name string }

// Cluster sorts the objects of a set. Of two with one name the later counts, as it does
// when they are applied.
func (s *Set) Cluster(defaultNamespace string, complete bool) *Cluster {
	c := &Cluster{
		Complete: complete, DefaultNamespace: defaultNamespace,
		namespaces: map[string]*Object{},
		accounts:   map[place]*corev1.ServiceAccount{},
		classes:    map[place]*secretsstorev1.SecretProviderClass{},
	}
	var sets []appsv1.DaemonSet
	for _, o := range s.Objects {
		at := place{c.NamespaceOf(o), o.Name}
		switch typed := o.Typed.(type) {
		case *corev1.Namespace:
			c.namespaces[o.Name] = o
		case *corev1.ServiceAccount:
			c.accounts[at] = typed
		case *secretsstorev1.SecretProviderClass:
			c.classes[at] = typed
		case *storagev1.CSIDriver:
			if o.Name == provider.DriverName {
				c.csiDriver = typed
			}
		case *appsv1.DaemonSet:
			sets = append(sets, *typed)
		}
	}
	c.driver = provider.DriverIn(sets)
	return c
}

// NamespaceOf is the namespace in which an object will be.
func (c *Cluster) NamespaceOf(o *Object) string {
	switch o.Typed.(type) {
	case *corev1.Namespace, *storagev1.CSIDriver:
		return ""
	}
	if o.Namespace != "" {
		return o.Namespace
	}
	if c.DefaultNamespace != "" {
		return c.DefaultNamespace
	}
	return corev1.NamespaceDefault
}

// Namespace of that name, or nil if it is not among the objects: then it counts as opted
// in, with no settings, since somebody asks what would happen there.
func (c *Cluster) Namespace(name string) *corev1.Namespace {
	if o := c.NamespaceObject(name); o != nil {
		return o.Typed.(*corev1.Namespace)
	}
	return nil
}

// NamespaceObject is the document of a Namespace, or nil.
func (c *Cluster) NamespaceObject(name string) *Object { return c.namespaces[name] }

// Facts are what a decision about something in a namespace needs.
func (c *Cluster) Facts(namespace string, needs inject.Needs) inject.Facts {
	f := inject.Facts{
		Namespace:       c.Namespace(namespace),
		ServiceAccounts: map[string]*corev1.ServiceAccount{},
		Classes:         map[string]*secretsstorev1.SecretProviderClass{},
	}
	for _, name := range needs.ServiceAccounts {
		if account, ok := c.accounts[place{namespace, name}]; ok || c.Complete {
			f.ServiceAccounts[name] = account
		}
	}
	for _, name := range needs.Classes {
		if class, ok := c.classes[place{namespace, name}]; ok || c.Complete {
			f.Classes[name] = class
		}
	}
	if needs.CSIDriver {
		c.driverFacts(&f)
	}
	return f
}

// ClassFacts are those about a class in a namespace.
func (c *Cluster) ClassFacts(namespace string) inject.Facts {
	f := inject.Facts{Namespace: c.Namespace(namespace)}
	c.driverFacts(&f)
	return f
}

func (c *Cluster) driverFacts(f *inject.Facts) {
	f.CSIDriver, f.Driver = c.csiDriver, c.driver
	f.NoCSIDriver = c.Complete && c.csiDriver == nil
	f.NoClassCRD = c.NoClassCRD
}
