package annotation_test

import (
	"strings"
	"testing"

	"akv-injector/inject/annotation"
)

func TestVocabulary(t *testing.T) {
	seen := map[string]bool{}
	for _, a := range annotation.Vocabulary() {
		if !strings.HasPrefix(a.Key, annotation.Prefix) || seen[a.Key] || a.Meaning == "" {
			t.Errorf("%+v", a)
		}
		if !a.Pod && !a.Namespace {
			t.Errorf("%s is allowed nowhere", a.Key)
		}
		seen[a.Key] = true
	}
}

func TestFind(t *testing.T) {
	for key, want := range map[string]struct {
		key, vault string
		ok         bool
	}{
		annotation.Objects:                  {annotation.Objects, "", true},
		annotation.Objects + ".shared-kv":   {annotation.Objects, "shared-kv", true},
		annotation.MountPath + ".a.b":       {annotation.MountPath, "a.b", true},
		annotation.Vault + ".shared-kv":     {"", "", false},
		annotation.Prefix + "object":        {"", "", false},
		annotation.Status:                   {"", "", false},
		"azure.workload.identity/client-id": {"", "", false},
	} {
		a, vault, ok := annotation.Find(key)
		if ok != want.ok || vault != want.vault || ok && a.Key != want.key {
			t.Errorf("%s: %v, %q, %v", key, a, vault, ok)
		}
	}
}
