package status

import (
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject/facts"
	"akv-injector/inject/provider"
	"akv-injector/keyvault"
)

// Mount is one object of one volume of a pod, with what the cluster says of it.
type Mount struct {
	Item
	// Ref is what to ask the vault, nil if there is nothing to ask.
	Ref *keyvault.Ref

	// object in the class, nil if the class does not name it.
	object *provider.Object
	// place in the history that the class keeps, -1 without one.
	place int
	// recorded is set if the driver has recorded a mount of the volume, at since.
	recorded bool
	since    time.Time
	// written is when the driver last wrote the record, within a second of the files.
	written time.Time
	// started is set once a container of the pod has.
	started bool
	// late are running containers that may not see the mount.
	late []container
	// outdated are the ways in which containers go on with an old content.
	outdated []outdating
	// failure is the last event of a mount that failed.
	failure *failure
	// reason why the cluster alone does not show it.
	reason *Reason
}

// Mounts are those of all pods, in the order of namespaces, pods, volumes and classes.
func (f *Snapshot) Mounts() []Mount {
	records := recordsByPod(f.Records)
	events := failuresByPod(f.Events)
	var mounts []Mount
	for i := range f.Pods {
		pod := &f.Pods[i]
		if !mountsSecrets(pod) || going(pod) {
			continue
		}
		known := facts.Facts{Classes: f.Classes[pod.Namespace]}
		volumes := known.Volumes(&pod.Spec)
		outdating := outdated(pod, known.Classes, volumes)
		for j := range volumes {
			v := &podVolume{
				snapshot: f, pod: pod, volume: &volumes[j],
				shared: slices.ContainsFunc(volumes, func(other facts.Volume) bool {
					return other.Name != volumes[j].Name && other.ClassName == volumes[j].ClassName
				}),
				failure: lastFailure(events[string(pod.UID)], volumes[j].Name, len(volumes) == 1),
			}
			v.find(records[recordKey{pod.Namespace, pod.Name, volumes[j].ClassName}])
			for _, o := range outdating {
				if o.volume == volumes[j].Name || o.class != "" && o.class == volumes[j].ClassName {
					v.outdated = append(v.outdated, o)
				}
			}
			mounts = append(mounts, v.mounts()...)
		}
	}
	return mounts
}

type recordKey struct{ namespace, pod, class string }

func recordsByPod(all []secretsstorev1.SecretProviderClassPodStatus) map[recordKey]*secretsstorev1.SecretProviderClassPodStatus {
	records := make(map[recordKey]*secretsstorev1.SecretProviderClassPodStatus, len(all))
	for i := range all {
		r := &all[i]
		records[recordKey{r.Namespace, r.Status.PodName, r.Status.SecretProviderClassName}] = r
	}
	return records
}

// podVolume is one volume of a pod.
type podVolume struct {
	snapshot *Snapshot
	pod      *corev1.Pod
	volume   *facts.Volume
	// shared is set where another volume of the pod has the same class.
	shared bool
	// record of its mount, nil if there is none.
	record   *secretsstorev1.SecretProviderClassPodStatus
	outdated []outdating
	failure  *failure
}

// find takes the record, unless it is another pod's of the same name, or another volume's.
// A pod of a StatefulSet finds that of its predecessor until the driver overwrites it.
func (v *podVolume) find(record *secretsstorev1.SecretProviderClassPodStatus) {
	if record == nil || !record.Status.Mounted {
		return
	}
	for _, owner := range record.OwnerReferences {
		if owner.Kind == "Pod" && owner.UID != v.pod.UID {
			return
		}
	}
	if v.shared && !strings.Contains(record.Status.TargetPath, "/"+v.volume.Name+"/") {
		return
	}
	v.record = record
}

// mounts are one for each object of the class and of the record.
func (v *podVolume) mounts() []Mount {
	known := map[string]string{}
	if v.record != nil {
		for _, o := range v.record.Status.Objects {
			known[o.ID] = o.Version
		}
	}
	var mounts []Mount
	named := map[string]bool{}
	for i := range v.volume.Objects {
		for place, id := range objectIDs(&v.volume.Objects[i], known) {
			named[id] = true
			mounts = append(mounts, v.objectMount(i, place, id, known[id]))
		}
	}
	if v.record != nil {
		for _, o := range v.record.Status.Objects {
			if !named[o.ID] {
				mounts = append(mounts, v.mount(o.ID, o.Version))
			}
		}
	}
	if len(mounts) == 0 {
		mounts = append(mounts, v.mount("", "")) // that a volume is empty is worth a row
	}
	for i := range mounts {
		v.judge(&mounts[i])
	}
	return mounts
}

// objectMount is the mount of the class's object i, at a place of its version history.
func (v *podVolume) objectMount(i, place int, id, version string) Mount {
	o := &v.volume.Objects[i]
	m := v.mount(id, version)
	m.object, m.place, m.File = o, place, o.File()
	if o.VersionHistory > 1 {
		m.File += "/" + strconv.Itoa(place)
	} else {
		m.place = -1
	}
	if m.Vault != "" {
		m.Ref = &keyvault.Ref{Cloud: m.Cloud, Vault: m.Vault, Type: keyvault.Type(o.Type), Name: o.Name}
	}
	if slices.ContainsFunc(v.volume.Objects[i+1:], func(other provider.Object) bool { return sameRecord(o, &other) }) {
		m.shareObject()
	}
	return m
}

// judge gives a mount its problem, and what is outdated of it.
func (v *podVolume) judge(m *Mount) {
	m.reason = v.problem(m)
	for _, o := range v.outdated {
		if o.touches(m.File) {
			m.outdated = append(m.outdated, o)
		}
	}
}

// mount is one with what all objects of the volume have in common.
func (v *podVolume) mount(id, version string) Mount {
	cloud, vault := v.volume.Vault()
	m := Mount{
		Item: Item{
			Namespace: v.pod.Namespace, Pod: v.pod.Name, Node: v.pod.Spec.NodeName,
			Volume: v.volume.Name, Class: v.volume.ClassName, Cloud: cloud, Vault: vault, Object: id,
		},
		place: -1, started: started(v.pod), failure: v.failure,
	}
	if version != "" {
		m.Mounted = &Version{Version: version}
	}
	if v.record != nil {
		m.recorded, m.since, m.written = true, v.record.CreationTimestamp.Time, provider.Written(&v.record.ObjectMeta)
		m.late = olderThan(v.pod, v.volume.Name, m.since)
	}
	return m
}

// problem says what keeps a mount from being judged, or is nil.
func (v *podVolume) problem(m *Mount) *Reason {
	switch {
	case m.reason != nil:
		return m.reason
	case v.shared && v.record == nil:
		return &Reason{SharedClass, "two volumes of the pod have the class " + v.volume.ClassName + ", and the driver records one of them"}
	case v.snapshot.ClassesUnknown != "":
		return &Reason{ClassNotFound, v.snapshot.ClassesUnknown}
	case v.volume.Class == nil:
		return &Reason{ClassNotFound, "there is no class " + v.volume.ClassName + ", without which the driver rotates nothing"}
	case !v.volume.Class.Azure():
		return &Reason{OtherProvider, "the class is for the provider " + string(v.volume.Class.Spec.Provider)}
	case m.object == nil && len(v.volume.Errors) > 0:
		return &Reason{ClassInvalid, "the objects of the class " + v.volume.ClassName + " cannot be read: " + v.volume.Errors[0].Error()}
	}
	return nil
}

// objectIDs are the ids under which the provider 1.8.2 reports an object: TYPE/NAME, or, of
// a history, TYPE/NAME/PLACE for as many versions as there are.
func objectIDs(o *provider.Object, known map[string]string) []string {
	id := o.Type + "/" + o.Name
	if o.VersionHistory <= 1 {
		return []string{id}
	}
	ids := []string{id + "/0"}
	for place := 1; ; place++ {
		next := id + "/" + strconv.Itoa(place)
		if _, ok := known[next]; !ok {
			return ids
		}
		ids = append(ids, next)
	}
}

// sameRecord reports whether two entries of a class have one id. The provider reports the
// version of the last of them, which says nothing about the others if those ask for another.
func sameRecord(a, b *provider.Object) bool {
	return a.Type == b.Type && a.Name == b.Name && a.VersionHistory <= 1 == (b.VersionHistory <= 1) && a.Version != b.Version
}

// shareObject leaves out the version that the record has of another entry.
func (m *Mount) shareObject() {
	if m.Mounted == nil {
		return
	}
	m.Mounted = nil
	m.reason = &Reason{SharedObject, "another entry of the class has the same id with another version, and the driver records the last of them"}
}
