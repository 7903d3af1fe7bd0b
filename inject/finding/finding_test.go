package finding_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"akv-injector/inject/finding"
)

func TestSort(t *testing.T) {
	volume := finding.At("spec", "volumes")
	a := finding.Finding{Severity: finding.Warning, Rule: "AKV003", Place: volume.Index(0), Message: "a"}
	b := finding.Finding{Severity: finding.Error, Rule: "AKV004", Place: volume.Index(0), Message: "b"}
	c := finding.Finding{Severity: finding.Error, Rule: "AKV004", Place: volume.Index(1), Message: "a"}
	own := finding.Finding{Severity: finding.Error, Place: finding.At("metadata"), Message: "z"}
	same := a
	same.Place = finding.At("spec", "volumes").Index(0) // another pointer to the same place
	got := finding.Sort([]finding.Finding{a, c, b, same, own, c})
	if diff := cmp.Diff([]finding.Finding{own, b, c, a}, got); diff != "" {
		t.Errorf("errors first, then by rule and place, each once (-want +got):\n%s", diff)
	}
}

func TestDowngraded(t *testing.T) {
	f := finding.Finding{Severity: finding.Error, Message: "It fails."}.Downgraded("a reason")
	if f.Severity != finding.Warning || f.Message != "It fails (a reason)." {
		t.Errorf("%+v", f)
	}
}
