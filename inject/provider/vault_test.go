package provider

import "testing"

func TestVaultProblem(t *testing.T) {
	for name, ok := range map[string]bool{
		"abc": true, "payments-kv": true, "Payments-KV": true, "a1-b2-c3-d4-e5-f6-g7-h8i": true, "a23": true,
		"": false, "ab": false, "abcdefghijklmnopqrstuvwxy": false, "1abc": false, "-abc": false, "abc-": false, "a--b": false,
		"a_bc": false, "a.bc": false, "vault.azure.net": false, "https://a": false, "äbc": false, "abc\n": false, "a bc": false,
	} {
		if problem := VaultProblem(name); !problem.Found() != ok {
			t.Errorf("%q: %q", name, problem)
		}
	}
}
