package secretsstore_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/e2e/build"
	"akv-injector/inject"
	"akv-injector/inject/facts"
	"akv-injector/inject/finding"
)

const (
	aClient = "11111111-1111-1111-1111-111111111111"
	aTenant = "22222222-2222-2222-2222-222222222222"
)

// object is an element of objects, as the provider wants it.
func object(fields ...string) string {
	return "array:\n  - |\n    " + strings.Join(fields, "\n    ") + "\n"
}

// refusedLater are values that the provider hands on, and that Entra ID, Key Vault or the node's metadata service refuses, or that
// come out wrong in silence. That is told before it happens.
var refusedLater = map[string]string{
	"tenantID: no tenant":                    "Entra ID",
	"tenantID: a placeholder":                "Entra ID",
	"clientID: no client id":                 "Entra ID",
	"clientID: a placeholder":                "Entra ID",
	"userAssignedIdentityID: a resource id":  "the metadata service",
	"objects: a name with a dot":             "Key Vault",
	"objects: a name with a space":           "Key Vault",
	"objects: several names":                 "Key Vault",
	"objects: a URL":                         "Key Vault",
	"objects: a version with a slash":        "Key Vault",
	"objects: a mode that is not octal":      "the file gets mode 0",
	"objects: a mode out of range":           "the file gets another mode",
	"objects: two in one file":               "one overwrites the other",
	"objects: one in the other's folder":     "the driver cannot write both",
	"objects: PFX in capitals of a cert":     "written as PEM",
	"objects: none":                          "the driver: missing object versions",
	"objects: an empty array":                "the driver: missing object versions",
	"objects: array misspelt":                "the driver: missing object versions",
	"objects: an alias with a newline":       "the driver writes no such file",
	"objects: without a name but an alias":   "Key Vault",
	"objects: an alias that is a folder":     "the driver writes no such file",
	"objects: an alias of the driver's own":  "the driver writes no such file",
	"objects: a name that is too long":       "Key Vault",
	"provider: Azure":                        "the driver finds no such socket",
	"provider: none":                         "the driver finds no such socket",
	"usePodIdentity: true":                   "nothing answers its requests",
	"keyvaultName: the driver trims nothing": "Key Vault",
}

// Each branch of AKV008 agrees with the Azure provider's own function: what it refuses is found, and what is found it refuses,
// but for what is known to be refused later.
func TestClassesAsTheProviderReadsThem(t *testing.T) {
	fine := object("objectName: db", "objectType: secret")
	cases := map[string]map[string]string{"nothing wrong": {}}
	add := func(name string, parameters ...string) {
		one := map[string]string{}
		for i := 0; i < len(parameters); i += 2 {
			one[parameters[i]] = parameters[i+1]
		}
		cases[name] = one
	}
	for name, value := range map[string]string{
		"none": "", "blanks": "  ", "too short": "ab", "too long": strings.Repeat("a", 25), "a URL": "https://shop-kv.vault.azure.net", "a dot": "shop.kv",
		"in capitals": "SHOP-KV", "around it blanks": " shop-kv ", "an underscore": "shop_kv", "a placeholder": "${VAULT}",
	} {
		add("keyvaultName: "+name, "keyvaultName", value)
	}
	for name, value := range map[string]string{"none": "", "no tenant": "my tenant", "a domain": "contoso.onmicrosoft.com", "a placeholder": "<your-tenant-id>"} {
		add("tenantID: "+name, "tenantID", value)
	}
	add("tenantID: in the old spelling", "tenantID", "", "tenantId", aTenant)
	for name, value := range map[string]string{"no client id": "kv-reader", "a placeholder": "${CLIENT}"} {
		add("clientID: "+name, "clientID", value)
	}
	for name, value := range map[string]string{
		"public": "AzurePublicCloud", "government": "AzureUSGovernmentCloud", "China": "AzureChinaCloud", "Germany": "AzureGermanCloud", "short": "AzureCloud",
		"in lower case": "azurepubliccloud", "in capitals": "AZUREUSGOVERNMENT", "no cloud": "Azure", "a placeholder": "{{ .Values.cloud }}", "blanks": " ",
	} {
		add("cloudName: "+name, "cloudName", value)
	}
	for _, key := range []string{"usePodIdentity", "useVMManagedIdentity", "useAzureTokenProxy"} {
		for _, value := range []string{"", "true", "True", "t", "1", "false", "0", "F", "yes", "on", "tRue"} {
			if value != "true" || key != "usePodIdentity" {
				add(key+": "+value, key, value)
			}
		}
	}
	add("two kinds of identity", "useVMManagedIdentity", "true", "useAzureTokenProxy", "true")
	add("three kinds of identity", "useVMManagedIdentity", "true", "useAzureTokenProxy", "true", "usePodIdentity", "true")
	add("useAzureTokenProxy: without a client id", "useAzureTokenProxy", "true", "clientID", "")
	add("userAssignedIdentityID: a resource id", "useVMManagedIdentity", "true", "clientID", "", "userAssignedIdentityID", "/subscriptions/a/resourceGroups/b")
	add("userAssignedIdentityID: a client id", "useVMManagedIdentity", "true", "clientID", "", "userAssignedIdentityID", aClient)
	for name, value := range map[string]string{
		"none": "", "an empty array": "array: []", "array misspelt": "arrays:\n  - |\n    objectName: db\n    objectType: secret\n",
		"a list alone": "- |\n  objectName: db\n  objectType: secret\n", "maps": "array:\n  - objectName: db\n    objectType: secret\n",
		"not YAML": "array: [", "text": "db", "badly indented": object("objectName: db", "  objectType: secret"),
		"no type": object("objectName: db"), "no name": object("objectType: secret"), "another type": object("objectName: db", "objectType: password"),
		"Secret": object("objectName: db", "objectType: Secret"), "a key": object("objectName: db", "objectType: key"), "a cert": object("objectName: db", "objectType: cert"),
		"a name with a dot":   object("objectName: db.password", "objectType: secret"),
		"a name with a space": object("objectName: db password", "objectType: secret"),
		"several names":       object("objectName: a;b", "objectType: secret"), "a URL": object("objectName: https://shop-kv.vault.azure.net/secrets/db", "objectType: secret"),
		"a name that is too long": object("objectName: "+strings.Repeat("a", 128), "objectType: secret"),
		"an alias":                object("objectName: db", "objectType: secret", "objectAlias: DB"), "an alias in a folder": object("objectName: db", "objectType: secret", "objectAlias: a/b"),
		"an absolute alias": object("objectName: db", "objectType: secret", "objectAlias: /a"), "an alias above": object("objectName: db", "objectType: secret", "objectAlias: ../a"),
		"an alias with two dots":    object("objectName: db", "objectType: secret", "objectAlias: a..b"),
		"a version":                 object("objectName: db", "objectType: secret", "objectVersion: abc"),
		"a version with a slash":    object("objectName: db", "objectType: secret", "objectVersion: a/b"),
		"a history":                 object("objectName: db", "objectType: secret", "objectVersionHistory: 3"),
		"a history of words":        object("objectName: db", "objectType: secret", "objectVersionHistory: all"),
		"PFX":                       object("objectName: db", "objectType: secret", "objectFormat: PFX"),
		"pfx":                       object("objectName: db", "objectType: secret", "objectFormat: pfx"),
		"pfx of a cert":             object("objectName: db", "objectType: cert", "objectFormat: pfx"),
		"PFX in capitals of a cert": object("objectName: db", "objectType: cert", "objectFormat: PFX"),
		"another format":            object("objectName: db", "objectType: secret", "objectFormat: der"),
		"base64":                    object("objectName: db", "objectType: secret", "objectEncoding: base64"),
		"BASE64":                    object("objectName: db", "objectType: secret", "objectEncoding: BASE64"),
		"an encoding of a key":      object("objectName: db", "objectType: key", "objectEncoding: hex"),
		"another encoding":          object("objectName: db", "objectType: secret", "objectEncoding: gzip"),
		"a mode":                    object("objectName: db", "objectType: secret", "filePermission: '0444'"),
		"a mode that is not octal":  object("objectName: db", "objectType: secret", "filePermission: '0888'"),
		"an unknown field":          object("objectName: db", "objectType: secret", "secret: yes"),
		"a field twice":             object("objectName: db", "objectName: db2", "objectType: secret"),
		"a number":                  object("objectName: 12", "objectType: secret"),
		"a list as a name":          object("objectName: [a]", "objectType: secret"),
		"two":                       object("objectName: db", "objectType: secret") + "  - |\n    objectName: db2\n    objectType: secret\n",
		"the same twice":            object("objectName: db", "objectType: secret") + "  - |\n    objectName: db\n    objectType: secret\n",
		"two in one file":           object("objectName: db", "objectType: secret") + "  - |\n    objectName: db2\n    objectType: secret\n    objectAlias: db\n",
		"anchors":                   "array:\n  - &a |\n    objectName: db\n    objectType: secret\n",
		"folded":                    "array:\n  - >\n    objectName: db\n",
		"two documents":             fine + "---\n" + fine,
		"tabs":                      "array:\n\t- |\n\t  objectName: db\n",
		"CRLF":                      strings.ReplaceAll(fine, "\n", "\r\n"),
		"a comment":                 "# ours\n" + fine,
		"a key beside array":        "x: y\n" + fine,
		"array twice":               fine + "array: []\n",
		"blanks around":             object("objectName: ' db '", "objectType: ' secret '"),
	} {
		add("objects: "+name, "objects", value)
	}
	found, refused := 0, 0
	names := slices.Sorted(maps.Keys(cases))
	classes := make([]map[string]string, len(names))
	for i, name := range names {
		classes[i] = map[string]string{"keyvaultName": "shop-kv", "tenantID": aTenant, "clientID": aClient, "objects": fine}
		maps.Copy(classes[i], cases[name])
	}
	answers := askProvider(t, classes)
	for i, name := range names {
		said, ours := answers[i], classErrors(classes[i])
		if len(ours) > 0 {
			found++
		}
		if said != "" {
			refused++
		}
		_, later := refusedLater[name]
		switch {
		case said != "" && len(ours) == 0:
			t.Errorf("%s: the provider refuses it (%s), and AKV008 finds nothing", name, said)
		case said == "" && len(ours) > 0 && !later:
			t.Errorf("%s: the provider takes it, and AKV008 finds %v", name, ours)
		case said == "" && len(ours) == 0 && later:
			t.Errorf("%s: refused later, and AKV008 finds nothing", name)
		}
	}
	t.Logf("%d classes, of which the provider refuses %d and AKV008 %d", len(cases), refused, found)
	if refused < 20 {
		t.Error("the provider refuses hardly anything")
	}
}

// askProvider has the provider's own function look at classes: why it refuses each, or "" where it goes on to ask Azure.
func askProvider(t *testing.T, classes []map[string]string) []string {
	t.Helper()
	root, err := build.Root()
	check(t, err)
	input, err := json.Marshal(classes)
	check(t, err)
	cmd := exec.CommandContext(t.Context(), "go", "run", ".")
	// The provider has older versions of what other modules here have too.
	cmd.Dir, cmd.Stdin = filepath.Join(root, "tools", "azureprovider"), bytes.NewReader(input)
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=readonly")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	check(t, err)
	var said []string
	check(t, json.Unmarshal(out, &said))
	if len(said) != len(classes) {
		t.Fatalf("%d answers about %d classes", len(said), len(classes))
	}
	return said
}

// classErrors are the errors of AKV008 about a class with the parameters.
func classErrors(parameters map[string]string) []string {
	class := &secretsstorev1.SecretProviderClass{ObjectMeta: metav1.ObjectMeta{Name: "shop", Namespace: "shop"}}
	class.Spec.Provider, class.Spec.Parameters = "azure", parameters
	var messages []string
	for _, f := range inject.DecideClass(inject.ParseClass(class, nil, inject.Settings{}), facts.Facts{}) {
		if f.Rule == "AKV008" && f.Severity == finding.Error {
			messages = append(messages, f.Message)
		}
	}
	return messages
}
