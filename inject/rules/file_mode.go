package rules

import (
	"fmt"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/inject/finding"
	"akv-injector/internal/text"
)

// AKV019 checks the filePermission of objects against the users and groups of the
// containers that mount them. Driver 1.6.0 writes files as root:root and ignores fsGroup
// (its CSIDriver has fsGroupPolicy unset, and the volume is read-only), so a non-root user
// needs the read bit for others, or in group 0 that for the group. The rule reports nothing
// if only the image defines the user or its group.
var fileMode = Rule{
	Rule: finding.Rule{
		ID: "AKV019", Name: "file-mode", Severities: []finding.Severity{finding.Warning},
		Summary:  "A filePermission that does not let the container's non-root user read the file.",
		Prevents: "The file is mounted and rotates, but the container cannot read it.",
		Evidence: "Secrets Store CSI driver 1.6.0 writes files as root:root with the given mode (fileutil/atomic_writer.go), and fsGroup does not change that.",
		Remedy:   "Remove filePermission (the default is 0644), or set it to 0444.",
	},
	Pod: checkFileMode,
}

func checkFileMode(p *Pod, r *Report) {
	if len(p.Volumes) == 0 || p.Target.Windows() {
		return
	}
	p.EachMount(func(m Mount) {
		v := p.volume(m.Name)
		if v == nil {
			return
		}
		objects, path := p.ObjectsIn(v)
		for _, o := range objects {
			if o.FilePermission == "" {
				continue // 0644
			}
			mode, err := strconv.ParseUint(o.FilePermission, 8, 32)
			if err != nil || mode > 0o777 {
				continue // class-parameters reports it
			}
			if user := p.cannotRead(m.Container.Container, mode); user != "" {
				r.Warn(field.ErrorTypeInvalid, path,
					fmt.Sprintf("The file %q belongs to root and has mode %s, so the container %q, which runs as %s, cannot read it.",
						text.Shorten(o.File()), o.FilePermission, text.Shorten(m.Container.Name), user),
					"Remove filePermission from the object, or set it to \"0444\".")
			}
		}
	})
}

// cannotRead describes the container's user if it certainly cannot read a file of root with
// this mode, or returns "".
func (p *Pod) cannotRead(c *corev1.Container, mode uint64) string {
	const groupBit, othersBit = 0o040, 0o004
	if mode&othersBit != 0 {
		return ""
	}
	pod := p.Spec.SecurityContext
	if pod == nil {
		pod = &corev1.PodSecurityContext{}
	}
	own := c.SecurityContext
	if own == nil {
		own = &corev1.SecurityContext{}
	}
	user := first(own.RunAsUser, pod.RunAsUser)
	nonRoot := first(own.RunAsNonRoot, pod.RunAsNonRoot)
	who := "a non-root user"
	switch {
	case user != nil && *user != 0:
		who = fmt.Sprintf("user %d", *user)
	case user != nil || nonRoot == nil || !*nonRoot:
		return ""
	}
	if mode&groupBit == 0 {
		return who
	}
	group := first(own.RunAsGroup, pod.RunAsGroup)
	if group == nil || *group == 0 || slices.Contains(pod.SupplementalGroups, 0) || pod.FSGroup != nil && *pod.FSGroup == 0 {
		return ""
	}
	return fmt.Sprintf("%s and group %d", who, *group)
}

// first returns the container's own value, or else the pod's.
func first[T any](own, pod *T) *T {
	if own != nil {
		return own
	}
	return pod
}
