package status

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
)

// Watch reads again and again: at an interval, since a vault does not announce a new version,
// and soon after a pod or a record of a mount has changed. It passes each report to
// show, and an error that came after the first report to failed. It ends with ctx.
func (s *Source) Watch(ctx context.Context, interval time.Duration, show func(*Report) error, failed func(error)) error {
	// Before the first look, so that no change is lost between the two.
	changed := s.Cluster.changes(ctx)
	for first := true; ; first = false {
		began := time.Now()
		report, err := s.Read(ctx)
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // The caller ended it.
		case err != nil && first:
			return err
		case err != nil:
			failed(err)
		default:
			if err := show(report); err != nil {
				return err
			}
		}
		if !pause(ctx, quiet(time.Since(began)), interval, changed) {
			return nil
		}
	}
}

// quiet is how long nothing is read again, whatever changes: in a large cluster something
// always does, and looks must not take more than a fifth of the time.
func quiet(took time.Duration) time.Duration { return max(time.Second, 4*took) }

// pause waits for the interval, or for a change once it has been quiet. It is false when
// ctx has ended.
func pause(ctx context.Context, quiet, interval time.Duration, changed <-chan struct{}) bool {
	over := time.NewTimer(quiet)
	defer over.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-over.C:
	}
	next := time.NewTimer(max(0, interval-quiet))
	defer next.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-next.C:
	case <-changed:
	}
	return true
}

// changes signals that a pod with a volume of the secrets store, or a record of a mount, has
// changed. Without the right to watch, only the interval counts.
func (c *Cluster) changes(ctx context.Context) <-chan struct{} {
	changed := make(chan struct{}, 1)
	for resource, options := range map[schema.GroupVersionResource]metav1.ListOptions{
		pods: {LabelSelector: c.Scope.Selector}, records: {},
	} {
		go func() {
			for ctx.Err() == nil {
				c.watch(ctx, resource, options, changed)
				// An API server ends each watch after a while, and a broken one at once.
				select {
				case <-ctx.Done():
				case <-time.After(watchAgain):
				}
			}
		}()
	}
	return changed
}

// watchAgain is how soon a watch is begun again that has ended.
const watchAgain = 5 * time.Second

// watch signals changes until the API server ends it.
func (c *Cluster) watch(ctx context.Context, resource schema.GroupVersionResource, options metav1.ListOptions, changed chan<- struct{}) {
	from := c.Client.Resource(resource).Namespace(c.Scope.Namespace)
	options.Limit = 1 // what there is already is no change
	list, err := from.List(ctx, options)
	if err != nil {
		return
	}
	options.Limit, options.ResourceVersion = 0, list.GetResourceVersion()
	w, err := from.Watch(ctx, options)
	if err != nil {
		return
	}
	defer w.Stop()
	for event := range w.ResultChan() {
		if !worthALook(event, resource == pods) {
			continue
		}
		select {
		case changed <- struct{}{}:
		default: // a signal is pending already
		}
	}
}

// worthALook reports whether a change concerns secrets.
func worthALook(event watch.Event, isPod bool) bool {
	if event.Type == watch.Bookmark || event.Type == watch.Error || !isPod {
		return event.Type != watch.Bookmark && event.Type != watch.Error
	}
	o, ok := event.Object.(*unstructured.Unstructured)
	if !ok {
		return false
	}
	pod, err := convert[corev1.Pod](o)
	return err == nil && mountsSecrets(pod)
}
