package webhook

import (
	"os"
	"strings"
	"testing"

	"akv-injector/inject"
	"akv-injector/inject/rules"
)

// The API server says AKV021 by itself, from a policy; in the rule's own words.
func TestPolicySaysWhatTheRuleSays(t *testing.T) {
	manifests, err := os.ReadFile("../deploy/install.yaml")
	if err != nil {
		t.Fatal(err)
	}
	rule := inject.RuleByID("AKV021")
	before, after, ok := strings.Cut(rules.NotOptedInFix("NAME"), "NAME")
	if !ok {
		t.Fatal("the fix names no namespace")
	}
	want := "'" + rule.ID + " " + rule.Name + ": " + inject.NotOptedInMessage + " Fix: " + before + "' + variables.namespaceName + '" + after + "'"
	if !strings.Contains(string(manifests), want) {
		t.Errorf("deploy/install.yaml has not\n%s", want)
	}
}
