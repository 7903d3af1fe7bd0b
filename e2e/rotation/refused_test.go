package rotation_test

import (
	"regexp"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/e2e/system"
	"akv-injector/inject/finding"
)

// refusals are what the driver and the provider refuse at the mount, in their own words,
// each with the rule that says so before. The class has the secret DB-Password, and the
// pod one volume of it, until they are spoilt.
var refusals = []struct {
	name, rule string
	spoil      func(class *secretsstorev1.SecretProviderClass, volume *corev1.CSIVolumeSource)
	words      string
}{
	{"read-write", "AKV002", func(_ *secretsstorev1.SecretProviderClass, v *corev1.CSIVolumeSource) {
		v.ReadOnly = new(false)
	}, "Readonly is not true in request"},
	{"read-only-unset", "AKV002", func(_ *secretsstorev1.SecretProviderClass, v *corev1.CSIVolumeSource) {
		v.ReadOnly = nil
	}, "Readonly is not true in request"},

	{
		"version-latest", "AKV004", objects(object("DB-Password", "objectVersion: latest")),
		"failed to get objectType:secret, objectName:DB-Password, objectVersion:latest",
	},

	{"no-class", "AKV008", func(_ *secretsstorev1.SecretProviderClass, v *corev1.CSIVolumeSource) {
		v.VolumeAttributes = nil
	}, "secretProviderClass is not set"},
	{"no-parameters", "AKV008", func(c *secretsstorev1.SecretProviderClass, _ *corev1.CSIVolumeSource) {
		c.Spec.Parameters = nil
	}, "parameters not set in refused/no-parameters"},
	{"no-vault", "AKV008", without("keyvaultName"), "keyvaultName is not provided"},
	{"vault-name", "AKV008", with("keyvaultName", "payments_kv"), `Invalid vault name: "payments_kv", must match [-a-zA-Z0-9]{3,24}`},
	{"vault-url", "AKV008", with("keyvaultName", "https://payments-kv.vault.azure.net"), "must be between 3 and 24 chars"},
	{"no-tenant", "AKV008", without("tenantID"), "tenantId is not provided"},
	{"tenant-spelling", "AKV008", func(c *secretsstorev1.SecretProviderClass, _ *corev1.CSIVolumeSource) {
		c.Spec.Parameters["tenantid"] = c.Spec.Parameters["tenantID"]
		delete(c.Spec.Parameters, "tenantID")
	}, "tenantId is not provided"},
	{"cloud", "AKV008", with("cloudName", "AzureGermany"), "cloudName AzureGermany is not valid"},
	{"boolean", "AKV008", with("useVMManagedIdentity", "maybe"), "failed to parse useVMManagedIdentity flag"},
	{"two-modes", "AKV008", func(c *secretsstorev1.SecretProviderClass, _ *corev1.CSIVolumeSource) {
		c.Spec.Parameters["useVMManagedIdentity"], c.Spec.Parameters["useAzureTokenProxy"] = "true", "true"
	}, "only one identity mode can be enabled at a time"},
	{"proxy-without-client", "AKV008", func(c *secretsstorev1.SecretProviderClass, _ *corev1.CSIVolumeSource) {
		c.Spec.Parameters["useAzureTokenProxy"] = "true"
		delete(c.Spec.Parameters, "clientID")
	}, "clientID is required for identity binding"},

	{"no-objects", "AKV008", without("objects"), "objects is not set"},
	{"empty-array", "AKV008", with("objects", "array: []"), "missing object versions"},
	{"other-key", "AKV008", with("objects", "objects:\n  - |\n    objectName: DB-Password\n"), "missing object versions"},
	{"maps", "AKV008", with("objects", "array:\n  - objectName: DB-Password\n    objectType: secret\n"), "cannot unmarshal !!map into string"},
	{"no-yaml", "AKV008", with("objects", "array: ["), "failed to yaml unmarshal objects"},
	{"no-fields", "AKV008", objects("DB-Password"), "unmarshal failed for keyVaultObjects at index 0"},
	{"no-type", "AKV008", objects("objectName: DB-Password"), "Invalid vaultObjectTypes. Should be secret, key, or cert"},
	{"type", "AKV008", objects(object("DB-Password", "objectType: certificate")), "Invalid vaultObjectTypes. Should be secret, key, or cert"},
	{"no-name", "AKV008", objects("objectType: secret"), "file name must not be empty"},
	{"format", "AKV008", objects(object("DB-Password", "objectFormat: der")), "invalid objectFormat: der, should be PEM or PFX"},
	{"pfx-of-cert", "AKV008", objects(object("DB-Password", "objectType: cert", "objectFormat: pfx")), "PFX format only supported for objectType: secret"},
	{"encoding", "AKV008", objects(object("DB-Password", "objectEncoding: utf8")), "invalid objectEncoding: utf8, should be hex, base64 or utf-8"},
	{"encoding-of-key", "AKV008", objects(object("DB-Password", "objectType: key", "objectEncoding: hex")), "objectEncoding only supported for objectType: secret"},
	{"absolute", "AKV008", objects(object("DB-Password", "objectAlias: /etc/passwd")), "file name must be a relative path"},
	{"dots", "AKV008", objects(object("DB-Password", "objectAlias: a/../b")), "file name must not contain '..'"},
	{"slashes", "AKV008", objects(object("DB-Password", "objectAlias: a//b")), `invalid filepath: "a//b"`},
	{"long", "AKV008", objects(object("DB-Password", "objectAlias: "+strings.Repeat("a", 256))), "filenames must be less than or equal to 255 characters"},
	{
		"file-and-folder", "AKV008", objects(object("DB-Password", "objectAlias: a"), object("DB-Password", "objectAlias: a/b")),
		"", // see fileAndFolder
	},

	{"no-identity", "AKV011", without("clientID"), "could not find clientid in secrets"},
	{"pod-identity", "AKV011", with("usePodIdentity", "true"), "host/token/?resource=https://vault.azure.net"},
}

// fileAndFolder: the driver writes the file "a" and the folder in any order.
var fileAndFolder = regexp.MustCompile(`mkdir \S+/mount/\.\.\S+/a/?: (file exists|not a directory)|(open|rename) \S+/mount/\.\.\S+/a: is a directory`)

// legacyWords are those of 1.4.8, where they differ. From 1.6.0 on the service account's
// token comes among the secrets of a volume, so that there are always some.
var legacyWords = map[string]string{"no-identity": "nodePublishSecretRef secret is not set"}

func objects(elements ...string) func(*secretsstorev1.SecretProviderClass, *corev1.CSIVolumeSource) {
	return with("objects", array(elements...))
}

func with(parameter, value string) func(*secretsstorev1.SecretProviderClass, *corev1.CSIVolumeSource) {
	return func(c *secretsstorev1.SecretProviderClass, _ *corev1.CSIVolumeSource) {
		c.Spec.Parameters[parameter] = value
	}
}

func without(parameter string) func(*secretsstorev1.SecretProviderClass, *corev1.CSIVolumeSource) {
	return func(c *secretsstorev1.SecretProviderClass, _ *corev1.CSIVolumeSource) {
		delete(c.Spec.Parameters, parameter)
	}
}

// refused: what the rules refuse at admission never starts on a node.
func refused(t *testing.T, s *system.System) {
	b := newByHand(t, s, "refused")
	setSecret(t, b.Tenant, "DB-Password", "hunter2")
	pods := make([]*corev1.Pod, len(refusals))
	for i, r := range refusals {
		class := b.class(r.name, object("DB-Password"))
		pods[i] = b.pod(r.name, r.name)
		r.spoil(class, pods[i].Spec.Volumes[0].CSI)
		b.create(t, class, pods[i])
	}
	for i, r := range refusals {
		t.Run(r.name, func(t *testing.T) {
			b.refusedBy(t, r.rule, finding.Error, pods[i])
			words := exactly(r.words)
			switch {
			case r.words == "":
				words = fileAndFolder
			case s.Options.Legacy && legacyWords[r.name] != "":
				words = exactly(legacyWords[r.name])
			}
			b.awaitMountError(t, r.name, words)
		})
	}
}
