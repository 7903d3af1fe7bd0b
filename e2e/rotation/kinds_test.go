package rotation_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"testing"

	"akv-injector/e2e/azure/vault"
	"akv-injector/e2e/system"
)

// kinds: the public halves of keys, a certificate, and a certificate's secret. What the
// files have is what the SDK's clients read in the vault, before and after a rotation.
func kinds(t *testing.T, s *system.System) {
	tenant := newTenant(t, s, "kinds")
	check(t, tenant.Grant(tenant.Vault, system.RoleCryptoUser, system.RoleCertificateUser))
	rotate := func() {
		t.Helper()
		for name, keyType := range map[string]string{"signing": "EC", "wrapping": "RSA"} {
			_, err := s.Azure.Vault().CreateKey(tenant.Vault, name, keyType, vault.Attributes{})
			check(t, err)
		}
		_, err := s.Azure.Vault().CreateCertificate(tenant.Vault, "frontend", "CN=frontend.example", vault.Attributes{})
		check(t, err)
	}
	rotate()

	pod := tenant.Pod("reader", "key/signing, key/wrapping, tls.crt=cert/frontend, tls.key=key/frontend, pair.pem=secret/frontend")
	runPod(t, tenant, pod)
	sdk := newSDK(t, tenant)
	var before x509.Certificate
	for round := range 2 {
		certificate := sdk.certificate(t, "frontend")
		awaitFiles(t, tenant, pod.Name, "app", map[string]string{
			"signing":  publicPEM(t, sdk.key(t, "signing")),
			"wrapping": publicPEM(t, sdk.key(t, "wrapping")),
			"tls.crt":  encodePEM("CERTIFICATE", certificate.Raw),
			"tls.key":  publicPEM(t, certificate.PublicKey),
		})
		awaitPair(t, tenant, pod.Name, certificate)
		if round == 0 {
			before = *certificate
			rotate()
		} else if before.SerialNumber.Cmp(certificate.SerialNumber) == 0 {
			t.Error("the certificate is the same before and after the rotation")
		}
	}
}

// awaitPair waits until pair.pem has a certificate with the private key that belongs to it.
func awaitPair(t *testing.T, tenant *system.Tenant, pod string, want *x509.Certificate) {
	t.Helper()
	check(t, tenant.Await(t.Context(), tenant.Namespace, "a certificate with its private key in pair.pem of "+pod, func(ctx context.Context) (bool, string) {
		content, err := tenant.Cat(ctx, pod, mounted("pair.pem"))
		if err != nil {
			return false, err.Error()
		}
		pair, err := tls.X509KeyPair([]byte(content), []byte(content))
		if err != nil {
			return false, err.Error()
		}
		return pair.Leaf.Equal(want), fmt.Sprintf("certificate number %s, want %s", pair.Leaf.SerialNumber, want.SerialNumber)
	}))
}

// encodePEM leaves out the line's end after the last line, as awaitShell does.
func encodePEM(kind string, der []byte) string {
	text := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	return string(text[:len(text)-1])
}

func publicPEM(t *testing.T, public any) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(public)
	check(t, err)
	return encodePEM("PUBLIC KEY", der)
}
