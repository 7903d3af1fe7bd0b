package rules

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/inject/annotation"
	"akv-injector/inject/finding"
	"akv-injector/inject/workload"
	"akv-injector/internal/text"
)

// AKV017 compares the mount paths of each container. A mount below a secrets-store volume
// needs a folder in a read-only file system, which the runtime cannot create. In an existing
// folder of the secrets it hides their files, until a rotation replaces the folder and the
// container loses the mount (runc on Linux). A mount above is legal, but hidden below the
// secrets' path. The plan reports paths of its own that are already in use (MountObstacles).
var mountConflict = Rule{
	Rule: finding.Rule{
		ID: "AKV017", Name: "mount-conflict", Severities: []finding.Severity{finding.Error, finding.Warning},
		Lookups:  finding.Namespace, // its mount-path
		Summary:  "Another volume at or below a secrets-store mount's path in a container (error), or above it (warning).",
		Prevents: "The container cannot start, or does not see the rotated files.",
		Evidence: "runc on Linux creates the folder of a mount in the file system below it, which is read-only here.",
		Remedy:   "Mount one of the two elsewhere.",
	},
	Pod: checkMountConflict,
}

func checkMountConflict(p *Pod, r *Report) {
	for _, o := range p.Plan.MountObstacles {
		r.Error(field.ErrorTypeInvalid, o.Place,
			fmt.Sprintf("Another mount is at %s, where %s asks for its files.", text.Shorten(o.Path), o.For),
			fmt.Sprintf("Change one of the two paths: mountPath here, or the annotation %s.", annotation.MountPath))
	}
	if len(p.Volumes) == 0 {
		return
	}
	workload.EachContainer(p.Spec, func(c workload.Container) { p.checkMountsOf(c, r) })
}

func (p *Pod) checkMountsOf(c workload.Container, r *Report) {
	windows := p.Target.Windows()
	mounts := make([]mountAt, len(c.VolumeMounts))
	for i := range c.VolumeMounts {
		m := &c.VolumeMounts[i]
		at := mountAt{VolumeMount: m, path: workload.ComparablePath(m.MountPath, windows), volume: p.volume(m.Name)}
		at.asked = at.volume != nil && at.volume.Asked != nil && at.path == workload.ComparablePath(at.volume.askedPath, windows)
		mounts[i] = at
	}
	for i, store := range mounts {
		if store.volume == nil {
			continue
		}
		for j, other := range mounts {
			if r.Full() {
				return
			}
			if j == i || other.volume != nil && j < i && other.path == store.path {
				continue // the later of two equal paths is reported
			}
			if store.asked && other.asked {
				continue // the parser reported it
			}
			severity, message := store.conflict(other)
			if message == "" {
				continue
			}
			place := Mount{other.VolumeMount, c, j}.place(p.Target).Child("mountPath")
			if other.asked {
				place = other.volume.Asked
			}
			r.add(severity, field.ErrorTypeInvalid, place, message,
				"Mount one of the two elsewhere, for example with "+annotation.MountPath+".")
		}
	}
}

// mountAt is a mount, its comparable path, and its volume if that is of the secrets store.
type mountAt struct {
	*corev1.VolumeMount
	path   string
	volume *Volume
	// asked is set for the mount that an annotation asks for.
	asked bool
}

// conflict returns how another mount conflicts with this one, which is of the secrets store.
// The message is empty if it does not.
func (m mountAt) conflict(other mountAt) (severity finding.Severity, message string) {
	switch {
	case other.path == m.path:
		return finding.Error, fmt.Sprintf("Another mount is at %s, where secrets are already mounted; the container sees only one of the two.", text.Shorten(m.MountPath))
	case workload.PathBelow(other.path, m.path):
		return finding.Error, fmt.Sprintf("%s is inside %s, where the secrets are mounted read-only; the container cannot start, or loses this mount at a rotation.", text.Shorten(other.MountPath), text.Shorten(m.MountPath))
	case workload.PathBelow(m.path, other.path) && other.volume == nil:
		return finding.Warning, fmt.Sprintf("The secrets at %s are mounted inside this volume, and hide its files below that path.", text.Shorten(m.MountPath))
	}
	return "", ""
}
