package controller

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject"
)

// ensureAttempts bounds how often EnsureClass starts over because the class changed
// under its hands. Each time somebody else got something done, so few are enough.
const ensureAttempts = 5

// What EnsureClass can have done: words that are also a metric's label.
const (
	Unchanged = "unchanged"
	Created   = "created"
	// Rewritten is a class whose content somebody had edited.
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
}

// EnsureClass makes sure that the class is in the namespace with its content and
// will stay there: where it was marked as unused, the mark comes off, so that a
// collector that is about to delete it gets a conflict. It makes no call when the
// cache says that all is well. Refusal tells what kind of error came back.
//
// A class that somebody else's label claims is an error even with equal content:
// nobody would restore it when it changes.
func (w ClassWriter) EnsureClass(ctx context.Context, namespace string, class inject.Class) (change string, err error) {
	if !class.Verified() {
		return Unchanged, fmt.Errorf("SecretProviderClass %s/%s: the content does not belong to the name", namespace, class.Name)
	}
	key := client.ObjectKey{Namespace: namespace, Name: class.Name}

	var cached secretsstorev1.SecretProviderClass
	err = w.Cached.Get(ctx, key, &cached)
	if err == nil && settled(&cached, class) {
		return Unchanged, nil
	}
	// Any other answer of the cache, an error too, is checked with the API server.

	for range ensureAttempts {
		var raced bool
		change, raced, err = w.attempt(ctx, key, class)
		if !raced {
			return change, err
		}
	}
	return Unchanged, fmt.Errorf("giving up after %d attempts: %w", ensureAttempts, err)
}

// attempt brings the class from the state that it is in now to the one it should
// be in. raced is set where that failed because somebody else was faster.
func (w ClassWriter) attempt(ctx context.Context, key client.ObjectKey, class inject.Class) (change string, raced bool, err error) {
	var live secretsstorev1.SecretProviderClass
	err = w.Live.Get(ctx, key, &live)
	if apierrors.IsNotFound(err) {
		if err := w.Writer.Create(ctx, class.Object(key.Namespace)); err != nil {
			return Unchanged, apierrors.IsAlreadyExists(err), fmt.Errorf("creating SecretProviderClass %s: %w", key, err)
		}
		return Created, false, nil
	}
	if err != nil {
		return Unchanged, false, fmt.Errorf("reading SecretProviderClass %s: %w", key, err)
	}

	switch {
	case live.DeletionTimestamp != nil:
		return Unchanged, false, &BeingDeletedError{Class: key, Finalizers: live.Finalizers}
	case !managed(&live):
		return Unchanged, false, &NotOursError{Class: key}
	case !class.Matches(&live):
		rewritten := live.DeepCopy()
		rewritten.Spec = class.Object(key.Namespace).Spec
		delete(rewritten.Annotations, inject.AnnotationUnusedSince)
		// The resourceVersion of the read makes this a conflict if somebody was faster.
		if err := w.Writer.Update(ctx, rewritten); err != nil {
			return Unchanged, movedOn(err), fmt.Errorf("rewriting SecretProviderClass %s: %w", key, err)
		}
		return Rewritten, false, nil
	case marked(&live):
		if err := patchMark(ctx, w.Writer, &live, ""); err != nil {
			return Unchanged, movedOn(err), fmt.Errorf("taking the mark off SecretProviderClass %s: %w", key, err)
		}
		return Unmarked, false, nil
	}
	return Unchanged, false, nil
}

// settled tells whether there is nothing to do about a class.
func settled(spc *secretsstorev1.SecretProviderClass, class inject.Class) bool {
	return spc.DeletionTimestamp == nil && managed(spc) && class.Matches(spc) && !marked(spc)
}

// movedOn tells whether a write failed because the class has changed, or gone,
// since it was read.
func movedOn(err error) bool {
	return (apierrors.IsConflict(err) || apierrors.IsNotFound(err)) && !deniedByAdmission(err.Error())
}
