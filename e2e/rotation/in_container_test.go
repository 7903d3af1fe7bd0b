package rotation_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"akv-injector/e2e/azure/vault"
	"akv-injector/e2e/system"
	"akv-injector/e2e/workloadidentity"
)

// inContainer: a program in a running container finds what Azure's SDKs look for, which
// the workload identity webhook adds to the pod because of what we set in it: variables
// with the client id of the service account, and a token. With just these it logs in and
// reads the vault.
func inContainer(t *testing.T, s *system.System) {
	tenant := newTenant(t, s, "in-container")
	check(t, newVersion("value")(tenant))
	check(t, tenant.Grant(tenant.Vault, system.RoleCryptoUser))
	_, err := s.Azure.Vault().CreateKey(tenant.Vault, "signing", "EC", vault.Attributes{})
	check(t, err)
	pod := tenant.Pod("reader", secret)
	// It says nothing of an identity: the annotation and the service account do.
	if pod.Spec.ServiceAccountName != "" || len(pod.Labels) > 0 {
		t.Fatalf("the pod comes with account %q and labels %v", pod.Spec.ServiceAccountName, pod.Labels)
	}
	runPod(t, tenant, pod)

	got := map[string]string{}
	for line := range strings.Lines(shell(t, tenant, pod.Name, "app", `tr '\0' '\n' </proc/1/environ`)) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		if strings.HasPrefix(name, "AZURE_") {
			got[name] = value
		}
	}
	want := map[string]string{
		"AZURE_CLIENT_ID":            tenant.ClientID,
		"AZURE_TENANT_ID":            s.Azure.TenantID(),
		"AZURE_AUTHORITY_HOST":       s.Azure.LoginEndpoint() + "/",
		"AZURE_FEDERATED_TOKEN_FILE": workloadidentity.TokenFile,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("the container's variables: -want +got:\n%s", diff)
	}
	reader := newSDKAs(t, tenant, got["AZURE_TENANT_ID"], got["AZURE_CLIENT_ID"], func(ctx context.Context) (string, error) {
		return tenant.Cat(ctx, pod.Name, got["AZURE_FEDERATED_TOKEN_FILE"])
	})
	reader.key(t, "signing")
}
