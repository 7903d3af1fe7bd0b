package vaultchecks_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"akv-injector/e2e/azure"
	"akv-injector/e2e/azure/cloud"
	"akv-injector/e2e/azure/vault"
	"akv-injector/keyvault"
)

// metadataActions are all that Key Vault Reader lets the reader do, and all that it does.
var metadataActions = []string{
	"Microsoft.KeyVault/vaults/secrets/readMetadata/action",
	"Microsoft.KeyVault/vaults/keys/read",
	"Microsoft.KeyVault/vaults/certificates/read",
}

// wantMetadataOnly looks at every call that a vault had: lists, and nothing else. Reading
// one key or certificate takes the same right as listing, so the path counts too.
func wantMetadataOnly(t *testing.T, calls []vault.Call) {
	t.Helper()
	if len(calls) == 0 {
		t.Error("no vault was called")
	}
	for _, c := range calls {
		path := strings.Split(strings.Trim(c.Path, "/"), "/")
		versions := len(path) == 3 && path[2] == "versions"
		if c.Method != http.MethodGet || !slices.Contains(metadataActions, c.Action) || len(path) != 1 && !versions {
			t.Errorf("a call that is no list: %+v", c)
		}
	}
}

// With Key Vault Reader alone everything is known of all three kinds, in every cloud, and
// no call reads a value, a key or a certificate.
func TestMetadataOnly(t *testing.T) {
	t.Parallel()
	for _, cloudName := range []cloud.Name{cloud.Public, cloud.USGovernment, cloud.China} {
		t.Run(string(cloudName), func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, azure.Options{Cloud: cloudName})
			off, soon, passed := false, time.Now().Add(24*time.Hour).Truncate(time.Second).UTC(), time.Now().Add(-time.Hour).Truncate(time.Second).UTC()
			v := f.Vault()
			for _, err := range []error{
				second(v.SetSecret(vaultName, "DB-Password", "hunter2", vault.Attributes{})),
				second(v.SetSecret(vaultName, "off", "hunter2", vault.Attributes{Enabled: &off})),
				second(v.SetSecret(vaultName, "gone", "hunter2", vault.Attributes{})),
				v.Delete(vaultName, vault.Secret, "gone"),
				second(v.SetSecret(vaultName, "old", "hunter2", vault.Attributes{Expires: &passed})),
				second(v.CreateKey(vaultName, "signing", "RSA", vault.Attributes{})),
				second(v.CreateCertificate(vaultName, "frontend", "CN=frontend.example", vault.Attributes{Expires: &soon})),
			} {
				if err != nil {
					t.Fatal(err)
				}
			}
			newest, err := v.SetSecret(vaultName, "DB-Password", "hunter3", vault.Attributes{})
			if err != nil {
				t.Fatal(err)
			}

			object := func(typ keyvault.Type, name string) *keyvault.State {
				t.Helper()
				state, err := f.reader.Object(t.Context(), keyvault.Ref{Cloud: string(cloudName), Vault: vaultName, Type: typ, Name: name})
				if err != nil {
					t.Fatalf("%s/%s: %v", typ, name, err)
				}
				return state
			}
			if s := object(keyvault.Secret, "db-password"); len(s.Versions) != 2 || !s.IsNewest(newest) || !s.Newest().Enabled {
				t.Errorf("two versions: %+v", s)
			}
			if s := object(keyvault.Secret, "off"); !s.Exists() || s.Newest().Enabled {
				t.Errorf("disabled: %+v", s)
			}
			if s := object(keyvault.Secret, "old"); !s.Exists() || !s.Newest().Expires.Equal(passed) {
				t.Errorf("expired: %+v", s)
			}
			if s := object(keyvault.Certificate, "frontend"); !s.Exists() || !s.Newest().Expires.Equal(soon) || s.Newest().NotBefore.IsZero() {
				t.Errorf("a certificate: %+v", s)
			}
			for _, part := range []keyvault.Type{keyvault.Secret, keyvault.Key} {
				if s := object(part, "frontend"); !s.Exists() {
					t.Errorf("the %s of a certificate: %+v", part, s)
				}
			}
			if s := object(keyvault.Key, "signing"); !s.Exists() || !s.Newest().Enabled {
				t.Errorf("a key: %+v", s)
			}
			for _, name := range []string{"gone", "never"} {
				if s := object(keyvault.Secret, name); s.Exists() {
					t.Errorf("%s: %+v", name, s)
				}
			}
			names, err := f.reader.Names(t.Context(), string(cloudName), vaultName, keyvault.Secret)
			if diff := cmp.Diff([]string{"DB-Password", "frontend", "off", "old"}, names); diff != "" || err != nil {
				t.Errorf("names (-want +got): %v\n%s", err, diff)
			}
			wantMetadataOnly(t, f.calls())
		})
	}
}

func second[T any](_ T, err error) error { return err }

// A thousand pods of one workload cost one call an object.
func TestOneCallForAThousandPods(t *testing.T) {
	t.Parallel()
	f := newFixture(t, azure.Options{})
	names := []string{"one", "two", "three"}
	for _, name := range names {
		f.secret(t, name)
	}
	a := f.admission()
	var pods sync.WaitGroup
	for range 1000 {
		pods.Go(func() {
			if answer := apply(t, a, names...); !answer.Allowed {
				t.Errorf("refused: %s", answer.Result.Message)
			}
		})
	}
	pods.Wait()
	soon.Require(t, "the calls to end", func(context.Context) (bool, string) {
		n := len(f.calls())
		return n >= len(names), fmt.Sprintf("%d calls", n)
	})
	if calls := f.calls(); len(calls) != len(names) {
		t.Errorf("%d calls for %d objects: %+v", len(calls), len(names), calls)
	}
}

// Many versions come in pages, and not in the order of time.
func TestNewestOfManyVersions(t *testing.T) {
	t.Parallel()
	f := newFixture(t, azure.Options{})
	var newest string
	for range 60 {
		version, err := f.Vault().SetSecret(vaultName, "DB-Password", "hunter2", vault.Attributes{})
		if err != nil {
			t.Fatal(err)
		}
		newest = version
	}
	state, err := f.reader.Object(t.Context(), keyvault.Ref{Vault: vaultName, Type: keyvault.Secret, Name: "DB-Password"})
	if err != nil || len(state.Versions) != 60 || !state.IsNewest(newest) {
		t.Errorf("%d versions, %v", len(state.Versions), err)
	}
}
