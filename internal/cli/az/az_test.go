package az

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAllows(t *testing.T) {
	const get = "Microsoft.KeyVault/vaults/secrets/getSecret/action"
	for name, c := range map[string]struct {
		permissions string
		want        bool
	}{
		"the action":            {`[{"dataActions":["Microsoft.KeyVault/vaults/secrets/getSecret/action"]}]`, true},
		"in another case":       {`[{"dataActions":["microsoft.keyvault/vaults/SECRETS/getsecret/action"]}]`, true},
		"all of secrets":        {`[{"dataActions":["Microsoft.KeyVault/vaults/secrets/*"]}]`, true},
		"anything":              {`[{"dataActions":["*"]}]`, true},
		"what ends so":          {`[{"dataActions":["Microsoft.KeyVault/*/getSecret/action"]}]`, true},
		"what is read":          {`[{"dataActions":["Microsoft.KeyVault/vaults/*/read"]}]`, false},
		"a longer one":          {`[{"dataActions":["Microsoft.KeyVault/vaults/secrets/getSecret/action/x"]}]`, false},
		"all but this":          {`[{"dataActions":["*"],"notDataActions":["Microsoft.KeyVault/vaults/secrets/getSecret/action"]}]`, false},
		"but another has it":    {`[{"dataActions":["*"],"notDataActions":["*"]},{"dataActions":["*"]}]`, true},
		"rights on resources":   {`[{"actions":["*"]}]`, false},
		"nothing":               {`[]`, false},
		"an overlapping suffix": {`[{"dataActions":["Microsoft.KeyVault/vaults/secrets/getSecret/*n/action"]}]`, false},
	} {
		var r Role
		if err := json.Unmarshal([]byte(`{"permissions":`+c.permissions+`}`), &r); err != nil {
			t.Fatal(err)
		}
		if got := r.Allows(get); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestCovers(t *testing.T) {
	const object = "/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/shop/secrets/db"
	for scope, want := range map[string]bool{
		object: true, strings.ToUpper(object): true, object + "2": false, strings.TrimSuffix(object, "b"): false,
		"/subscriptions/s": true, "/subscriptions/s/resourceGroups/g/": true, "/": true, "": true, "/subscriptions/s/resourceGroups/other": false,
		"/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/shop": true,
	} {
		if got := Covers(scope, object); got != want {
			t.Errorf("%q: %v", scope, got)
		}
	}
}

// What az says comes back in one line; a program that is not there, and an answer that is none, are said.
func TestErrors(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	if _, err := (&Reader{}).IdentitiesOf(t.Context(), "x"); err == nil || err.Error() != "az is not on PATH" {
		t.Errorf("%v", err)
	}
	for script, want := range map[string]string{
		"echo \"Please run 'az login'\nto setup account.\" >&2; exit 1": "az identity list: Please run 'az login' to setup account.",
		"echo nonsense": "az identity list: its answer cannot be read",
	} {
		if err := os.WriteFile(filepath.Join(dir, "az"), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		if _, err := (&Reader{}).IdentitiesOf(t.Context(), "x"); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
