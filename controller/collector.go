package controller

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
)

// collector deletes generated classes that no pod has named for the grace period. It
// runs on the leader only, and looks at a namespace at a time: where many classes
// are due at once, their pods are listed once.
type collector struct {
	cached  client.Reader
	pods    *LivePods
	writer  client.Writer
	events  EventRecorder
	metrics *metrics
	grace   time.Duration
	now     func() time.Time
	// needed are the classes that admissions of this replica have asked for lately, marks those that were marked lately.
	needed, marks *recent
	// strays are classes that a live list has found to be used, though no injected pod names them.
	strays *recent
}

// Reconcile looks at the classes of the namespace that the request names.
func (c *collector) Reconcile(ctx context.Context, req reconcile.Request) (reconcile.Result, error) {
	namespace := req.Name
	terminating, err := c.terminating(ctx, namespace)
	if err != nil || terminating {
		return reconcile.Result{}, err
	}
	var classes secretsstorev1.SecretProviderClassList
	if err := c.cached.List(ctx, &classes, client.InNamespace(namespace)); err != nil {
		return reconcile.Result{}, fmt.Errorf("listing the SecretProviderClasses of namespace %s: %w", namespace, err)
	}

	var (
		due, unused []*secretsstorev1.SecretProviderClass
		next        time.Duration
		errs        []error
	)
	for i := range classes.Items {
		class := &classes.Items[i]
		if !collectable(class) {
			continue
		}
		wait, err := c.mark(ctx, class)
		switch {
		case err != nil:
			errs = append(errs, err)
		case wait == overdue:
			due = append(due, class)
		case wait > 0:
			if marked(class) {
				unused = append(unused, class)
			}
			if next == 0 || wait < next {
				next = wait
			}
		}
	}
	due = append(due, oldest(unused, len(unused)-maxUnused)...)
	if len(due) > 0 {
		errs = append(errs, c.collect(ctx, namespace, due))
	}
	if err := errors.Join(errs...); err != nil {
		return reconcile.Result{}, err
	}
	return reconcile.Result{RequeueAfter: next}, nil
}

// maxUnused is how many unused classes a namespace keeps for their grace period. Pods that a
// quota refuses leave a class each: whoever may create pods could fill etcd with them.
const maxUnused = 100

// oldest are the n classes that have been unused for longest.
func oldest(classes []*secretsstorev1.SecretProviderClass, n int) []*secretsstorev1.SecretProviderClass {
	if n <= 0 {
		return nil
	}
	slices.SortFunc(classes, func(a, b *secretsstorev1.SecretProviderClass) int {
		return cmp.Or(cmp.Compare(a.Annotations[annotation.UnusedSince], b.Annotations[annotation.UnusedSince]), cmp.Compare(a.Name, b.Name))
	})
	return classes[:n]
}

// collectable reports whether a class is one that we made and may delete.
func collectable(class *secretsstorev1.SecretProviderClass) bool {
	return provider.Generated(class.Name) && managed(class) && class.DeletionTimestamp == nil
}

// overdue is mark's answer for a class whose grace is over.
const overdue = time.Duration(-1)

// mark brings the mark of a class in line with its use, and returns how long the
// class still has: 0 is for ever.
func (c *collector) mark(ctx context.Context, class *secretsstorev1.SecretProviderClass) (time.Duration, error) {
	used, err := c.used(ctx, class)
	if err != nil {
		return 0, err
	}
	if left, _ := c.strays.left(client.ObjectKeyFromObject(class)); left > 0 && !used {
		return left, nil
	}
	now := c.now()
	switch since, ok := unusedSince(class, now); {
	case used && marked(class):
		return 0, c.write(ctx, class, "")
	case used:
		return 0, nil
	case !ok && now.Sub(class.CreationTimestamp.Time) < c.settling():
		// Admission writes the class before the pod is stored: a new class has no pod yet.
		return c.settling() - now.Sub(class.CreationTimestamp.Time), nil
	case !ok:
		return c.markUnless(ctx, class, now)
	case now.Sub(since) < c.graceOf(class, since):
		return c.graceOf(class, since) - now.Sub(since), nil
	default:
		return overdue, nil
	}
}

// markUnless marks a class, unless admission has needed it a moment ago, or has just taken a mark off: pods that are refused
// by something else after admission need it again and again, and each mark costs two writes.
func (c *collector) markUnless(ctx context.Context, class *secretsstorev1.SecretProviderClass, now time.Time) (time.Duration, error) {
	key := client.ObjectKeyFromObject(class)
	needed, _ := c.needed.left(key)
	paused, _ := c.marks.left(key)
	if left := max(needed, paused); left > 0 {
		return left, nil
	}
	c.marks.note(key, "")
	return c.graceOf(class, now), c.write(ctx, class, markAt(now))
}

// pauseOf is how long a class is not marked again after it was marked, and neededFor how long after admission has asked for it.
func pauseOf(grace time.Duration) time.Duration   { return 3 * neededFor(grace) }
func neededFor(grace time.Duration) time.Duration { return min(10*time.Second, grace/2) }

// neverUsedGrace is for classes that no pod has ever named: those of pods that something else
// refused after admission had written the class.
const neverUsedGrace = time.Minute

// graceOf is how long a class stays that is unused since an instant. One that was unused as
// soon as its pod should have been there was never used.
func (c *collector) graceOf(class *secretsstorev1.SecretProviderClass, since time.Time) time.Duration {
	if since.Sub(class.CreationTimestamp.Time) < 2*c.settling() {
		return min(c.grace, neverUsedGrace)
	}
	return c.grace
}

// settling is how long a new class may wait for its pod before it is marked: marking it
// at once would cost every new class two writes.
func (c *collector) settling() time.Duration { return neededFor(c.grace) }

// write patches the mark. A class that has changed meanwhile, or is gone, will be
// looked at again when the cache hears of it.
func (c *collector) write(ctx context.Context, class *secretsstorev1.SecretProviderClass, mark string) error {
	if err := patchMark(ctx, c.writer, class, mark); err != nil && !movedOn(err) {
		return fmt.Errorf("marking SecretProviderClass %s: %w", client.ObjectKeyFromObject(class), err)
	}
	return nil
}

// collect deletes the classes that are due, if the API server itself knows no pod
// that names them. A pod that is being admitted right now is not in the list yet,
// but its admission took the mark off: the deletion is a conflict then.
func (c *collector) collect(ctx context.Context, namespace string, due []*secretsstorev1.SecretProviderClass) error {
	named, err := c.named(ctx, namespace)
	if err != nil {
		return err
	}
	var errs []error
	for _, class := range due {
		if named.Has(class.Name) {
			c.strays.note(client.ObjectKeyFromObject(class), "")
			errs = append(errs, c.write(ctx, class, ""))
			continue
		}
		key := client.ObjectKeyFromObject(class)
		err := c.writer.Delete(ctx, class, client.Preconditions{UID: &class.UID, ResourceVersion: &class.ResourceVersion})
		switch {
		case err == nil:
			c.metrics.collected.Inc()
			record(c.events, key, normal, eventCollected, "Collect",
				"No pod has named it since "+class.Annotations[annotation.UnusedSince]+", so it was deleted; admission writes it again when one does")
			log.FromContext(ctx).Info("Collected a class that no pod names", "class", class.Name)
		case !movedOn(err):
			errs = append(errs, fmt.Errorf("deleting SecretProviderClass %s: %w", key, err))
		}
	}
	return errors.Join(errs...)
}

// strayFor is how long a class is not looked at again whose pods have lost their label.
func strayFor(grace time.Duration) time.Duration { return 3 * grace }

// used reports whether the cache knows an unfinished pod that names the class.
func (c *collector) used(ctx context.Context, class *secretsstorev1.SecretProviderClass) (bool, error) {
	var pods corev1.PodList
	err := c.cached.List(ctx, &pods, client.InNamespace(class.Namespace), client.MatchingFields{IndexClasses: class.Name},
		client.Limit(1), client.UnsafeDisableDeepCopy)
	if err != nil {
		return false, fmt.Errorf("listing the pods that name SecretProviderClass %s: %w", client.ObjectKeyFromObject(class), err)
	}
	return len(pods.Items) > 0, nil
}

// named are the generated classes that the namespace's unfinished pods name,
// according to the API server.
func (c *collector) named(ctx context.Context, namespace string) (sets.Set[string], error) {
	pods, err := c.pods.In(ctx, namespace)
	if err != nil {
		return nil, err
	}
	names := sets.New[string]()
	for i := range pods {
		names.Insert(usedClasses(&pods[i])...)
	}
	return names, nil
}

// terminating reports whether the namespace is going, and its classes with it.
func (c *collector) terminating(ctx context.Context, name string) (bool, error) {
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if err := c.cached.Get(ctx, client.ObjectKeyFromObject(ns), ns); client.IgnoreNotFound(err) != nil {
		return false, fmt.Errorf("reading namespace %s: %w", name, err)
	}
	return ns.DeletionTimestamp != nil, nil
}
