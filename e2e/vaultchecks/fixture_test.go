package vaultchecks_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	admissionv1 "k8s.io/api/admission/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"akv-injector/e2e/azure"
	"akv-injector/e2e/azure/arm"
	"akv-injector/e2e/azure/vault"
	"akv-injector/e2e/cluster"
	"akv-injector/e2e/injector"
	"akv-injector/inject"
	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
	"akv-injector/keyvault"
	"akv-injector/webhook"
)

const (
	vaultName = "payments-kv"
	reader    = "Key Vault Reader"
	subject   = "system:serviceaccount:" + injector.Namespace + ":" + injector.ServiceAccount
)

// fixture is Azure with a vault and akv-injector's identity, and a reader that asks as it.
type fixture struct {
	*azure.Server
	identity arm.Identity
	issuer   *issuer
	reader   *keyvault.Reader
	registry *prometheus.Registry
	clock    *clocktesting.FakeClock // stands still until it is moved
}

func newFixture(t *testing.T, options azure.Options) *fixture {
	t.Helper()
	issuer := newIssuer(t)
	options.IssuerCAs = issuer.roots()
	server, err := azure.Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	f := &fixture{Server: server, issuer: issuer, clock: clocktesting.NewFakeClock(time.Now())}
	f.identity = setUp(t, server, issuer.server.URL)
	f.newReader(t, patient)
	return f
}

// How long a reader waits for a vault. One that is well answers at once, but on a busy
// machine "at once" takes its time, which must not be taken for a fault.
const (
	patient   = time.Minute
	impatient = 2 * time.Second
)

// newReader gives the fixture a reader that has asked nothing yet.
func (f *fixture) newReader(t *testing.T, timeout time.Duration) {
	t.Helper()
	f.registry = prometheus.NewRegistry()
	f.reader = keyvault.New(keyvault.Options{
		Credential: func(options policy.ClientOptions) (azcore.TokenCredential, error) {
			return azidentity.NewClientAssertionCredential(f.TenantID(), f.identity.ClientID,
				func(context.Context) (string, error) { return f.issuer.token(subject) },
				&azidentity.ClientAssertionCredentialOptions{ClientOptions: options})
		},
		Transport: &http.Client{Transport: f.transport(t)}, Now: f.clock.Now, Registerer: f.registry,
		CallTimeout: timeout,
	})
}

// setUp does what docs/vault-checks.md says.
func setUp(t *testing.T, server *azure.Server, issuer string) arm.Identity {
	t.Helper()
	if _, err := server.CreateVault("", vaultName); err != nil {
		t.Fatal(err)
	}
	identity, err := server.CreateIdentity(arm.Identity{Name: "akv-injector"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := server.CreateFederatedCredential("", identity.Name, arm.FederatedCredential{
		Name: "akv-injector", Issuer: issuer, Subject: subject,
	}); err != nil {
		t.Fatal(err)
	}
	assign(t, server, identity)
	return identity
}

func assign(t *testing.T, server *azure.Server, identity arm.Identity) {
	t.Helper()
	scope, err := server.VaultScope(vaultName)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := server.AssignRole(reader, identity.PrincipalID, scope); err != nil {
		t.Fatal(err)
	}
}

// transport finds the stand-in by its DNS, and makes a new connection for each call: what
// is wrong with names and certificates has to be noticed.
func (f *fixture) transport(t *testing.T) *http.Transport {
	t.Helper()
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(f.CA())
	dns := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, f.DNSAddress().String())
	}}
	transport := &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: pool},
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			host, _, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			found, err := dns.LookupHost(ctx, host+".")
			if err != nil {
				return nil, err
			}
			port := strconv.Itoa(int(f.HTTPSAddress().Port()))
			return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort(found[0], port))
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

func (f *fixture) secret(t *testing.T, name string) {
	t.Helper()
	if _, err := f.Vault().SetSecret(vaultName, name, "hunter2", vault.Attributes{}); err != nil {
		t.Fatal(err)
	}
}

// calls are those that a vault was asked with a token.
func (f *fixture) calls() []vault.Call {
	var calls []vault.Call
	for _, c := range f.Vault().Audit() {
		if c.Status != http.StatusUnauthorized {
			calls = append(calls, c)
		}
	}
	return calls
}

// objects are what handlers find in the cluster.
type objects []client.Object

func (o objects) Get(_ context.Context, key client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	for _, found := range o {
		if client.ObjectKeyFromObject(found) != key {
			continue
		}
		switch into := into.(type) {
		case *corev1.Namespace:
			if found, ok := found.(*corev1.Namespace); ok {
				found.DeepCopyInto(into)
				return nil
			}
		case *corev1.ServiceAccount:
			if found, ok := found.(*corev1.ServiceAccount); ok {
				found.DeepCopyInto(into)
				return nil
			}
		case *storagev1.CSIDriver:
			if found, ok := found.(*storagev1.CSIDriver); ok {
				found.DeepCopyInto(into)
				return nil
			}
		}
	}
	return apierrors.NewNotFound(schema.GroupResource{}, key.Name)
}

const shop = "shop"

// admission are the handlers for a namespace that enforces.
func (f *fixture) admission() *webhook.Admission {
	found := objects{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
			Name: shop, Labels: map[string]string{annotation.LabelInjection: annotation.InjectionEnabled},
			Annotations: map[string]string{annotation.VaultChecks: inject.VaultChecksEnforce, annotation.AllowedVaults: vaultName},
		}},
		&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: cluster.Account, Namespace: shop, Annotations: map[string]string{
			provider.AnnotationClientID: cluster.ClientID, provider.AnnotationTenantID: cluster.TenantID,
		}}},
		&storagev1.CSIDriver{ObjectMeta: metav1.ObjectMeta{Name: provider.DriverName}, Spec: storagev1.CSIDriverSpec{
			RequiresRepublish: new(true), TokenRequests: []storagev1.TokenRequest{{Audience: "api://AzureADTokenExchange"}},
		}},
	}
	return webhook.New(webhook.Options{
		Cached: found, Live: found, Vaults: f.reader,
		Driver:    func(context.Context) *provider.Driver { return nil },
		MountedBy: func(context.Context, string, string) ([]string, error) { return nil, nil },
		Settings:  inject.Settings{VaultExpiryWarning: inject.DefaultVaultExpiryWarning},
		Log:       logr.Discard(), Metrics: webhook.NewMetrics(f.registry, "test"),
	})
}

// deployment is one whose pods ask for objects.
func deployment(namespace, name string, names ...string) *appsv1.Deployment {
	pod := cluster.Pod("", "", strings.Join(names, "\n"))
	labels := map[string]string{"app": name}
	pod.Labels = labels
	return &appsv1.Deployment{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels, Annotations: pod.Annotations}, Spec: pod.Spec,
			},
		},
	}
}

// apply sends a Deployment that asks for objects to the handler, as the API server does.
func apply(t *testing.T, a *webhook.Admission, names ...string) *admissionv1.AdmissionResponse {
	t.Helper()
	object, err := json.Marshal(deployment(shop, "web", names...))
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(&admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"},
		Request: &admissionv1.AdmissionRequest{
			UID: "1", Namespace: shop, Operation: admissionv1.Create,
			Kind:     metav1.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"},
			Resource: metav1.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"},
			Object:   runtime.RawExtension{Raw: object},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, webhook.ValidateWorkloadPath+"?timeout=5s", bytes.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	recorder := httptest.NewRecorder()
	a.ValidateWorkload().ServeHTTP(recorder, request)
	review := &admissionv1.AdmissionReview{}
	if err := json.Unmarshal(recorder.Body.Bytes(), review); err != nil || review.Response == nil {
		t.Fatalf("HTTP %d: %s", recorder.Code, recorder.Body)
	}
	return review.Response
}
