package inject

import (
	"fmt"
	"slices"
	"strings"

	"akv-injector/inject/finding"
	"akv-injector/internal/text"
)

// annotation is one word of the vocabulary and where it may stand. The table in
// docs/annotations.md says the same.
type annotation struct {
	key string
	pod bool
	ns  bool
	// perVault is set where a vault's name may follow behind a dot.
	perVault bool
}

var annotations = []annotation{
	{key: AnnotationObjects, pod: true, perVault: true},
	{key: AnnotationVault, pod: true, ns: true},
	{key: AnnotationSecretProviderClass, pod: true},
	{key: AnnotationServiceAccount, pod: true, ns: true},
	{key: AnnotationClientID, pod: true, ns: true},
	{key: AnnotationTenantID, pod: true, ns: true},
	{key: AnnotationCloud, ns: true},
	{key: AnnotationRotationPollInterval, pod: true, ns: true},
	{key: AnnotationMountPath, pod: true, ns: true, perVault: true},
	{key: AnnotationContainers, pod: true},
	{key: AnnotationEnv, pod: true},
	{key: AnnotationWorkloadIdentityLabel, pod: true, ns: true},
	{key: AnnotationInject, pod: true},
	{key: AnnotationAllow, pod: true},
	{key: AnnotationAllowedVaults, ns: true},
	{key: AnnotationRotationPolicy, ns: true},
	{key: AnnotationVaultChecks, ns: true},
}

// findAnnotation looks a key under our prefix up, and cuts a vault's name off it.
func findAnnotation(key string) (a annotation, vault string, ok bool) {
	base, vault, dotted := strings.Cut(strings.TrimPrefix(key, Prefix), ".")
	i := slices.IndexFunc(annotations, func(a annotation) bool { return a.key == Prefix+base })
	if i < 0 || dotted && !annotations[i].perVault {
		return annotation{}, "", false
	}
	return annotations[i], vault, true
}

// takesNoVault tells whether a key is a known one, were it not for a dot and what
// follows.
func takesNoVault(key string) bool {
	base, _, _ := strings.Cut(strings.TrimPrefix(key, Prefix), ".")
	return slices.ContainsFunc(annotations, func(a annotation) bool { return a.key == Prefix+base })
}

// keysWhere lists the annotations for which where holds, without the prefix.
func keysWhere(where func(annotation) bool) []string {
	var keys []string
	for _, a := range annotations {
		if where(a) {
			keys = append(keys, strings.TrimPrefix(a.key, Prefix))
		}
	}
	return keys
}

// checkVocabulary finds keys under our prefix that mean nothing where they stand. A
// misspelt key would otherwise be a setting lost in silence.
func checkVocabulary(keys []string, onPod bool, fldPath *finding.Place) finding.FieldErrors {
	var errs finding.FieldErrors
	for _, key := range keys {
		short := strings.TrimPrefix(key, Prefix)
		path := fldPath.Key(key)
		a, vault, ok := findAnnotation(key)
		dotted := ok && key != a.key
		switch {
		case onPod && key == AnnotationStatus:
			// Written by akv-injector; see Parse.
		case !ok && short == strings.TrimPrefix(LabelInjection, Prefix):
			errs = append(errs, finding.Forbidden(path, finding.Problem{What: "is a label of the namespace", Fix: "run: kubectl label namespace NAME " + LabelInjection + "=" + InjectionEnabled}))
		case !ok && takesNoVault(key):
			base, _, _ := strings.Cut(short, ".")
			errs = append(errs, finding.Invalid(path, short, finding.Problem{What: "only objects and mount-path may be followed by a vault's name", Fix: fmt.Sprintf("write %s alone", base)}))
		case !ok:
			errs = append(errs, finding.Invalid(path, short, finding.Problem{What: "no such annotation of akv-injector", Fix: text.DidYouMean(short, keysWhere(func(a annotation) bool { return onPod && a.pod || !onPod && a.ns }))}))
		case onPod && !a.pod:
			errs = append(errs, finding.Forbidden(path, finding.Problem{What: "belongs on the namespace, where a platform team sets it", Fix: "remove it from the pod"}))
		case !onPod && !a.ns:
			errs = append(errs, finding.Forbidden(path, finding.Problem{What: "belongs on the pod", Fix: "remove it from the namespace"}))
		case dotted:
			if problem := vaultProblem(vault); problem.Found() {
				errs = append(errs, finding.Invalid(path, vault, problem))
			}
		}
	}
	return errs
}

// ourKeys are the keys under our prefix, sorted.
func ourKeys(m map[string]string) []string {
	var keys []string
	for k := range m {
		if strings.HasPrefix(k, Prefix) {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return keys
}

func namespaceAnnotationPath(key string) *finding.Place {
	return finding.InNamespace("metadata", "annotations").Key(key)
}
