package rotation_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"akv-injector/e2e/azure/cli"
	"akv-injector/e2e/azure/vault"
	"akv-injector/e2e/build"
	"akv-injector/e2e/system"
	"akv-injector/inject/annotation"
)

// setupManifest is all that somebody writes who has a vault: no identity, no account, no class.
const setupManifest = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: from-nothing}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata:
      labels: {app: web}
      annotations:
        azure.keyvault.injector/vault: from-nothing
        azure.keyvault.injector/objects: DB-Password, api-key
        azure.keyvault.injector/service-account: web
    spec:
      containers:
        - name: web
          image: %s
          command: [sh, -c, "trap exit TERM; while :; do sleep 1; done"]
`

// fromNothing: kubectl akv setup --apply makes all that an annotated Deployment needs but the vault, a second run changes nothing,
// a new version arrives, and the teardown leaves nothing of it.
func fromNothing(t *testing.T, s *system.System) {
	const name = "from-nothing"
	check(t, s.CreateNamespace(t.Context(), name, nil, nil))
	clearAfter(t, s, name)
	_, err := s.Azure.CreateVault("", name)
	check(t, err)
	set := func(value string) {
		t.Helper()
		for _, object := range []string{"DB-Password", "api-key"} {
			_, err := s.Azure.Vault().SetSecret(name, object, value, vault.Attributes{})
			check(t, err)
		}
	}
	set("first")
	s.Azure.AddCluster(name, name, s.Issuer)
	before := setupState(t, s)

	dir := t.TempDir()
	check(t, os.WriteFile(filepath.Join(dir, "web.yaml"), fmt.Appendf(nil, setupManifest, aksImage), 0o600))
	check(t, s.Node.TagShell(t.Context(), aksImage))
	user := setupUser(t, s, dir)
	const setup = "kubectl akv setup -f web.yaml -g from-nothing --cluster-name from-nothing --apply --yes"
	run := func(script string) string {
		t.Helper()
		out, err := user.run(t.Context(), script)
		if err != nil {
			t.Fatal(s.Explain(name, err))
		}
		return out
	}

	first := run(setup + " --wait 2m")
	if !strings.Contains(first, "reads secret/DB-Password in from-nothing") || strings.Contains(first, "\n0 of ") {
		t.Errorf("the first run says:\n%s", first)
	}
	made := setupState(t, s)
	if second := run(setup + " --wait 2m"); !strings.Contains(second, "\n0 of ") || setupState(t, s) != made {
		t.Errorf("the second run changes something:\n%s\n%s\n%s", second, made, setupState(t, s))
	}
	for _, call := range s.Azure.Vault().Audit() {
		if call.Vault == name && !strings.Contains(call.Path, "/versions") {
			t.Errorf("setup asked for more than metadata: %+v", call)
		}
	}

	run("kubectl apply -f web.yaml && kubectl rollout status -n from-nothing deployment/web --timeout=5m")
	const read = "kubectl exec -n from-nothing deployment/web -- cat /mnt/secrets-store/DB-Password /mnt/secrets-store/api-key"
	if got := run(read); got != "firstfirst" {
		t.Errorf("the files have %q", got)
	}
	set("second")
	run("until [ \"$(" + read + ")\" = secondsecond ]; do sleep 1; done")

	if out, err := user.run(t.Context(), setup+" --teardown"); err == nil || !strings.Contains(err.Error(), "Pods still use it") {
		t.Errorf("the teardown under a running workload: %v\n%s", err, out)
	}
	if setupState(t, s) != made {
		t.Errorf("it removed something:\n%s\nwas\n%s", setupState(t, s), made)
	}
	run("kubectl delete -f web.yaml --wait && kubectl wait -n from-nothing --for=delete pod --all --timeout=3m")
	run(setup + " --teardown")
	if after := setupState(t, s); after != before {
		t.Errorf("left behind:\n%s\nwant\n%s", after, before)
	}
	if again := run(setup + " --teardown"); !strings.Contains(again, "\n0 of ") {
		t.Errorf("the second teardown changes something:\n%s", again)
	}
	if namespace, err := s.Client.CoreV1().Namespaces().Get(t.Context(), name, metav1.GetOptions{}); err != nil || annotation.OptedIn(namespace) {
		t.Errorf("the namespace: %+v, %v", namespace, err)
	}
	checkBySetupScript(t, s, user)
}

// checkBySetupScript runs the printed script in place of --apply.
func checkBySetupScript(t *testing.T, s *system.System, user *terminal) {
	t.Helper()
	const setup = "kubectl akv setup -f web.yaml -g from-nothing --cluster-name from-nothing -o az"
	before := setupState(t, s)
	for _, script := range []string{
		setup + " > setup.sh; sh setup.sh; sh setup.sh > again; ! grep changed again",
		setup + " --teardown > teardown.sh; sh teardown.sh; sh teardown.sh > again; ! grep changed again",
	} {
		if _, err := user.run(t.Context(), script); err != nil {
			t.Fatal(err)
		}
	}
	if after := setupState(t, s); after != before {
		t.Errorf("the scripts leave behind:\n%s\nwant\n%s", after, before)
	}
}

// setupState is what setup makes, as it is, in lines.
func setupState(t *testing.T, s *system.System) string {
	t.Helper()
	var b strings.Builder
	for _, identity := range s.Azure.Identities() {
		if !strings.Contains(identity.Name, "from-nothing") {
			continue
		}
		fmt.Fprintln(&b, "identity", identity.Name, identity.ClientID, identity.Tags)
		credentials, err := s.Azure.FederatedCredentials(identity.ResourceGroup, identity.Name)
		check(t, err)
		for _, c := range credentials {
			fmt.Fprintln(&b, "credential", c.Name, c.Issuer, c.Subject)
		}
	}
	for _, a := range s.Azure.RoleAssignments() {
		if strings.Contains(a.Scope, "from-nothing") {
			fmt.Fprintln(&b, "role", a.Name, a.RoleDefinitionName, a.Scope)
		}
	}
	accounts, err := s.Client.CoreV1().ServiceAccounts("from-nothing").List(t.Context(), metav1.ListOptions{})
	check(t, err)
	for i := range accounts.Items {
		fmt.Fprintln(&b, "account", accounts.Items[i].Name, accounts.Items[i].Annotations)
	}
	return b.String()
}

// setupUser has az, kubectl and the plugin.
func setupUser(t *testing.T, s *system.System, dir string) *terminal {
	t.Helper()
	user := newTerminal(t, s, dir)
	az, err := build.Own(t.Context(), s.Options.Log, "./cmd/az")
	check(t, err)
	plugin, err := build.Product(t.Context(), s.Options.Log, "./cmd/kubectl-akv")
	check(t, err)
	user.program(t, "az", fmt.Sprintf("exec '%s' \"$@\"\n", az))
	user.program(t, "kubectl-akv", fmt.Sprintf("exec '%s' \"$@\"\n", plugin))
	user.env = append(user.env, cli.SocketVariable+"="+s.Azure.AdminSocket(), "SSL_CERT_FILE="+s.Azure.CAFile())
	return user
}
