package finding

// Lookups is a set of facts that are looked up. The zero value is none: what rests on it
// would be found again whatever a second look at the cluster says.
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
