package azure_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
	"github.com/google/go-cmp/cmp"

	"akv-injector/e2e/azure"
	"akv-injector/e2e/azure/vault"
)

// rights are what a principal can do, each by the HTTP status of the try.
type rights struct {
	ListSecrets, ReadSecret, ReadOther, WriteSecret int
	ReadKey, ReadCertificate, ReadCertificateSecret int
}

const (
	yes = http.StatusOK
	no  = http.StatusForbidden
)

func (f *fixture) rights(t *testing.T, credential azcore.TokenCredential) rights {
	t.Helper()
	ctx := t.Context()
	secrets := f.secrets(t, credential)
	read := func(name string) int {
		_, err := secrets.GetSecret(ctx, name, "", nil)
		return status(t, err)
	}
	_, list := secrets.NewListSecretPropertiesPager(nil).NextPage(ctx)
	_, write := secrets.SetSecret(ctx, "written", azsecrets.SetSecretParameters{Value: new("x")}, nil)
	_, key := f.keys(t, credential).GetKey(ctx, "signing", "", nil)
	_, certificate := f.certificates(t, credential).GetCertificate(ctx, "frontend", "", nil)
	return rights{
		ListSecrets: status(t, list), ReadSecret: read("DB-Password"), ReadOther: read("other"), WriteSecret: status(t, write),
		ReadKey: status(t, key), ReadCertificate: status(t, certificate), ReadCertificateSecret: read("frontend"),
	}
}

func newFilledFixture(t *testing.T) *fixture {
	t.Helper()
	f := newFixture(t, azure.Options{})
	f.secret(t, "DB-Password", "hunter2")
	f.secret(t, "other", "hunter3")
	if _, err := f.Vault().CreateKey(vaultName, "signing", "EC", vault.Attributes{}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Vault().CreateCertificate(vaultName, "frontend", "CN=frontend.example", vault.Attributes{}); err != nil {
		t.Fatal(err)
	}
	return f
}

// One fixture, and one identity that loses each role before it gets the next.
func TestRoles(t *testing.T) {
	f := newFilledFixture(t)
	credential := f.workload(t)
	for name, test := range map[string]struct {
		role, kind, object string
		want               rights
	}{
		"none":                         {"", "", "", rights{no, no, no, no, no, no, no}},
		"administrator":                {"Key Vault Administrator", "", "", rights{yes, yes, yes, yes, yes, yes, yes}},
		"reader sees but reads none":   {"Key Vault Reader", "", "", rights{yes, no, no, no, yes, yes, no}},
		"secrets user":                 {"Key Vault Secrets User", "", "", rights{yes, yes, yes, no, no, no, yes}},
		"secrets user by its id":       {"4633458b-17de-408a-b874-0445c86b69e6", "", "", rights{yes, yes, yes, no, no, no, yes}},
		"secrets user of one secret":   {"Key Vault Secrets User", "secrets", "DB-Password", rights{no, yes, no, no, no, no, no}},
		"secrets officer":              {"Key Vault Secrets Officer", "", "", rights{yes, yes, yes, yes, no, no, yes}},
		"secrets officer of one":       {"Key Vault Secrets Officer", "secrets", "written", rights{no, no, no, yes, no, no, no}},
		"certificate user":             {"Key Vault Certificate User", "", "", rights{yes, yes, yes, no, yes, yes, yes}},
		"certificate user of one":      {"Key Vault Certificate User", "certificates", "frontend", rights{no, no, no, no, no, yes, no}},
		"certificates officer":         {"Key Vault Certificates Officer", "", "", rights{no, no, no, no, no, yes, no}},
		"crypto user":                  {"Key Vault Crypto User", "", "", rights{no, no, no, no, yes, no, no}},
		"crypto user of one key":       {"Key Vault Crypto User", "keys", "signing", rights{no, no, no, no, yes, no, no}},
		"crypto officer":               {"Key Vault Crypto Officer", "", "", rights{no, no, no, no, yes, no, no}},
		"contributor, as some mistake": {"Key Vault Contributor", "", "", rights{no, no, no, no, no, no, no}},
		"owner, as some mistake":       {"Owner", "", "", rights{no, no, no, no, no, no, no}},
	} {
		t.Run(name, func(t *testing.T) {
			if test.role != "" {
				f.assign(t, test.role, test.kind, test.object)
			}
			if diff := cmp.Diff(test.want, f.rights(t, credential)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if err := f.UnassignRole("", f.identity.PrincipalID, ""); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestRolesAtHigherScopes(t *testing.T) {
	f := newFilledFixture(t)
	credential := f.workload(t)
	group := "/subscriptions/" + f.SubscriptionID() + "/resourceGroups/"
	for name, test := range map[string]struct {
		scope string
		want  int
	}{
		"subscription":           {"/subscriptions/" + f.SubscriptionID(), yes},
		"resource group":         {group + "stand-in", yes},
		"in another case":        {strings.ToUpper(group) + "STAND-IN", yes},
		"another resource group": {group + "elsewhere", no},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := f.AssignRole("Key Vault Secrets User", f.identity.ClientID, test.scope); err != nil {
				t.Fatal(err)
			}
			if got := f.rights(t, credential).ReadSecret; got != test.want {
				t.Errorf("reading is answered with %d, want %d", got, test.want)
			}
			if err := f.UnassignRole("Key Vault Secrets User", f.identity.ClientID, test.scope); err != nil {
				t.Fatal(err)
			}
			if left := f.RoleAssignments(); len(left) != 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}
