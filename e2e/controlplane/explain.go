package controlplane

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Explain is what a control plane has to say about a failure: the newest events, and the
// last lines of its programs' logs. It is for people.
func (cp *ControlPlane) Explain() string {
	// The context of a test that failed is over.
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var b strings.Builder
	b.WriteString(cp.events(ctx))
	for _, s := range cp.servers() {
		if s.running != nil {
			fmt.Fprintf(&b, "%v\n", s.running.Explain(errors.New("at the time of the failure")))
		}
	}
	return b.String()
}

func (cp *ControlPlane) events(ctx context.Context) string {
	const newest = 30
	list, err := cp.Client.CoreV1().Events(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Sprintf("no events: %v\n", err)
	}
	slices.SortStableFunc(list.Items, func(a, b corev1.Event) int { return a.CreationTimestamp.Compare(b.CreationTimestamp.Time) })
	var b strings.Builder
	for _, e := range list.Items[max(0, len(list.Items)-newest):] {
		fmt.Fprintf(&b, "event: %s %s/%s: %s: %s\n", e.InvolvedObject.Kind, e.InvolvedObject.Namespace, e.InvolvedObject.Name, e.Reason, e.Message)
	}
	return b.String()
}
