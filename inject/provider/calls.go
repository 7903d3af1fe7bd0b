package provider

import "time"

// What Microsoft publishes of Key Vault, read on 2026-11-29.
const (
	// CallsWindow and CallsLimit: transactions that a vault answers in 10 seconds, but for the creation of keys and for HSM keys
	// (learn.microsoft.com/azure/key-vault/general/service-limits, "All other transactions").
	CallsWindow = 10 * time.Second
	CallsLimit  = 4000
)

// Calls are how many requests the provider 1.8.2 makes for a volume with these objects, each time that it is asked: one for
// each object, or, with a history, one for the list of its versions and one for each version, of which it gets one more than
// the history says; and for each type one without a token, which asks where to get one, since no client is kept.
func Calls(objects []Object) int {
	calls := 0
	types := map[string]bool{}
	for i := range objects {
		o := &objects[i]
		types[o.Type] = true
		if o.VersionHistory <= 1 {
			calls++
			continue
		}
		calls += 1 + int(o.VersionHistory) + 1
	}
	return calls + len(types)
}
