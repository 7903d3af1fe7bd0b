package controlplane

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"akv-injector/internal/testing/await"
)

// serving is for what an API server that has just started may refuse now and give in a
// moment, so no answer of it ends the wait.
var serving = await.Poll{Limit: time.Minute, Every: probeStep}

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
	err := serving.Success(ctx, "the namespace default", func(ctx context.Context) error {
		_, err := cp.Client.CoreV1().Namespaces().Get(ctx, metav1.NamespaceDefault, metav1.GetOptions{})
		return err
	})
	if err != nil {
		return err
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
	what := "the controller-manager to make the service account " + name + " in " + namespace
	return serving.Success(ctx, what, func(ctx context.Context) error {
		_, err := accounts.Get(ctx, name, metav1.GetOptions{})
		return err
	})
}
