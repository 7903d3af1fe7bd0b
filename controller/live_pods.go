package controller

import (
	"context"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"akv-injector/inject/provider"
	"akv-injector/inject/workload"
)

const (
	// podsPerPage of a live list.
	podsPerPage = 500
	// listTimeout of all pages.
	listTimeout = 30 * time.Second
)

// LivePods lists the pods of a namespace that mount classes from the API server: the cache has only those with the label of
// injected pods, which anyone who may edit a pod can take off, and pods with volumes written by hand never have. Who asks
// while a list is under way gets the next one, together with all others who wait for it: what it
// says is never older than the question.
type LivePods struct {
	live client.Reader

	mu     sync.Mutex
	spaces map[string]*listings
}

// listings of a namespace: the one that is under way, and the one after it, if anybody waits for it.
type listings struct{ running, next *listing }

type listing struct {
	done chan struct{}
	pods []corev1.Pod
	err  error
}

// NewLivePods returns a LivePods that lists from an API server.
func NewLivePods(live client.Reader) *LivePods {
	return &LivePods{live: live, spaces: map[string]*listings{}}
}

// In are the unfinished pods of a namespace that mount classes, as [PodTransform] leaves them. They must not be changed.
func (l *LivePods) In(ctx context.Context, namespace string) ([]corev1.Pod, error) {
	l.mu.Lock()
	s := l.spaces[namespace]
	if s == nil {
		s = &listings{}
		l.spaces[namespace] = s
	}
	mine := s.next
	if mine == nil {
		mine = &listing{done: make(chan struct{})}
		s.next = mine
	}
	if s.running == nil {
		//nolint:contextcheck // It is for all who wait, and ends by itself.
		l.begin(namespace, s)
	}
	l.mu.Unlock()
	select {
	case <-mine.done:
		return mine.pods, mine.err
	case <-ctx.Done():
		return nil, fmt.Errorf("listing the pods of namespace %s: %w", namespace, ctx.Err())
	}
}

// begin starts the list that others wait for. The caller holds the lock.
func (l *LivePods) begin(namespace string, s *listings) {
	running := s.next
	s.running, s.next = running, nil
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), listTimeout)
		defer cancel()
		running.pods, running.err = l.list(ctx, namespace)
		close(running.done)
		l.mu.Lock()
		defer l.mu.Unlock()
		if s.running = nil; s.next != nil {
			l.begin(namespace, s)
		} else {
			delete(l.spaces, namespace)
		}
	}()
}

func (l *LivePods) list(ctx context.Context, namespace string) (mounting []corev1.Pod, err error) {
	for next := ""; ; {
		// A new list for each page: decoding into a used one keeps what the new lacks.
		var pods corev1.PodList
		if err := l.live.List(ctx, &pods, client.InNamespace(namespace), client.Limit(podsPerPage), client.Continue(next)); err != nil {
			return nil, fmt.Errorf("listing the pods of namespace %s: %w", namespace, err)
		}
		for i := range pods.Items {
			pod := &pods.Items[i]
			if !workload.Finished(pod) && len(provider.ClassNames(&pod.Spec)) > 0 {
				mounting = append(mounting, *slimPod(pod))
			}
		}
		if next = pods.Continue; next == "" {
			return mounting, nil
		}
	}
}
