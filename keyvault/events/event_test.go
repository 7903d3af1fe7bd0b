package events

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"akv-injector/keyvault"
)

const version = "ee059b2bb5bc48398a53b168c6cdcb10"

// gridEvent is an event as Microsoft's documents show one.
func gridEvent(kind, object string) string {
	return fmt.Sprintf(`{"id":"00eccf70","topic":"/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/sample-kv",
"subject":"newsecret","eventType":"Microsoft.KeyVault.%sNewVersionCreated","eventTime":"2019-07-25T01:08:33.1036736Z",
"data":{"Id":"https://sample-kv.vault.azure.net/secrets/newsecret/%s","VaultName":"sample-kv","ObjectType":%q,"ObjectName":"newsecret","Version":" %s","NBF":"1559081980","EXP":null},
"dataVersion":"1","metadataVersion":"1"}`, kind, version, object, version)
}

func cloudEvent(kind, vault, name, version string) string {
	return fmt.Sprintf(`{"specversion":"1.0","type":"Microsoft.KeyVault.%s","source":"/subscriptions/s","id":"1","time":"2026-01-01T00:00:00Z",
"data":{"id":"x","vaultName":%q,"objectType":"Secret","objectName":%q,"version":%q,"nbf":null}}`, kind, vault, name, version)
}

func of(t keyvault.Type, version string) Hint {
	return Hint{Ref: keyvault.Ref{Vault: "sample-kv", Type: t, Name: "newsecret"}, Version: version}
}

func TestParse(t *testing.T) {
	for name, test := range map[string]struct {
		body string
		want []Hint
		err  string
	}{
		"Event Grid's schema": {gridEvent("Secret", "Secret"), []Hint{of(keyvault.Secret, version)}, ""},
		"a key":               {gridEvent("Key", "Key"), []Hint{of(keyvault.Key, version)}, ""},
		"a certificate":       {gridEvent("Certificate", "Certificate"), []Hint{of(keyvault.Certificate, version), of(keyvault.Secret, version), of(keyvault.Key, version)}, ""},
		"several":             {" [" + gridEvent("Secret", "Secret") + "," + cloudEvent("KeyNewVersionCreated", "sample-kv", "newsecret", version) + "]", []Hint{of(keyvault.Secret, version), of(keyvault.Key, version)}, ""},
		"CloudEvents":         {cloudEvent("SecretNewVersionCreated", "sample-kv", "newsecret", strings.ToUpper(version)), []Hint{of(keyvault.Secret, version)}, ""},
		"no version":          {cloudEvent("SecretNewVersionCreated", "sample-kv", "newsecret", ""), []Hint{of(keyvault.Secret, "")}, ""},
		"near its expiry":     {cloudEvent("SecretNearExpiry", "sample-kv", "newsecret", version), nil, ""},
		"another service's":   {`{"type":"Microsoft.Storage.BlobCreated","data":{"url":"x"}}`, nil, ""},
		"one bad of two":      {"[" + gridEvent("Secret", "Secret") + `,{"type":"Microsoft.KeyVault.SecretNewVersionCreated"}]`, []Hint{of(keyvault.Secret, version)}, "its data is not"},
		"no type":             {`{}`, nil, "no type"},
		"no JSON":             {`hello`, nil, "not JSON"},
		"empty":               {``, nil, "not JSON"},
		"a vault that cannot be": {
			cloudEvent("SecretNewVersionCreated", "evil.example/x", "newsecret", version), nil, "no vault or object that can be",
		},
		"a name that cannot be": {
			cloudEvent("SecretNewVersionCreated", "sample-kv", "../new secret", version), nil, "no vault or object that can be",
		},
		"a version that is none": {
			cloudEvent("SecretNewVersionCreated", "sample-kv", "newsecret", "$(reboot)"), nil, "its version is none",
		},
		"too many": {"[" + strings.Repeat(`{"type":"x"},`, maxEvents) + `{"type":"x"}]`, nil, "more than 5000 events"},
		"too long": {strings.Repeat(" ", maxBody+1), nil, "more than 1048576 bytes"},
	} {
		got, err := Parse([]byte(test.body))
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if test.err == "" && err != nil || test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)) {
			t.Errorf("%s: want the error %q, got %v", name, test.err, err)
		}
	}
}

// Whatever comes: a hint names what could be in a vault, and an error has no word of the event.
func FuzzParse(f *testing.F) {
	f.Add([]byte(gridEvent("Secret", "Secret")))
	f.Add([]byte("[" + cloudEvent("CertificateNewVersionCreated", "sample-kv", "newsecret", version) + "]"))
	f.Add([]byte(`{"type":"Microsoft.KeyVault.SecretNewVersionCreated","data":{"VaultName":"a","vaultName":"sample-kv","objectName":"\u0000"}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		hints, err := Parse(body)
		for _, h := range hints {
			if h.Check() != nil || h.Version != "" && !versionOK(h.Version) {
				t.Errorf("%+v", h)
			}
		}
		if err != nil && len(err.Error()) > 120 {
			t.Errorf("a long error: %v", err)
		}
	})
}
