package manifest

import (
	"context"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject/facts"
	"akv-injector/inject/provider"
)

// Cluster is what the objects of a set reveal about the cluster that they are for.
type Cluster struct {
	// Complete says that the objects are all there is: what is not among them does not
	// exist. Otherwise it is not known.
	Complete bool
	// DefaultNamespace of objects that name none.
	DefaultNamespace string
	// NoClassCRD is set by the caller: an application's manifests do not show it.
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
// in, with no settings, since the question is what would happen there.
func (c *Cluster) Namespace(name string) *corev1.Namespace {
	if o := c.NamespaceObject(name); o != nil {
		return o.Typed.(*corev1.Namespace)
	}
	return nil
}

// NamespaceObject is the document of a Namespace, or nil.
func (c *Cluster) NamespaceObject(name string) *Object { return c.namespaces[name] }

// Facts are what a decision about something in a namespace needs.
func (c *Cluster) Facts(namespace string, needs facts.Needs) facts.Facts {
	f, err := facts.Gather(context.Background(), c.In(namespace), c.Namespace(namespace), needs)
	if err != nil {
		panic("looking into manifests never fails: " + err.Error())
	}
	f.NoClassCRD = c.NoClassCRD
	return f
}

// In is a Source of facts about a namespace.
func (c *Cluster) In(namespace string) facts.Source { return source{c, namespace} }

type source struct {
	c         *Cluster
	namespace string
}

// ServiceAccount of that name.
func (s source) ServiceAccount(_ context.Context, name string) (*corev1.ServiceAccount, error) {
	account, ok := s.c.accounts[place{s.namespace, name}]
	return account, s.c.known(ok)
}

// Class of that name.
func (s source) Class(_ context.Context, name string) (*secretsstorev1.SecretProviderClass, error) {
	class, ok := s.c.classes[place{s.namespace, name}]
	return class, s.c.known(ok)
}

// SyncedBy finds the classes that sync Secrets. That no class among the objects does says nothing, unless they are all there is.
func (s source) SyncedBy(_ context.Context, secrets []string) (map[string][]string, error) {
	var classes []*secretsstorev1.SecretProviderClass
	for at, class := range s.c.classes {
		if at.namespace == s.namespace {
			classes = append(classes, class)
		}
	}
	return facts.SyncedSecrets(classes, secrets), nil
}

// CSIDriver of the Secrets Store CSI driver.
func (s source) CSIDriver(context.Context) (*storagev1.CSIDriver, error) {
	return s.c.csiDriver, s.c.known(s.c.csiDriver != nil)
}

// Driver is what the driver's DaemonSet says.
func (s source) Driver(context.Context) (*provider.Driver, error) {
	return s.c.driver, s.c.known(s.c.driver != nil)
}

// known is nil where it is known whether the cluster has an object.
func (c *Cluster) known(found bool) error {
	if found || c.Complete {
		return nil
	}
	return facts.ErrUnknown
}
