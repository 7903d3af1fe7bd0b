package vault_test

import (
	"bytes"
	"crypto/sha1"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azcertificates"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
	"golang.org/x/crypto/pkcs12"

	"akv-injector/e2e/azure/vault"
)

const (
	contentPEM = "application/x-pem-file"
	contentPFX = "application/x-pkcs12"
)

func TestCertificateHasItsSecretAndKey(t *testing.T) {
	s := newStand(t)
	for _, content := range []string{contentPEM, contentPFX} {
		t.Run(content, func(t *testing.T) {
			name := strings.ReplaceAll(content[len("application/"):], ".", "-")
			version, err := s.CreateCertificate("demo-kv", name, "CN=shop.example.com, O=Example", vault.Attributes{
				ContentType: content, Tags: map[string]string{"a": "1"},
			})
			if err != nil {
				t.Fatal(err)
			}
			got, err := s.certificates(t).GetCertificate(t.Context(), name, "", nil)
			if err != nil {
				t.Fatal(err)
			}
			cert, err := x509.ParseCertificate(got.CER)
			if err != nil {
				t.Fatal(err)
			}
			if cert.Subject.CommonName != "shop.example.com" || cert.VerifyHostname("shop.example.com") != nil {
				t.Errorf("the certificate is for %s %v", cert.Subject, cert.DNSNames)
			}
			sum := sha1.Sum(got.CER)
			if got.ID.Version() != version || !bytes.Equal(got.X509Thumbprint, sum[:]) ||
				string(*got.SID) != demoURL+"secrets/"+name+"/"+version || string(*got.KID) != demoURL+"keys/"+name+"/"+version {
				t.Errorf("got %+v", got.Certificate)
			}
			if !got.Attributes.Expires.Equal(cert.NotAfter) || !got.Attributes.NotBefore.Equal(cert.NotBefore) {
				t.Errorf("attributes %+v are not of the certificate", got.Attributes)
			}
			p := got.Policy
			if *p.SecretProperties.ContentType != content || *p.X509CertificateProperties.Subject != "CN=shop.example.com, O=Example" ||
				*p.IssuerParameters.Name != "Self" || *p.KeyProperties.KeySize != 2048 {
				t.Errorf("policy %+v", p)
			}
			if alone, err := s.certificates(t).GetCertificatePolicy(t.Context(), name, nil); err != nil || *alone.ID != *p.ID {
				t.Errorf("the policy alone: %+v %v", alone, err)
			}

			secret, err := s.secrets(t).GetSecret(t.Context(), name, got.SID.Version(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if !*secret.Managed || *secret.ContentType != content || *secret.KID != azsecrets.ID(*got.KID) || len(secret.Tags) != 1 {
				t.Errorf("secret %+v", secret.Secret)
			}
			blocks := pemBlocks(t, content, *secret.Value)
			pair, err := tls.X509KeyPair(blocks, blocks)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(pair.Certificate[0], got.CER) {
				t.Error("the secret's certificate is another one")
			}

			key, err := s.keys(t).GetKey(t.Context(), name, got.KID.Version(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if !*key.Managed || len(key.Key.N) != 256 {
				t.Errorf("key %+v", key.KeyBundle)
			}
		})
	}
}

// pemBlocks reads a certificate's secret in the way of the CSI driver's
// provider.
func pemBlocks(t *testing.T, content, value string) []byte {
	t.Helper()
	if content == contentPEM {
		return []byte(value)
	}
	pfx, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		t.Fatal(err)
	}
	blocks, err := pkcs12.ToPEM(pfx, "")
	if err != nil {
		t.Fatal(err)
	}
	var all []byte
	for _, block := range blocks {
		block.Headers = nil
		all = append(all, pem.EncodeToMemory(block)...)
	}
	return all
}

func TestCertificateIsMadeByTheSDK(t *testing.T) {
	s := newStand(t)
	client := s.certificates(t)
	create := func(subject string) error {
		operation, err := client.CreateCertificate(t.Context(), "tls", azcertificates.CreateCertificateParameters{
			CertificatePolicy: &azcertificates.CertificatePolicy{
				IssuerParameters: &azcertificates.IssuerParameters{Name: new("Self")},
				KeyProperties:    &azcertificates.KeyProperties{KeyType: new(azcertificates.KeyTypeEC)},
				SecretProperties: &azcertificates.SecretProperties{ContentType: new(contentPFX)},
				X509CertificateProperties: &azcertificates.X509CertificateProperties{
					Subject:                 &subject,
					SubjectAlternativeNames: &azcertificates.SubjectAlternativeNames{DNSNames: []*string{new("a.example.com")}},
					ValidityInMonths:        new(int32(3)),
				},
			},
		}, nil)
		if err == nil && (*operation.Status != "completed" || *operation.Target != demoURL+"certificates/tls") {
			t.Errorf("operation %+v", operation.CertificateOperation)
		}
		return err
	}
	if err := create("CN=a.example.com"); err != nil {
		t.Fatal(err)
	}
	if err := create("CN=a.example.com"); err != nil {
		t.Fatal(err)
	}
	if pending, err := client.GetCertificateOperation(t.Context(), "tls", nil); err != nil || *pending.Status != "completed" {
		t.Errorf("pending %+v %v", pending, err)
	}
	versions, err := client.NewListCertificatePropertiesVersionsPager("tls", nil).NextPage(t.Context())
	if err != nil || len(versions.Value) != 2 {
		t.Fatalf("versions %+v %v", versions.Value, err)
	}
	newest, err := client.GetCertificate(t.Context(), "tls", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if *newest.ID != *versions.Value[0].ID || len(versions.Value[0].X509Thumbprint) != sha1.Size {
		t.Errorf("newest is %s, the first listed %s", *newest.ID, *versions.Value[0].ID)
	}
	cert, err := x509.ParseCertificate(newest.CER)
	if err != nil {
		t.Fatal(err)
	}
	if want := start.AddDate(0, 3, 0); !cert.NotAfter.Equal(want) || cert.VerifyHostname("a.example.com") != nil {
		t.Errorf("expires %s, want %s; names %v", cert.NotAfter, want, cert.DNSNames)
	}
	secret, err := s.SecretValue("demo-kv", "tls", newest.ID.Version())
	if err != nil {
		t.Fatal(err)
	}
	blocks := pemBlocks(t, contentPFX, secret)
	if _, err := tls.X509KeyPair(blocks, blocks); err != nil {
		t.Error(err)
	}
	wantRefusal(t, create("CN=a,X=b"), http.StatusBadRequest, "BadParameter", "")
	page, err := client.NewListCertificatePropertiesPager(nil).NextPage(t.Context())
	if err != nil || len(page.Value) != 1 || string(*page.Value[0].ID) != demoURL+"certificates/tls" {
		t.Errorf("listed %+v %v", page.Value, err)
	}
}

// Disabling a certificate withholds its private part, and nothing else.
func TestDisabledCertificateHidesItsSecret(t *testing.T) {
	s := newStand(t)
	if _, err := s.CreateCertificate("demo-kv", "tls", "example.com", vault.Attributes{ContentType: contentPEM}); err != nil {
		t.Fatal(err)
	}
	got, err := s.certificates(t).UpdateCertificate(t.Context(), "tls", "", azcertificates.UpdateCertificateParameters{
		CertificateAttributes: &azcertificates.CertificateAttributes{Enabled: new(false), Expires: new(start)},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if *got.Attributes.Enabled || got.Attributes.Expires.Equal(start) {
		t.Errorf("want it disabled, and the X.509 certificate's expiry kept: %+v", got.Attributes)
	}
	if _, err := s.certificates(t).GetCertificate(t.Context(), "tls", "", nil); err != nil {
		t.Errorf("the certificate: %v", err)
	}
	_, err = s.secrets(t).GetSecret(t.Context(), "tls", "", nil)
	wantRefusal(t, err, http.StatusForbidden, "Forbidden", "SecretDisabled")
}

func TestCertificateTakesItsPartsAlong(t *testing.T) {
	s := newStand(t)
	if _, err := s.CreateCertificate("demo-kv", "tls", "CN=example.com", vault.Attributes{}); err != nil {
		t.Fatal(err)
	}
	secrets, certificates := s.secrets(t), s.certificates(t)
	_, err := secrets.DeleteSecret(t.Context(), "tls", nil)
	wantRefusal(t, err, http.StatusForbidden, "Forbidden", "")
	_, err = secrets.SetSecret(t.Context(), "tls", azsecrets.SetSecretParameters{Value: new("mine")}, nil)
	wantRefusal(t, err, http.StatusForbidden, "Forbidden", "")

	deleted, err := certificates.DeleteCertificate(t.Context(), "tls", nil)
	if err != nil {
		t.Fatal(err)
	}
	if deleted.DeletedDate == nil || len(deleted.CER) == 0 {
		t.Errorf("deleted: %+v", deleted.DeletedCertificate)
	}
	_, err = secrets.GetSecret(t.Context(), "tls", "", nil)
	wantRefusal(t, err, http.StatusNotFound, "SecretNotFound", "")
	_, err = secrets.SetSecret(t.Context(), "tls", azsecrets.SetSecretParameters{Value: new("mine")}, nil)
	wantRefusal(t, err, http.StatusConflict, "Conflict", "ObjectIsDeletedButRecoverable")
	_, err = secrets.RecoverDeletedSecret(t.Context(), "tls", nil)
	wantRefusal(t, err, http.StatusForbidden, "Forbidden", "")

	if _, err := certificates.RecoverDeletedCertificate(t.Context(), "tls", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := secrets.GetSecret(t.Context(), "tls", "", nil); err != nil {
		t.Errorf("recovered: %v", err)
	}
	if _, err := certificates.DeleteCertificate(t.Context(), "tls", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := certificates.PurgeDeletedCertificate(t.Context(), "tls", nil); err != nil {
		t.Fatal(err)
	}
	s.addSecret(t, "tls", "now the name is free")
	if _, err := s.CreateCertificate("demo-kv", "tls", "CN=example.com", vault.Attributes{}); err == nil {
		t.Error("a certificate took the name of a secret")
	}
}

func TestCertificateThatHasExpired(t *testing.T) {
	s := newStand(t)
	notBefore, expires := start.Add(-48*time.Hour), start.Add(-24*time.Hour)
	if _, err := s.CreateCertificate("demo-kv", "old", "CN=example.com", vault.Attributes{NotBefore: &notBefore, Expires: &expires}); err != nil {
		t.Fatal(err)
	}
	got, err := s.secrets(t).GetSecret(t.Context(), "old", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if !got.Attributes.Expires.Equal(expires) {
		t.Errorf("expires %s, want %s", got.Attributes.Expires, expires)
	}
	if _, err := s.CreateCertificate("demo-kv", "never", "CN=example.com", vault.Attributes{NotBefore: &start, Expires: &notBefore}); err == nil {
		t.Error("a certificate that expires before it is valid was made")
	}
}
