package system

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"akv-injector/internal/testing/await"
)

// Patience is how long a condition may take that a node brings about: two cores may
// have two whole systems, and dozens of pods, to start at once. What comes costs none of it.
const Patience = 4 * time.Minute

// look is how often a condition is looked at. Most looks are a kubectl exec, which starts
// a process on the node that others wait for.
const look = 500 * time.Millisecond

// Await waits for a condition in a namespace, which says what it saw last. When it does
// not come, the error has the namespace's events and the ends of the logs.
func (s *System) Await(ctx context.Context, namespace, what string, condition func(context.Context) (done bool, seen string)) error {
	return s.AwaitFor(ctx, Patience, namespace, what, condition)
}

// AwaitFor is Await with another limit.
func (s *System) AwaitFor(ctx context.Context, limit time.Duration, namespace, what string, condition func(context.Context) (done bool, seen string)) error {
	if err := (await.Poll{Limit: limit, Every: look}).Until(ctx, what, condition); err != nil {
		//nolint:contextcheck // What happened is to be read even if the time is over.
		return s.Explain(namespace, err)
	}
	return nil
}

// Explain adds to an error what a person would look at: the events of the namespace and
// the ends of the driver's and the provider's logs.
func (s *System) Explain(namespace string, err error) error {
	return errors.Join(err,
		fmt.Errorf("events in %s:\n%s", namespace, strings.Join(s.Events(namespace), "\n")),
		fmt.Errorf("the driver's log ends:\n%s", end(s.Driver.DriverLog())),
		fmt.Errorf("the provider's log ends:\n%s", end(s.Driver.ProviderLog())))
}

// Events are those of a namespace, in the order they were last seen, each as
// "kind/name reason (count): message".
func (s *System) Events(namespace string) []string {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	list, err := s.Client.CoreV1().Events(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return []string{"none could be read: " + err.Error()}
	}
	slices.SortStableFunc(list.Items, func(a, b corev1.Event) int { return a.LastTimestamp.Compare(b.LastTimestamp.Time) })
	lines := make([]string, 0, len(list.Items))
	for _, e := range list.Items {
		lines = append(lines, fmt.Sprintf("%s/%s %s (%d): %s",
			strings.ToLower(e.InvolvedObject.Kind), e.InvolvedObject.Name, e.Reason, e.Count, e.Message))
	}
	return lines
}

func end(log string) string {
	const lines = 15
	all := strings.Split(strings.TrimSpace(log), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
