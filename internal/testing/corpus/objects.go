package corpus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"
	"sigs.k8s.io/yaml"

	"akv-injector/inject"
	"akv-injector/inject/facts"
	"akv-injector/inject/provider"
	"akv-injector/inject/workload"
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

func readObjects(text []byte) (objects, error) {
	found := objects{}
	documents := utilyaml.NewYAMLReader(newReader(text))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return nil, err
		}
		if len(bytes.TrimSpace(document)) == 0 {
			continue
		}
		k, o, err := readObject(document)
		if err != nil {
			return nil, err
		}
		if _, ok := found[k]; ok {
			return nil, fmt.Errorf("%s appears twice", k)
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

// ClusterYAML returns the objects of the case's cluster as a manifest.
func (c *Case) ClusterYAML() ([]byte, error) {
	var manifest bytes.Buffer
	for _, o := range c.Objects() {
		text, err := yaml.Marshal(o)
		if err != nil {
			return nil, err
		}
		if o.GetObjectKind().GroupVersionKind().Empty() {
			return nil, fmt.Errorf("an object without a kind: %s", text)
		}
		manifest.WriteString("---\n")
		manifest.Write(text)
	}
	return manifest.Bytes(), nil
}

// NamespaceObject is the namespace of the case's object.
func (c *Case) NamespaceObject() *corev1.Namespace {
	ns, _ := lookup[*corev1.Namespace](c.objects, "Namespace", Namespace)
	return ns
}

// FactsFor are the facts that are named, with nil where the cluster has none.
func (c *Case) FactsFor(needs facts.Needs) facts.Facts {
	f, err := facts.Gather(context.Background(), source{c}, c.NamespaceObject(), needs)
	if err != nil {
		panic("corpus: looking into a case never fails: " + err.Error())
	}
	f.NoClassCRD, f.Now = c.Options.NoClassCRD && needs.CSIDriver, time.Now()
	c.vaultFacts(&f)
	return f
}

// ClassFacts are those about a class.
func (c *Case) ClassFacts(class *secretsstorev1.SecretProviderClass) facts.Facts {
	name := class.Name
	f := c.FactsFor(inject.ClassNeeds(class))
	for _, o := range c.objects {
		if pod, ok := o.(*corev1.Pod); ok && !workload.Finished(pod) && slices.Contains(provider.ClassNames(&pod.Spec), name) {
			f.MountedBy = append(f.MountedBy, pod.Name)
		}
	}
	slices.Sort(f.MountedBy)
	return f
}

// source is the cluster of a case. Its objects are all there are.
type source struct{ *Case }

// ServiceAccount of that name.
func (s source) ServiceAccount(_ context.Context, name string) (*corev1.ServiceAccount, error) {
	account, _ := lookup[*corev1.ServiceAccount](s.objects, "ServiceAccount", name)
	return account, nil
}

// Class of that name.
func (s source) Class(_ context.Context, name string) (*secretsstorev1.SecretProviderClass, error) {
	class, _ := lookup[*secretsstorev1.SecretProviderClass](s.objects, "SecretProviderClass", name)
	return class, nil
}

// SyncedBy finds the classes that sync Secrets.
func (s source) SyncedBy(_ context.Context, secrets []string) (map[string][]string, error) {
	var classes []*secretsstorev1.SecretProviderClass
	for _, o := range s.objects {
		if class, ok := o.(*secretsstorev1.SecretProviderClass); ok {
			classes = append(classes, class)
		}
	}
	return facts.SyncedSecrets(classes, secrets), nil
}

// MayUse is what the case's cluster roles say.
func (s source) MayUse(_ context.Context, use facts.Use) (facts.Permission, error) {
	if s.Options.Bindings == nil {
		return facts.Denied, facts.ErrUnknown
	}
	if client, ok := s.Options.Bindings[use.Account]; ok && client == use.ClientID {
		return facts.Allowed, nil
	}
	return facts.Denied, nil
}

// Calls are those that the case says.
func (s source) Calls(_ context.Context, vault facts.VaultRef) (int, error) {
	if s.Options.Calls == nil {
		return 0, facts.ErrUnknown
	}
	return s.Options.Calls[vault.Vault], nil
}

// CSIDriver of the Secrets Store CSI driver.
func (s source) CSIDriver(context.Context) (*storagev1.CSIDriver, error) {
	driver, _ := lookup[*storagev1.CSIDriver](s.objects, "CSIDriver", provider.DriverName)
	return driver, nil
}

// Driver is what the driver's DaemonSet says.
func (s source) Driver(context.Context) (*provider.Driver, error) {
	var sets []appsv1.DaemonSet
	for _, k := range slices.Sorted(maps.Keys(s.objects)) {
		if set, ok := s.objects[k].(*appsv1.DaemonSet); ok {
			sets = append(sets, *set)
		}
	}
	return provider.DriverIn(sets), nil
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
