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
	err := await(ctx, func(ctx context.Context) (bool, error) {
		_, err := cp.Client.CoreV1().Namespaces().Get(ctx, metav1.NamespaceDefault, metav1.GetOptions{})
		return there(err)
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
	err := await(ctx, func(ctx context.Context) (bool, error) {
		_, err := accounts.Get(ctx, name, metav1.GetOptions{})
		return there(err)
	})
	if err != nil {
		return fmt.Errorf("waiting for the controller-manager to make the service account %q in %s: %w", name, namespace, err)
	}
	return nil
}

// await asks again and again until the answer is true.
func await(ctx context.Context, condition wait.ConditionWithContextFunc) error {
	return wait.PollUntilContextTimeout(ctx, probeStep, time.Minute, true, condition)
}

// there turns the error of a Get into whether the object exists.
func there(err error) (bool, error) {
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	return err == nil, err
}
