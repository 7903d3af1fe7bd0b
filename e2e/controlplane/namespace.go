package controlplane

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
)

// CreateNamespace creates a namespace and waits until pods can be created in it:
// until it has its service account "default". The controller-manager makes that;
// without one, CreateNamespace does.
func (cp *ControlPlane) CreateNamespace(ctx context.Context, name string, labels, annotations map[string]string) error {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels, Annotations: annotations}}
	if _, err := cp.Client.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("create namespace %s: %w", name, err)
	}
	return cp.defaultServiceAccount(ctx, name)
}

// awaitDefaultNamespace waits for the namespace "default", which the API server
// makes by itself, but only a moment after it is ready.
func (cp *ControlPlane) awaitDefaultNamespace(ctx context.Context) error {
	err := await(ctx, func(ctx context.Context) error {
		_, err := cp.Client.CoreV1().Namespaces().Get(ctx, metav1.NamespaceDefault, metav1.GetOptions{})
		return err
	})
	if err != nil {
		return fmt.Errorf("waiting for the namespace %q: %w", metav1.NamespaceDefault, err)
	}
	return cp.defaultServiceAccount(ctx, metav1.NamespaceDefault)
}

func (cp *ControlPlane) defaultServiceAccount(ctx context.Context, namespace string) error {
	const name = "default"
	accounts := cp.Client.CoreV1().ServiceAccounts(namespace)
	if cp.controllerManager == nil {
		account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: name}}
		if _, err := accounts.Create(ctx, account, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
			return fmt.Errorf("create the service account %q in %s: %w", name, namespace, err)
		}
		return nil
	}
	err := await(ctx, func(ctx context.Context) error {
		_, err := accounts.Get(ctx, name, metav1.GetOptions{})
		return err
	})
	if err != nil {
		return fmt.Errorf("waiting for the controller-manager to make the service account %q in %s: %w", name, namespace, err)
	}
	return nil
}

// await asks again and again until there is nothing missing. Whatever an API server that
// has just started answers, it may answer otherwise in a moment, so no error ends it but
// that of ctx; the last one is told.
func await(ctx context.Context, missing func(context.Context) error) error {
	var last error
	err := wait.PollUntilContextTimeout(ctx, probeStep, time.Minute, true, func(ctx context.Context) (bool, error) {
		// What the deadline cuts short says less than what was before.
		if now := missing(ctx); now == nil || ctx.Err() == nil {
			last = now
		}
		return last == nil, nil
	})
	if err != nil && last != nil {
		return fmt.Errorf("%w; at last: %w", err, last)
	}
	return err
}
