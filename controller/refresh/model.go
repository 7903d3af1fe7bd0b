package refresh

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"akv-injector/inject/facts"
	"akv-injector/inject/provider"
)

// shortest is the shortest interval that is served, whatever a volume asks for: AKV005 refuses
// less, but not in every cluster and not everywhere.
const shortest = 10 * time.Second

// Pod is a running pod with volumes that ask for an interval.
type Pod struct {
	Key  types.NamespacedName
	UID  types.UID
	Node string
	// Asked is the interval that the volume of each class asks for.
	Asked map[string]time.Duration
}

// ReadPod reads a pod. It is false for one that is not to be nudged: its containers do not run
// yet or any more, it is being deleted, or no volume of it asks for an interval.
func ReadPod(pod *corev1.Pod) (Pod, bool) {
	p := Pod{Key: types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name}, UID: pod.UID, Node: pod.Spec.NodeName}
	if pod.DeletionTimestamp != nil || pod.Status.Phase != corev1.PodRunning {
		return p, false
	}
	for i := range pod.Spec.Volumes {
		v := &pod.Spec.Volumes[i]
		class, ok := provider.ClassName(v)
		if !ok || class == "" {
			continue
		}
		asked, _, ok := provider.ParseInterval(v.CSI.VolumeAttributes[provider.AttributeInterval])
		if !ok {
			continue
		}
		asked = max(asked, shortest)
		if p.Asked == nil {
			p.Asked = map[string]time.Duration{}
		}
		if other, twice := p.Asked[class]; !twice || asked < other {
			p.Asked[class] = asked
		}
	}
	return p, p.Asked != nil
}

// Object is an object of a vault.
type Object = facts.VaultObject

// Class is the content of a SecretProviderClass, as far as it matters here.
type Class struct {
	// Azure is set if the class is for the Azure provider.
	Azure bool
	Vault string
	// Objects by the id that the provider records each with.
	Objects map[string]Object
	// Pinned are the ids of those that never change.
	Pinned map[string]bool
}

// latest is understood by the provider where a history is kept.
const latest = "latest"

// ReadClass reads a class.
func ReadClass(class *facts.Class) Class {
	if !class.Azure() {
		return Class{}
	}
	c := Class{
		Azure: true, Vault: class.Spec.Parameters[provider.ParamVault],
		Objects: map[string]Object{}, Pinned: map[string]bool{},
	}
	cloud := class.Spec.Parameters[provider.ParamCloud]
	for _, o := range class.Objects {
		id := o.Type + "/" + o.Name
		history := o.VersionHistory > 1
		if history {
			id += "/0"
		}
		if o.Version != "" && (o.Version != latest || !history) {
			c.Pinned[id] = true
			continue
		}
		c.Objects[id] = facts.NewVaultObject(cloud, c.Vault, o)
	}
	return c
}

// Versions is what a vault says of an object.
type Versions struct {
	// At is when the vault was asked.
	At time.Time
	// Newest are the versions that may be the newest: Key Vault gives times in whole seconds.
	Newest []string
	// Created is when the newest was made, and Expires when it expires; zero if it does not.
	Created, Expires time.Time
	// Disabled is set if the vault does not give the newest version out.
	Disabled bool
}
