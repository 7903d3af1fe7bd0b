package rules

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"akv-injector/inject/annotation"
	"akv-injector/inject/facts"
	"akv-injector/inject/policy"
	"akv-injector/inject/provider"
	"akv-injector/inject/request"
)

// The objects to query do not depend on their notation, and only allowed vaults are queried.
func TestVaultObjects(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*ruled)
		want   []facts.VaultObject
	}{
		"off":          {func(r *ruled) { delete(r.Facts.Namespace.Annotations, annotation.VaultChecks) }, nil},
		"no such mode": {func(r *ruled) { r.Facts.Namespace.Annotations[annotation.VaultChecks] = "yes" }, nil},
		"no fence":     {func(r *ruled) { delete(r.Facts.Namespace.Annotations, annotation.AllowedVaults) }, nil},
		"an empty fence": {func(r *ruled) {
			r.Facts.Namespace.Annotations[annotation.AllowedVaults] = ""
		}, nil},
		"another fence": {func(r *ruled) { r.Facts.Namespace.Annotations[annotation.AllowedVaults] = "shared-*" }, nil},
		"the class's":   {func(*ruled) {}, []facts.VaultObject{{Cloud: provider.DefaultCloud, Vault: "payments-kv", Type: provider.TypeSecret, Name: "db-password"}}},
		"an override by the volume": {func(r *ruled) {
			r.CSI().VolumeAttributes[provider.ParamVault] = "Payments-KV2"
			r.CSI().VolumeAttributes[provider.ParamCloud] = "azureUSGovernment"
			r.CSI().VolumeAttributes[provider.ParamObjects] = "array:\n- |\n  {objectName: Signing, objectType: key, objectVersion: AB}\n"
		}, []facts.VaultObject{{Cloud: "AzureUSGovernmentCloud", Vault: "payments-kv2", Type: provider.TypeKey, Name: "signing", Version: "ab"}}},
		"an object twice": {func(r *ruled) {
			r.Class.Spec.Parameters[provider.ParamObjects] = "array:\n- |\n  {objectName: A, objectType: secret}\n- |\n  {objectName: a, objectType: secret, objectAlias: b}\n"
		}, []facts.VaultObject{{Cloud: provider.DefaultCloud, Vault: "payments-kv", Type: provider.TypeSecret, Name: "a"}}},
		"a class that the provider refuses": {func(r *ruled) {
			r.Class.Spec.Parameters[provider.ParamObjects] = "array:\n- |\n  {objectName: A, objectType: secret}\n- |\n  {objectName: B, objectType: sekret}\n"
		}, nil},
		"an invalid vault name":   {func(r *ruled) { r.Class.Spec.Parameters[provider.ParamVault] = "payments-" }, nil},
		"an unknown cloud":        {func(r *ruled) { r.Class.Spec.Parameters[provider.ParamCloud] = "Cumulus" }, nil},
		"another provider":        {func(r *ruled) { r.Class.Spec.Provider = "aws" }, nil},
		"a missing class":         {func(r *ruled) { r.Classes["payments"] = nil }, nil},
		"a version called latest": {func(r *ruled) { r.Object("{objectName: A, objectType: secret, objectVersion: latest}") }, nil},
		"a history of latest": {func(r *ruled) {
			r.Object("{objectName: A, objectType: secret, objectVersion: latest, objectVersionHistory: 3}")
		}, []facts.VaultObject{{Cloud: provider.DefaultCloud, Vault: "payments-kv", Type: provider.TypeSecret, Name: "a"}}},
		"a cloud that a file defines":  {func(r *ruled) { r.Class.Spec.Parameters[provider.ParamCloudFile] = "/etc/cloud.json" }, nil},
		"spaces around the vault":      {func(r *ruled) { r.Class.Spec.Parameters[provider.ParamVault] = " payments-kv " }, []facts.VaultObject{{Cloud: provider.DefaultCloud, Vault: "payments-kv", Type: provider.TypeSecret, Name: "db-password"}}},
		"the namespace's mode, spaced": {func(r *ruled) { r.Facts.Namespace.Annotations[annotation.VaultChecks] = " warn " }, []facts.VaultObject{{Cloud: provider.DefaultCloud, Vault: "payments-kv", Type: provider.TypeSecret, Name: "db-password"}}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRuled()
			r.Facts.Namespace.Annotations[annotation.VaultChecks] = policy.VaultChecksEnforce
			r.Facts.Namespace.Annotations[annotation.AllowedVaults] = "payments-*"
			tc.change(r)
			if diff := cmp.Diff(tc.want, r.look().VaultObjects()); diff != "" {
				t.Errorf("objects to query (-want +got):\n%s", diff)
			}
			for _, f := range r.findings() {
				if f.Rule == "AKV020" {
					t.Errorf("no vault was queried: %+v", f)
				}
			}
			class := facts.NewClass(r.Class)
			got := (&Class{Class: class, Policy: policy.ParseClass(class, r.Facts.Namespace, request.Settings{}, Known())}).VaultObjects()
			if len(got) > len(tc.want) && !strings.Contains(name, "missing") && len(r.CSI().VolumeAttributes) == 1 {
				t.Errorf("for the class alone %v are queried", got)
			}
		})
	}
}
