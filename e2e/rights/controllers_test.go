package rights_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/e2e/cluster"
	"akv-injector/e2e/injector"
	"akv-injector/inject/annotation"
	"akv-injector/internal/testing/await"
)

// controllers are rights to keep classes, and to nudge pods.
func controllers(w *world) []probe {
	var unused, long, often, nudged string
	events, deleted := 0, 0
	leave := func() { unused = w.unusedClass() }
	collected := func() (bool, string) { return w.Class(w.t, "shop", unused) == nil, unused }
	return []probe{
		// Marked, then deleted, after a live look for pods that mount it.
		{right: "patch " + classes, prepare: leave, works: collected},
		{right: "delete " + classes, prepare: leave, works: collected},
		{right: "list pods", prepare: leave, works: collected},
		{
			right: "get pods",
			// More objects than the cache keeps of a pod.
			prepare: func() { long = w.classDeleted(w.manySecrets()) },
			works:   func() (bool, string) { return w.Class(w.t, "shop", long) != nil, long },
		},
		{
			right:   "create events.events.k8s.io",
			prepare: func() { events = w.restored("") },
			works: func() (bool, string) {
				w.classDeleted(cluster.Pod("shop", w.name("asks"), w.name("secret")))
				now := w.restored("")
				return now > events, fmt.Sprintf("%d events after %d", now, events)
			},
		},
		{
			right: "patch events.events.k8s.io", once: true,
			// Only a repeated event has a series. One that was refused is not sent again, so that another class is needed then.
			works: func() (bool, string) {
				if deleted%4 == 0 {
					often = w.classDeleted(cluster.Pod("shop", w.name("asks"), w.name("secret")))
					deleted++
				}
				if class := w.Class(w.t, "shop", often); class != nil {
					check(w.t, client.IgnoreNotFound(w.API.Delete(w.t.Context(), class)))
					deleted++
				}
				return w.restored(often) > 1, often
			},
		},
		{
			right: "patch pods/status", fresh: true, again: true, once: true,
			before:  func() { nudged = w.runningPod() },
			prepare: func() { w.setDriver(true) },
			works: func() (bool, string) {
				pod := &corev1.Pod{}
				check(w.t, w.API.Get(w.t.Context(), client.ObjectKey{Namespace: "shop", Name: nudged}, pod))
				return pod.Annotations[annotation.RefreshedAt] != "", fmt.Sprint(pod.Annotations)
			},
		},
	}
}

// unusedClass is a class whose only pod is gone.
func (w *world) unusedClass() string {
	pod := cluster.Pod("shop", w.name("asks"), w.name("secret"))
	class := w.Create(w.t, pod)
	check(w.t, w.API.Delete(w.t.Context(), pod, client.GracePeriodSeconds(0)))
	return class
}

// classDeleted creates a pod and deletes its class, which has to be restored.
func (w *world) classDeleted(pod *corev1.Pod) string {
	name := w.Create(w.t, pod)
	check(w.t, w.API.Delete(w.t.Context(), &secretsstorev1.SecretProviderClass{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name}}))
	return name
}

func (w *world) manySecrets() *corev1.Pod {
	var names []string
	for i := range 400 {
		names = append(names, fmt.Sprintf("%s-%d", w.name("secret"), i))
	}
	return cluster.Pod("shop", w.name("asks"), strings.Join(names, ", "))
}

// restored is how many times a class was restored, or any, by the events of its namespace.
func (w *world) restored(class string) (times int) {
	var events eventsv1.EventList
	check(w.t, w.API.List(w.t.Context(), &events, client.InNamespace("shop")))
	for i := range events.Items {
		e := &events.Items[i]
		if e.Reason != "ClassRestored" || class != "" && e.Regarding.Name != class {
			continue
		}
		times++
		if e.Series != nil {
			times += int(e.Series.Count) - 1
		}
	}
	return times
}

// runningPod is a pod that runs, and whose one volume the driver has mounted.
func (w *world) runningPod() string {
	pod := cluster.Pod("shop", w.name("runs"), w.name("secret"))
	pod.Annotations[annotation.RotationPollInterval] = "10s"
	pod.Spec.NodeName = "node"
	class := w.createWhenServed(pod)
	w.run(pod)
	w.record(pod, class, strings.Repeat("1", 32))
	return pod.Name
}

// createWhenServed creates a pod, and returns its class. The program may have been started a moment ago.
func (w *world) createWhenServed(pod *corev1.Pod) string {
	check(w.t, await.Poll{Limit: time.Minute}.Success(w.t.Context(), "create "+pod.Name, func(ctx context.Context) error {
		return w.API.Create(ctx, pod)
	}))
	return cluster.Classes(pod)[0]
}

// run says of a pod what its kubelet would say.
func (w *world) run(pod *corev1.Pod) {
	pod.Status.Phase = corev1.PodRunning
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	check(w.t, w.API.Status().Update(w.t.Context(), pod))
}

// record writes what the driver has mounted.
func (w *world) record(pod *corev1.Pod, class, version string) *secretsstorev1.SecretProviderClassPodStatus {
	record := &secretsstorev1.SecretProviderClassPodStatus{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: pod.Namespace, Name: pod.Name + "-" + pod.Namespace + "-" + class,
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "v1", Kind: "Pod", Name: pod.Name, UID: pod.UID}},
		},
		Status: secretsstorev1.SecretProviderClassPodStatusStatus{
			PodName: pod.Name, SecretProviderClassName: class, Mounted: true, TargetPath: "/var/lib/kubelet/pods/" + string(pod.UID) + "/volumes/kubernetes.io~csi/secrets/mount",
			Objects: []secretsstorev1.SecretProviderClassObject{{ID: "secret/" + pod.Annotations[annotation.Objects], Version: version}},
		},
	}
	check(w.t, w.API.Create(w.t.Context(), record))
	return record
}

// leads are rights to lead, and to say so.
func leads(w *world) []probe {
	events := 0
	// The event of who leads is the only one of ours in this namespace.
	told := func() int {
		var all corev1.EventList
		check(w.t, w.API.List(w.t.Context(), &all, client.InNamespace(injector.Namespace)))
		n := 0
		for i := range all.Items {
			if all.Items[i].Reason == "LeaderElection" {
				n++
			}
		}
		return n
	}
	return []probe{
		{right: "create leases.coordination.k8s.io", fresh: true, works: w.leads},
		{right: "get leases.coordination.k8s.io", fresh: true, works: w.leads},
		{right: "update leases.coordination.k8s.io", fresh: true, prepare: w.freeLease, works: w.leads},
		{
			right: "create events", fresh: true, again: true, once: true,
			prepare: func() { events = told() },
			works: func() (bool, string) {
				now := told()
				return now > events, fmt.Sprintf("%d events after %d", now, events)
			},
		},
	}
}
