package rotation_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"akv-injector/e2e/azure/vault"
	"akv-injector/e2e/build"
	"akv-injector/e2e/system"
)

// signIn: kubectl akv doctor --as-workload tells apart why the workload's identity cannot read its objects, and says nothing once that is
// mended. It never reads a value.
func signIn(t *testing.T, s *system.System) {
	tenant := newTenant(t, s, "sign-in")
	setSecret(t, tenant, "DB-Password", "x")
	runPod(t, tenant, tenant.Pod("web", "DB-Password"))
	program, err := build.Product(t.Context(), s.Options.Log, "./cmd/kubectl-akv")
	check(t, err)
	env := append(tenant.KubectlCommand(t.Context()).Env, "SSL_CERT_FILE="+tenant.Azure.CAFile())
	doctor := func() (status, seen, fix string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), program, "doctor", "-o", "json", "-n", tenant.Namespace, "--as-workload", "web")
		cmd.Env = append(os.Environ(), env...)
		out, err := cmd.Output()
		if exit := (*exec.ExitError)(nil); err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
			t.Fatalf("%v: %s", err, out)
		}
		var results []struct{ ID, Status, Seen, Fix string }
		check(t, json.Unmarshal(out, &results))
		for _, r := range results {
			if r.ID == "AKVD050" {
				return r.Status, r.Seen, r.Fix
			}
		}
		t.Fatalf("nothing is said of it: %s", out)
		return "", "", ""
	}
	const subject = "system:serviceaccount:sign-in:" + system.Account
	federate := func(issuer, subject, audience string) func() error {
		return func() error { return tenant.FederateAs(issuer, subject, audience) }
	}
	whole := func() error { return tenant.Federate(context.Background()) }
	for _, fault := range []struct {
		says          string
		breaks, mends func() error
	}{
		{"AADSTS70025", tenant.Unfederate, whole},
		{"AADSTS700213", federate(tenant.Issuer, "system:serviceaccount:other:"+system.Account, system.Audience), whole},
		{"AADSTS700211", federate("https://other.example/", subject, system.Audience), whole},
		{"AADSTS700212", federate(tenant.Issuer, subject, "api://other"), whole},
		{
			"no role for this object", func() error { return tenant.Revoke(tenant.Vault, system.RoleSecretsUser) },
			func() error { return tenant.Grant(tenant.Vault, system.RoleSecretsUser) },
		},
		{
			"no such object", func() error { return tenant.Azure.Vault().Delete(tenant.Vault, vault.Secret, "DB-Password") },
			func() error { return tenant.Azure.Vault().Recover(tenant.Vault, vault.Secret, "DB-Password") },
		},
	} {
		check(t, fault.breaks())
		if status, seen, fix := doctor(); status != "problem" || !strings.Contains(seen, fault.says) || fix == "" {
			t.Errorf("%s: it says %s: %s; %s", fault.says, status, seen, fix)
		}
		check(t, fault.mends())
		if status, seen, _ := doctor(); status != "ok" {
			t.Errorf("%s, mended: it says %s: %s", fault.says, status, seen)
		}
	}
}
