package vault_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"

	"akv-injector/e2e/azure/vault"
)

func TestDeletedSecretKeepsItsNameUntilPurged(t *testing.T) {
	s := newStand(t)
	client := s.secrets(t)
	version := s.addSecret(t, "db-password", "value")
	set := func() error {
		_, err := client.SetSecret(t.Context(), "db-password", azsecrets.SetSecretParameters{Value: new("again")}, nil)
		return err
	}

	_, err := client.GetDeletedSecret(t.Context(), "db-password", nil)
	wantRefusal(t, err, http.StatusNotFound, "SecretNotFound", "")
	s.advance(time.Hour)
	deleted, err := client.DeleteSecret(t.Context(), "db-password", nil)
	if err != nil {
		t.Fatal(err)
	}
	if deleted.ID.Version() != version || deleted.Value != nil ||
		*deleted.RecoveryID != demoURL+"deletedsecrets/db-password" ||
		!deleted.DeletedDate.Equal(start.Add(time.Hour)) ||
		!deleted.ScheduledPurgeDate.Equal(start.Add(time.Hour+90*24*time.Hour)) {
		t.Errorf("deleted: %+v", deleted.DeletedSecret)
	}

	_, err = client.GetSecret(t.Context(), "db-password", "", nil)
	wantRefusal(t, err, http.StatusNotFound, "SecretNotFound", "")
	_, err = client.GetSecret(t.Context(), "db-password", version, nil)
	wantRefusal(t, err, http.StatusNotFound, "SecretNotFound", "")
	err = set()
	wantRefusal(t, err, http.StatusConflict, "Conflict", "ObjectIsDeletedButRecoverable")
	if want := "Secret db-password is currently in a deleted but recoverable state, and its name cannot be reused"; !strings.Contains(err.Error(), want) {
		t.Errorf("the error has no %q: %v", want, err)
	}
	if page, err := client.NewListSecretPropertiesPager(nil).NextPage(t.Context()); err != nil || len(page.Value) != 0 {
		t.Errorf("listed though deleted: %+v %v", page.Value, err)
	}
	page, err := client.NewListDeletedSecretPropertiesPager(nil).NextPage(t.Context())
	if err != nil || len(page.Value) != 1 || page.Value[0].DeletedDate == nil {
		t.Errorf("want it among the deleted: %+v %v", page.Value, err)
	}

	recovered, err := client.RecoverDeletedSecret(t.Context(), "db-password", nil)
	if err != nil {
		t.Fatal(err)
	}
	if recovered.Value != nil {
		t.Error("recovering gives the value to read")
	}
	if got, err := client.GetSecret(t.Context(), "db-password", version, nil); err != nil || *got.Value != "value" {
		t.Errorf("recovered: %v", err)
	}
	if err := set(); err != nil {
		t.Errorf("setting what was recovered: %v", err)
	}

	_, err = client.PurgeDeletedSecret(t.Context(), "db-password", nil)
	wantRefusal(t, err, http.StatusNotFound, "SecretNotFound", "") // not deleted
	if _, err := client.DeleteSecret(t.Context(), "db-password", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := client.PurgeDeletedSecret(t.Context(), "db-password", nil); err != nil {
		t.Fatal(err)
	}
	_, err = client.RecoverDeletedSecret(t.Context(), "db-password", nil)
	wantRefusal(t, err, http.StatusNotFound, "SecretNotFound", "")
	if err := set(); err != nil {
		t.Errorf("setting what was purged: %v", err)
	}
}

func TestGoAPIDeletesRecoversAndPurges(t *testing.T) {
	s := newStand(t)
	for _, kind := range []vault.Kind{vault.Secret, vault.Key, vault.Certificate} {
		var err error
		switch kind {
		case vault.Secret:
			s.addSecret(t, "one", "value")
		case vault.Key:
			_, err = s.CreateKey("demo-kv", "one", "EC", vault.Attributes{})
		case vault.Certificate:
			_, err = s.CreateCertificate("demo-kv", "two", "CN=example.com", vault.Attributes{})
		}
		if err != nil {
			t.Fatal(err)
		}
		name := "one"
		if kind == vault.Certificate {
			name = "two"
		}
		listed := func() int {
			objects, err := s.List("demo-kv", kind)
			if err != nil {
				t.Fatal(err)
			}
			return len(objects)
		}
		before := listed()
		for _, step := range []struct {
			name string
			do   func(string, vault.Kind, string) error
			left int
		}{
			{"delete", s.Delete, before - 1},
			{"recover", s.Recover, before},
			{"delete again", s.Delete, before - 1},
			{"purge", s.Purge, before - 1},
		} {
			if err := step.do("demo-kv", kind, name); err != nil {
				t.Fatalf("%s: %s: %v", kind, step.name, err)
			}
			if got := listed(); got != step.left {
				t.Errorf("%s: after %s: %d listed, want %d", kind, step.name, got, step.left)
			}
		}
		if err := s.Recover("demo-kv", kind, name); err == nil {
			t.Errorf("%s: recovered what was purged", kind)
		}
	}
}
