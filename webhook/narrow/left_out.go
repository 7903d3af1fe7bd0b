package narrow

import (
	"reflect"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// LeftOut are the fields, by their names in JSON, that are checked but not kept. No rule reads them: TestLeftOut.
var LeftOut = map[reflect.Type][]string{
	reflect.TypeFor[authenticationv1.UserInfo](): {"extra"},
	reflect.TypeFor[metav1.ObjectMeta]():         {"managedFields"},
	reflect.TypeFor[corev1.Container](): {
		"image", "workingDir", "ports", "resources", "resizePolicy", "restartPolicyRules", "volumeDevices", "livenessProbe", "readinessProbe",
		"startupProbe", "lifecycle", "terminationMessagePath", "terminationMessagePolicy", "imagePullPolicy",
	},
	reflect.TypeFor[corev1.PodSpec](): {
		"ephemeralContainers", "terminationGracePeriodSeconds", "dnsPolicy", "nodeName", "schedulerName", "tolerations", "hostAliases", "priorityClassName",
		"priority", "dnsConfig", "preemptionPolicy", "overhead", "topologySpreadConstraints", "schedulingGates", "resourceClaims", "resources",
	},
	reflect.TypeFor[corev1.PodStatus](): {
		"conditions", "initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses", "hostIPs", "podIPs", "resourceClaimStatuses",
	},
}
