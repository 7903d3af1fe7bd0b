package vault_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"net/http"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azkeys"
	"github.com/google/go-cmp/cmp"

	"akv-injector/e2e/azure/vault"
)

func TestKeysAreCreatedAndRead(t *testing.T) {
	s := newStand(t)
	client := s.keys(t)
	created, err := client.CreateKey(t.Context(), "signing", azkeys.CreateKeyParameters{
		Kty: new(azkeys.KeyTypeEC), Curve: new(azkeys.CurveNameP384), Tags: map[string]*string{"a": new("1")},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := client.GetKey(t.Context(), "signing", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(created.KeyBundle, got.KeyBundle); diff != "" {
		t.Errorf("-created +got:\n%s", diff)
	}
	if got.Key.KID.Name() != "signing" || len(got.Key.KID.Version()) != 32 || *got.Key.Crv != azkeys.CurveNameP384 {
		t.Errorf("got %+v", got.Key)
	}
	point := append(append([]byte{4}, got.Key.X...), got.Key.Y...)
	if _, err := ecdsa.ParseUncompressedPublicKey(elliptic.P384(), point); err != nil {
		t.Errorf("the public key is none: %v", err)
	}

	version, err := s.CreateKey("demo-kv", "wrapping", "RSA", vault.Attributes{})
	if err != nil {
		t.Fatal(err)
	}
	rsa, err := client.GetKey(t.Context(), "wrapping", version, nil)
	if err != nil {
		t.Fatal(err)
	}
	if *rsa.Key.Kty != azkeys.KeyTypeRSA || len(rsa.Key.N) != 256 || string(rsa.Key.E) != "\x01\x00\x01" || len(rsa.Key.KeyOps) != 6 {
		t.Errorf("got %+v", rsa.Key)
	}

	page, err := client.NewListKeyPropertiesPager(nil).NextPage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(page.Value) != 2 || string(*page.Value[0].KID) != demoURL+"keys/signing" {
		t.Errorf("listed %+v", page.Value)
	}
	versions, err := client.NewListKeyPropertiesVersionsPager("wrapping", nil).NextPage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(versions.Value) != 1 || versions.Value[0].KID.Version() != version {
		t.Errorf("versions %+v", versions.Value)
	}
}

// A public key is no secret: Azure gives a disabled one.
func TestDisabledKeyIsGiven(t *testing.T) {
	s := newStand(t)
	client := s.keys(t)
	if _, err := s.CreateKey("demo-kv", "off", "EC", vault.Attributes{}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.UpdateKey(t.Context(), "off", "", azkeys.UpdateKeyParameters{
		KeyAttributes: &azkeys.KeyAttributes{Enabled: new(false)},
	}, nil); err != nil {
		t.Fatal(err)
	}
	got, err := client.GetKey(t.Context(), "off", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if *got.Attributes.Enabled {
		t.Error("it is not disabled")
	}
}

func TestKeyLifecycle(t *testing.T) {
	s := newStand(t)
	client := s.keys(t)
	create := func() error {
		_, err := client.CreateKey(t.Context(), "signing", azkeys.CreateKeyParameters{Kty: new(azkeys.KeyTypeEC)}, nil)
		return err
	}
	_, err := client.GetKey(t.Context(), "signing", "", nil)
	wantRefusal(t, err, http.StatusNotFound, "KeyNotFound", "")
	if err := create(); err != nil {
		t.Fatal(err)
	}
	if deleted, err := client.DeleteKey(t.Context(), "signing", nil); err != nil || deleted.DeletedDate == nil || deleted.Key == nil {
		t.Fatalf("deleted: %+v %v", deleted, err)
	}
	wantRefusal(t, create(), http.StatusConflict, "Conflict", "ObjectIsDeletedButRecoverable")
	if _, err := client.RecoverDeletedKey(t.Context(), "signing", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := client.DeleteKey(t.Context(), "signing", nil); err != nil {
		t.Fatal(err)
	}
	if page, err := client.NewListDeletedKeyPropertiesPager(nil).NextPage(t.Context()); err != nil || len(page.Value) != 1 {
		t.Errorf("deleted keys: %+v %v", page.Value, err)
	}
	if _, err := client.PurgeDeletedKey(t.Context(), "signing", nil); err != nil {
		t.Fatal(err)
	}
	if err := create(); err != nil {
		t.Fatal(err)
	}
}

func TestCryptographyIsNotOffered(t *testing.T) {
	s := newStand(t)
	version, err := s.CreateKey("demo-kv", "signing", "EC", vault.Attributes{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.keys(t).Sign(t.Context(), "signing", version, azkeys.SignParameters{
		Algorithm: new(azkeys.SignatureAlgorithmES256), Value: make([]byte, 32),
	}, nil)
	wantRefusal(t, err, http.StatusBadRequest, "BadParameter", "")
}
