package rules

import "testing"

func TestClassNotFound(t *testing.T) {
	testRule(t, "AKV007", map[string]ruleCase{
		"there is none": {func(r *ruled) { r.Classes["payments"] = nil }, []string{"warning " + classField}},
		"nobody looked": {func(r *ruled) { r.Classes = nil }, nil},
	})
}
