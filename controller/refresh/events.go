package refresh

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/internal/text"
)

// Reasons of the events, which people look for with kubectl get events.
const (
	eventArrived  = "SecretVersionArrived"
	eventGaveUp   = "SecretVersionNotArriving"
	eventDisabled = "SecretVersionDisabled"
	eventEmpty    = "SecretsNotMounted"
)

// EventRecorder records events.
type EventRecorder interface {
	Eventf(regarding, related runtime.Object, eventtype, reason, action, note string, args ...any)
}

func reference(p *Pod) *corev1.Pod {
	return &corev1.Pod{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{Namespace: p.Key.Namespace, Name: p.Key.Name, UID: p.UID},
	}
}

// arrived reports that a version is in a pod. ReadRecord has checked both texts.
func (r *Refresher) arrived(a *Arrival) {
	after := ""
	if a.Lag > 0 {
		after = fmt.Sprintf(", %.0f s after it was made", a.Lag.Seconds())
	}
	r.events.Eventf(reference(&a.Pod), nil, corev1.EventTypeNormal, eventArrived, "Rotate",
		"The files of %s have version %s%s", a.ID, a.Version, after)
}

func (r *Refresher) reportGivenUp(p *Pod) {
	r.events.Eventf(reference(p), nil, corev1.EventTypeWarning, eventGaveUp, "Rotate",
		"A secret of this pod has a newer version, and the CSI driver has not mounted it after %d tries. See the log of the driver and the provider on node %s; "+
			"the kubelet goes on asking them", maxTries, p.Node)
}

func (r *Refresher) reportEmpty(e *Empty) {
	r.events.Eventf(reference(&e.Pod), nil, corev1.EventTypeWarning, eventEmpty, "Mount",
		"The pod runs, and the CSI driver has recorded no mount of %s, so its containers see an empty folder (driver 1.6.0 does this after a first mount that was interrupted). Fix: delete the pod",
		text.Line(strings.Join(e.Classes, ", "), 300))
}

func (r *Refresher) reportDisabled(class types.NamespacedName, o Object) {
	regarding := &secretsstorev1.SecretProviderClass{
		TypeMeta:   metav1.TypeMeta{APIVersion: secretsstorev1.SchemeGroupVersion.String(), Kind: "SecretProviderClass"},
		ObjectMeta: metav1.ObjectMeta{Namespace: class.Namespace, Name: class.Name},
	}
	r.events.Eventf(regarding, nil, corev1.EventTypeWarning, eventDisabled, "Rotate",
		"The newest version of %s/%s in the vault %s is disabled, so pods keep the version that they have, and new pods cannot mount it. Fix: enable it, or set a new version",
		o.Type, o.Name, o.Vault)
}
