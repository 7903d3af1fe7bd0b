package rules

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/inject/facts"
	"akv-injector/inject/finding"
	"akv-injector/inject/provider"
	"akv-injector/inject/workload"
	"akv-injector/internal/text"
)

// AKV034 checks how often a vault will be asked. Whoever shares it is refused too when it answers 429.
var vaultBudget = Rule{
	Rule: finding.Rule{
		ID: "AKV034", Name: "vault-budget", Severities: []finding.Severity{finding.Warning},
		Summary:  "A workload with which a vault is asked more than half of what Key Vault answers in 10 seconds, by the pods that akv-injector has injected.",
		Prevents: "Beyond the limit the vault answers 429 to all who use it: mounts fail, and rotation stops.",
		Evidence: "Key Vault answers 4,000 transactions in 10 seconds for a vault and region (Microsoft's service limits, read 2026-11-29); the Azure provider 1.8.2 makes at least one for each object and one more for each volume, each time that the kubelet or the driver's own loop asks.",
		Remedy:   "See kubectl akv budget for what asks most: merge objects, spread workloads over vaults, or, with a driver before 1.6, lengthen its --rotation-poll-interval.",
	},
	Pod:           checkVaultBudget,
	TemplatesOnly: true,
}

func checkVaultBudget(p *Pod, r *Report) {
	if len(p.Facts.Calls) == 0 {
		return
	}
	every := p.Facts.Rotation().Every()
	if every == 0 {
		return
	}
	const half = provider.CallsLimit / 2
	added := p.Request.Calls(p.Target)
	for _, vault := range slices.SortedFunc(maps.Keys(added), func(a, b facts.VaultRef) int { return cmp.Compare(a.Cloud+a.Vault, b.Cloud+b.Vault) }) {
		before, known := p.Facts.Calls[vault]
		then, after := perWindow(before, every), perWindow(before+added[vault], every)
		if !known || then > half || after <= half {
			continue
		}
		r.Warn(field.ErrorTypeInvalid, workload.ReplicasPlace(),
			fmt.Sprintf("With these %d replicas the vault %s is asked about %d times in 10 s, more than half of the %d that it answers.", p.Target.Replicas, text.Shorten(vault.Vault), after, provider.CallsLimit),
			"See what asks most: kubectl akv budget -A. Merge objects, or use another vault.")
	}
}

func perWindow(calls int, every time.Duration) int {
	return int(float64(calls) * float64(provider.CallsWindow) / float64(every))
}
