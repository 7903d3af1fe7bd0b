package plan

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"akv-injector/inject/provider"
)

func TestStatusRoundTrip(t *testing.T) {
	for name, status := range map[string]Status{
		"empty":   {},
		"a class": {Version: "v1", Containers: []string{"a", "b"}, Classes: []provider.Class{provider.Generate("payments-kv", []provider.Object{{Name: "a", Type: "secret"}}, provider.Identity{ClientID: "11111111-1111-1111-1111-111111111111", TenantID: "22222222-2222-2222-2222-222222222222"}, provider.DefaultCloud)}},
	} {
		if want, err := json.Marshal(status); err != nil || status.String() != string(want) {
			t.Errorf("%s: %s, want %s: %v", name, status, want, err)
		}
		got, err := ParseStatus(status.String())
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(status, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		for _, c := range got.Classes {
			if !c.Verified() {
				t.Errorf("%s: %s is no longer verified", name, c.Name)
			}
		}
	}
}

func TestParseStatusOfOthers(t *testing.T) {
	for text, ok := range map[string]bool{
		"": false, "{": false, "[]": false, `"a"`: false, `{"containers":"a"}`: false, `{"containers":[1]}`: false,
		"null": true, "{}": true, `{"newer":1,"containers":["a"]}`: true,
	} {
		if _, err := ParseStatus(text); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
}
