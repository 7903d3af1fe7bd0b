package finding

// Lookups is a set of facts that are looked up in the cluster. A finding that rests on none
// of them, the zero value, cannot change when they are looked up again.
type Lookups uint8

// Facts that are looked up.
const (
	Namespace Lookups = 1 << iota
	ServiceAccounts
	Classes
	Driver
)

// LookupsOf are the facts that the errors among findings rest on.
func LookupsOf(findings []Finding) Lookups {
	var l Lookups
	for _, f := range findings {
		if f.Severity == Error {
			l |= f.Lookups
		}
	}
	return l
}
