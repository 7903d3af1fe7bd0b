package secretsstore_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"
	"sigs.k8s.io/secrets-store-csi-driver/pkg/util/secretutil"

	"akv-injector/inject"
	"akv-injector/inject/facts"
)

// contents are what the Azure provider writes for each type of object.
func contents(t *testing.T) map[string][]byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "frontend"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	check(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	check(t, err)
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	check(t, err)
	block := func(kind string, der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}) }
	certificate := block("CERTIFICATE", der)
	return map[string][]byte{
		"secret": append(block("PRIVATE KEY", private), certificate...),
		"cert":   certificate,
		"key":    block("PUBLIC KEY", public),
	}
}

// AKV023 finds something in an entry of secretObjects exactly if the driver's own functions make no Secret of
// it, or one that the API server does not store: tried with every combination of what an entry can have.
func TestSyncedSecretsAsTheDriverMakesThem(t *testing.T) {
	const tls = "kubernetes.io/tls"
	dir := t.TempDir()
	written := contents(t)
	tried, refused := 0, 0
	for _, objectType := range []string{"secret", "cert", "key"} {
		for _, alias := range []string{"", "ALIAS"} {
			file := "object"
			if alias != "" {
				file = alias
			}
			path := filepath.Join(dir, objectType+file)
			check(t, os.WriteFile(path, written[objectType], 0o600))
			files := map[string]string{file: path}
			for _, name := range []string{"", "made"} {
				for _, kind := range []string{"", "Opaque", tls} {
					for _, keys := range []string{"", "value", "tls.crt", "tls.key", "tls.crt tls.key", "tls.crt tls.key ca.crt", "-"} {
						for _, from := range []string{"object", "ALIAS", " ALIAS ", "other", ""} {
							entry := secretsstorev1.SecretObject{SecretName: name, Type: kind}
							for key := range strings.FieldsSeq(keys) {
								if key == "-" {
									key = ""
								}
								entry.Data = append(entry.Data, &secretsstorev1.SecretObjectData{ObjectName: from, Key: key})
							}
							err := driverMakes(entry, files)
							found := findings(t, entry, objectType, alias)
							tried++
							if err != nil {
								refused++
							}
							if (err != nil) != (len(found) > 0) {
								t.Errorf("%s with alias %q, entry %q %q, keys %q from %q: the driver says %v, AKV023 %v", objectType, alias, name, kind, keys, from, err, found)
							}
						}
					}
				}
			}
		}
	}
	t.Logf("%d entries, of which the driver makes no Secret from %d", tried, refused)
	if refused == 0 || refused == tried {
		t.Error("all are the same to the driver")
	}
}

// driverMakes makes a Secret as the driver does, and checks what the API server asks of one.
func driverMakes(entry secretsstorev1.SecretObject, files map[string]string) error {
	if err := secretutil.ValidateSecretObject(entry); err != nil {
		return err
	}
	kind := secretutil.GetSecretType(entry.Type)
	data, err := secretutil.GetSecretData(entry.Data, kind, files)
	if err != nil {
		return err
	}
	if kind != "kubernetes.io/tls" {
		return nil
	}
	for _, key := range []string{"tls.crt", "tls.key"} {
		if len(data[key]) == 0 {
			return fmt.Errorf("%s is empty", key)
		}
		// The driver writes a block without content where it finds no key.
		if block, _ := pem.Decode(data[key]); block == nil || len(block.Bytes) == 0 {
			return fmt.Errorf("%s holds nothing", key)
		}
	}
	return nil
}

func findings(t *testing.T, entry secretsstorev1.SecretObject, objectType, alias string) []string {
	t.Helper()
	class := &secretsstorev1.SecretProviderClass{
		ObjectMeta: metav1.ObjectMeta{Name: "class", Namespace: "apps"},
		Spec: secretsstorev1.SecretProviderClassSpec{
			Provider: "azure", SecretObjects: []*secretsstorev1.SecretObject{&entry},
			Parameters: map[string]string{
				"keyvaultName": "payments-kv", "clientID": "11111111-1111-1111-1111-111111111111", "tenantID": "22222222-2222-2222-2222-222222222222",
				"objects": fmt.Sprintf("array:\n  - |\n    objectName: object\n    objectType: %s\n    objectAlias: %q\n", objectType, alias),
			},
		},
	}
	var found []string
	for _, f := range inject.DecideClass(inject.ParseClass(class, nil, inject.Settings{}), facts.Facts{}) {
		if f.Rule == "AKV023" {
			found = append(found, f.Place.String()+": "+f.Message)
		}
	}
	return found
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
