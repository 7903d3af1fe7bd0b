package provider

import (
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"
)

const (
	someClient = "11111111-1111-1111-1111-111111111111"
	someTenant = "22222222-2222-2222-2222-222222222222"
)

func someClass(t *testing.T, objects string) Class {
	t.Helper()
	parsed, errs := ParseObjects(objects, nil)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	SortObjects(parsed)
	return Generate("payments-kv", parsed, Identity{ClientID: someClient, TenantID: someTenant}, DefaultCloud)
}

// A name that changed with the program would leave every existing class unused. This name
// must not change.
func TestClassNameIsStable(t *testing.T) {
	class := someClass(t, "DB-Password, tls.pem=cert/frontend")
	if want := "akv-payments-kv-udmp7qilygydjv2epk2mvub6ll"; class.Name != want {
		t.Errorf("%s, want %s", class.Name, want)
	}
	want := map[string]string{
		"keyvaultName": "payments-kv", "clientID": someClient, "tenantID": someTenant,
		"cloudName": "AzurePublicCloud", "usePodIdentity": "false",
		"objects": "array:\n  - |\n    objectName: DB-Password\n    objectType: secret\n  - |\n    objectName: frontend\n    objectType: cert\n    objectAlias: tls.pem\n",
	}
	if diff := cmp.Diff(want, class.Parameters); diff != "" {
		t.Errorf("parameters (-want +got):\n%s", diff)
	}
}

func TestClassNameFollowsContent(t *testing.T) {
	base := someClass(t, "a, b=cert/c")
	for name, tc := range map[string]struct {
		class Class
		same  bool
	}{
		"another order":                  {someClass(t, "b=cert/c, a"), true},
		"the provider's YAML":            {someClass(t, "array:\n- {objectName: c, objectType: cert, objectAlias: b}\n- {objectName: a, objectFormat: PEM}"), true},
		"the client in capitals":         {Generate("payments-kv", someObjects(t), Identity{ClientID: "11111111-1111-1111-1111-111111111111", TenantID: someTenant}, "azurecloud"), true},
		"another type":                   {someClass(t, "a, b=key/c"), false},
		"another file":                   {someClass(t, "a, d=cert/c"), false},
		"the case of an object":          {someClass(t, "A, b=cert/c"), false},
		"one object more":                {someClass(t, "a, b=cert/c, d"), false},
		"another client":                 {Generate("payments-kv", someObjects(t), Identity{ClientID: someTenant, TenantID: someTenant}, DefaultCloud), false},
		"another cloud":                  {Generate("payments-kv", someObjects(t), Identity{ClientID: someClient, TenantID: someTenant}, "AzureChinaCloud"), false},
		"through a binding":              {Generate("payments-kv", someObjects(t), Identity{ClientID: someClient, TenantID: someTenant, Binding: true}, DefaultCloud), false},
		"another vault, otherwise equal": {Generate("payments-kw", someObjects(t), Identity{ClientID: someClient, TenantID: someTenant}, DefaultCloud), false},
	} {
		if same := tc.class.Name == base.Name; same != tc.same {
			t.Errorf("%s: %s and %s", name, base.Name, tc.class.Name)
		}
		if !tc.class.Verified() || !Generated(tc.class.Name) || !Reserved(tc.class.Name) {
			t.Errorf("%s: %s is not verified as generated", name, tc.class.Name)
		}
	}
}

func someObjects(t *testing.T) []Object {
	t.Helper()
	objects, errs := ParseObjects("a, b=cert/c", nil)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	SortObjects(objects)
	return objects
}

// Any user can compute a hash: content that no plan has is not verified under any name.
func TestVerified(t *testing.T) {
	for name, change := range map[string]func(map[string]string){
		"the node's identity": func(p map[string]string) { p["useVMManagedIdentity"] = "true" },
		"pod identity":        func(p map[string]string) { p["usePodIdentity"] = "true" },
		"another cloud file":  func(p map[string]string) { p["cloudEnvFileName"] = "/etc/evil.json" },
		"no vault":            func(p map[string]string) { delete(p, "keyvaultName") },
		"a vault in capitals": func(p map[string]string) { p["keyvaultName"] = "Payments-KV" },
		"a vault with a path": func(p map[string]string) { p["keyvaultName"] = "evil.example/a" },
		"no client":           func(p map[string]string) { delete(p, "clientID") },
		"no objects":          func(p map[string]string) { p["objects"] = "array: []" },
		"objects outside of the mount": func(p map[string]string) {
			p["objects"] = "array:\n- |\n  {objectName: a, objectType: secret, objectAlias: ../a}"
		},
		"nothing at all": func(p map[string]string) { clear(p) },
	} {
		parameters := maps.Clone(someClass(t, "a").Parameters)
		change(parameters)
		if newClass(parameters).Verified() {
			t.Errorf("%s is verified as generated", name)
		}
	}
	renamed := someClass(t, "a")
	renamed.Name = someClass(t, "b").Name
	if renamed.Verified() {
		t.Error("content under another name is verified as generated")
	}
	if (Class{}).Verified() {
		t.Error("an empty class is verified as generated")
	}
}

func TestMatches(t *testing.T) {
	class := someClass(t, "a")
	for name, tc := range map[string]struct {
		change func(*secretsstorev1.SecretProviderClass)
		want   bool
	}{
		"as written":           {func(*secretsstorev1.SecretProviderClass) {}, true},
		"with other labels":    {func(c *secretsstorev1.SecretProviderClass) { c.Labels = nil }, true},
		"another provider":     {func(c *secretsstorev1.SecretProviderClass) { c.Spec.Provider = "aws" }, false},
		"a synced Secret":      {func(c *secretsstorev1.SecretProviderClass) { c.Spec.SecretObjects = []*secretsstorev1.SecretObject{{}} }, false},
		"another parameter":    {func(c *secretsstorev1.SecretProviderClass) { c.Spec.Parameters["clientID"] = "x" }, false},
		"a parameter more":     {func(c *secretsstorev1.SecretProviderClass) { c.Spec.Parameters["x"] = "" }, false},
		"a parameter less":     {func(c *secretsstorev1.SecretProviderClass) { delete(c.Spec.Parameters, "objects") }, false},
		"no parameters at all": {func(c *secretsstorev1.SecretProviderClass) { c.Spec.Parameters = nil }, false},
	} {
		object := class.Object("apps")
		tc.change(object)
		if got := class.Matches(object); got != tc.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if class.Object("apps").Spec.Parameters["clientID"] != someClient {
		t.Error("an object shares its parameters with the class")
	}
}

func TestGenerated(t *testing.T) {
	for name, want := range map[string]struct{ reserved, generated bool }{
		"akv-payments-kv-aaaaaaaaaaaaaaaaaaaaaaaaaa": {true, true},
		"akv-mine": {true, false},
		"akv-payments-kv-1aaaaaaaaaaaaaaaaaaaaaaaaa": {true, false},
		"akv-Payments-kv-aaaaaaaaaaaaaaaaaaaaaaaaaa": {true, false},
		"payments": {},
		"akvault":  {},
	} {
		if Reserved(name) != want.reserved || Generated(name) != want.generated {
			t.Errorf("%s: reserved %v, generated %v", name, Reserved(name), Generated(name))
		}
	}
}
