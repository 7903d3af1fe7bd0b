package rules

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/inject/annotation"
	"akv-injector/inject/finding"
	"akv-injector/inject/policy"
	"akv-injector/inject/provider"
	"akv-injector/internal/text"
)

// AKV018 compares the namespace's allowed-vaults with the vaults that the pod asks for and
// those that its volumes read, by class or by an overriding attribute. It is a platform
// team's fence: nothing waives it.
var vaultNotAllowed = Rule{
	Rule: finding.Rule{
		ID: "AKV018", Name: "vault-not-allowed", Severities: []finding.Severity{finding.Error},
		Lookups:  finding.Namespace | finding.Classes,
		Exempts:  finding.NoPods,
		Summary:  "An object or class from a vault that the namespace's allowed-vaults does not match.",
		Prevents: "A namespace reads a vault that its platform team did not allow.",
		Evidence: "The namespace's annotation allowed-vaults, which its platform team sets.",
		Remedy:   "Use an allowed vault, or ask the owners of the namespace to extend the annotation.",
	},
	Pod:   checkVaultNotAllowed,
	Class: checkClassVault,
}

// What the API server says where a vault is outside the fence, in the admission policy that is
// made from this rule. It names no vault, which is text of the object.
const (
	FenceMessage = "A vault of the object is not one of those that the namespace may use."
	FenceFix     = "Use an allowed vault, or ask the owners of the namespace to extend its annotation " + annotation.AllowedVaults + "."
)

// VaultNotAllowed returns AKV018, which an event names if a class is not restored.
func VaultNotAllowed() Rule { return vaultNotAllowed }

func checkVaultNotAllowed(p *Pod, r *Report) {
	fence := p.Policy.Fence
	if p.Request.Asks {
		for _, m := range p.Request.Mounts {
			if m.Vault != "" && !fence.Allows(m.Vault) {
				reportOutside(r, fence, m.FieldPath, m.Vault)
			}
		}
	}
	for i := range p.Volumes {
		v := &p.Volumes[i]
		if v.Generated != nil {
			continue
		}
		vault := v.Parameter(provider.ParamVault)
		override := strings.TrimSpace(v.CSI.VolumeAttributes[provider.ParamVault])
		switch {
		case override != "" && !fence.Allows(override):
			reportOutside(r, fence, v.attributePlace(provider.ParamVault), override)
		case v.Azure() && vault != "" && !fence.Allows(vault):
			reportOutside(r, fence, v.classPlace(), vault)
		}
	}
}

// checkClassVault runs the rule on a class without a pod.
func checkClassVault(c *Class, r *Report) {
	if vault := c.parameter(provider.ParamVault); vault != "" && !c.Policy.Fence.Allows(vault) {
		reportOutside(r, c.Policy.Fence, parameters().Child(provider.ParamVault), vault)
	}
}

func reportOutside(r *Report, fence policy.Fence, place *finding.Place, vault string) {
	r.Error(field.ErrorTypeForbidden, place,
		fmt.Sprintf("The namespace may not use the vault %q; its allowed vaults are: %s.", text.Shorten(vault), text.Shorten(fence.String())),
		FenceFix)
}
