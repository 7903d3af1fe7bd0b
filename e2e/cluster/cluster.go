// Package cluster gives a test a control plane with akv-injector installed, or without it
// yet, and the few things that most tests of it do.
package cluster

import (
	"context"
	"errors"
	"io"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/e2e/controlplane"
	"akv-injector/e2e/injector"
	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
)

// Identity of the service account that Namespace and CreateAccount create.
const (
	Account  = "workload-identity-sa"
	ClientID = "11111111-2222-3333-4444-555555555555"
	TenantID = "66666666-7777-8888-9999-000000000000"
)

// Cluster is a control plane with akv-injector.
type Cluster struct {
	*controlplane.ControlPlane
	Injector *injector.Injector // nil before Install
	// API reads and writes as an administrator, without a cache.
	API client.WithWatch

	log io.Writer
}

// New starts a control plane without akv-injector, which runs until Stop. ctx bounds the
// start only.
func New(ctx context.Context, options controlplane.Options) (*Cluster, error) {
	cp, err := controlplane.Start(ctx, options)
	if err != nil {
		return nil, err
	}
	api, err := client.NewWithWatch(cp.Config, client.Options{Scheme: Scheme()})
	if err != nil {
		return nil, errors.Join(err, cp.Stop())
	}
	return &Cluster{ControlPlane: cp, API: api, log: options.Log}, nil
}

// Install installs akv-injector.
func (c *Cluster) Install(ctx context.Context, options injector.Options) (err error) {
	options.Log = c.log
	c.Injector, err = injector.Install(ctx, c.ControlPlane, options)
	return err
}

// Stop stops akv-injector, if it is installed, and the control plane.
func (c *Cluster) Stop() error {
	var err error
	if c.Injector != nil {
		err = c.Injector.Stop()
	}
	return errors.Join(err, c.ControlPlane.Stop())
}

// Bare is New for a test, and ends with it.
func Bare(t *testing.T, options controlplane.Options) *Cluster {
	t.Helper()
	options.Log = t.Output()
	c, err := New(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	c.ExplainFailure(t)
	return c
}

// Start is Bare with akv-injector installed.
func Start(t *testing.T, options controlplane.Options, install injector.Options) *Cluster {
	t.Helper()
	c := Bare(t, options)
	if err := c.Install(t.Context(), install); err != nil {
		t.Fatal(err)
	}
	return c
}

// ExplainFailure prints what the programs logged if the test fails.
func (c *Cluster) ExplainFailure(t *testing.T) {
	t.Helper()
	t.Cleanup(func() {
		if !t.Failed() {
			return
		}
		if c.Injector != nil {
			for i, r := range c.Injector.Replicas() {
				t.Logf("replica %d logged:\n%s", i, r.Log())
			}
		}
		t.Log(c.Explain())
	})
}

// Scheme knows Kubernetes' own kinds and the SecretProviderClass.
func Scheme() *runtime.Scheme {
	s := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, secretsstorev1.AddToScheme} {
		if err := add(s); err != nil {
			panic(err) // the schemes are fixed at build time
		}
	}
	return s
}

// Namespace creates a namespace that has opted in, with the service account Account.
func (c *Cluster) Namespace(t *testing.T, name string, annotations map[string]string) {
	t.Helper()
	labels := map[string]string{annotation.LabelInjection: annotation.InjectionEnabled}
	if err := c.CreateNamespace(t.Context(), name, labels, annotations); err != nil {
		t.Fatal(err)
	}
	c.CreateAccount(t, name)
}

// CreateAccount creates the service account Account in a namespace.
func (c *Cluster) CreateAccount(t *testing.T, namespace string) {
	t.Helper()
	if err := c.API.Create(t.Context(), ServiceAccount(namespace)); err != nil {
		t.Fatal(err)
	}
}

// ServiceAccount is the service account Account.
func ServiceAccount(namespace string) *corev1.ServiceAccount {
	return &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{
		Name: Account, Namespace: namespace,
		Annotations: map[string]string{
			provider.AnnotationClientID: ClientID, provider.AnnotationTenantID: TenantID,
		},
	}}
}

// Pod is a pod that asks for objects of the vault payments-kv.
func Pod(namespace, name, objects string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace, Annotations: map[string]string{
			annotation.Vault:          "payments-kv",
			annotation.Objects:        objects,
			annotation.ServiceAccount: Account,
		}},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "registry.example/app"}}},
	}
}

// Classes that the pod's volumes name.
func Classes(pod *corev1.Pod) []string {
	var names []string
	for _, v := range pod.Spec.Volumes {
		if v.CSI != nil && v.CSI.Driver == provider.DriverName {
			names = append(names, v.CSI.VolumeAttributes["secretProviderClass"])
		}
	}
	return names
}

// Create creates a pod and returns its one class.
func (c *Cluster) Create(t *testing.T, pod *corev1.Pod) string {
	t.Helper()
	if err := c.API.Create(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
	classes := Classes(pod)
	if len(classes) != 1 {
		t.Fatalf("the pod %s is stored with the classes %q, want one", pod.Name, classes)
	}
	return classes[0]
}

// Class reads a class; nil if there is none.
func (c *Cluster) Class(t *testing.T, namespace, name string) *secretsstorev1.SecretProviderClass {
	t.Helper()
	class := &secretsstorev1.SecretProviderClass{}
	err := c.API.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: name}, class)
	if client.IgnoreNotFound(err) != nil {
		t.Fatal(err)
	}
	if err != nil {
		return nil
	}
	return class
}
