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
	set   bool
	globs []string
}

const (
	// MaxGlobs is how many globs a fence may have: each vault is compared with each.
	MaxGlobs = 100
	// MaxText is how many bytes a fence may have, comments and all.
	MaxText = 16 << 10
	// globCharacters are those of vault names, and the two wildcards. Nothing else can match,
	// and the admission policy of the fence turns globs into regular expressions.
	globCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-*?"
	// MaxName is longer than any vault's name, and than any glob that is meant for one.
	MaxName = 64
	// MaxStars of a glob: a name is searched for what is between them, one after the other.
	MaxStars = 5
	// NamespaceVariable stands for the namespace's name in the cluster's default.
	NamespaceVariable = "{namespace}"
)

// ParseFence reads the namespace's fence, or else the cluster's default. A fence with errors
// allows only what its well-formed globs match: it must not fail open.
func ParseFence(ns *corev1.Namespace, clusterDefault string) (Fence, finding.FieldErrors) {
	value, ok := ns.Annotations[annotation.AllowedVaults]
	if !ok {
		if clusterDefault == "" {
			return Fence{}, nil
		}
		fence, _ := parseGlobs(strings.ReplaceAll(clusterDefault, NamespaceVariable, ns.Name), nil)
		return fence, nil // the server checked it when it started
	}
	return parseGlobs(value, request.NamespaceAnnotation(annotation.AllowedVaults))
}

func parseGlobs(value string, fldPath *finding.Place) (Fence, finding.FieldErrors) {
	fence := Fence{set: true}
	var errs finding.FieldErrors
	if len(value) > MaxText {
		return fence, finding.FieldErrors{finding.TooLong(fldPath, MaxText)}
	}
	globs := text.List(value)
	if len(globs) > MaxGlobs {
		return fence, finding.FieldErrors{finding.TooMany(fldPath, len(globs), MaxGlobs)}
	}
	for _, glob := range globs {
		if strings.Trim(glob, globCharacters) != "" || len(glob) > MaxName || strings.Count(glob, "*") > MaxStars {
			errs = append(errs, finding.Invalid(fldPath, glob, finding.Problem{What: "not a glob of vault names", Fix: "write names with * and ?, such as payments-*"}))
			continue
		}
		fence.globs = append(fence.globs, lower(glob))
	}
	if len(fence.globs) == 0 && len(errs) == 0 {
		errs = append(errs, finding.Required(fldPath, finding.Problem{What: "empty, so no vault is allowed", Fix: "name the vaults, or remove the annotation to allow any"}))
	}
	return fence, errs
}

// DefaultFenceProblem is what is wrong with the cluster's default fence, if anything. Empty
// means that namespaces without a fence of their own may use any vault.
func DefaultFenceProblem(value string) finding.Problem {
	if value == "" {
		return finding.Problem{}
	}
	// Any name of a namespace will do: it has no other characters than a vault's.
	_, errs := parseGlobs(strings.ReplaceAll(value, NamespaceVariable, "namespace"), nil)
	if len(errs) == 0 {
		return finding.Problem{}
	}
	return errs[0].Problem
}

// lower changes ASCII alone: other letters can have one of them as their small letter, and no
// vault's name has them.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// IsSet reports whether the namespace has a fence, even one with errors.
func (f Fence) IsSet() bool { return f.set }

// Allows reports whether the fence allows the vault. Vault names are case-insensitive.
func (f Fence) Allows(vault string) bool {
	if !f.set {
		return true
	}
	vault = strings.TrimSpace(vault)
	if len(vault) > MaxName {
		return false
	}
	vault = lower(vault)
	for _, p := range f.globs {
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
	case len(f.globs) == 0:
		return "none"
	}
	return strings.Join(f.globs, ", ")
}
