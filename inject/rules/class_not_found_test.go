package rules

import "testing"

func TestClassNotFound(t *testing.T) {
	testRule(t, "AKV007", map[string]ruleCase{
		"missing":       {func(r *ruled) { r.Classes["payments"] = nil }, []string{"warning " + classField}},
		"not looked up": {func(r *ruled) { r.Classes = nil }, nil},
	})
}
