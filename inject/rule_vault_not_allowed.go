package inject

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/inject/annotation"
	"akv-injector/inject/finding"
	"akv-injector/inject/provider"
	"akv-injector/internal/text"
)

// AKV018 reads the namespace's allowed-vaults, the vaults that the pod asks for and
// those that its volumes reach, by class or by an overriding attribute. It is a
// platform team's fence: nothing waives it.
var vaultNotAllowedRule = Rule{
	ID: "AKV018", Name: "vault-not-allowed", Severities: []Severity{Error},
	Summary:  "An object or class from a vault that the namespace's allowed-vaults does not match.",
	Prevents: "A namespace reads a vault that its platform team did not mean it to read.",
	Evidence: "The namespace's annotation allowed-vaults, which its platform team sets.",
	Remedy:   "Use an allowed vault, or ask the owners of the namespace to extend the annotation.",
	On:       everywhere,
}

func checkVaultNotAllowed(s *subject) []Finding {
	var findings []Finding
	refuse := func(path *finding.Place, vault string) {
		findings = append(findings, outsideFence(s.r.Fence, path, vault))
	}
	if s.r.Asks {
		for _, m := range s.r.Mounts {
			if m.Vault != "" && !s.r.Fence.Allows(m.Vault) {
				refuse(m.FieldPath, m.Vault)
			}
		}
	}
	for i := range s.volumes {
		v := &s.volumes[i]
		if v.generated != nil {
			continue
		}
		vault := v.Parameter(provider.ParamVault)
		override := strings.TrimSpace(v.CSI.VolumeAttributes[provider.ParamVault])
		switch {
		case override != "" && !s.r.Fence.Allows(override):
			refuse(v.attributePath(provider.ParamVault), override)
		case v.azure() && vault != "" && !s.r.Fence.Allows(vault):
			refuse(v.classPath(), vault)
		}
	}
	return findings
}

func outsideFence(fence Fence, path *finding.Place, vault string) Finding {
	return found("AKV018", Error, field.ErrorTypeForbidden, path,
		fmt.Sprintf("The vault %q is not among those that the namespace may use (%s).", text.Shorten(vault), text.Shorten(fence.String())),
		"Use an allowed vault, or ask the owners of the namespace to extend its annotation "+annotation.AllowedVaults+".")
}

// checkClassVault is the rule's look at a class.
func checkClassVault(c *classSubject) []Finding {
	vault := c.parameter(provider.ParamVault)
	if vault == "" || c.r.Fence.Allows(vault) {
		return nil
	}
	return []Finding{outsideFence(c.r.Fence, classParameter(provider.ParamVault), vault)}
}
