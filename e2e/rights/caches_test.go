package rights_test

import (
	"fmt"
	"strings"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"akv-injector/e2e/injector"
)

// caches are rights to list and to watch. An API server that streams a list needs the one, another both.
func caches(w *world) (all []probe) {
	for _, kind := range []string{"namespaces", "serviceaccounts", "csidrivers.storage.k8s.io", classes, "pods"} {
		if kind != "pods" { // lists of which are needed for more
			all = append(all, probe{right: "list " + kind, listed: true, fresh: true, works: w.ready})
		}
		all = append(all, w.watched(kind))
	}
	const records = "secretproviderclasspodstatuses.secrets-store.csi.x-k8s.io"
	all = append(all, probe{
		right: "list " + records, listed: true, fresh: true,
		before: func() { w.runningPod() },
		works:  w.countsPods,
	}, w.watched(records), w.watched("daemonsets.apps"))
	return all
}

func (w *world) ready() (bool, string) {
	return w.Injector.Replicas()[0].Ready(w.t.Context())
}

// watched is a probe of a watch. Without it everything is listed again and again, and what changes is seen late.
func (w *world) watched(kind string) probe {
	lists := 0
	return probe{
		right: "watch " + kind, fresh: true,
		prepare: func() { lists = w.audit.of(w.t, "list "+kind).allowed },
		works: func() (bool, string) {
			w.says() // what is read only for an admission begins with one
			listed := w.audit.of(w.t, "list "+kind).allowed - lists
			return listed < 2 || w.audit.of(w.t, "watch "+kind).last, fmt.Sprintf("listed %d times", listed)
		},
	}
}

// countsPods reports whether the program knows what is mounted in pods.
func (w *world) countsPods() (bool, string) {
	text, err := w.Injector.Replicas()[0].Metrics(w.t.Context())
	if err != nil {
		return false, err.Error()
	}
	for line := range strings.Lines(text) {
		if number, ok := strings.CutPrefix(line, `akv_injector_rotation_pods{state="current"} `); ok {
			return strings.TrimSpace(number) != "0", line
		}
	}
	return false, "no such metric"
}

// freeLease is one that nobody holds.
func (w *world) freeLease() {
	check(w.t, w.API.Create(w.t.Context(), &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: injector.Namespace, Name: "akv-injector"}}))
}

// leads reports whether somebody leads.
func (w *world) leads() (bool, string) {
	lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: injector.Namespace, Name: "akv-injector"}}
	if err := w.API.Get(w.t.Context(), client.ObjectKeyFromObject(lease), lease); err != nil {
		return false, err.Error()
	}
	holder := lease.Spec.HolderIdentity
	return holder != nil && *holder != "", fmt.Sprint(lease.Spec)
}
