package inject

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/inject/annotation"
	"akv-injector/inject/workload"
	"akv-injector/internal/text"
)

// AKV017 reads the mount paths of each container. A mount below a secrets-store volume
// needs a folder in a read-only file system, which the runtime cannot make; in a folder
// of the secrets it hides what they have there, until a rotation replaces the folder and
// the mount is gone from the container (runc on Linux). A mount above is legal, but
// hidden below the secrets' path. Where the planner would mount at a path that is taken,
// it tells that itself.
var mountConflictRule = Rule{
	ID: "AKV017", Name: "mount-conflict", Severities: []Severity{Error, Warning},
	Summary:  "Another volume at or below a secrets-store mount's path in a container (error), or above it (warning).",
	Prevents: "The container cannot start, or does not see the files that rotate.",
	Evidence: "runc on Linux makes the folder of a mount in the file system below it, which is read-only here.",
	Remedy:   "Mount one of the two elsewhere.",
	On:       podsAndTemplates,
}

func checkMountConflict(s *subject) []Finding {
	if len(s.volumes) == 0 {
		return nil
	}
	windows := s.t.Windows()
	var findings []Finding
	workload.EachContainer(s.spec, func(c workload.Container) {
		mounts := make([]mountAt, len(c.VolumeMounts))
		for i := range c.VolumeMounts {
			m := &c.VolumeMounts[i]
			mounts[i] = mountAt{m, workload.ComparablePath(m.MountPath, windows), s.volume(m.Name)}
		}
		for i, store := range mounts {
			if store.volume == nil {
				continue
			}
			for j, other := range mounts {
				if j == i || other.volume != nil && j < i && other.path == store.path {
					continue // of two equal paths the later is told
				}
				if store.asked(windows) && other.asked(windows) {
					continue // the parser told
				}
				f, ok := store.conflict(other)
				if !ok {
					continue
				}
				f.Place = mountRef{other.VolumeMount, c, j}.path(s.SpecPath()).Child("mountPath")
				if other.asked(windows) {
					f.Place = other.volume.asked
				}
				findings = append(findings, f)
			}
		}
	})
	return findings
}

// mountAt is a mount, its comparable path and, if it is of the secrets store, its volume.
type mountAt struct {
	*corev1.VolumeMount
	path   string
	volume *storeVolume
}

// asked tells whether an annotation asks for this very mount.
func (m mountAt) asked(windows bool) bool {
	return m.volume != nil && m.volume.asked != nil && m.path == workload.ComparablePath(m.volume.askedPath, windows)
}

// conflict is what the other mount does to this one, of the secrets store.
func (m mountAt) conflict(other mountAt) (Finding, bool) {
	f := Finding{
		Rule: "AKV017", Name: ruleName("AKV017"), Severity: Error, Type: field.ErrorTypeInvalid,
		Fix: "Mount one of the two elsewhere, for example with " + annotation.MountPath + ".",
	}
	switch {
	case other.path == m.path:
		f.Message = fmt.Sprintf("Another mount stands at %s, where secrets are mounted already; the container sees only one of the two.", text.Shorten(m.MountPath))
	case workload.PathBelow(other.path, m.path):
		f.Message = fmt.Sprintf("%s lies inside %s, where the secrets are mounted read-only; the container cannot start, or loses this mount at a rotation.", text.Shorten(other.MountPath), text.Shorten(m.MountPath))
	case workload.PathBelow(m.path, other.path) && other.volume == nil:
		f.Severity = Warning
		f.Message = fmt.Sprintf("The secrets at %s are mounted inside this volume; what it holds below that path is hidden.", text.Shorten(m.MountPath))
	default:
		return Finding{}, false
	}
	return f, true
}
