package provider

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Written is when an object was last written, by the API server's clock. Of a record of the driver
// (SecretProviderClassPodStatus) it is within a second of the files, which the driver skips for its
// --rotation-poll-interval from then on.
func Written(m *metav1.ObjectMeta) time.Time {
	last := m.CreationTimestamp.Time
	for i := range m.ManagedFields {
		if t := m.ManagedFields[i].Time; t != nil && t.After(last) {
			last = t.Time
		}
	}
	return last
}
