package rotation_test

import (
	"testing"

	"akv-injector/e2e/system"
	"akv-injector/inject/annotation"
)

// names: files that are called otherwise than their objects, or lie in folders, rotate
// as well, and the variables of env, which hold paths, lead the running process there.
func names(t *testing.T, s *system.System) {
	tenant := newTenant(t, s, "names")
	set := func(round string) map[string]string {
		setSecret(t, tenant, "DB-Password", "password "+round)
		setSecret(t, tenant, "Token", "token "+round)
		return map[string]string{
			"password.txt":     "password " + round,
			"api/token":        "token " + round,
			"api/v2/deep/also": "token " + round,
			"Token":            "token " + round,
		}
	}
	first := set("1")

	pod := tenant.Pod("reader", `
		password.txt=DB-Password     # another name
		api/token=secret/Token, api/v2/deep/also=Token
		Token
	`)
	pod.Annotations[annotation.Env] = "DB_PASSWORD_FILE=password.txt, TOKEN_FILE=api/v2/deep/also"
	runPod(t, tenant, pod)
	awaitFiles(t, tenant, pod.Name, "app", first)

	second := set("2")
	awaitFiles(t, tenant, pod.Name, "app", second)
	// The container's first process has the paths since it started.
	const variables = `tr '\0' '\n' </proc/1/environ | grep -E '^(DB_PASSWORD|TOKEN)_FILE=' | sort | sed 's/.*=//' | xargs cat`
	awaitShell(t, tenant, pod.Name, "app", variables, "password 2token 2")
	if got := shell(t, tenant, pod.Name, "app", "ls "+system.Mounted); got != "Token\napi\npassword.txt" {
		t.Errorf("the mount has %q, want the three names that were asked for", got)
	}
}
