package arm_test

import (
	"fmt"
	"strings"
	"testing"

	"akv-injector/e2e/azure/arm"
)

func TestFederatedCredentials(t *testing.T) {
	const issuer = "https://cluster.example"
	s, _ := newSubscription(t)
	credential := func(name string) arm.FederatedCredential {
		return arm.FederatedCredential{Name: name, Issuer: issuer, Subject: "system:serviceaccount:" + name + ":api"}
	}
	for i := range 20 {
		if _, err := s.CreateFederatedCredential("", "payments-id", credential(fmt.Sprintf("cluster-%d", i))); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.CreateFederatedCredential("", "payments-id", credential("one-more")); err == nil || !strings.Contains(err.Error(), "at most 20") {
		t.Errorf("a 21st: %v", err)
	}
	if _, err := s.CreateFederatedCredential("", "payments-id", credential("cluster-3")); err != nil {
		t.Errorf("the same again: %v", err)
	}
	twice := credential("cluster-4")
	twice.Subject = credential("cluster-5").Subject
	if _, err := s.CreateFederatedCredential("", "payments-id", twice); err == nil || !strings.Contains(err.Error(), "combination already exists") {
		t.Errorf("a second one of the same issuer and subject: %v", err)
	}
	for name, wrong := range map[string]arm.FederatedCredential{
		"name":          {Name: "a", Issuer: issuer, Subject: "s"},
		"issuer":        {Name: "wrong", Issuer: "http://cluster.example", Subject: "s"},
		"subject":       {Name: "wrong", Issuer: issuer},
		"two audiences": {Name: "wrong", Issuer: issuer, Subject: "s", Audiences: []string{"a", "b"}},
	} {
		if _, err := s.CreateFederatedCredential("", "payments-id", wrong); err == nil {
			t.Errorf("a wrong %s was taken", name)
		}
	}
}

// Entra ID looks a client up by the id in any case, and gets its own copy of the
// credentials: an administrator may delete one meanwhile.
func TestClient(t *testing.T) {
	s, identity := newSubscription(t)
	for _, name := range []string{"one", "two"} {
		if _, err := s.CreateFederatedCredential("", "payments-id", arm.FederatedCredential{Name: name, Issuer: "https://cluster.example", Subject: name}); err != nil {
			t.Fatal(err)
		}
	}
	client, federated, ok := s.Client(strings.ToUpper(identity.ClientID))
	if !ok || client.PrincipalID != identity.PrincipalID || len(federated) != 2 || federated[0].Audiences[0] != arm.DefaultAudience {
		t.Fatalf("got %+v with %+v, %t", client, federated, ok)
	}
	if err := s.DeleteFederatedCredential("", "payments-id", "one"); err != nil {
		t.Fatal(err)
	}
	if federated[0].Name != "one" || federated[1].Name != "two" {
		t.Errorf("the copy changed: %+v", federated)
	}
	if err := s.DeleteIdentity("", "payments-id"); err != nil {
		t.Fatal(err)
	}
	if _, _, ok := s.Client(identity.ClientID); ok {
		t.Error("a deleted identity is found")
	}
}
