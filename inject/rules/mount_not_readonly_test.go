package rules

import "testing"

func TestMountReadOnly(t *testing.T) {
	testRule(t, "AKV003", map[string]ruleCase{
		"false":             {func(r *ruled) { r.Mount().ReadOnly = false }, []string{"warning spec.containers[0].volumeMounts[0].readOnly"}},
		"of another volume": {func(r *ruled) { r.Mount().ReadOnly = false; r.Mount().Name = "other" }, nil},
	})
}
