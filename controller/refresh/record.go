package refresh

import (
	"regexp"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject/provider"
)

// Record is what the driver recorded of a volume of a pod.
type Record struct {
	Pod types.NamespacedName
	// UID of the pod, empty if the record does not say.
	UID   types.UID
	Class string
	// Versions by the object's id.
	Versions map[string]string
	// Changed is when the driver last wrote it: it looked at the vault then.
	Changed time.Time
}

// Dated is a record with the time at which the driver made it, when the pod's containers started.
type Dated struct {
	Record
	Made time.Time
}

const (
	// maxRecorded is how many objects of a record are read. The provider takes no more.
	maxRecorded = 500
	// versionLength of Key Vault's versions. Longer texts are no versions.
	versionLength = 64
)

// recorded are the ids that the provider 1.8.2 records objects with. What else a record has was
// not written by it.
var (
	recordedID      = regexp.MustCompile(`^(secret|key|cert)/[-A-Za-z0-9]{1,127}(/[0-9]{1,3})?$`)
	recordedVersion = regexp.MustCompile(`^[0-9A-Za-z]{1,64}$`)
)

// ReadRecord reads a record. It is false for one without a mount.
func ReadRecord(r *secretsstorev1.SecretProviderClassPodStatus) (Record, bool) {
	out := Record{
		Pod:     types.NamespacedName{Namespace: r.Namespace, Name: r.Status.PodName},
		Class:   r.Status.SecretProviderClassName,
		Changed: provider.Written(&r.ObjectMeta),
	}
	if !r.Status.Mounted || r.Status.PodName == "" || out.Class == "" {
		return out, false
	}
	for _, owner := range r.OwnerReferences {
		if owner.Kind == "Pod" {
			out.UID = owner.UID
		}
	}
	out.Versions = make(map[string]string, min(len(r.Status.Objects), maxRecorded))
	for _, o := range r.Status.Objects[:min(len(r.Status.Objects), maxRecorded)] {
		if len(o.Version) <= versionLength && recordedID.MatchString(o.ID) && recordedVersion.MatchString(o.Version) {
			out.Versions[o.ID] = o.Version
		}
	}
	return out, true
}

// RecordTransform leaves of a record in a cache what ReadRecord reads. Every tenant may be able to
// write records, and each can be large.
func RecordTransform(full *secretsstorev1.SecretProviderClassPodStatus) *secretsstorev1.SecretProviderClassPodStatus {
	kept := &secretsstorev1.SecretProviderClassPodStatus{ObjectMeta: metav1.ObjectMeta{
		Namespace: full.Namespace, Name: full.Name, UID: full.UID, ResourceVersion: full.ResourceVersion,
		CreationTimestamp: full.CreationTimestamp,
	}}
	if last := provider.Written(&full.ObjectMeta); !last.Equal(full.CreationTimestamp.Time) {
		kept.ManagedFields = []metav1.ManagedFieldsEntry{{Time: &metav1.Time{Time: last}}}
	}
	read, ok := ReadRecord(full)
	if !ok {
		return kept
	}
	if read.UID != "" {
		kept.OwnerReferences = []metav1.OwnerReference{{Kind: "Pod", UID: read.UID}}
	}
	kept.Status.Mounted, kept.Status.PodName, kept.Status.SecretProviderClassName = true, read.Pod.Name, read.Class
	for _, o := range full.Status.Objects {
		if version, ok := read.Versions[o.ID]; ok && version == o.Version {
			kept.Status.Objects = append(kept.Status.Objects, o)
			delete(read.Versions, o.ID)
		}
	}
	return kept
}
