package inject

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
)

var noon = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

func someVersion(change func(*VaultVersion)) VaultVersion {
	v := VaultVersion{ID: "a1", Enabled: true, Created: noon.AddDate(0, -1, 0)}
	if change != nil {
		change(&v)
	}
	return v
}

func TestVaultFaults(t *testing.T) {
	good := someVersion(nil)
	off := someVersion(func(v *VaultVersion) { v.ID, v.Enabled = "b2", false })
	earlier := someVersion(func(v *VaultVersion) { v.ID, v.Created = "c3", noon.AddDate(-1, 0, 0) })
	for name, tc := range map[string]struct {
		version string
		answer  VaultAnswer
		want    faultKind
	}{
		"there":                                    {answer: VaultAnswer{Versions: []VaultVersion{good}}},
		"missing":                                  {want: missing},
		"the newest counts":                        {answer: VaultAnswer{Versions: []VaultVersion{off, earlier}}, want: disabled},
		"an older one does not":                    {answer: VaultAnswer{Versions: []VaultVersion{good, earlier}}},
		"one of a second is enough":                {answer: VaultAnswer{Versions: []VaultVersion{off, good}}},
		"in any order":                             {answer: VaultAnswer{Versions: []VaultVersion{good, off}}},
		"expires now":                              {answer: VaultAnswer{Versions: []VaultVersion{someVersion(func(v *VaultVersion) { v.Expires = noon })}}, want: expired},
		"expires in a moment":                      {answer: VaultAnswer{Versions: []VaultVersion{someVersion(func(v *VaultVersion) { v.Expires = noon.Add(1) })}}},
		"valid from now on":                        {answer: VaultAnswer{Versions: []VaultVersion{someVersion(func(v *VaultVersion) { v.NotBefore = noon })}}},
		"valid in a moment":                        {answer: VaultAnswer{Versions: []VaultVersion{someVersion(func(v *VaultVersion) { v.NotBefore = noon.Add(1) })}}, want: notYetValid},
		"pinned, in capitals":                      {version: "A1", answer: VaultAnswer{Versions: []VaultVersion{off, good}}},
		"pinned to one that is disabled":           {version: "b2", answer: VaultAnswer{Versions: []VaultVersion{good, off}}, want: disabled},
		"pinned to none":                           {version: "d4", answer: VaultAnswer{Versions: []VaultVersion{good}}, want: versionMissing},
		"pinned to none of an object that is none": {version: "d4", want: missing},
		"pinned to one that may be there":          {version: "d4", answer: VaultAnswer{Versions: []VaultVersion{good}, Partial: true}},
		"newest not known":                         {answer: VaultAnswer{Versions: []VaultVersion{off}, Partial: true}},
	} {
		o := VaultObject{Cloud: provider.DefaultCloud, Vault: "payments-kv", Type: provider.TypeSecret, Name: "db-password", Version: tc.version}
		if got := o.fault(tc.answer, noon); got.kind != tc.want {
			t.Errorf("%s: fault %v, want %v", name, got.kind, tc.want)
		}
		if o.Doubtful(tc.answer, noon) != (tc.want != faultless) {
			t.Errorf("%s: doubtful is another thing than having a fault", name)
		}
	}
	unknown := VaultAnswer{Unknown: "vault payments-kv could not be reached"}
	if (VaultObject{}).Doubtful(unknown, noon) {
		t.Error("an answer that says nothing finds no fault")
	}
}

// What is to be asked does not depend on how it is written, and nothing is asked that is
// not allowed.
func TestVaultObjects(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*ruled)
		want   []VaultObject
	}{
		"off":          {func(r *ruled) { delete(r.facts.Namespace.Annotations, annotation.VaultChecks) }, nil},
		"no such mode": {func(r *ruled) { r.facts.Namespace.Annotations[annotation.VaultChecks] = "yes" }, nil},
		"no fence":     {func(r *ruled) { delete(r.facts.Namespace.Annotations, annotation.AllowedVaults) }, nil},
		"an empty fence": {func(r *ruled) {
			r.facts.Namespace.Annotations[annotation.AllowedVaults] = ""
		}, nil},
		"another fence": {func(r *ruled) { r.facts.Namespace.Annotations[annotation.AllowedVaults] = "shared-*" }, nil},
		"the class's":   {func(*ruled) {}, []VaultObject{{provider.DefaultCloud, "payments-kv", provider.TypeSecret, "db-password", ""}}},
		"an override by the volume": {func(r *ruled) {
			r.csi().VolumeAttributes[provider.ParamVault] = "Payments-KV2"
			r.csi().VolumeAttributes[provider.ParamCloud] = "azureUSGovernment"
			r.csi().VolumeAttributes[provider.ParamObjects] = "array:\n- |\n  {objectName: Signing, objectType: key, objectVersion: AB}\n"
		}, []VaultObject{{"AzureUSGovernmentCloud", "payments-kv2", provider.TypeKey, "signing", "ab"}}},
		"an object twice": {func(r *ruled) {
			r.class.Spec.Parameters[provider.ParamObjects] = "array:\n- |\n  {objectName: A, objectType: secret}\n- |\n  {objectName: a, objectType: secret, objectAlias: b}\n"
		}, []VaultObject{{provider.DefaultCloud, "payments-kv", provider.TypeSecret, "a", ""}}},
		"a class that the provider refuses": {func(r *ruled) {
			r.class.Spec.Parameters[provider.ParamObjects] = "array:\n- |\n  {objectName: A, objectType: secret}\n- |\n  {objectName: B, objectType: sekret}\n"
		}, nil},
		"a vault that is none":      {func(r *ruled) { r.class.Spec.Parameters[provider.ParamVault] = "payments-" }, nil},
		"a cloud that is none":      {func(r *ruled) { r.class.Spec.Parameters[provider.ParamCloud] = "Cumulus" }, nil},
		"another provider":          {func(r *ruled) { r.class.Spec.Provider = "aws" }, nil},
		"a class that is not there": {func(r *ruled) { r.facts.Classes["payments"] = nil }, nil},
		"a version called latest":   {func(r *ruled) { r.object("{objectName: A, objectType: secret, objectVersion: latest}") }, nil},
		"a history of latest": {func(r *ruled) {
			r.object("{objectName: A, objectType: secret, objectVersion: latest, objectVersionHistory: 3}")
		}, []VaultObject{{provider.DefaultCloud, "payments-kv", provider.TypeSecret, "a", ""}}},
		"a cloud that a file tells":    {func(r *ruled) { r.class.Spec.Parameters[provider.ParamCloudFile] = "/etc/cloud.json" }, nil},
		"spaces around the vault":      {func(r *ruled) { r.class.Spec.Parameters[provider.ParamVault] = " payments-kv " }, []VaultObject{{provider.DefaultCloud, "payments-kv", provider.TypeSecret, "db-password", ""}}},
		"the namespace's mode, spaced": {func(r *ruled) { r.facts.Namespace.Annotations[annotation.VaultChecks] = " warn " }, []VaultObject{{provider.DefaultCloud, "payments-kv", provider.TypeSecret, "db-password", ""}}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRuled()
			r.facts.Namespace.Annotations[annotation.VaultChecks] = VaultChecksEnforce
			r.facts.Namespace.Annotations[annotation.AllowedVaults] = "payments-*"
			tc.change(r)
			d := Decide(r.target, Parse(r.target, r.facts.Namespace, Settings{}), *r.facts)
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
	first := Decide(r.target, request, *r.facts)
	all := *r.facts
	all.Now, all.Vault = noon, map[VaultObject]VaultAnswer{first.VaultObjects[0]: {}}
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
