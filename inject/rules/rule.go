// Package rules defines the rules that keep rotation working. Each rule is one value, in a
// file of its own, with its texts and its code. The package also defines what rules check: a
// [Pod] as it will be after admission, a [Class], and a [ClassChange].
package rules

import (
	"slices"

	"akv-injector/inject/finding"
	"akv-injector/inject/policy"
)

// Rule is the description of a rule, and its code.
type Rule struct {
	finding.Rule
	// Pod checks a pod, or the template of pods, as it will be after admission.
	Pod func(*Pod, *Report)
	// PodsOnly rules are not run on templates, and TemplatesOnly rules not on pods.
	PodsOnly, TemplatesOnly bool
	// Class checks a SecretProviderClass of the Azure provider.
	Class func(*Class, *Report)
	// ClassChange checks the update or the deletion of a class of any provider.
	ClassChange func(*ClassChange, *Report)
	// Policy is the rule, as far as it needs no lookup, as an expression in CEL: true for a pod
	// in which the rule finds nothing. It has the variables volumes, those of the secrets
	// store, and containers, all of the pod's. Empty means that there is none.
	Policy string
	// FilesOnly rules are the linter's: the API server drops what they find, or never sees it.
	FilesOnly bool
	// AsksVaults is set if the rule needs the vaults' answers.
	AsksVaults bool
}

// On is a kind of object that rules check.
type On string

const (
	// OnPods are pods, when they are created.
	OnPods On = "pods"
	// OnTemplates are the templates of workloads.
	OnTemplates On = "templates"
	// OnClasses are SecretProviderClasses, when they are created, updated or deleted.
	OnClasses On = "classes"
	// OnFiles are manifests of any kind, before they are applied.
	OnFiles On = "files"
)

// On returns the kinds of objects that the rule checks.
func (r *Rule) On() []On {
	var on []On
	if r.Pod != nil {
		if !r.TemplatesOnly {
			on = append(on, OnPods)
		}
		if !r.PodsOnly {
			on = append(on, OnTemplates)
		}
	}
	if r.Class != nil || r.ClassChange != nil {
		on = append(on, OnClasses)
	}
	if r.FilesOnly {
		on = append(on, OnFiles)
	}
	return on
}

// all is the registry: a rule that is not in it never runs.
var all = []Rule{
	subPath, volumeReadOnly, mountReadOnly, pinnedVersion, pollInterval,
	envFromSyncedSecret, classNotFound, classParameters, attributeOverride,
	classTwice, identityMode, serviceAccount, identityToken, identityMismatch,
	rotationOff, noDriver, mountConflict, vaultNotAllowed, fileMode,
	objectUnavailable, notOptedIn, classInUse, syncedSecret, volumeNotMounted,
	unknownParameter, defaultAccount, syncedWithoutMount, readOnce, classAsHook,
	nearAnnotation, unknownField, namesakes, bindingNotAllowed, vaultBudget,
}

// All returns the rules, ordered by id.
func All() []Rule { return slices.Clone(all) }

// Known returns the descriptions of the rules.
func Known() policy.Rules { return known }

var known = func() policy.Rules {
	rules := make(policy.Rules, len(all))
	for i := range all {
		rules[i] = all[i].Rule
	}
	return rules
}()
