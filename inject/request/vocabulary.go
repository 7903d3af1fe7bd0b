package request

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"akv-injector/inject/annotation"
	"akv-injector/inject/finding"
	"akv-injector/inject/provider"
	"akv-injector/internal/text"
)

// CheckNamespace reports annotations under our prefix that have no meaning on a namespace.
func CheckNamespace(ns *corev1.Namespace) finding.FieldErrors {
	keys, place := annotation.Ours(ns.Annotations), finding.InNamespace("metadata", "annotations")
	if len(keys) > maxOwnKeys {
		return finding.FieldErrors{finding.TooMany(place, len(keys), maxOwnKeys)}
	}
	return checkVocabulary(keys, false, place)
}

// checkVocabulary reports keys under our prefix that have no meaning in their place. A
// misspelt key would otherwise be silently ignored.
func checkVocabulary(keys []string, onPod bool, fldPath *finding.Place) finding.FieldErrors {
	var errs finding.FieldErrors
	for _, key := range keys {
		short := strings.TrimPrefix(key, annotation.Prefix)
		path := fldPath.Key(key)
		a, vault, ok := annotation.Find(key)
		dotted := ok && key != a.Key
		switch {
		case onPod && (key == annotation.Status || key == annotation.RefreshedAt):
			// Written by akv-injector; see Parse.
		case !ok && short == strings.TrimPrefix(annotation.LabelInjection, annotation.Prefix):
			errs = append(errs, finding.Forbidden(path, finding.Problem{What: "is a label of the namespace", Fix: "run: " + annotation.OptInCommand("")}))
		case !ok && annotation.TakesNoVault(key):
			base, _, _ := strings.Cut(short, ".")
			errs = append(errs, finding.Invalid(path, short, finding.Problem{What: "only objects and mount-path may be followed by a vault's name", Fix: fmt.Sprintf("write %s alone", base)}))
		case !ok:
			errs = append(errs, finding.Invalid(path, short, finding.Problem{What: "no such annotation of akv-injector", Fix: text.DidYouMean(short, known(onPod))}))
		case onPod && !a.Pod:
			errs = append(errs, finding.Forbidden(path, finding.Problem{What: "belongs on the namespace, where a platform team sets it", Fix: "remove it from the pod"}))
		case !onPod && !a.Namespace:
			errs = append(errs, finding.Forbidden(path, finding.Problem{What: "belongs on the pod", Fix: "remove it from the namespace"}))
		case dotted:
			if problem := provider.VaultProblem(vault); problem.Found() {
				errs = append(errs, finding.Invalid(path, vault, problem))
			}
		}
	}
	return errs
}

// known are the annotations that are allowed on pods, or on namespaces, without the prefix.
func known(onPod bool) []string {
	var keys []string
	for _, a := range annotation.Vocabulary() {
		if onPod && a.Pod || !onPod && a.Namespace {
			keys = append(keys, a.Short())
		}
	}
	return keys
}

// NamespaceAnnotation is the place of an annotation of the namespace.
func NamespaceAnnotation(key string) *finding.Place {
	return finding.InNamespace("metadata", "annotations").Key(key)
}
