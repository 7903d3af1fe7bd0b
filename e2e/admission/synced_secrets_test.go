package admission_test

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject"
	"akv-injector/inject/facts"
	"akv-injector/inject/finding"
)

// AKV023 refuses the entries of secretObjects of which the real API server stores no Secret, and no others.
func TestSecretsThatTheAPIServerStores(t *testing.T) {
	t.Parallel()
	s := shared(t)
	namespace := s.namespace(t)
	tried, refused := 0, 0
	for _, name := range []string{"made", "Made", "a_b", "a.b", "-a", strings.Repeat("a", 254)} {
		for _, kind := range []corev1.SecretType{
			"Opaque", "opaque", "example.com/token", corev1.SecretTypeTLS, corev1.SecretTypeDockercfg, corev1.SecretTypeDockerConfigJson,
			corev1.SecretTypeSSHAuth, corev1.SecretTypeBasicAuth, corev1.SecretTypeServiceAccountToken,
		} {
			for _, keys := range []string{
				"password", "username", ".dockercfg", ".dockerconfigjson", "dockerconfigjson", "ssh-privatekey", "a key", "..", "a/b",
				"tls.crt", "tls.crt,tls.key", "username,password",
			} {
				for _, label := range []string{"", "fine", "not fine"} {
					if label != "" && keys != "password" {
						continue
					}
					entry := &secretsstorev1.SecretObject{SecretName: name, Type: string(kind), Labels: map[string]string{"a": label}}
					data := map[string][]byte{}
					for key := range strings.SplitSeq(keys, ",") {
						entry.Data = append(entry.Data, &secretsstorev1.SecretObjectData{ObjectName: "object", Key: key})
						data[key] = []byte("{}") // what the types of registries take
					}
					_, err := s.Client.CoreV1().Secrets(namespace).Create(t.Context(), &corev1.Secret{
						ObjectMeta: metav1.ObjectMeta{Name: name, Labels: entry.Labels}, Type: kind, Data: data,
					}, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
					if err != nil && !apierrors.IsInvalid(err) {
						t.Fatal(err)
					}
					found := syncedSecretErrors(entry)
					tried++
					if err != nil {
						refused++
					}
					if (err != nil) != (len(found) > 0) {
						t.Errorf("%q of type %s with %q and the label %q: the API server says %v, AKV023 %v", name, kind, keys, label, err, found)
					}
				}
			}
		}
	}
	t.Logf("%d Secrets, of which the API server stores none of %d", tried, refused)
	if refused == 0 || refused == tried {
		t.Error("all are the same to the API server")
	}
}

func syncedSecretErrors(entry *secretsstorev1.SecretObject) (found []string) {
	class := &secretsstorev1.SecretProviderClass{
		ObjectMeta: metav1.ObjectMeta{Name: "class", Namespace: "apps"},
		Spec: secretsstorev1.SecretProviderClassSpec{
			Provider: "azure", SecretObjects: []*secretsstorev1.SecretObject{entry},
			Parameters: map[string]string{
				"keyvaultName": "payments-kv", "clientID": "11111111-1111-1111-1111-111111111111", "tenantID": "22222222-2222-2222-2222-222222222222",
				"objects": "array:\n  - |\n    objectName: object\n    objectType: secret\n",
			},
		},
	}
	for _, f := range inject.DecideClass(inject.ParseClass(class, nil, inject.Settings{}), facts.Facts{}) {
		if f.Rule == "AKV023" && f.Severity == finding.Error {
			found = append(found, fmt.Sprint(f.Place, ": ", f.Message))
		}
	}
	return found
}
