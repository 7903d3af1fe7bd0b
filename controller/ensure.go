package controller

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
)

// ensureAttempts bounds how often EnsureClass starts over because the class changed
// under its hands. Each time another writer succeeded, so few are enough.
const ensureAttempts = 5

// What EnsureClass can have done: words that are also a metric's label.
const (
	Unchanged = "unchanged"
	Created   = "created"
	// Rewritten is a class whose content had been edited.
	Rewritten = "rewritten"
	// Unmarked is a class that was about to be collected.
	Unmarked = "unmarked"
)

// ClassWriter writes generated classes.
type ClassWriter struct {
	// Cached answers most of the time, without a call.
	Cached client.Reader
	// Live reads from the API server (manager.GetAPIReader).
	Live   client.Reader
	Writer client.Writer

	// needed are the classes that admissions have asked for lately, for the collector.
	needed  *recent
	unmarks *unmarks
}

// EnsureClass makes sure that the class is in the namespace with its content and
// will stay there: where it was marked as unused, the mark comes off, so that a
// collector that is about to delete it gets a conflict. It makes no call when the
// cache says that all is well, and one when the cache says what is wrong and is up to
// date. Refusal returns what kind of error came back.
//
// A class that another manager's label claims is an error even with equal content:
// it would not be restored when it changes.
func (w ClassWriter) EnsureClass(ctx context.Context, namespace string, class provider.Class) (change string, err error) {
	key := client.ObjectKey{Namespace: namespace, Name: class.Name}
	w.needed.note(key, "")
	cached, err := read(ctx, w.Cached, key)
	if err == nil && cached != nil && asItShouldBe(cached, class) {
		if !marked(cached) {
			return Unchanged, nil
		}
		return w.unmarks.do(ctx, key, cached.ResourceVersion, func() (string, error) { return w.ensure(ctx, key, class, cached, nil) })
	}
	return w.ensure(ctx, key, class, cached, err)
}

// ensure is EnsureClass for a class that is not as it should be, as the cache, or its error, says.
func (w ClassWriter) ensure(ctx context.Context, key client.ObjectKey, class provider.Class, cached *secretsstorev1.SecretProviderClass, err error) (change string, _ error) {
	// Content is read only before it is written: most of the time there is nothing to write.
	if !class.Verified() {
		return Unchanged, fmt.Errorf("SecretProviderClass %s: the content does not belong to the name", key)
	}
	// An error of the cache's is no reason to fail: the API server knows better.
	if err == nil && !toRewrite(cached) {
		change, err := w.repair(ctx, key, class, cached)
		// Writing to what the cache knows fails if that is old. Even a verdict may be
		// about an old state: a full quota refuses to create what is there already.
		if err == nil || !movedOn(err) && !Refusal(err) {
			return change, err
		}
	}
	var lastErr error
	for range ensureAttempts {
		live, err := read(ctx, w.Live, key)
		if err != nil {
			return Unchanged, err
		}
		if live != nil {
			live = withoutCacheMark(live)
		}
		change, err := w.repair(ctx, key, class, live)
		// What is not found when creating is the namespace, or the CRD.
		if err == nil || !movedOn(err) || live == nil && apierrors.IsNotFound(err) {
			return change, err
		}
		lastErr = err
	}
	return Unchanged, fmt.Errorf("giving up after %d attempts: %w", ensureAttempts, lastErr)
}

// read returns nil if there is no such class.
func read(ctx context.Context, from client.Reader, key client.ObjectKey) (*secretsstorev1.SecretProviderClass, error) {
	spc := &secretsstorev1.SecretProviderClass{}
	err := from.Get(ctx, key, spc)
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("reading SecretProviderClass %s: %w", key, err)
	}
	return spc, nil
}

// toRewrite reports whether a cached class is one of ours that has to be rewritten. That starts
// from the whole object, which the cache does not have.
func toRewrite(cached *secretsstorev1.SecretProviderClass) bool {
	return cached != nil && managed(cached) && cached.Annotations[annotation.CachedContent] == annotation.ContentLeftOut
}

// repair brings the class from a known state, nil if there is none, to the one it
// should be in. The state's resourceVersion makes each write a conflict if the class
// has changed since.
func (w ClassWriter) repair(ctx context.Context, key client.ObjectKey, class provider.Class, spc *secretsstorev1.SecretProviderClass) (change string, err error) {
	switch {
	case spc == nil:
		if err := w.Writer.Create(ctx, class.Object(key.Namespace)); err != nil {
			return Unchanged, fmt.Errorf("creating SecretProviderClass %s: %w", key, err)
		}
		return Created, nil
	case spc.DeletionTimestamp != nil:
		return Unchanged, &BeingDeletedError{Class: key, Finalizers: spc.Finalizers}
	case !managed(spc):
		return Unchanged, &NotOursError{Class: key}
	case !holds(spc, class):
		rewritten := spc.DeepCopy()
		rewritten.Spec = class.Object(key.Namespace).Spec
		delete(rewritten.Annotations, annotation.UnusedSince)
		if err := w.Writer.Update(ctx, rewritten); err != nil {
			return Unchanged, fmt.Errorf("rewriting SecretProviderClass %s: %w", key, err)
		}
		return Rewritten, nil
	case marked(spc):
		if err := patchMark(ctx, w.Writer, spc, ""); err != nil {
			return Unchanged, fmt.Errorf("taking the mark off SecretProviderClass %s: %w", key, err)
		}
		return Unmarked, nil
	}
	return Unchanged, nil
}

// asItShouldBe reports whether a class needs nothing, but that its mark is taken off if it has one.
func asItShouldBe(spc *secretsstorev1.SecretProviderClass, class provider.Class) bool {
	return spc.DeletionTimestamp == nil && managed(spc) && holds(spc, class)
}

// movedOn reports whether a write failed because the class is not in the state that it
// was written from any more.
func movedOn(err error) bool {
	return (apierrors.IsAlreadyExists(err) || apierrors.IsConflict(err) || apierrors.IsNotFound(err)) &&
		!deniedByAdmission(err.Error())
}
