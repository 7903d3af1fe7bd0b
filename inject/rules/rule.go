// Package rules has the rules that keep rotation working: each one value, in a file of its
// own, with its words and its code. It also has what they look at: the pod as it will be,
// and a class.
package rules

import (
	"slices"

	"akv-injector/inject/finding"
	"akv-injector/inject/policy"
)

// Rule is what is known of a rule, and its code.
type Rule struct {
	finding.Rule
	// Pod looks at a pod, or at the template of pods, as it will be.
	Pod func(*Pod, *Report)
	// PodsOnly rules find nothing on templates.
	PodsOnly bool
	// Class looks at a SecretProviderClass of the Azure provider.
	Class func(*Class, *Report)
	// ClassChange looks at a class that is updated or deleted, of any provider.
	ClassChange func(*ClassChange, *Report)
	// AsksVaults is set if the rule has to wait for what vaults say.
	AsksVaults bool
}

// On is a kind of object that rules look at.
type On string

const (
	// OnPods are pods, when they are created.
	OnPods On = "pods"
	// OnTemplates are the templates of workloads.
	OnTemplates On = "templates"
	// OnClasses are SecretProviderClasses by themselves.
	OnClasses On = "classes"
)

// On says which objects the rule looks at.
func (r *Rule) On() []On {
	var on []On
	if r.Pod != nil {
		on = append(on, OnPods)
		if !r.PodsOnly {
			on = append(on, OnTemplates)
		}
	}
	if r.Class != nil || r.ClassChange != nil {
		on = append(on, OnClasses)
	}
	return on
}

// all is the registry: a rule that is not in it does not exist.
var all = []Rule{
	subPath, volumeReadOnly, mountReadOnly, pinnedVersion, pollInterval,
	envFromSyncedSecret, classNotFound, classParameters, attributeOverride,
	classTwice, identityMode, serviceAccount, identityToken, identityMismatch,
	rotationOff, noDriver, mountConflict, vaultNotAllowed, fileMode,
	objectUnavailable, notOptedIn, classInUse,
}

// All are the rules, by id.
func All() []Rule { return slices.Clone(all) }

// Known is what is known of each rule.
func Known() policy.Rules { return known }

var known = func() policy.Rules {
	rules := make(policy.Rules, len(all))
	for i := range all {
		rules[i] = all[i].Rule
	}
	return rules
}()
