package controller

import (
	"fmt"
	"sync"

	"k8s.io/apimachinery/pkg/types"

	"akv-injector/inject"
	"akv-injector/inject/annotation"
)

// obstacle is why a class is not restored: the event's action and a metric's label,
// and a sentence that says how to fix it.
type obstacle struct {
	reason string
	note   string
}

// Reasons of obstacles; restore_failures_total counts by them.
const (
	reasonNotOptedIn      = "NamespaceNotOptedIn"
	reasonNoRecord        = "NoRecord"
	reasonVaultNotAllowed = "VaultNotAllowed"
	reasonNotOurs         = "NotOurs"
	reasonRefused         = "Refused"
	// reasonFailed is for calls that failed and are tried again: counted, but no event.
	reasonFailed = "Failed"
)

func notOptedIn(namespace string) *obstacle {
	return &obstacle{reasonNotOptedIn, fmt.Sprintf(
		"Pods mount this class, but namespace %s is not opted in. Fix: %s",
		namespace, annotation.OptInCommand(namespace))}
}

func noRecord() *obstacle {
	return &obstacle{reasonNoRecord, fmt.Sprintf(
		"Pods mount this class, but none has a %s annotation with the content that the class's name stands for. "+
			"Fix: replace the pods (kubectl rollout restart): admission writes their class again", annotation.Status)}
}

func vaultNotAllowed(namespace, vault string) *obstacle {
	return &obstacle{reasonVaultNotAllowed, fmt.Sprintf(
		"%s: Pods mount this class, but the annotation %s of namespace %s does not allow the vault %s. "+
			"Fix: add the vault there, or delete the pods", inject.RuleVaultNotAllowed().ID, annotation.AllowedVaults, namespace, vault)}
}

func notOurs(key types.NamespacedName) *obstacle {
	return &obstacle{reasonNotOurs, "Pods mount this class and its content is not what its name stands for. " + (&NotOursError{Class: key}).Error()}
}

// reported remembers what was last reported of each class, so that an obstacle that stays is
// one event, and not one for each reconciliation.
type reported struct {
	mu      sync.Mutex
	reasons map[types.NamespacedName]string
}

// news reports whether the reason differs from the last one, and remembers it.
func (t *reported) news(key types.NamespacedName, reason string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.reasons[key] == reason {
		return false
	}
	if t.reasons == nil {
		t.reasons = map[types.NamespacedName]string{}
	}
	t.reasons[key] = reason
	return true
}

func (t *reported) forget(key types.NamespacedName) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.reasons, key)
}
