package policy

import "testing"

func TestVaultChecksProblem(t *testing.T) {
	for value, ok := range map[string]bool{"off": true, "warn": true, "enforce": true, "": false, "on": false, "Enforce": false} {
		if problem := VaultChecksProblem(value); problem.Found() == ok {
			t.Errorf("%q: %q", value, problem)
		}
	}
}
