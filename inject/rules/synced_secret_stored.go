package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject/finding"
	"akv-injector/internal/text"
)

// typedSecrets are the types of Secrets of which the API server checks the content, with the keys of which it wants
// one, or all (Kubernetes 1.37.2, pkg/apis/core/validation: ValidateSecret).
var typedSecrets = map[corev1.SecretType]struct {
	keys []string
	all  bool
}{
	corev1.SecretTypeTLS:              {[]string{corev1.TLSCertKey, corev1.TLSPrivateKeyKey}, true},
	corev1.SecretTypeDockercfg:        {[]string{corev1.DockerConfigKey}, true},
	corev1.SecretTypeDockerConfigJson: {[]string{corev1.DockerConfigJsonKey}, true},
	corev1.SecretTypeSSHAuth:          {[]string{corev1.SSHAuthPrivateKey}, true},
	corev1.SecretTypeBasicAuth:        {[]string{corev1.BasicAuthUsernameKey, corev1.BasicAuthPasswordKey}, false},
}

// secretTypes are the types that Kubernetes knows; any other is taken too, and means nothing to it.
var secretTypes = []string{
	string(corev1.SecretTypeOpaque), string(corev1.SecretTypeTLS), string(corev1.SecretTypeDockercfg), string(corev1.SecretTypeDockerConfigJson),
	string(corev1.SecretTypeSSHAuth), string(corev1.SecretTypeBasicAuth), string(corev1.SecretTypeServiceAccountToken), string(corev1.SecretTypeBootstrapToken),
}

// checkStored finds what keeps the API server from storing the Secret that the driver makes.
func checkStored(o *secretsstorev1.SecretObject, place *finding.Place, r *Report) {
	if name := strings.TrimSpace(o.SecretName); name != "" && len(validation.IsDNS1123Subdomain(name)) > 0 {
		r.Error(field.ErrorTypeInvalid, place.Child("secretName"),
			fmt.Sprintf("%q is no name for a Secret, so the API server stores none.", text.Shorten(name)),
			`Use small letters, digits, "-" and ".", with a letter or digit at both ends.`)
	}
	checkSecretType(o, place, r)
	keys := map[string]bool{}
	for i, d := range o.Data {
		if d == nil {
			continue
		}
		key, at := strings.TrimSpace(d.Key), place.Child("data").Index(i).Child("key")
		switch {
		case r.Full():
			return
		case key == "":
			continue
		case len(validation.IsConfigMapKey(key)) > 0:
			r.Error(field.ErrorTypeInvalid, at, fmt.Sprintf("%q is no key for a Secret, so the API server stores none.", text.Shorten(key)),
				`Use letters, digits, "-", "_" and ".".`)
		case keys[key]:
			r.Warn(field.ErrorTypeDuplicate, at, fmt.Sprintf("The key %q is given twice, and the last one counts.", text.Shorten(key)), "Remove one of them.")
		}
		keys[key] = true
	}
	checkSecretKeys(o, keys, place, r)
	for _, key := range slices.Sorted(maps.Keys(o.Labels)) {
		if r.Full() {
			return
		}
		if len(validation.IsQualifiedName(key)) > 0 || len(validation.IsValidLabelValue(o.Labels[key])) > 0 {
			r.Error(field.ErrorTypeInvalid, place.Child("labels").Key(key), "This is no label of Kubernetes, so the API server stores no Secret.", "Correct its name or value, or make it an annotation.")
		}
	}
}

// checkSecretType finds types that Kubernetes gives no meaning, but almost.
func checkSecretType(o *secretsstorev1.SecretObject, place *finding.Place, r *Report) {
	kind := strings.TrimSpace(o.Type)
	if kind == "" || slices.Contains(secretTypes, kind) {
		return
	}
	const slip = 2
	lower := strings.ToLower(kind)
	for _, known := range secretTypes {
		if known == string(corev1.SecretTypeOpaque) {
			continue // nobody looks for it
		}
		_, short, _ := strings.Cut(known, "/")
		if lower == short || text.Distance(lower, strings.ToLower(known), slip) <= slip {
			r.Warn(field.ErrorTypeNotSupported, place.Child("type"),
				fmt.Sprintf("Kubernetes has no type %q, and who looks for a Secret of type %s does not find this one.", text.Shorten(kind), known),
				fmt.Sprintf("Write type: %s.", known))
			return
		}
	}
}

// checkSecretKeys finds keys that a type must have.
func checkSecretKeys(o *secretsstorev1.SecretObject, keys map[string]bool, place *finding.Place, r *Report) {
	kind := corev1.SecretType(strings.TrimSpace(o.Type))
	if kind == corev1.SecretTypeServiceAccountToken && o.Annotations[corev1.ServiceAccountNameKey] == "" {
		r.Error(field.ErrorTypeRequired, place.Child("annotations").Key(corev1.ServiceAccountNameKey),
			fmt.Sprintf("The API server stores no Secret of type %s without the annotation.", kind), "Write type: Opaque.")
	}
	typed, ok := typedSecrets[kind]
	if !ok || len(o.Data) == 0 {
		return
	}
	var missing []string
	for _, key := range typed.keys {
		if !keys[key] {
			missing = append(missing, key)
		}
	}
	if !typed.all && len(missing) < len(typed.keys) {
		return
	}
	for _, key := range missing {
		if r.Full() {
			return
		}
		fix := "Add the key " + key + ", or write type: Opaque."
		if kind == corev1.SecretTypeTLS {
			fix = "Add the key " + key + ", from an object with objectType: secret, which holds key and chain."
		}
		r.Error(field.ErrorTypeRequired, place.Child("data"), fmt.Sprintf("The API server stores no Secret of type %s without %s.", kind, key), fix)
		if !typed.all {
			return
		}
	}
}
