package inject

import "testing"

func TestMountReadOnly(t *testing.T) {
	testRule(t, "AKV003", map[string]ruleCase{
		"false":             {func(r *ruled) { r.mount().ReadOnly = false }, []string{"warning spec.containers[0].volumeMounts[0].readOnly"}},
		"of another volume": {func(r *ruled) { r.mount().ReadOnly = false; r.mount().Name = "other" }, nil},
	})
}
