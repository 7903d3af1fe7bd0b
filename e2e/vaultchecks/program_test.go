package vaultchecks_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/e2e/azure"
	"akv-injector/e2e/azure/arm"
	"akv-injector/e2e/azure/faults"
	"akv-injector/e2e/azure/vault"
	"akv-injector/e2e/cluster"
	"akv-injector/e2e/controlplane"
	"akv-injector/e2e/injector"
	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
)

// The program as it is installed, with the identity that the workload identity webhook
// would give its pod: a token of its service account, by the API server, that Entra ID
// takes for a managed identity with Key Vault Reader.
func TestProgram(t *testing.T) {
	server, err := azure.Start(t.Context(), azure.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	token := filepath.Join(t.TempDir(), "azure-identity-token")
	// The client id is made with the issuer known, and the program starts before: as in a
	// cluster whose identity is set up later.
	identity, err := server.CreateIdentity(arm.Identity{Name: "akv-injector"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("Entra ID was asked: %+v", server.TokenRequests())
		}
	})
	// Entra ID reads the issuer's keys, and has no credentials of the cluster.
	c := cluster.Start(t, controlplane.Options{ExtraAPIServerArgs: []string{"--anonymous-auth=true"}}, injector.Options{
		Args: []string{"--vault-checks=enforce", "--vault-hints"},
		Env: []string{
			"AZURE_CLIENT_ID=" + identity.ClientID, "AZURE_TENANT_ID=" + server.TenantID(),
			"AZURE_FEDERATED_TOKEN_FILE=" + token, "AZURE_AUTHORITY_HOST=" + server.LoginEndpoint() + "/",
			"HTTPS_PROXY=" + proxyTo(t, server), "SSL_CERT_FILE=" + server.CAFile(),
		},
	})
	p := &program{Cluster: c, server: server}
	if err := c.API.Create(t.Context(), &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "public-issuer"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "system:service-account-issuer-discovery"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.GroupKind, Name: "system:unauthenticated"}},
	}); err != nil {
		t.Fatal(err)
	}
	c.Namespace(t, shop, map[string]string{annotation.AllowedVaults: vaultName})
	c.Namespace(t, "unfenced", nil)
	if _, err := server.CreateVault("", vaultName); err != nil {
		t.Fatal(err)
	}
	secret := func(name string) {
		t.Helper()
		if _, err := server.Vault().SetSecret(vaultName, name, "hunter2", vault.Attributes{}); err != nil {
			t.Fatal(err)
		}
	}
	secret("DB-Password")

	// Without a token nothing is known, and nothing refused.
	unhurried.Require(t, "the want of a token to be told", func(context.Context) (bool, string) {
		warnings, err := p.apply(t, shop, "DB-Pasword")
		return err == nil && strings.Contains(warnings, "was not queried: there is no token"), fmt.Sprint(err, warnings)
	})
	ca, err := os.ReadFile(c.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := server.TrustIssuers(ca); err != nil {
		t.Fatal(err)
	}
	if _, err := server.CreateFederatedCredential("", identity.Name, arm.FederatedCredential{
		Name: "akv-injector", Issuer: c.Issuer, Subject: subject,
	}); err != nil {
		t.Fatal(err)
	}
	p.project(t, token)

	// With one, but without a role, neither.
	unhurried.Require(t, "a token", func(context.Context) (bool, string) {
		warnings, _ := p.apply(t, shop, "DB-Password")
		return strings.Contains(warnings, "does not let the identity read metadata (403)"), warnings
	})
	assign(t, server, identity)

	unhurried.Require(t, "the role to be seen", func(context.Context) (bool, string) {
		warnings, err := p.apply(t, shop, "DB-Password")
		return err == nil && warnings == "", fmt.Sprint(err, warnings)
	})

	// A typo is refused at apply, wherever it is made, with the name that was meant.
	unhurried.Require(t, "a refusal", func(context.Context) (bool, string) {
		warnings, err := p.apply(t, shop, "DB-Pasword")
		return apierrors.IsInvalid(err), fmt.Sprint(err, warnings)
	})
	for name, object := range map[string]client.Object{
		"deployment": deployment(shop, "web", "DB-Pasword"),
		"pod":        cluster.Pod(shop, "web", "DB-Pasword"),
		"class":      class(shop, "DB-Pasword"),
	} {
		// On a busy machine the vault's word, or the hint, may come too late for one of them.
		unhurried.Require(t, "the refusal of a "+name+" with a typo", func(context.Context) (bool, string) {
			object := object.DeepCopyObject().(client.Object)
			err := c.API.Create(t.Context(), object)
			if err == nil {
				return false, fmt.Sprintf("admitted, and deleted again: %v", c.API.Delete(t.Context(), object))
			}
			return apierrors.IsInvalid(err) && strings.Contains(err.Error(), "AKV020") &&
				strings.Contains(err.Error(), `Did you mean "DB-Password"?`), fmt.Sprint(err)
		})
	}

	// Who makes the missing object, and applies again, is not refused on an old answer.
	unhurried.Require(t, "the refusal of an object that is missing", func(context.Context) (bool, string) {
		warnings, err := p.apply(t, shop, "API-Key")
		return apierrors.IsInvalid(err), fmt.Sprint(err, warnings)
	})
	secret("API-Key")
	unhurried.Require(t, "the new object to be seen", func(context.Context) (bool, string) {
		warnings, err := p.apply(t, shop, "API-Key")
		return err == nil && warnings == "", fmt.Sprint(err, warnings)
	})

	// Correct objects pass without a word, and pods are injected.
	if err := c.API.Create(t.Context(), class(shop, "DB-Password")); err != nil {
		t.Error(err)
	}
	if name := c.Create(t, cluster.Pod(shop, "right", "DB-Password\nAPI-Key")); !provider.Generated(name) {
		t.Errorf("the pod has the class %q", name)
	}

	// Nobody is told what a vault holds whose name the namespace does not have.
	before := len(server.Vault().Audit())
	warnings, err := p.apply(t, "unfenced", "DB-Pasword")
	if err != nil || !strings.Contains(warnings, annotation.AllowedVaults) || len(server.Vault().Audit()) != before {
		t.Errorf("without a fence: %v, warnings %q, %d calls", err, warnings, len(server.Vault().Audit())-before)
	}

	// Many pods, dry runs here, cost nothing more.
	before = len(server.Vault().Audit())
	for range 100 {
		if warnings, err := p.apply(t, shop, "DB-Password"); err != nil || warnings != "" {
			t.Fatalf("%v, %q", err, warnings)
		}
	}
	if n := len(server.Vault().Audit()) - before; n > 0 {
		t.Errorf("100 admissions of cached objects: %d calls", n)
	}

	p.outage(t, secret)
	p.wantMetrics(t)
	var calls []vault.Call
	for _, call := range server.Vault().Audit() {
		if call.Status == 200 || call.Status == 404 {
			calls = append(calls, call)
			if call.Principal != identity.PrincipalID {
				t.Errorf("asked as somebody else: %+v", call)
			}
		}
	}
	wantMetadataOnly(t, calls)
	for _, request := range server.TokenRequests() {
		if request.Outcome == "ok" && request.Subject != subject {
			t.Errorf("a token for %+v", request)
		}
	}
	for _, r := range c.Injector.Replicas() {
		if log := r.Log(); strings.Contains(log, "hunter2") || strings.Contains(log, "eyJ") {
			t.Errorf("the log has a value or a token:\n%s", log)
		}
	}
}

type program struct {
	*cluster.Cluster
	server *azure.Server
}

// outage makes the vault fail and get well again.
func (p *program) outage(t *testing.T, secret func(string)) {
	t.Helper()
	if err := p.server.SetVaultFault(vaultName, &faults.Fault{Hang: true}); err != nil {
		t.Fatal(err)
	}
	p.wantUnchecked(t, "no-such", "did not answer in time")
	if err := p.server.SetVaultFault(vaultName, nil); err != nil {
		t.Fatal(err)
	}
	secret("after")
	unhurried.Require(t, "checks after the outage", func(context.Context) (bool, string) {
		warnings, right := p.apply(t, shop, "after")
		_, wrong := p.apply(t, shop, "aftr")
		return right == nil && warnings == "" && apierrors.IsInvalid(wrong), fmt.Sprint(right, warnings, wrong)
	})
}

func (p *program) wantUnchecked(t *testing.T, name, because string) {
	t.Helper()
	warnings, err := p.apply(t, shop, name)
	if err != nil || !strings.Contains(warnings, because) {
		t.Errorf("want it admitted, with a warning that says %q: %v, %q", because, err, warnings)
	}
}

// apply creates a Deployment as a dry run. Of its warnings only AKV020's are given.
func (p *program) apply(t *testing.T, namespace, name string) (warnings string, refused error) {
	t.Helper()
	told, api := p.warned(t)
	err := api.Create(t.Context(), deployment(namespace, "web", name), client.DryRunAll)
	if err != nil && !apierrors.IsInvalid(err) {
		t.Fatal(err)
	}
	var ours []string
	for _, w := range *told {
		if strings.Contains(w, "AKV020") {
			ours = append(ours, w)
		}
	}
	return strings.Join(ours, "\n"), err
}

// project writes a token of the program's service account into a file, as the kubelet
// does for the volume that the identity webhook adds.
func (p *program) project(t *testing.T, file string) {
	t.Helper()
	seconds := int64(3600)
	token, err := p.Client.CoreV1().ServiceAccounts(injector.Namespace).CreateToken(t.Context(), injector.ServiceAccount,
		&authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{
			Audiences: []string{"api://AzureADTokenExchange"}, ExpirationSeconds: &seconds,
		}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(token.Status.Token), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (p *program) wantMetrics(t *testing.T) {
	t.Helper()
	text, err := p.Injector.Replicas()[0].Metrics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`akv_injector_vault_lookups_total{cache="hit",outcome="found",type="secret",vault="payments-kv"}`,
		`akv_injector_vault_calls_total{outcome="absent",type="secret",vault="payments-kv"}`,
		`akv_injector_vault_lookups_total{cache="miss",outcome="slow",type="secret",vault="payments-kv"}`,
		`akv_injector_vault_call_duration_seconds_count{outcome="found"}`,
		`akv_injector_vault_circuit_open{vault="payments-kv"} 0`,
		`akv_injector_vault_check_duration_seconds_count`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no metric %s in:\n%s", want, grep(text, "akv_injector_vault"))
		}
	}
}

func grep(text, what string) string {
	var lines []string
	for line := range strings.Lines(text) {
		if strings.Contains(line, what) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

// class is a hand-written SecretProviderClass of one secret.
func class(namespace, name string) *secretsstorev1.SecretProviderClass {
	return &secretsstorev1.SecretProviderClass{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "payments"},
		Spec: secretsstorev1.SecretProviderClassSpec{Provider: provider.ProviderAzure, Parameters: map[string]string{
			"keyvaultName": vaultName, "clientID": cluster.ClientID, "tenantID": cluster.TenantID,
			"objects": "array:\n- |\n  objectName: " + name + "\n  objectType: secret\n",
		}},
	}
}
