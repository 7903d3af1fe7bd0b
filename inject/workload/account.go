package workload

import (
	"cmp"

	corev1 "k8s.io/api/core/v1"
)

// DefaultAccount is the service account that the API server sets on a pod that names none.
const DefaultAccount = "default"

// AccountOf is the service account that a pod spec names, or DefaultAccount.
func AccountOf(spec *corev1.PodSpec) string {
	return cmp.Or(spec.ServiceAccountName, spec.DeprecatedServiceAccount, DefaultAccount)
}
