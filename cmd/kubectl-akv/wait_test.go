package main

import (
	"strings"
	"testing"
)

func TestWait(t *testing.T) {
	for name, c := range map[string]struct {
		args   []string
		code   int
		stdout string
		stderr string
	}{
		"arrived everywhere": {
			[]string{"payments-kv/cert/frontend"},
			exitOK,
			"No mounted file and no container has an older version of payments-kv/cert/frontend than 5d0c8a1b", "",
		},
		"in one namespace": {[]string{"payments-kv/cert/frontend", "-n", "shop"}, exitOK, "Other namespaces were not looked at.\n", ""},
		"not yet": {
			[]string{"payments-kv/DB-Password", "--timeout", "1s"},
			exitFindings,
			"shop/legacy: it has version 9b1f6d0e", "error: it has not arrived everywhere within 1s\n",
		},
		"not in a container": {
			[]string{"payments-kv/api-token", "--timeout", "1s"},
			exitFindings,
			"container app keeps what it started with by a mount with the subPath api-token, until it restarts", "",
		},
		"a vault that does not answer": {[]string{"shared-kv/key/signing"}, exitUnusable, "", "error: the newest version is not known"},
		"without it":                   {[]string{"payments-kv/cert/frontend", "--no-vault"}, exitUnusable, "", "--no-vault leaves the newest version unknown"},
		"nobody mounts it":             {[]string{"payments-kv/DB-Pasword", "--version", "a"}, exitUnusable, "", "no running pod mounts payments-kv/secret/DB-Pasword: is that the name?"},
		"nobody there":                 {[]string{"payments-kv/DB-Password", "--version", "a", "-n", "other"}, exitUnusable, "", "no running pod mounts payments-kv/secret/DB-Password in namespace other"},
		"no object":                    {[]string{"payments-kv"}, exitUnusable, "", `"payments-kv": write VAULT/NAME`},
		"no version":                   {[]string{"payments-kv/a", "--version", "$(id)"}, exitUnusable, "", "digits and letters alone"},
		"times":                        {[]string{"payments-kv/a", "--timeout", "0s", "--interval", "1ms"}, exitUnusable, "", "--timeout=0s: write more than 0, such as 10m; --interval=1ms: write at least 1s"},
	} {
		t.Run(name, func(t *testing.T) {
			_, config := clusterOfStatus(t)
			code, stdout, stderr := run(t, "", append([]string{"wait", "--kubeconfig", config}, c.args...)...)
			if code != c.code || !strings.Contains(stdout, c.stdout) || !strings.Contains(stderr, c.stderr) {
				t.Errorf("exit code %d, want %d\n%s\n%s", code, c.code, stdout, stderr)
			}
		})
	}
}
