package compare_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"akv-injector/e2e/build"
	"akv-injector/e2e/cluster"
	"akv-injector/e2e/compare"
	"akv-injector/e2e/controlplane"
	"akv-injector/e2e/process"
	"akv-injector/internal/testing/await"
)

const vaultName = "vault-k8s 1.6.2"

// vaultAnnotations ask vault-k8s for as much as akv-injector is asked for.
var vaultAnnotations = map[string]string{
	"vault.hashicorp.com/agent-inject":            "true",
	"vault.hashicorp.com/role":                    "shop",
	"vault.hashicorp.com/agent-inject-secret-db":  "secret/data/db",
	"vault.hashicorp.com/agent-inject-secret-key": "secret/data/key",
}

// vault starts the real vault-k8s, which gives pods a container that fetches secrets from HashiCorp Vault. It asks no Vault
// at admission. It has no flag for its kubeconfig: it takes what a pod is given, at the path where a pod has it.
func vault(t *testing.T, c *cluster.Cluster, ca []byte) *server {
	t.Helper()
	programs, err := build.Ensure(t.Context(), t.Output(), build.Compared()...)
	if err != nil {
		t.Fatal(err)
	}
	const given = "/var/run/secrets/kubernetes.io/serviceaccount"
	if err := os.MkdirAll(given, 0o700); err != nil {
		t.Fatal(err)
	}
	hour := int64(time.Hour / time.Second)
	token, err := c.Client.CoreV1().ServiceAccounts(namespace).CreateToken(t.Context(), cluster.Account,
		&authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &hour}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	pair, err := c.ServingCertificate("vault-k8s", "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	for file, content := range map[string][]byte{
		filepath.Join(given, "token"): []byte(token.Status.Token), filepath.Join(given, "ca.crt"): ca,
		filepath.Join(given, "namespace"): []byte(namespace), cert: pair.Cert, key: pair.Key,
	} {
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	api, err := url.Parse(c.Config.Host)
	if err != nil {
		t.Fatal(err)
	}
	number, release, err := controlplane.ReservePort()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	s := &server{name: vaultName, target: compare.Target{Address: fmt.Sprintf("127.0.0.1:%d", number), Path: "/mutate", CA: ca}}
	s.metrics = func(ctx context.Context) (string, error) { return compare.Metrics(ctx, &s.target) }
	s.process, err = process.Start(process.Spec{
		Name: "vault-k8s", Path: programs["vault-k8s"], Log: filepath.Join(c.Dir, "logs", "vault-k8s.log"),
		Args: []string{
			"agent-inject", "-listen=" + s.target.Address, "-vault-address=https://vault.example:8200", "-telemetry-path=/metrics",
			"-tls-cert-file=" + cert, "-tls-key-file=" + key,
		},
		Env: []string{"KUBERNETES_SERVICE_HOST=" + api.Hostname(), "KUBERNETES_SERVICE_PORT=" + api.Port(), "NAMESPACE=" + namespace},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.process.Stop(time.Second) })
	if err := s.process.AwaitReady(t.Context(), await.Poll{Limit: 30 * time.Second}, func(ctx context.Context) error {
		return compare.Reach(ctx, &s.target)
	}); err != nil {
		t.Fatal(err)
	}
	return s
}

// wantVault wants vault-k8s to inject its agent, so that its figures are those of what it is for.
func wantVault(t *testing.T, answer *admissionv1.AdmissionReview) {
	t.Helper()
	var patch []struct {
		Path  string
		Value json.RawMessage
	}
	if err := json.Unmarshal(answer.Response.Patch, &patch); err != nil {
		t.Fatalf("vault-k8s answers %+v: %v", answer.Response, err)
	}
	for _, operation := range patch {
		if operation.Path == "/spec/containers/-" {
			return
		}
	}
	t.Fatalf("vault-k8s adds no container: %s", answer.Response.Patch)
}
