package finding

import (
	"cmp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Severity of a Finding.
type Severity string

// An Error refuses the object; a Warning is shown, and the object is admitted.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// Finding is one problem of an object, with its place and its fix.
type Finding struct {
	// Rule is the rule's id (AKV001) and Name its name (subpath). Both are empty for an
	// error in the annotations themselves, which no rule can waive.
	Rule, Name string
	Severity   Severity
	// Type is the kind of problem.
	Type field.ErrorType
	// Place in the object, or in its namespace.
	Place *Place
	// Message states in one sentence what happens.
	Message string
	// Fix states in one sentence how to fix it.
	Fix string
	// Lookups are the facts that the finding rests on, besides the object itself.
	Lookups Lookups
	// Lasting findings are not downgraded because the object had them before: a waiver that has ended.
	Lasting bool
	// Class is the SecretProviderClass that has to be corrected, where a finding about a pod is about its class's
	// content: the class has the same finding.
	Class string
}

// String is the finding without its place: "AKV001 subpath: message Fix: fix".
func (f Finding) String() string {
	var b strings.Builder
	if f.Rule != "" {
		b.WriteString(f.Rule + " " + f.Name + ": ")
	}
	b.WriteString(f.Message)
	if f.Fix != "" {
		b.WriteString(" Fix: " + f.Fix)
	}
	return b.String()
}

// Downgraded is the finding as a warning, with the reason for that in its message.
func (f Finding) Downgraded(because string) Finding {
	f.Severity = Warning
	f.Message = strings.TrimSuffix(f.Message, ".") + " (" + because + ")."
	return f
}

// Sort puts errors first, then sorts by rule and place, so that equal input gives equal
// output, and removes duplicates.
func Sort(findings []Finding) []Finding {
	if len(findings) < 2 {
		return findings
	}
	type keyed struct {
		Finding
		place string
	}
	list := make([]keyed, len(findings))
	for i, f := range findings {
		list[i] = keyed{f, f.Place.String()}
	}
	slices.SortStableFunc(list, func(a, b keyed) int {
		return cmp.Or(
			cmp.Compare(a.Severity, b.Severity), // "error" < "warning"
			cmp.Compare(a.Rule, b.Rule),
			cmp.Compare(a.place, b.place),
			cmp.Compare(a.Message, b.Message),
		)
	})
	list = slices.CompactFunc(list, func(a, b keyed) bool {
		a.Place, b.Place = nil, nil
		a.Lookups, b.Lookups = 0, 0
		return a == b
	})
	sorted := findings[:0]
	for _, k := range list {
		sorted = append(sorted, k.Finding)
	}
	return sorted
}

// Errors are the findings that refuse the object.
func Errors(findings []Finding) []Finding { return bySeverity(findings, Error) }

// Warnings are the findings that are shown without refusing the object.
func Warnings(findings []Finding) []Finding { return bySeverity(findings, Warning) }

func bySeverity(findings []Finding, s Severity) []Finding {
	var some []Finding
	for _, f := range findings {
		if f.Severity == s {
			some = append(some, f)
		}
	}
	return some
}

// Refuses reports whether one of the findings refuses the object.
func Refuses(findings []Finding) bool {
	return slices.ContainsFunc(findings, func(f Finding) bool { return f.Severity == Error })
}
