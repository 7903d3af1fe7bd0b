package corpus

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"
	"sigs.k8s.io/yaml"

	"akv-injector/inject"
	"akv-injector/inject/provider"
)

// DriverNamespace is where the driver's DaemonSets are.
const DriverNamespace = "kube-system"

// objects of a cluster, by kind and name.
type objects map[string]runtime.Object

func key(kind, name string) string { return kind + "/" + name }

// under is these objects with others laid over them.
func (o objects) under(others objects) objects {
	both := maps.Clone(o)
	maps.Copy(both, others)
	return both
}

func readObjects(path string) (objects, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	found := objects{}
	documents := utilyaml.NewYAMLReader(newReader(text))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if len(bytes.TrimSpace(document)) == 0 {
			continue
		}
		k, o, err := readObject(document)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if _, ok := found[k]; ok {
			return nil, fmt.Errorf("%s: %s stands there twice", path, k)
		}
		found[k] = o
	}
}

func readObject(document []byte) (string, runtime.Object, error) {
	var head metav1.PartialObjectMetadata
	if err := yaml.Unmarshal(document, &head); err != nil {
		return "", nil, err
	}
	var o runtime.Object
	namespace := Namespace
	switch gvk := head.GroupVersionKind(); gvk {
	case corev1.SchemeGroupVersion.WithKind("Namespace"):
		o, namespace = &corev1.Namespace{}, ""
	case corev1.SchemeGroupVersion.WithKind("ServiceAccount"):
		o = &corev1.ServiceAccount{}
	case secretsstorev1.SchemeGroupVersion.WithKind("SecretProviderClass"):
		o = &secretsstorev1.SecretProviderClass{}
	case storagev1.SchemeGroupVersion.WithKind("CSIDriver"):
		o, namespace = &storagev1.CSIDriver{}, ""
	case appsv1.SchemeGroupVersion.WithKind("DaemonSet"):
		o, namespace = &appsv1.DaemonSet{}, DriverNamespace
	case corev1.SchemeGroupVersion.WithKind("Pod"):
		o = &corev1.Pod{}
	default:
		return "", nil, fmt.Errorf("%s is no kind that a decision looks at", gvk)
	}
	k := key(head.Kind, head.Name)
	if head.Namespace != namespace {
		return "", nil, fmt.Errorf("%s is in namespace %q, where %q is wanted", k, head.Namespace, namespace)
	}
	return k, o, yaml.UnmarshalStrict(document, o)
}

// Objects of the cluster that the case's object meets, in an order in which they can be
// created: namespaces first.
func (c *Case) Objects() []runtime.Object {
	var list []runtime.Object
	for _, first := range []bool{true, false} {
		for _, k := range slices.Sorted(maps.Keys(c.objects)) {
			o := c.objects[k]
			if _, isNamespace := o.(*corev1.Namespace); isNamespace == first {
				list = append(list, o.DeepCopyObject())
			}
		}
	}
	return list
}

// NamespaceObject is the namespace of the case's object.
func (c *Case) NamespaceObject() *corev1.Namespace {
	ns, _ := lookup[*corev1.Namespace](c.objects, "Namespace", Namespace)
	return ns
}

// FactsFor are the facts that are named, with nil where the cluster has none.
func (c *Case) FactsFor(needs inject.Needs) inject.Facts {
	f := inject.Facts{
		Namespace:       c.NamespaceObject(),
		ServiceAccounts: map[string]*corev1.ServiceAccount{},
		Classes:         map[string]*secretsstorev1.SecretProviderClass{},
	}
	for _, name := range needs.ServiceAccounts {
		f.ServiceAccounts[name], _ = lookup[*corev1.ServiceAccount](c.objects, "ServiceAccount", name)
	}
	for _, name := range needs.Classes {
		f.Classes[name], _ = lookup[*secretsstorev1.SecretProviderClass](c.objects, "SecretProviderClass", name)
	}
	if needs.CSIDriver {
		c.driverFacts(&f)
	}
	c.vaultFacts(&f)
	return f
}

// ClassFacts are those about a class.
func (c *Case) ClassFacts(name string) inject.Facts {
	f := inject.Facts{Namespace: c.NamespaceObject()}
	c.driverFacts(&f)
	c.vaultFacts(&f)
	for _, o := range c.objects {
		if pod, ok := o.(*corev1.Pod); ok && inject.MountsClass(pod, name) {
			f.MountedBy = append(f.MountedBy, pod.Name)
		}
	}
	slices.Sort(f.MountedBy)
	return f
}

// driverFacts are what the cluster says of the driver. Its objects are all there are.
func (c *Case) driverFacts(f *inject.Facts) {
	var found bool
	f.CSIDriver, found = lookup[*storagev1.CSIDriver](c.objects, "CSIDriver", provider.DriverName)
	f.NoCSIDriver = !found
	f.NoClassCRD = c.Options.NoClassCRD
	var sets []appsv1.DaemonSet
	for _, k := range slices.Sorted(maps.Keys(c.objects)) {
		if set, ok := c.objects[k].(*appsv1.DaemonSet); ok {
			sets = append(sets, *set)
		}
	}
	f.Driver = provider.DriverIn(sets)
}

// lookup hands out copies: a case is read once and used by many tests.
func lookup[T interface {
	comparable
	DeepCopyObject() runtime.Object
}](o objects, kind, name string) (T, bool) {
	found, ok := o[key(kind, name)].(T)
	if !ok {
		return found, false
	}
	return found.DeepCopyObject().(T), true
}
