package workload

import (
	"cmp"

	corev1 "k8s.io/api/core/v1"
)

// DefaultAccount is what the API server fills in where a pod names no service account.
const DefaultAccount = "default"

// AccountOf is the service account that a pod spec names.
func AccountOf(spec *corev1.PodSpec) string {
	return cmp.Or(spec.ServiceAccountName, spec.DeprecatedServiceAccount, DefaultAccount)
}
