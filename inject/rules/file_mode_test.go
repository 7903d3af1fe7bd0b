package rules

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestFileMode(t *testing.T) {
	testRule(t, "AKV019", map[string]ruleCase{
		"for root only": {func(r *ruled) {
			r.Object(`{objectName: a, objectType: secret, filePermission: "0600"}`)
			r.Pod.Pod.Spec.SecurityContext = &corev1.PodSecurityContext{RunAsUser: new(int64(1000))}
		}, []string{"warning " + classField}},
		"no user set": {func(r *ruled) { r.Object(`{objectName: a, objectType: secret, filePermission: "0600"}`) }, nil},
		"root": {func(r *ruled) {
			r.Object(`{objectName: a, objectType: secret, filePermission: "0600"}`)
			r.Pod.Pod.Spec.SecurityContext = &corev1.PodSecurityContext{RunAsUser: new(int64(0))}
		}, nil},
		"root in the container": {func(r *ruled) {
			r.Object(`{objectName: a, objectType: secret, filePermission: "0600"}`)
			r.Pod.Pod.Spec.SecurityContext = &corev1.PodSecurityContext{RunAsUser: new(int64(1000))}
			r.App().SecurityContext = &corev1.SecurityContext{RunAsUser: new(int64(0))}
		}, nil},
		"not root": {func(r *ruled) {
			r.Object(`{objectName: a, objectType: secret, filePermission: "0400"}`)
			r.Pod.Pod.Spec.SecurityContext = &corev1.PodSecurityContext{RunAsNonRoot: new(true)}
		}, []string{"warning " + classField}},
		"another group": {func(r *ruled) {
			r.Object(`{objectName: a, objectType: secret, filePermission: "0440"}`)
			r.Pod.Pod.Spec.SecurityContext = &corev1.PodSecurityContext{RunAsUser: new(int64(1)), RunAsGroup: new(int64(1)), FSGroup: new(int64(2))}
		}, []string{"warning " + classField}},
		"group 0": {func(r *ruled) {
			r.Object(`{objectName: a, objectType: secret, filePermission: "0440"}`)
			r.Pod.Pod.Spec.SecurityContext = &corev1.PodSecurityContext{RunAsUser: new(int64(1)), RunAsGroup: new(int64(0))}
		}, nil},
		"fsGroup 0": {func(r *ruled) {
			r.Object(`{objectName: a, objectType: secret, filePermission: "0440"}`)
			r.Pod.Pod.Spec.SecurityContext = &corev1.PodSecurityContext{RunAsUser: new(int64(1)), RunAsGroup: new(int64(1)), FSGroup: new(int64(0))}
		}, nil},
		"a group that only the image defines": {func(r *ruled) {
			r.Object(`{objectName: a, objectType: secret, filePermission: "0440"}`)
			r.Pod.Pod.Spec.SecurityContext = &corev1.PodSecurityContext{RunAsUser: new(int64(1))}
		}, nil},
		"for all users": {func(r *ruled) {
			r.Object(`{objectName: a, objectType: secret, filePermission: "0444"}`)
			r.Pod.Pod.Spec.SecurityContext = &corev1.PodSecurityContext{RunAsUser: new(int64(1))}
		}, nil},
		"windows": {func(r *ruled) {
			r.Object(`{objectName: a, objectType: secret, filePermission: "0400"}`)
			r.Pod.Pod.Spec.SecurityContext = &corev1.PodSecurityContext{RunAsNonRoot: new(true)}
			r.Pod.Pod.Spec.OS = &corev1.PodOS{Name: corev1.Windows}
		}, nil},
	})
}
