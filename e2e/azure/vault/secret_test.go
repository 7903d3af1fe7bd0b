package vault_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
	"github.com/google/go-cmp/cmp"

	"akv-injector/e2e/azure/vault"
)

func TestSecretIsSetAndReadByTheSDK(t *testing.T) {
	s := newStand(t)
	client := s.secrets(t)
	expires := start.Add(240 * time.Hour)
	set, err := client.SetSecret(t.Context(), "db-password", azsecrets.SetSecretParameters{
		Value:            new("hunter2"),
		ContentType:      new("text/plain"),
		SecretAttributes: &azsecrets.SecretAttributes{Expires: &expires},
		Tags:             map[string]*string{"team": new("shop")},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := client.GetSecret(t.Context(), "db-password", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	version := got.ID.Version()
	if len(version) != 32 || *set.ID != *got.ID {
		t.Errorf("set %s, got %s: want one id with a version of 32 digits", *set.ID, *got.ID)
	}
	if want := demoURL + "secrets/db-password/" + version; string(*got.ID) != want {
		t.Errorf("id %s, want %s", *got.ID, want)
	}
	want := azsecrets.Secret{
		Value: new("hunter2"), ContentType: new("text/plain"), ID: got.ID,
		Tags: map[string]*string{"team": new("shop")},
		Attributes: &azsecrets.SecretAttributes{
			Enabled: new(true), Expires: &expires, Created: new(start), Updated: new(start),
			RecoveryLevel: new("Recoverable+Purgeable"), RecoverableDays: new(int32(90)),
		},
	}
	if diff := cmp.Diff(want, got.Secret); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestNewestVersionIsServed(t *testing.T) {
	s := newStand(t)
	client := s.secrets(t)
	// All in the same second, as a script would.
	first, second, third := s.addSecret(t, "rotated", "one"), s.addSecret(t, "rotated", "two"), s.addSecret(t, "rotated", "three")
	for version, want := range map[string]string{"": "three", first: "one", second: "two", third: "three", strings.ToUpper(first): "one"} {
		got, err := client.GetSecret(t.Context(), "rotated", version, nil)
		if err != nil {
			t.Fatal(err)
		}
		if *got.Value != want {
			t.Errorf("version %q has the value %q, want %q", version, *got.Value, want)
		}
		if value, err := s.SecretValue("demo-kv", "rotated", version); err != nil || value != want {
			t.Errorf("SecretValue of %q gave %q, %v; want %q", version, value, err, want)
		}
	}
	var listed []string
	for pager := client.NewListSecretPropertiesVersionsPager("rotated", nil); pager.More(); {
		page, err := pager.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Value {
			listed = append(listed, item.ID.Version())
		}
	}
	if diff := cmp.Diff([]string{third, second, first}, listed); diff != "" {
		t.Errorf("listed, -want +got:\n%s", diff)
	}
	versions, err := s.Versions("demo-kv", vault.Secret, "rotated")
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{third, second, first} {
		if versions[i].Version != want {
			t.Errorf("version %d is %s, want %s", i, versions[i].Version, want)
		}
		if i > 0 && !versions[i-1].Created.After(versions[i].Created) {
			t.Errorf("version %d is not newer than the one after it", i-1)
		}
	}
}

func TestNamesIgnoreCase(t *testing.T) {
	s := newStand(t)
	s.addSecret(t, "Db-Password", "one")
	got, err := s.secretsAt(t, "https://DEMO-KV.vault.azure.net", 0).GetSecret(t.Context(), "dB-pASSWORD", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := demoURL + "secrets/Db-Password/"; !strings.HasPrefix(string(*got.ID), want) {
		t.Errorf("id %s, want %s…", *got.ID, want)
	}
}

func TestDisabledSecretIsRefusedButListed(t *testing.T) {
	s := newStand(t)
	client := s.secrets(t)
	older := s.addSecret(t, "off", "older")
	s.addSecret(t, "off", "newer")
	if err := s.SetAttributes("demo-kv", vault.Secret, "off", "", vault.Attributes{Enabled: new(false)}); err != nil {
		t.Fatal(err)
	}
	_, err := client.GetSecret(t.Context(), "off", "", nil)
	wantRefusal(t, err, http.StatusForbidden, "Forbidden", "SecretDisabled")
	if want := "Operation get is not allowed on a disabled secret."; !strings.Contains(err.Error(), want) {
		t.Errorf("the error has no %q: %v", want, err)
	}
	if got, err := client.GetSecret(t.Context(), "off", older, nil); err != nil || *got.Value != "older" {
		t.Errorf("the older, enabled version: %v", err)
	}
	page, err := client.NewListSecretPropertiesPager(nil).NextPage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(page.Value) != 1 || *page.Value[0].Attributes.Enabled {
		t.Errorf("want it listed, and as disabled: %+v", page.Value)
	}
	// Its attributes can be changed by who cannot read it.
	if _, err := client.UpdateSecretProperties(t.Context(), "off", "", azsecrets.UpdateSecretPropertiesParameters{
		SecretAttributes: &azsecrets.SecretAttributes{Enabled: new(true)},
	}, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := client.GetSecret(t.Context(), "off", "", nil); err != nil {
		t.Errorf("enabled again: %v", err)
	}
}

// nbf and exp inform: Azure's get works outside of them.
func TestTimesDoNotStopAGet(t *testing.T) {
	s := newStand(t)
	client := s.secrets(t)
	for name, attributes := range map[string]vault.Attributes{
		"expired":       {Expires: new(start.Add(-time.Hour))},
		"not-yet-valid": {NotBefore: new(start.Add(time.Hour))},
	} {
		if _, err := s.SetSecret("demo-kv", name, "value", attributes); err != nil {
			t.Fatal(err)
		}
		got, err := client.GetSecret(t.Context(), name, "", nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if attributes.Expires != nil && !got.Attributes.Expires.Equal(*attributes.Expires) ||
			attributes.NotBefore != nil && !got.Attributes.NotBefore.Equal(*attributes.NotBefore) {
			t.Errorf("%s: got the times %+v", name, got.Attributes)
		}
	}
}

func TestUpdateChangesWhatItNames(t *testing.T) {
	s := newStand(t)
	client := s.secrets(t)
	if _, err := s.SetSecret("demo-kv", "kept", "value", vault.Attributes{
		ContentType: "text/plain", Expires: new(start.Add(time.Hour)), NotBefore: new(start), Tags: map[string]string{"a": "1"},
	}); err != nil {
		t.Fatal(err)
	}
	s.advance(time.Minute)
	got, err := client.UpdateSecretProperties(t.Context(), "kept", "", azsecrets.UpdateSecretPropertiesParameters{
		SecretAttributes: &azsecrets.SecretAttributes{Expires: azcore.NullValue[*time.Time]()},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got.Value != nil {
		t.Error("an update gives the value to read")
	}
	want := &azsecrets.SecretAttributes{
		Enabled: new(true), NotBefore: new(start), Created: new(start), Updated: new(start.Add(time.Minute)),
		RecoveryLevel: new("Recoverable+Purgeable"), RecoverableDays: new(int32(90)),
	}
	if diff := cmp.Diff(want, got.Attributes); diff != "" {
		t.Errorf("attributes, -want +got:\n%s", diff)
	}
	if got.ContentType == nil || *got.ContentType != "text/plain" || len(got.Tags) != 1 {
		t.Errorf("the content type or the tags changed: %+v", got)
	}
}

func TestGoAPINamesPlaceAndFix(t *testing.T) {
	s := newStand(t)
	s.addSecret(t, "there", "value")
	_, tooLong := s.SetSecret("demo-kv", "there", strings.Repeat("x", 25<<10+1), vault.Attributes{})
	_, noKey := s.CreateKey("demo-kv", "signing", "oct", vault.Attributes{})
	_, noVault := s.SetSecret("other-kv", "there", "value", vault.Attributes{})
	_, badName := s.SetSecret("demo-kv", "db_password", "value", vault.Attributes{})
	_, badKind := s.List("demo-kv", "passwords")
	_, noVersion := s.SecretValue("demo-kv", "there", strings.Repeat("0", 32))
	for _, c := range []struct {
		err  error
		want string
	}{
		{tooLong, "vault demo-kv: secrets/there: 400 BadParameter: The value has 25601 bytes; at most 25600 are allowed."},
		{noKey, `vault demo-kv: keys/signing: 400 BadParameter: The kty "oct" is not supported: must be RSA or EC.`},
		{noVault, `vault "other-kv": there is no such vault: create it first`},
		{badName, "vault demo-kv: secrets/db_password: 400 BadParameter: The request URI contains an invalid name: db_password"},
		{badKind, `vault demo-kv: kind "passwords": must be "secrets", "keys" or "certificates"`},
		{noVersion, "vault demo-kv: secrets/there: 404 SecretNotFound: A secret with (name/id) there/00000000000000000000000000000000 was not found in this key vault."},
		{s.CreateVault("Demo-KV"), `vault "Demo-KV": there is a vault "demo-kv" already: choose another name, or delete it first`},
		{s.CreateVault("a--b"), `vault "a--b": the name must be 3-24 letters, digits and single hyphens, begin with a letter and end with a letter or digit`},
		{s.DeleteVault("other-kv"), `vault "other-kv": there is no such vault: create it first`},
		{
			s.SetAttributes("demo-kv", vault.Certificate, "tls", "", vault.Attributes{Expires: &start}),
			"vault demo-kv: certificates/tls: notBefore and expires are those of the X.509 certificate: make a new version with them",
		},
	} {
		if c.err == nil || !strings.HasPrefix(c.err.Error(), c.want) {
			t.Errorf("got  %v\nwant %s", c.err, c.want)
		}
	}
	var refused *vault.StatusError
	if !errors.As(noVersion, &refused) || refused.Status != http.StatusNotFound {
		t.Errorf("the error of a missing version has no status: %v", noVersion)
	}
}

func TestVaultsAreTheirOwn(t *testing.T) {
	s := newStand(t)
	if err := s.CreateVault("Other-KV"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"Other-KV", "demo-kv"}, s.Vaults()); diff != "" {
		t.Errorf("vaults, -want +got:\n%s", diff)
	}
	if !s.HasVault("OTHER-kv") || s.HasVault("third-kv") {
		t.Error("HasVault does not tell vaults apart, or by their case")
	}
	s.addSecret(t, "mine", "value")
	_, err := s.secretsAt(t, "https://other-kv.vault.azure.net", 0).GetSecret(t.Context(), "mine", "", nil)
	wantRefusal(t, err, http.StatusNotFound, "SecretNotFound", "")
	if err := s.DeleteVault("demo-kv"); err != nil {
		t.Fatal(err)
	}
	if err := s.CreateVault("demo-kv"); err != nil {
		t.Fatal(err)
	}
	_, err = s.secrets(t).GetSecret(t.Context(), "mine", "", nil)
	wantRefusal(t, err, http.StatusNotFound, "SecretNotFound", "")
}
