package policy

import (
	"path"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"akv-injector/inject/annotation"
	"akv-injector/inject/finding"
	"akv-injector/inject/request"
	"akv-injector/internal/text"
)

// Fence is a namespace's allowed-vaults: globs that the names of its vaults must
// match. The zero Fence allows any vault.
type Fence struct {
	set      bool
	patterns []string
}

// ParseFence reads the namespace's fence. A fence with errors allows only what its
// well-formed patterns match: it must not fail open.
func ParseFence(ns *corev1.Namespace) (Fence, finding.FieldErrors) {
	value, ok := ns.Annotations[annotation.AllowedVaults]
	if !ok {
		return Fence{}, nil
	}
	fence := Fence{set: true}
	fldPath := request.NamespaceAnnotation(annotation.AllowedVaults)
	var errs finding.FieldErrors
	for _, p := range text.List(value) {
		p = strings.ToLower(p)
		if _, err := path.Match(p, ""); err != nil || strings.Contains(p, "/") {
			errs = append(errs, finding.Invalid(fldPath, p, finding.Problem{What: "not a glob of vault names", Fix: "write names with * and ?, such as payments-*"}))
			continue
		}
		fence.patterns = append(fence.patterns, p)
	}
	if len(fence.patterns) == 0 && len(errs) == 0 {
		errs = append(errs, finding.Required(fldPath, finding.Problem{What: "empty, so no vault is allowed", Fix: "name the vaults, or remove the annotation to allow any"}))
	}
	return fence, errs
}

// IsSet reports whether the namespace has a fence, even one with errors.
func (f Fence) IsSet() bool { return f.set }

// Allows reports whether the fence allows the vault. Vault names are case-insensitive.
func (f Fence) Allows(vault string) bool {
	if !f.set {
		return true
	}
	vault = strings.ToLower(strings.TrimSpace(vault))
	for _, p := range f.patterns {
		if ok, err := path.Match(p, vault); err == nil && ok {
			return true
		}
	}
	return false
}

func (f Fence) String() string {
	switch {
	case !f.set:
		return "any"
	case len(f.patterns) == 0:
		return "none"
	}
	return strings.Join(f.patterns, ", ")
}
