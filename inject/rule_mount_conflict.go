package inject

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// AKV017 reads the mount paths of each container. A mount below a secrets-store volume
// needs a folder in a read-only file system, which the runtime cannot make, or hides
// files of it; a mount above is legal, but hides what the image has there. Where the
// planner would mount at a path that is taken, it tells that itself.
var mountConflictRule = Rule{
	ID: "AKV017", Name: "mount-conflict", Severities: []Severity{Error, Warning},
	Summary:  "Another volume at or below a secrets-store mount's path in a container (error), or above it (warning).",
	Prevents: "The container cannot start, or does not see the files that rotate.",
}

func checkMountConflict(s *subject) []Finding {
	windows := s.t.windows()
	var findings []Finding
	eachContainer(s.spec, func(c containerRef) {
		for i := range c.VolumeMounts {
			store := &c.VolumeMounts[i]
			if s.volume(store.Name) == nil {
				continue
			}
			root := comparablePath(store.MountPath, windows)
			for j := range c.VolumeMounts {
				other := &c.VolumeMounts[j]
				if j == i {
					continue
				}
				findings = append(findings, mountConflict(s, c, i, j, other, store.MountPath,
					comparablePath(other.MountPath, windows), root)...)
			}
		}
	})
	return findings
}

func mountConflict(s *subject, c containerRef, i, j int, other *corev1.VolumeMount, storePath, path, root string) []Finding {
	at := c.path(s.specPath()).Child("volumeMounts").Index(j).Child("mountPath")
	switch {
	case path == root && (s.volume(other.Name) == nil || j > i):
		return []Finding{found("AKV017", Error, field.ErrorTypeInvalid, at,
			fmt.Sprintf("Another mount stands at %s, where secrets are mounted already; the container sees only one of the two.", shorten(storePath)),
			"Mount one of the two elsewhere.")}
	case below(path, root):
		return []Finding{found("AKV017", Error, field.ErrorTypeInvalid, at,
			fmt.Sprintf("%s lies inside %s, where the secrets are mounted read-only; the container could not start.", shorten(other.MountPath), shorten(storePath)),
			fmt.Sprintf("Mount one of the two elsewhere, for example with %s.", AnnotationMountPath))}
	case below(root, path) && s.volume(other.Name) == nil:
		return []Finding{found("AKV017", Warning, field.ErrorTypeInvalid, at,
			fmt.Sprintf("The secrets at %s are mounted inside this volume; what it holds below that path is hidden.", shorten(storePath)),
			fmt.Sprintf("Mount one of the two elsewhere, for example with %s.", AnnotationMountPath))}
	}
	return nil
}
