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

// AKV017 reads the mount paths of each container. A mount below a secrets-store volume
// needs a folder in a read-only file system, which the runtime cannot make; in a folder
// of the secrets it hides what they have there, until a rotation replaces the folder and
// the mount is gone from the container (runc on Linux). A mount above is legal, but
// hidden below the secrets' path. Where the planner would mount at a path that is taken,
// it tells that itself.
var mountConflict = Rule{
	Rule: finding.Rule{
		ID: "AKV017", Name: "mount-conflict", Severities: []finding.Severity{finding.Error, finding.Warning},
		Lookups:  finding.Namespace, // its mount-path
		Summary:  "Another volume at or below a secrets-store mount's path in a container (error), or above it (warning).",
		Prevents: "The container cannot start, or does not see the files that rotate.",
		Evidence: "runc on Linux makes the folder of a mount in the file system below it, which is read-only here.",
		Remedy:   "Mount one of the two elsewhere.",
	},
	Pod: checkMountConflict,
}

func checkMountConflict(p *Pod, r *Report) {
	for _, o := range p.Plan.MountObstacles {
		r.Error(field.ErrorTypeInvalid, o.Place,
			fmt.Sprintf("Another mount stands at %s, where %s asks for its files.", text.Shorten(o.Path), o.For),
			fmt.Sprintf("Move one of the two: mountPath here, or the annotation %s.", annotation.MountPath))
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
		mounts[i] = mountAt{m, workload.ComparablePath(m.MountPath, windows), p.volume(m.Name)}
	}
	for i, store := range mounts {
		if store.volume == nil {
			continue
		}
		for j, other := range mounts {
			if j == i || other.volume != nil && j < i && other.path == store.path {
				continue // of two equal paths the later is reported
			}
			if store.asked(windows) && other.asked(windows) {
				continue // the parser reported it
			}
			severity, message := store.conflict(other)
			if message == "" {
				continue
			}
			place := Mount{other.VolumeMount, c, j}.place(p.Target).Child("mountPath")
			if other.asked(windows) {
				place = other.volume.Asked
			}
			r.add(severity, field.ErrorTypeInvalid, place, message,
				"Mount one of the two elsewhere, for example with "+annotation.MountPath+".")
		}
	}
}

// mountAt is a mount, its comparable path and, if it is of the secrets store, its volume.
type mountAt struct {
	*corev1.VolumeMount
	path   string
	volume *Volume
}

// asked reports whether an annotation asks for this very mount.
func (m mountAt) asked(windows bool) bool {
	return m.volume != nil && m.volume.Asked != nil && m.path == workload.ComparablePath(m.volume.askedPath, windows)
}

// conflict is what the other mount does to this one, of the secrets store; the message is
// empty if that is nothing.
func (m mountAt) conflict(other mountAt) (severity finding.Severity, message string) {
	switch {
	case other.path == m.path:
		return finding.Error, fmt.Sprintf("Another mount stands at %s, where secrets are mounted already; the container sees only one of the two.", text.Shorten(m.MountPath))
	case workload.PathBelow(other.path, m.path):
		return finding.Error, fmt.Sprintf("%s lies inside %s, where the secrets are mounted read-only; the container cannot start, or loses this mount at a rotation.", text.Shorten(other.MountPath), text.Shorten(m.MountPath))
	case workload.PathBelow(m.path, other.path) && other.volume == nil:
		return finding.Warning, fmt.Sprintf("The secrets at %s are mounted inside this volume; what it holds below that path is hidden.", text.Shorten(m.MountPath))
	}
	return "", ""
}
