package rotation_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
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
metadata: {name: web, namespace: %[1]s}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata:
      labels: {app: web}
      annotations:
        azure.keyvault.injector/vault: %[1]s
        azure.keyvault.injector/objects: DB-Password, api-key
        azure.keyvault.injector/service-account: web
        azure.keyvault.injector/identity-mode: %[2]s
    spec:
      containers:
        - name: web
          image: %[3]s
          command: [sh, -c, "trap exit TERM; while :; do sleep 1; done"]
`

// fromNothing: kubectl akv setup --apply makes all that an annotated Deployment needs but the vault, a second run changes nothing,
// a new version arrives, and the teardown leaves nothing of it.
func fromNothing(t *testing.T, s *system.System) {
	for _, mode := range []string{annotation.IdentityFederated, annotation.IdentityBinding} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			setUpAndAway(t, s, mode, "from-nothing-"+mode)
		})
	}
}

func setUpAndAway(t *testing.T, s *system.System, mode, name string) {
	t.Helper()
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
	before := setupState(t, s, name)

	dir := t.TempDir()
	check(t, os.WriteFile(filepath.Join(dir, "web.yaml"), fmt.Appendf(nil, setupManifest, name, mode, aksImage), 0o600))
	check(t, s.Node.TagShell(t.Context(), aksImage))
	user := setupUser(t, s, dir)
	as := "KUBECONFIG='" + setupRights(t, s, name, mode) + "' "
	setup := as + "kubectl akv setup -f web.yaml -g " + name + " --cluster-name " + name + " --apply --yes"
	run := func(script string) string {
		t.Helper()
		out, err := user.run(t.Context(), script)
		if err != nil {
			t.Fatal(s.Explain(name, err))
		}
		return out
	}

	first := run(setup + " --wait 2m")
	if mode == annotation.IdentityFederated && !strings.Contains(first, "reads secret/DB-Password in "+name) || strings.Contains(first, "\n0 of ") {
		t.Errorf("the first run says:\n%s", first)
	}
	made := setupState(t, s, name)
	if second := run(setup + " --wait 2m"); !strings.Contains(second, "\n0 of ") || setupState(t, s, name) != made {
		t.Errorf("the second run changes something:\n%s\n%s\n%s", second, made, setupState(t, s, name))
	}
	for _, call := range s.Azure.Vault().Audit() {
		if call.Vault == name && !strings.Contains(call.Path, "/versions") {
			t.Errorf("setup asked for more than metadata: %+v", call)
		}
	}

	run("kubectl apply -f web.yaml && kubectl rollout status -n " + name + " deployment/web --timeout=5m")
	read := "kubectl exec -n " + name + " deployment/web -- cat /mnt/secrets-store/DB-Password /mnt/secrets-store/api-key"
	if got := run(read); got != "firstfirst" {
		t.Errorf("the files have %q", got)
	}
	set("second")
	run("until [ \"$(" + read + ")\" = secondsecond ]; do sleep 1; done")

	if out, err := user.run(t.Context(), setup+" --teardown"); err == nil || !strings.Contains(err.Error(), "Pods still use it") {
		t.Errorf("the teardown under a running workload: %v\n%s", err, out)
	}
	if setupState(t, s, name) != made {
		t.Errorf("it removed something:\n%s\nwas\n%s", setupState(t, s, name), made)
	}
	run("kubectl delete -f web.yaml --wait && kubectl wait -n " + name + " --for=delete pod --all --timeout=3m")
	run(setup + " --teardown")
	if after := setupState(t, s, name); after != before {
		t.Errorf("left behind:\n%s\nwant\n%s", after, before)
	}
	if again := run(setup + " --teardown"); !strings.Contains(again, "\n0 of ") {
		t.Errorf("the second teardown changes something:\n%s", again)
	}
	if namespace, err := s.Client.CoreV1().Namespaces().Get(t.Context(), name, metav1.GetOptions{}); err != nil || annotation.OptedIn(namespace) {
		t.Errorf("the namespace: %+v, %v", namespace, err)
	}
	checkBySetupScript(t, s, user, as, name)
}

// checkBySetupScript runs the printed script in place of --apply.
func checkBySetupScript(t *testing.T, s *system.System, user *terminal, as, name string) {
	t.Helper()
	setup := "kubectl akv setup -f web.yaml -g " + name + " --cluster-name " + name + " -o az"
	before := setupState(t, s, name)
	for _, script := range []string{
		setup + " > setup.sh; " + as + "sh setup.sh; " + as + "sh setup.sh > again; ! grep changed again",
		setup + " --teardown > teardown.sh; " + as + "sh teardown.sh; " + as + "sh teardown.sh > again; ! grep changed again",
	} {
		if _, err := user.run(t.Context(), script); err != nil {
			t.Fatal(err)
		}
	}
	if after := setupState(t, s, name); after != before {
		t.Errorf("the scripts leave behind:\n%s\nwant\n%s", after, before)
	}
}

// setupState is what setup makes, as it is, in lines.
func setupState(t *testing.T, s *system.System, name string) string {
	t.Helper()
	var b strings.Builder
	for _, identity := range s.Azure.Identities() {
		if !strings.Contains(identity.Name, name) {
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
		if strings.Contains(a.Scope, name) {
			fmt.Fprintln(&b, "role", a.Name, a.RoleDefinitionName, a.Scope)
		}
	}
	accounts, err := s.Client.CoreV1().ServiceAccounts(name).List(t.Context(), metav1.ListOptions{})
	check(t, err)
	for i := range accounts.Items {
		fmt.Fprintln(&b, "account", accounts.Items[i].Name, accounts.Items[i].Annotations)
	}
	bindings, err := s.Azure.Bindings(name, name)
	check(t, err)
	for i := range bindings {
		fmt.Fprintln(&b, "binding", bindings[i].Name, bindings[i].Properties.ManagedIdentity.ResourceID)
	}
	roles, err := s.Client.RbacV1().ClusterRoles().List(t.Context(), metav1.ListOptions{})
	check(t, err)
	for i := range roles.Items {
		if strings.Contains(roles.Items[i].Name, name) {
			fmt.Fprintln(&b, "cluster role", roles.Items[i].Name, roles.Items[i].Rules)
		}
	}
	return b.String()
}

// setupRights is the kubeconfig of a user with the rights in the cluster that docs/kubectl-akv.md says, and no other.
func setupRights(t *testing.T, s *system.System, name, mode string) string {
	t.Helper()
	user, err := s.User("setup-" + name)
	check(t, err)
	rules := []rbacv1.PolicyRule{
		{Verbs: []string{"get", "list", "create", "patch", "delete"}, APIGroups: []string{""}, Resources: []string{"serviceaccounts"}},
		{Verbs: []string{"create"}, APIGroups: []string{""}, Resources: []string{"serviceaccounts/token"}},
		{Verbs: []string{"list"}, APIGroups: []string{""}, Resources: []string{"pods"}},
		{Verbs: []string{"get", "patch"}, APIGroups: []string{""}, Resources: []string{"namespaces"}},
		{Verbs: []string{"get"}, NonResourceURLs: []string{"/.well-known/openid-configuration"}},
	}
	if mode == annotation.IdentityBinding {
		rules = append(
			rules,
			rbacv1.PolicyRule{Verbs: []string{"get", "create", "patch", "delete", "bind", "escalate"}, APIGroups: []string{rbacv1.GroupName}, Resources: []string{"clusterroles"}},
			rbacv1.PolicyRule{Verbs: []string{"get", "create", "patch", "delete"}, APIGroups: []string{rbacv1.GroupName}, Resources: []string{"clusterrolebindings"}},
		)
	}
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "sets-up-" + mode}, Rules: rules}
	check(t, s.API.Create(t.Context(), role))
	check(t, s.API.Create(t.Context(), &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: role.Name}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: "setup-" + name}},
	}))
	return user.Kubeconfig
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
