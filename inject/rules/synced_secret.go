package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject/finding"
	"akv-injector/inject/provider"
	"akv-injector/inject/workload"
	"akv-injector/internal/text"
)

// AKV023 checks whether the driver can make the Secrets that a class syncs. It makes each from the files
// of the mount, by name; what it cannot make is told in its log alone, and pods wait for the Secret
// (secretutil.ValidateSecretObject, GetSecretData, GetCertPart).
var syncedSecret = Rule{
	Rule: finding.Rule{
		ID: "AKV023", Name: "synced-secret", Severities: []finding.Severity{finding.Error, finding.Warning}, Waivable: true,
		Lookups:  finding.Classes,
		Summary:  "An entry of secretObjects from which the driver cannot make the Secret: without a name, type or data, from a file that the class does not write, with a TLS part that the object does not hold, or that the API server would not store. A warning for a Secret of two classes or entries, a key given twice and a type that is almost one of Kubernetes, and in pods for a key that the Secret does not get.",
		Prevents: "The Secret is never made; pods that read it wait in CreateContainerConfigError.",
		Evidence: "Secrets Store CSI driver 1.6.0, pkg/util/secretutil: ValidateSecretObject, GetSecretData, GetCertPart. Kubernetes 1.37.2, ValidateSecret. The Azure provider 1.8.2 writes a cert as the certificate alone, and a key as its public half.",
		Remedy:   "Name each object as its file is called (objectAlias, or else objectName), and give every entry a secretName, a type and data.",
	},
	Pod:   checkSyncedKeys,
	Class: checkSyncedSecrets,
}

func checkSyncedSecrets(c *Class, r *Report) {
	files, made := filesOf(c), map[string]int{}
	for i, o := range c.Spec.SecretObjects {
		if o == nil {
			continue
		}
		place := finding.At("spec", "secretObjects").Index(i)
		for _, f := range []struct{ name, value, fix string }{
			{"secretName", o.SecretName, "Set secretName to the name of the Secret."},
			{"type", o.Type, "Set type, such as Opaque."},
		} {
			if f.value == "" {
				r.Error(field.ErrorTypeRequired, place.Child(f.name),
					fmt.Sprintf("The driver makes no Secret without a %s.", f.name), f.fix)
			}
		}
		if len(o.Data) == 0 {
			r.Error(field.ErrorTypeRequired, place.Child("data"),
				"The driver makes no Secret without data.", "List an objectName and a key.")
		}
		if r.Full() {
			return
		}
		c.checkOtherClasses(o, place, r)
		checkSyncedData(o, files, place.Child("data"), r)
		checkStored(o, place, r)
		if first, again := made[strings.TrimSpace(o.SecretName)]; again {
			r.Warn(field.ErrorTypeDuplicate, place.Child("secretName"),
				fmt.Sprintf("The Secret %q is made by spec.secretObjects[%d] too, and each writes over the other.", text.Shorten(o.SecretName), first),
				"Put the keys into one entry.")
		} else if o.SecretName != "" {
			made[strings.TrimSpace(o.SecretName)] = i
		}
	}
}

// checkOtherClasses finds another class from which the driver makes the same Secret.
func (c *Class) checkOtherClasses(o *secretsstorev1.SecretObject, place *finding.Place, r *Report) {
	for _, other := range c.Facts.SyncedBy[o.SecretName] {
		if other != c.Name {
			r.Warn(field.ErrorTypeDuplicate, place.Child("secretName"),
				fmt.Sprintf("The SecretProviderClass %q syncs the Secret %q too, and each writes over the other.", text.Shorten(other), text.Shorten(o.SecretName)),
				"Give each class a Secret of its own, or put the objects into one class.")
			return
		}
	}
}

// checkSyncedKeys finds keys that pods need of a Secret to which the mounted classes do not give them.
func checkSyncedKeys(p *Pod, r *Report) {
	synced := p.syncedSecrets()
	if len(synced) == 0 {
		return
	}
	given := map[string]map[string]bool{}
	workload.EachSecretUse(p.Spec, p.Target.SpecPath(), func(use workload.SecretUse) {
		o := synced[use.Secret]
		if o == nil || use.Key == "" || use.Optional || len(o.Data) == 0 || len(p.Facts.SyncedBy[use.Secret]) > 1 || r.NoMoreWarnings() {
			return
		}
		keys := given[use.Secret]
		if keys == nil {
			keys = keysOf(o)
			given[use.Secret] = keys
		}
		if keys[use.Key] {
			return
		}
		place := use.Place
		if place.Last().Name == "secretKeyRef" {
			place = place.Child("key")
		}
		r.Warn(field.ErrorTypeNotFound, place,
			fmt.Sprintf("The driver puts no key %q into the Secret %q, so the pod waits in CreateContainerConfigError.", text.Shorten(use.Key), text.Shorten(use.Secret)),
			text.Instruction(text.DidYouMean(use.Key, slices.Sorted(maps.Keys(keys)))))
	})
}

// keysOf are the keys that the driver puts into a Secret.
func keysOf(o *secretsstorev1.SecretObject) map[string]bool {
	keys := map[string]bool{}
	for _, d := range o.Data {
		if d == nil {
			continue
		}
		if key := strings.TrimSpace(d.Key); key != "" {
			keys[key] = true
		}
	}
	return keys
}

// syncedFiles are the files that a class writes, by name; nil if some of its objects could not be read.
type syncedFiles struct {
	byFile map[string]provider.Object
	// file is that of the object with a name, for who names the object instead.
	file  map[string]string
	names []string
}

func filesOf(c *Class) *syncedFiles {
	if len(c.Errors) > 0 || len(c.Objects) == 0 {
		return nil // AKV008 says so
	}
	f := &syncedFiles{byFile: map[string]provider.Object{}, file: map[string]string{}}
	for _, o := range c.Objects {
		for _, name := range o.Files() {
			f.byFile[name] = o
			f.names = append(f.names, name)
		}
		f.file[o.Name] = o.Files()[0]
	}
	return f
}

func checkSyncedData(o *secretsstorev1.SecretObject, files *syncedFiles, place *finding.Place, r *Report) {
	for i, d := range o.Data {
		if d == nil || r.Full() {
			continue
		}
		at := place.Index(i)
		name, key := strings.TrimSpace(d.ObjectName), strings.TrimSpace(d.Key)
		if key == "" {
			r.Error(field.ErrorTypeRequired, at.Child("key"), "The driver makes no Secret if a key is empty.", "Set key to the name that the value gets in the Secret.")
		}
		if name == "" {
			r.Error(field.ErrorTypeRequired, at.Child("objectName"), "The driver makes no Secret if an objectName is empty.", "Set objectName to the name of a file of the class.")
			continue
		}
		if files == nil {
			continue
		}
		object, written := files.byFile[name]
		if !written {
			r.Error(field.ErrorTypeNotFound, at.Child("objectName"),
				fmt.Sprintf("The class writes no file %q, and the driver looks for one of that name, so the Secret %q is never made.", text.Shorten(name), text.Shorten(o.SecretName)),
				files.fix(name))
			continue
		}
		checkTLSPart(o, object, key, at, r)
	}
}

// fix says which file is meant.
func (f *syncedFiles) fix(name string) string {
	if file, ok := f.file[name]; ok {
		return fmt.Sprintf("Write %s: the file is called by the object's objectAlias.", text.Shorten(file))
	}
	if hint := text.DidYouMean(name, f.names); hint != "" {
		return text.Instruction(hint)
	}
	return "Write the objectAlias, or else the objectName, of one of the class's objects."
}

func checkTLSPart(o *secretsstorev1.SecretObject, object provider.Object, key string, at *finding.Place, r *Report) {
	if strings.TrimSpace(o.Type) != string(corev1.SecretTypeTLS) || key == "" {
		return
	}
	var lacks string
	switch {
	case key != corev1.TLSCertKey && key != corev1.TLSPrivateKeyKey:
		r.Error(field.ErrorTypeNotSupported, at.Child("key"),
			fmt.Sprintf("The driver takes only tls.crt and tls.key for a Secret of type %s, so it makes none with %q.", corev1.SecretTypeTLS, text.Shorten(key)),
			"Remove the key, or write type: Opaque.")
		return
	case object.Type == provider.TypeCert && key == corev1.TLSPrivateKeyKey:
		lacks = "a cert is written as the certificate alone, without its private key"
	case object.Type == provider.TypeKey:
		lacks = "a key is written as its public half, which is neither certificate nor private key"
	default:
		return
	}
	r.Error(field.ErrorTypeInvalid, at.Child("objectName"),
		fmt.Sprintf("%s cannot be taken from %q: %s.", key, text.Shorten(object.File()), lacks),
		"Write objectType: secret for the certificate: it holds key and chain.")
}
