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

// AKV019 reads filePermission of the objects and the users and groups of the containers
// that mount them. The driver 1.6.0 writes files as root:root and ignores fsGroup (its
// CSIDriver has fsGroupPolicy unset, and the volume is read-only), so a user who is not
// root reads by the bits of others, or of the group where it is in group 0. Nothing is
// said where the user or its group is only known to the image.
var fileMode = Rule{
	Rule: finding.Rule{
		ID: "AKV019", Name: "file-mode", Severities: []finding.Severity{finding.Warning},
		Summary:  "A filePermission that keeps the file from the container's user, who is not root.",
		Prevents: "The file is there and rotates, and the container cannot read it.",
		Evidence: "Secrets Store CSI driver 1.6.0 writes files as root:root with the given mode (fileutil/atomic_writer.go), and fsGroup changes nothing of that.",
		Remedy:   "Leave filePermission out (0644), or write 0444.",
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
				continue // another rule's
			}
			if user := p.cannotRead(m.Container.Container, mode); user != "" {
				r.Warn(field.ErrorTypeInvalid, path,
					fmt.Sprintf("The file %q belongs to root and has mode %s, so the container %q, which runs as %s, cannot read it.",
						text.Shorten(o.File()), o.FilePermission, text.Shorten(m.Container.Name), user),
					"Remove filePermission from the object, or write \"0444\".")
			}
		}
	})
}

// cannotRead describes the user who certainly cannot read a file of root's, or is "".
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
	who := "a user who is not root"
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

// first is the value nearer to the container.
func first[T any](own, pod *T) *T {
	if own != nil {
		return own
	}
	return pod
}
