package controller

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"
)

// Reasons of the events, which people look for with kubectl get events.
const (
	eventRestored    = "ClassRestored"
	eventNotRestored = "ClassNotRestored"
	eventCollected   = "ClassCollected"
)

// EventRecorder records events, which kubectl shows, on what happened to a class.
type EventRecorder interface {
	Eventf(regarding, related runtime.Object, eventtype, reason, action, note string, args ...any)
}

// record records an event on a class, which need not exist. Events of a class that
// agree in all but the note count as one series, so the action must distinguish them.
func record(events EventRecorder, key types.NamespacedName, eventtype, reason, action, note string) {
	class := &secretsstorev1.SecretProviderClass{
		TypeMeta:   metav1.TypeMeta{APIVersion: secretsstorev1.SchemeGroupVersion.String(), Kind: "SecretProviderClass"},
		ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name},
	}
	events.Eventf(class, nil, eventtype, reason, action, "%s", shorten(note))
}

// recordOn records an event on a pod, of which a cache may have little more than the name.
func recordOn(events EventRecorder, pod *corev1.Pod, eventtype, reason, action, note string) {
	regarding := &corev1.Pod{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID, ResourceVersion: pod.ResourceVersion},
	}
	events.Eventf(regarding, nil, eventtype, reason, action, "%s", shorten(note))
}

// shorten keeps a note, which may hold the message of another webhook, within the
// 1,024 bytes that the API server takes.
func shorten(note string) string {
	const most = 1000
	if len(note) <= most {
		return note
	}
	return strings.ToValidUTF8(note[:most], "") + "…"
}

const (
	normal  = corev1.EventTypeNormal
	warning = corev1.EventTypeWarning
)
