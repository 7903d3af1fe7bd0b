package arm

import "testing"

func FuzzParseScope(f *testing.F) {
	f.Add("/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/v/secrets/n")
	f.Add("/subscriptions/s")
	f.Add("////////")
	f.Fuzz(func(t *testing.T, id string) {
		parsed, err := parseScope(id)
		if err == nil && !parsed.covers(parsed) {
			t.Errorf("%q does not cover itself: %+v", id, parsed)
		}
	})
}
