package secretsstore

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// DaemonSet is one that says of the driver what a cluster's says: its version and its flags. It
// runs nowhere, for the driver is a process of the machine.
func (s *SecretsStore) DaemonSet(namespace string) *appsv1.DaemonSet {
	version := "v1.6.0"
	if s.options.Legacy {
		version = "v1.4.8"
		if s.options.Legacy15 {
			version = "v1.5.6"
		}
	}
	labels := map[string]string{"app": "secrets-store-csi-driver"}
	return &appsv1.DaemonSet{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "DaemonSet"},
		ObjectMeta: metav1.ObjectMeta{Name: "secrets-store-csi-driver", Namespace: namespace},
		Spec: appsv1.DaemonSetSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec: corev1.PodSpec{
					NodeSelector: map[string]string{"no": "node"},
					Containers:   []corev1.Container{{Name: "secrets-store", Image: "driver:" + version, Args: s.driverArgs()}},
				},
			},
		},
	}
}
