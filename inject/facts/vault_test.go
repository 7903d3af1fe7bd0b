package facts_test

import (
	"testing"
	"time"

	"akv-injector/inject/facts"
	"akv-injector/inject/provider"
)

var noon = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

func someVersion(change func(*facts.VaultVersion)) facts.VaultVersion {
	v := facts.VaultVersion{ID: "a1", Enabled: true, Created: noon.AddDate(0, -1, 0)}
	if change != nil {
		change(&v)
	}
	return v
}

func TestVaultFaults(t *testing.T) {
	good := someVersion(nil)
	off := someVersion(func(v *facts.VaultVersion) { v.ID, v.Enabled = "b2", false })
	earlier := someVersion(func(v *facts.VaultVersion) { v.ID, v.Created = "c3", noon.AddDate(-1, 0, 0) })
	for name, tc := range map[string]struct {
		version string
		answer  facts.VaultAnswer
		want    facts.FaultKind
	}{
		"exists":                                  {answer: facts.VaultAnswer{Versions: []facts.VaultVersion{good}}},
		"missing":                                 {want: facts.Missing},
		"the newest counts":                       {answer: facts.VaultAnswer{Versions: []facts.VaultVersion{off, earlier}}, want: facts.Disabled},
		"an older one does not":                   {answer: facts.VaultAnswer{Versions: []facts.VaultVersion{good, earlier}}},
		"one of a second is enough":               {answer: facts.VaultAnswer{Versions: []facts.VaultVersion{off, good}}},
		"in any order":                            {answer: facts.VaultAnswer{Versions: []facts.VaultVersion{good, off}}},
		"expires now":                             {answer: facts.VaultAnswer{Versions: []facts.VaultVersion{someVersion(func(v *facts.VaultVersion) { v.Expires = noon })}}, want: facts.Expired},
		"expires in a moment":                     {answer: facts.VaultAnswer{Versions: []facts.VaultVersion{someVersion(func(v *facts.VaultVersion) { v.Expires = noon.Add(1) })}}},
		"valid from now on":                       {answer: facts.VaultAnswer{Versions: []facts.VaultVersion{someVersion(func(v *facts.VaultVersion) { v.NotBefore = noon })}}},
		"valid in a moment":                       {answer: facts.VaultAnswer{Versions: []facts.VaultVersion{someVersion(func(v *facts.VaultVersion) { v.NotBefore = noon.Add(1) })}}, want: facts.NotYetValid},
		"pinned, in capitals":                     {version: "A1", answer: facts.VaultAnswer{Versions: []facts.VaultVersion{off, good}}},
		"pinned to one that is disabled":          {version: "b2", answer: facts.VaultAnswer{Versions: []facts.VaultVersion{good, off}}, want: facts.Disabled},
		"pinned to a missing version":             {version: "d4", answer: facts.VaultAnswer{Versions: []facts.VaultVersion{good}}, want: facts.VersionMissing},
		"pinned to a version of a missing object": {version: "d4", want: facts.Missing},
		"pinned to one that may exist":            {version: "d4", answer: facts.VaultAnswer{Versions: []facts.VaultVersion{good}, Partial: true}},
		"newest not known":                        {answer: facts.VaultAnswer{Versions: []facts.VaultVersion{off}, Partial: true}},
	} {
		o := facts.VaultObject{Cloud: provider.DefaultCloud, Vault: "payments-kv", Type: provider.TypeSecret, Name: "db-password", Version: tc.version}
		if got := o.Fault(tc.answer, noon); got.Kind != tc.want {
			t.Errorf("%s: fault %v, want %v", name, got.Kind, tc.want)
		}
		if o.Doubtful(tc.answer, noon) != (tc.want != facts.Faultless) {
			t.Errorf("%s: Doubtful differs from Fault", name)
		}
	}
	unknown := facts.VaultAnswer{Unknown: "vault payments-kv could not be reached"}
	if (facts.VaultObject{}).Doubtful(unknown, noon) {
		t.Error("an unknown answer is doubtful")
	}
}
