package inject

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"akv-injector/inject/annotation"
	"akv-injector/inject/facts"
	"akv-injector/inject/provider"
)

var noon = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

// What is to be asked does not depend on how it is written, and nothing is asked that is
// not allowed.
func TestVaultObjects(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*ruled)
		want   []facts.VaultObject
	}{
		"off":          {func(r *ruled) { delete(r.facts.Namespace.Annotations, annotation.VaultChecks) }, nil},
		"no such mode": {func(r *ruled) { r.facts.Namespace.Annotations[annotation.VaultChecks] = "yes" }, nil},
		"no fence":     {func(r *ruled) { delete(r.facts.Namespace.Annotations, annotation.AllowedVaults) }, nil},
		"an empty fence": {func(r *ruled) {
			r.facts.Namespace.Annotations[annotation.AllowedVaults] = ""
		}, nil},
		"another fence": {func(r *ruled) { r.facts.Namespace.Annotations[annotation.AllowedVaults] = "shared-*" }, nil},
		"the class's":   {func(*ruled) {}, []facts.VaultObject{{Cloud: provider.DefaultCloud, Vault: "payments-kv", Type: provider.TypeSecret, Name: "db-password"}}},
		"an override by the volume": {func(r *ruled) {
			r.csi().VolumeAttributes[provider.ParamVault] = "Payments-KV2"
			r.csi().VolumeAttributes[provider.ParamCloud] = "azureUSGovernment"
			r.csi().VolumeAttributes[provider.ParamObjects] = "array:\n- |\n  {objectName: Signing, objectType: key, objectVersion: AB}\n"
		}, []facts.VaultObject{{Cloud: "AzureUSGovernmentCloud", Vault: "payments-kv2", Type: provider.TypeKey, Name: "signing", Version: "ab"}}},
		"an object twice": {func(r *ruled) {
			r.class.Spec.Parameters[provider.ParamObjects] = "array:\n- |\n  {objectName: A, objectType: secret}\n- |\n  {objectName: a, objectType: secret, objectAlias: b}\n"
		}, []facts.VaultObject{{Cloud: provider.DefaultCloud, Vault: "payments-kv", Type: provider.TypeSecret, Name: "a"}}},
		"a class that the provider refuses": {func(r *ruled) {
			r.class.Spec.Parameters[provider.ParamObjects] = "array:\n- |\n  {objectName: A, objectType: secret}\n- |\n  {objectName: B, objectType: sekret}\n"
		}, nil},
		"a vault that is none":      {func(r *ruled) { r.class.Spec.Parameters[provider.ParamVault] = "payments-" }, nil},
		"a cloud that is none":      {func(r *ruled) { r.class.Spec.Parameters[provider.ParamCloud] = "Cumulus" }, nil},
		"another provider":          {func(r *ruled) { r.class.Spec.Provider = "aws" }, nil},
		"a class that is not there": {func(r *ruled) { r.classes["payments"] = nil }, nil},
		"a version called latest":   {func(r *ruled) { r.object("{objectName: A, objectType: secret, objectVersion: latest}") }, nil},
		"a history of latest": {func(r *ruled) {
			r.object("{objectName: A, objectType: secret, objectVersion: latest, objectVersionHistory: 3}")
		}, []facts.VaultObject{{Cloud: provider.DefaultCloud, Vault: "payments-kv", Type: provider.TypeSecret, Name: "a"}}},
		"a cloud that a file tells":    {func(r *ruled) { r.class.Spec.Parameters[provider.ParamCloudFile] = "/etc/cloud.json" }, nil},
		"spaces around the vault":      {func(r *ruled) { r.class.Spec.Parameters[provider.ParamVault] = " payments-kv " }, []facts.VaultObject{{Cloud: provider.DefaultCloud, Vault: "payments-kv", Type: provider.TypeSecret, Name: "db-password"}}},
		"the namespace's mode, spaced": {func(r *ruled) { r.facts.Namespace.Annotations[annotation.VaultChecks] = " warn " }, []facts.VaultObject{{Cloud: provider.DefaultCloud, Vault: "payments-kv", Type: provider.TypeSecret, Name: "db-password"}}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRuled()
			r.facts.Namespace.Annotations[annotation.VaultChecks] = VaultChecksEnforce
			r.facts.Namespace.Annotations[annotation.AllowedVaults] = "payments-*"
			tc.change(r)
			d := Decide(r.target, Parse(r.target, r.facts.Namespace, Settings{}), r.known())
			if diff := cmp.Diff(tc.want, d.VaultObjects); diff != "" {
				t.Errorf("objects to ask about (-want +got):\n%s", diff)
			}
			for _, f := range d.Findings {
				if f.Rule == "AKV020" {
					t.Errorf("nobody was asked: %+v", f)
				}
			}
			got := ClassVaultObjects(r.class, r.facts.Namespace, Settings{})
			if len(got) > len(tc.want) && !strings.Contains(name, "not there") && len(r.csi().VolumeAttributes) == 1 {
				t.Errorf("the class alone asks about %v", got)
			}
		})
	}
}

// The facts in one step or in two: the decision is the same.
func TestDecisionInTwoSteps(t *testing.T) {
	r := newRuled()
	r.facts.Namespace.Annotations[annotation.VaultChecks] = VaultChecksEnforce
	r.facts.Namespace.Annotations[annotation.AllowedVaults] = "payments-*"
	request := Parse(r.target, r.facts.Namespace, Settings{})
	first := Decide(r.target, request, r.known())
	all := r.known()
	all.Now, all.Vault = noon, map[facts.VaultObject]facts.VaultAnswer{first.VaultObjects[0]: {}}
	once, twice := Decide(r.target, request, all), first.WithVault(request, all)
	if diff := cmp.Diff(once.Findings, twice.Findings); diff != "" || len(once.Errors()) != 1 {
		t.Errorf("%d errors; -at once +in two steps:\n%s", len(once.Errors()), diff)
	}
}

func TestValidateVaultChecks(t *testing.T) {
	for value, ok := range map[string]bool{"off": true, "warn": true, "enforce": true, "": false, "on": false, "Enforce": false} {
		if problem := ValidateVaultChecks(value); !problem.Found() != ok {
			t.Errorf("%q: %q", value, problem)
		}
	}
}
