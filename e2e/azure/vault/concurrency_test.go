package vault_test

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"akv-injector/e2e/azure/faults"
	"akv-injector/e2e/azure/vault"
)

// Clients read while an operator changes all there is to change. That nothing
// races is the race detector's to say; what is checked here is that each answer
// is a whole one.
func TestReadersAndWritersAtOnce(t *testing.T) {
	s := newStand(t)
	s.addSecret(t, "rotated", "v0")
	if _, err := s.CreateCertificate("demo-kv", "tls", "CN=example.com", vault.Attributes{}); err != nil {
		t.Fatal(err)
	}
	const rounds = 50
	var all sync.WaitGroup
	run := func(name string, work func(round int) error) {
		all.Go(func() {
			for i := range rounds {
				if err := work(i); err != nil {
					t.Errorf("%s, round %d: %v", name, i, err)
					return
				}
			}
		})
	}
	// passing is what a fault or a deletion may answer.
	passing := func(err error) error {
		if answer, ok := errors.AsType[*azcore.ResponseError](err); ok &&
			(answer.StatusCode == http.StatusNotFound || answer.StatusCode == http.StatusTooManyRequests || answer.StatusCode == http.StatusForbidden) {
			return nil
		}
		return err
	}
	for reader := range 4 {
		client := s.secrets(t)
		last := -1
		run(fmt.Sprintf("reader %d", reader), func(int) error {
			got, err := client.GetSecret(t.Context(), "rotated", "", nil)
			if err != nil {
				return passing(err)
			}
			var now int
			if _, err := fmt.Sscanf(*got.Value, "v%d", &now); err != nil || now < last {
				return fmt.Errorf("read %q after v%d", *got.Value, last)
			}
			last = now
			return nil
		})
	}
	certificates := s.certificates(t)
	run("certificates", func(int) error {
		_, err := certificates.GetCertificate(t.Context(), "tls", "", nil)
		return passing(err)
	})
	lister := s.secrets(t)
	run("lister", func(int) error {
		_, err := lister.NewListSecretPropertiesPager(nil).NextPage(t.Context())
		return passing(err)
	})
	run("rotation", func(i int) error {
		_, err := s.SetSecret("demo-kv", "rotated", fmt.Sprintf("v%d", i+1), vault.Attributes{Tags: map[string]string{"round": "x"}})
		return err
	})
	run("switch", func(i int) error {
		return errors.Join(
			s.SetAttributes("demo-kv", vault.Certificate, "tls", "", vault.Attributes{Enabled: new(i%2 == 0), Tags: map[string]string{"a": "b"}}),
			s.Delete("demo-kv", vault.Certificate, "tls"), s.Recover("demo-kv", vault.Certificate, "tls"))
	})
	run("faults", func(int) error {
		return errors.Join(s.SetFault("*", &faults.Fault{Status: 429, Times: 1}), s.SetFault("demo-kv", nil), s.SetFault("demo-kv", &faults.Fault{Delay: time.Microsecond}))
	})
	run("vaults", func(int) error {
		return errors.Join(s.CreateVault("short-lived"), s.DeleteVault("short-lived"))
	})
	run("looking on", func(int) error {
		s.Audit()
		s.Vaults()
		_, err := s.List("demo-kv", vault.Secret)
		return err
	})
	all.Wait()
}
