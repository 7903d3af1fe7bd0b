package manifest

import (
	"context"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/runtime"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject/facts"
	"akv-injector/inject/provider"
)

// Cluster is what the objects of a set reveal about the clusters that they are for: a
// repository has a folder for each environment, with objects of the same names. See [Cluster.From].
type Cluster struct {
	// Complete says that the objects are all there is: what is not among them does not
	// exist. Otherwise it is not known.
	Complete bool
	// DefaultNamespace of objects that name none.
	DefaultNamespace string
	// NoClassCRD is set by the caller: an application's manifests do not show it.
	NoClassCRD bool
	// Now is the time at which waivers are looked at.
	Now time.Time

	// byName has the objects that facts are about, in the order of the set.
	byName map[identity][]*Object
	// classes by namespace, each name once.
	classes map[string][]string
	drivers []*Object
}

// identity is what no two objects of a cluster have in common.
type identity struct{ kind, namespace, name string }

// Kinds that facts are about.
const (
	kindNamespace = "Namespace"
	kindAccount   = "ServiceAccount"
	kindClass     = "SecretProviderClass"
	kindCSIDriver = "CSIDriver"
)

// Cluster sorts the objects of a set.
func (s *Set) Cluster(defaultNamespace string, complete bool) *Cluster {
	c := &Cluster{
		Complete: complete, DefaultNamespace: defaultNamespace, Now: time.Now(),
		byName: map[identity][]*Object{}, classes: map[string][]string{},
	}
	for _, o := range s.Objects {
		id := c.identityOf(o)
		switch typed := o.Typed.(type) {
		case *corev1.Namespace, *corev1.ServiceAccount, *storagev1.CSIDriver:
		case *secretsstorev1.SecretProviderClass:
			if c.byName[id] == nil {
				c.classes[id.namespace] = append(c.classes[id.namespace], id.name)
			}
		case *appsv1.DaemonSet:
			if provider.DriverIn([]appsv1.DaemonSet{*typed}) != nil {
				c.drivers = append(c.drivers, o)
			}
			continue
		default:
			continue
		}
		c.byName[id] = append(c.byName[id], o)
	}
	return c
}

func (c *Cluster) identityOf(o *Object) identity {
	return identity{o.Kind, c.NamespaceOf(o), o.Name}
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

// View is the cluster as it is for one object: of several objects of one name the nearest counts.
type View struct {
	*Cluster
	from      *Object
	namespace string
}

// From is the view from an object.
func (c *Cluster) From(o *Object) *View { return &View{c, o, c.NamespaceOf(o)} }

// find is the object of that name, and, where there are several of which none is the nearest, all of them.
func (v *View) find(kind, namespace, name string) (found *Object, among []*Object) {
	return nearest(v.from, v.byName[identity{kind, namespace, name}])
}

func typedAs[T runtime.Object](o *Object) T {
	var none T
	if o == nil {
		return none
	}
	typed, _ := o.Typed.(T)
	return typed
}

// Namespace of the object, or nil if it is not among the objects: then it counts as opted
// in, with no settings, since the question is what would happen there.
func (v *View) Namespace() *corev1.Namespace { return typedAs[*corev1.Namespace](v.NamespaceObject()) }

// NamespaceObject is the document of the Namespace, or nil.
func (v *View) NamespaceObject() *Object {
	o, _ := v.find(kindNamespace, "", v.namespace)
	return o
}

// Class is the document of a class in the object's namespace, or nil.
func (v *View) Class(name string) *Object {
	o, _ := v.find(kindClass, v.namespace, name)
	return o
}

// Facts are what a decision about the object needs.
func (v *View) Facts(needs facts.Needs) facts.Facts {
	f, err := facts.Gather(context.Background(), v.Source(), v.Namespace(), needs)
	if err != nil {
		panic("looking into manifests never fails: " + err.Error())
	}
	f.NoClassCRD, f.Now = v.NoClassCRD, v.Now
	return f
}

// Source of facts for the object.
func (v *View) Source() facts.Source { return source{v: v} }

// Ambiguity is a name that several objects have, of which none is nearer than the others.
type Ambiguity struct {
	Kind, Name string
	Among      []*Object
}

// Ambiguities are those among the objects that a decision needs.
func (v *View) Ambiguities(needs facts.Needs) []Ambiguity {
	var all []Ambiguity
	look := func(kind, namespace, name string) {
		if _, among := v.find(kind, namespace, name); len(among) > 0 {
			all = append(all, Ambiguity{kind, name, among})
		}
	}
	look(kindNamespace, "", v.namespace)
	for _, name := range needs.ServiceAccounts {
		look(kindAccount, v.namespace, name)
	}
	for _, name := range needs.Classes {
		look(kindClass, v.namespace, name)
	}
	return all
}

type source struct {
	facts.Partial
	v *View
}

// get is an object's type, with ErrUnknown where it is not known whether there is one, or which.
func get[T runtime.Object](s source, kind, namespace, name string) (T, error) {
	found, among := s.v.find(kind, namespace, name)
	if len(among) > 0 { // which one is not known, or whether it is this cluster's
		var none T
		return none, facts.ErrUnknown
	}
	return typedAs[T](found), s.v.known(found != nil)
}

// ServiceAccount of that name.
func (s source) ServiceAccount(_ context.Context, name string) (*corev1.ServiceAccount, error) {
	return get[*corev1.ServiceAccount](s, kindAccount, s.v.namespace, name)
}

// Class of that name.
func (s source) Class(_ context.Context, name string) (*secretsstorev1.SecretProviderClass, error) {
	return get[*secretsstorev1.SecretProviderClass](s, kindClass, s.v.namespace, name)
}

// SyncedBy finds the classes that sync Secrets. That no class among the objects does says nothing, unless they are all there is.
func (s source) SyncedBy(_ context.Context, secrets []string) (map[string][]string, error) {
	var classes []*secretsstorev1.SecretProviderClass
	for _, name := range s.v.classes[s.v.namespace] {
		if class := typedAs[*secretsstorev1.SecretProviderClass](s.v.Class(name)); class != nil && len(class.Spec.SecretObjects) > 0 {
			classes = append(classes, class)
		}
	}
	return facts.SyncedSecrets(classes, secrets), nil
}

// CSIDriver of the Secrets Store CSI driver.
func (s source) CSIDriver(context.Context) (*storagev1.CSIDriver, error) {
	return get[*storagev1.CSIDriver](s, kindCSIDriver, "", provider.DriverName)
}

// Driver is what the driver's DaemonSet says. There is one for each operating system.
func (s source) Driver(context.Context) (*provider.Driver, error) {
	near, at := atNearest(s.v.from, s.v.drivers)
	if at == elsewhere {
		return nil, facts.ErrUnknown
	}
	var sets []appsv1.DaemonSet
	for _, o := range near {
		if !slices.ContainsFunc(sets, func(d appsv1.DaemonSet) bool { return d.Name == o.Name }) {
			sets = append(sets, *typedAs[*appsv1.DaemonSet](o))
		}
	}
	for _, o := range near {
		if one := provider.DriverIn([]appsv1.DaemonSet{*typedAs[*appsv1.DaemonSet](o)}); one != nil && *one != *provider.DriverIn(sets) && len(sets) < len(near) {
			return nil, facts.ErrUnknown // of one name, with other flags
		}
	}
	driver := provider.DriverIn(sets)
	return driver, s.v.known(driver != nil)
}

// known is nil where it is known whether the cluster has an object.
func (c *Cluster) known(found bool) error {
	if found || c.Complete {
		return nil
	}
	return facts.ErrUnknown
}
