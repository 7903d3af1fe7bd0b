package keyvault

import "testing"

func TestIdentified(t *testing.T) {
	const vault = "https://payments-kv.vault.azure.net"
	for id, want := range map[string]struct{ name, version string }{
		vault + "/secrets/DB-Password":         {"DB-Password", ""},
		vault + "/keys/signing/0123":           {"signing", "0123"},
		vault + ":443/certificates/frontend/a": {"frontend", "a"},
		"":                                     {},
		"hunter2":                              {},
		"/secrets/DB-Password":                 {},
		vault:                                  {},
		vault + "/secrets":                     {},
		vault + "/secrets//0123":               {},
		vault + "/secrets/DB-Password/a/b":     {},
		vault + "/secrets/%zz":                 {},
	} {
		got, err := identified(id, Version{Enabled: true})
		if got.name != want.name || got.ID != want.version || (err == nil) != (want.name != "") {
			t.Errorf("%q: %+v, %v", id, got, err)
		}
	}
}
