package cli_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"akv-injector/e2e/azure"
	"akv-injector/e2e/azure/admin"
	"akv-injector/e2e/azure/cli"
)

// shell runs az as a shell would, with one stand-in.
type shell struct {
	t      *testing.T
	server *azure.Server
}

func newShell(t *testing.T) *shell {
	t.Helper()
	server, err := azure.Start(t.Context(), azure.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	t.Setenv(cli.SocketVariable, server.AdminSocket())
	return &shell{t, server}
}

// az runs a command that has to work, and gives what it prints.
func (s *shell) az(args ...string) string {
	s.t.Helper()
	var stdout, stderr bytes.Buffer
	if status := cli.Run(s.t.Context(), args, &stdout, &stderr); status != 0 || stderr.Len() > 0 {
		s.t.Fatalf("az %s: exit status %d: %s", strings.Join(args, " "), status, &stderr)
	}
	return strings.TrimSuffix(stdout.String(), "\n")
}

// fails runs a command that must not work.
func (s *shell) fails(status int, text string, args ...string) {
	s.t.Helper()
	var stdout, stderr bytes.Buffer
	got := cli.Run(s.t.Context(), args, &stdout, &stderr)
	if got != status || !strings.HasPrefix(stderr.String(), "ERROR: ") || !strings.Contains(stderr.String(), text) {
		s.t.Errorf("az %s: want exit status %d and …%s…, got %d: %s", strings.Join(args, " "), status, text, got, &stderr)
	}
}

// The steps of the documentation of AKS and of the provider, word for word but for
// what makes the cluster.
func TestDocumentedSteps(t *testing.T) {
	sh := newShell(t)
	const issuer, subject = "https://cluster.example/", "system:serviceaccount:payments:workload-identity-sa"

	sh.az("keyvault", "create", "--name", "payments-kv", "--resource-group", "payments", "--location", "westeurope", "--enable-rbac-authorization")
	sh.az("keyvault", "secret", "set", "--vault-name", "payments-kv", "--name", "DB-Password", "--value", "hunter2")
	sh.az("keyvault", "key", "create", "--vault-name", "payments-kv", "--name", "signing", "--kty", "RSA")
	policy := sh.az("keyvault", "certificate", "get-default-policy")
	sh.az("keyvault", "certificate", "create", "--vault-name", "payments-kv", "--name", "frontend", "--policy", policy)
	sh.az("identity", "create", "--name", "payments-id", "--resource-group", "payments")

	clientID := sh.az("identity", "show", "-g", "payments", "--name", "payments-id", "--query", "clientId", "-o", "tsv")
	principalID := sh.az("identity", "show", "-g", "payments", "--name", "payments-id", "--query", "principalId", "-o", "tsv")
	scope := sh.az("keyvault", "show", "--name", "payments-kv", "--query", "id", "-o", "tsv")
	identity, err := sh.server.Identity("payments", "payments-id")
	if err != nil {
		t.Fatal(err)
	}
	if clientID != identity.ClientID || principalID != identity.PrincipalID {
		t.Errorf("az shows %s and %s of %+v", clientID, principalID, identity)
	}
	if got := sh.az("account", "show", "--query", "tenantId", "-o", "tsv"); got != sh.server.TenantID() {
		t.Errorf("az shows the tenant %s", got)
	}

	for _, role := range []string{"Key Vault Secrets User", "Key Vault Certificate User"} {
		sh.az("role", "assignment", "create", "--role", role, "--assignee", clientID, "--scope", scope)
	}
	sh.az("role", "assignment", "create", "--role", "Key Vault Crypto User", "--assignee-object-id", principalID,
		"--assignee-principal-type", "ServicePrincipal", "--scope", scope)
	sh.az("identity", "federated-credential", "create", "--name", "aks", "--identity-name", "payments-id", "--resource-group", "payments",
		"--issuer", issuer, "--subject", subject, "--audiences", "api://AzureADTokenExchange")

	if got := sh.az("role", "assignment", "list", "--assignee", principalID, "--query", "length(@)"); got != "3" {
		t.Errorf("there are %s role assignments", got)
	}
	if got := sh.az("identity", "federated-credential", "list", "--identity-name", "payments-id", "-g", "payments", "--query", "[].[issuer,subject]", "-o", "tsv"); got != issuer+"\t"+subject {
		t.Errorf("the federated credentials are %s", got)
	}
	if got := sh.az("keyvault", "secret", "show", "--vault-name", "payments-kv", "--name", "DB-Password", "--query", "value", "-o", "tsv"); got != "hunter2" {
		t.Errorf("the secret is %s", got)
	}

	// A new version, as a rotation makes it.
	first := sh.az("keyvault", "secret", "show", "--vault-name", "payments-kv", "--name", "DB-Password", "--query", "id", "-o", "tsv")
	second := sh.az("keyvault", "secret", "set", "--vault-name", "payments-kv", "--name", "DB-Password", "--value", "hunter3", "--query", "id", "-o", "tsv")
	versions := strings.Split(sh.az("keyvault", "secret", "list-versions", "--vault-name", "payments-kv", "--name", "DB-Password", "--query", "[].id", "-o", "tsv"), "\n")
	if want := []string{second, first}; !slices.Equal(versions, want) {
		t.Errorf("the versions are %v, want %v", versions, want)
	}
	old := first[strings.LastIndex(first, "/")+1:]
	if got := sh.az("keyvault", "secret", "show", "--vault-name", "payments-kv", "--name", "DB-Password", "--version", old, "--query", "value", "-o", "tsv"); got != "hunter2" {
		t.Errorf("the old version is %s", got)
	}

	sh.az("role", "assignment", "delete", "--role", "Key Vault Crypto User", "--assignee", principalID, "--scope", scope)
	sh.az("identity", "federated-credential", "delete", "--name", "aks", "--identity-name", "payments-id", "-g", "payments", "--yes")
	sh.az("identity", "delete", "--name", "payments-id", "-g", "payments")
	sh.az("keyvault", "delete", "--name", "payments-kv")
	if got := sh.az("keyvault", "list"); got != "[]" {
		t.Errorf("there are still vaults: %s", got)
	}
}

func TestSecretLife(t *testing.T) {
	sh := newShell(t)
	sh.az("keyvault", "create", "-n", "payments-kv", "-g", "payments")
	on := func(command string, more ...string) string {
		t.Helper()
		return sh.az(append([]string{"keyvault", "secret", command, "--vault-name", "payments-kv", "--name", "api"}, more...)...)
	}
	on("set", "--value", "x", "--disabled", "--expires", "2040-01-31T12:00:00Z", "--not-before", "2020-01-31T12:00:00Z", "--tags", "team=payments", "env=test", "--content-type", "password")
	got := on("show", "--query", "[attributes.enabled, attributes.expires, attributes.notBefore, tags.team, tags.env, contentType]", "-o", "tsv")
	if want := "false\n2040-01-31T12:00:00Z\n2020-01-31T12:00:00Z\npayments\ntest\npassword"; got != want {
		t.Errorf("want %q, got %q", want, got)
	}
	on("set-attributes", "--enabled", "true")
	if got := on("show", "--query", "attributes.enabled"); got != "true" {
		t.Errorf("enabled is %s", got)
	}
	on("set-attributes", "--enabled", "false")
	if got := on("show", "--query", "attributes.enabled"); got != "false" {
		t.Errorf("enabled is %s", got)
	}
	on("delete")
	sh.fails(3, "SecretNotFound", "keyvault", "secret", "show", "--vault-name", "payments-kv", "--name", "api")
	on("recover")
	on("delete")
	on("purge")
	if got := sh.az("keyvault", "secret", "list", "--vault-name", "payments-kv"); got != "[]" {
		t.Errorf("the list is %s", got)
	}
}

func TestStandIn(t *testing.T) {
	sh := newShell(t)
	sh.az("keyvault", "create", "-n", "payments-kv", "-g", "payments")
	get := func() error {
		client := sh.server.Client()
		defer client.CloseIdleConnections()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, sh.server.VaultURL("payments-kv")+"secrets?api-version=7.6", nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(request)
		if err == nil {
			response.Body.Close()
		}
		return err
	}
	for _, fault := range [][]string{
		{"--vault-name", "payments-kv", "--status", "503", "--retry-after", "1s", "--times", "2"},
		{"--token", "--hang"},
		{"--dns", "--delay", "10ms"},
		{"--certificate", "expired"},
	} {
		sh.az(append([]string{"stand-in", "fault", "set"}, fault...)...)
	}
	if err := get(); err == nil || !strings.Contains(err.Error(), "expired") {
		t.Errorf("want an expired certificate, got %v", err)
	}
	for _, fault := range [][]string{{"--vault-name", "payments-kv"}, {"--token"}, {"--dns"}, {"--certificate"}} {
		sh.az(append([]string{"stand-in", "fault", "clear"}, fault...)...)
	}
	if err := get(); err != nil {
		t.Error(err)
	}
	sh.az("stand-in", "pause")
	if err := get(); err == nil {
		t.Error("Azure is paused and answers")
	}
	sh.az("stand-in", "resume")
	if err := get(); err != nil {
		t.Error(err)
	}
	sh.az("stand-in", "token-lifetime", "--lifetime", "10m")

	var audit admin.Audit
	if err := json.Unmarshal([]byte(sh.az("stand-in", "audit", "--clear")), &audit); err != nil {
		t.Fatal(err)
	}
	if len(audit.VaultCalls) == 0 || audit.VaultCalls[0].Status != http.StatusUnauthorized {
		t.Errorf("the audit has %+v", audit)
	}
	if got := sh.az("stand-in", "audit", "--query", "length(vaultCalls)"); got != "0" {
		t.Errorf("after it was cleared the audit has %s calls", got)
	}
	if got := sh.az("stand-in", "info", "--query", "caFile", "-o", "tsv"); got != sh.server.CAFile() {
		t.Errorf("the CA file is %s", got)
	}
}

func TestRefusals(t *testing.T) {
	sh := newShell(t)
	sh.az("keyvault", "create", "-n", "payments-kv", "-g", "payments")
	for _, test := range []struct {
		status int
		text   string
		args   string
	}{
		{2, "misspelled or not recognized", "keyvalt list"},
		{2, "misspelled or not recognized", "keyvault secrets list"},
		{2, "the following arguments are required: --name, --resource-group", "identity create"},
		{2, "unknown flag: --nickname", "identity create --nickname x"},
		{2, "unrecognized arguments: extra", "keyvault list extra"},
		{2, "is none of json, tsv, table, none", "keyvault list -o yaml"},
		{2, "argument --query", "keyvault list --query ]["},
		{2, "is not a UTC datetime", "keyvault secret set --vault-name payments-kv -n a --value x --expires tomorrow"},
		{2, "exactly one of --value and --file", "keyvault secret set --vault-name payments-kv -n a"},
		{2, "exactly one of --assignee", "role assignment create --role x --scope y"},
		{2, "exactly one of --vault-name", "stand-in fault set --status 503"},
		{2, "role-based access control only", "keyvault create -n other-kv -g payments --enable-rbac-authorization false"},
		{1, "VaultAlreadyExists", "keyvault create -n payments-kv -g payments"},
		{3, "ResourceNotFound", "identity show -n nobody -g payments"},
		{3, "ResourceNotFound", "keyvault show -n no-such-kv"},
		{3, "SecretNotFound", "keyvault secret show --vault-name payments-kv -n nothing"},
	} {
		sh.fails(test.status, test.text, strings.Fields(test.args)...)
	}
	sh.fails(1, "Role 'Reader of all' doesn't exist.", "role", "assignment", "create", "--assignee", "x", "--scope", "/subscriptions/s", "--role", "Reader of all")
	sh.fails(1, "stand-in for Azure at /nowhere", "keyvault", "list", "--socket", "/nowhere")
	t.Setenv(cli.SocketVariable, "")
	sh.fails(2, "give --socket or set AKV_AZURE_SOCKET", "keyvault", "list")
}

func TestOutputs(t *testing.T) {
	sh := newShell(t)
	for _, name := range []string{"a-kv", "b-kv"} {
		sh.az("keyvault", "create", "-n", name, "-g", "payments")
	}
	for query, want := range map[string]string{
		"[].name":                                "a-kv\nb-kv",
		"[0].name":                               "a-kv",
		"[].[name,resourceGroup]":                "a-kv\tpayments\nb-kv\tpayments",
		"[].{n:name,p:properties}":               "a-kv\t4\nb-kv\t4",
		"[?name=='b-kv'].location":               "westeurope",
		"[0].properties.vaultUri":                "https://a-kv.vault.azure.net/",
		"[0].properties.nothing.here":            "",
		"[0].properties.enableRbacAuthorization": "true",
	} {
		if got := sh.az("keyvault", "list", "--query", query, "-o", "tsv"); got != want {
			t.Errorf("%s: want %q, got %q", query, want, got)
		}
	}
	table := strings.Split(sh.az("keyvault", "list", "--query", "[].{name:name,location:location}", "-o", "table"), "\n")
	if want := []string{"Location    Name", "--------    ----", "westeurope  a-kv", "westeurope  b-kv"}; !slices.Equal(table, want) {
		t.Errorf("the table is %q", table)
	}
	if got := sh.az("keyvault", "list", "-o", "none"); got != "" {
		t.Errorf("none is %q", got)
	}
}
