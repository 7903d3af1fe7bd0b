package inject

import "testing"

func TestClassNotFound(t *testing.T) {
	testRule(t, "AKV007", map[string]ruleCase{
		"there is none": {func(r *ruled) { r.facts.Classes["payments"] = nil }, []string{"warning " + classField}},
		"nobody looked": {func(r *ruled) { r.facts.Classes = nil }, nil},
	})
}
