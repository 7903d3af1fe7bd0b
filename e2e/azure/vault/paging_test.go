package vault_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"akv-injector/e2e/azure/vault"
)

func TestSixtySecretsTakeThreePages(t *testing.T) {
	s := newStand(t)
	var want []string
	for i := range 60 {
		name := fmt.Sprintf("secret-%02d", 59-i)
		want = append(want, demoURL+"secrets/"+name)
		s.addSecret(t, name, "value")
		s.addSecret(t, name, "a second version is not listed")
	}
	slices.Sort(want)
	client := s.secrets(t)
	var sizes []int
	var got []string
	for pager := client.NewListSecretPropertiesPager(nil); pager.More(); {
		page, err := pager.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, len(page.Value))
		for _, item := range page.Value {
			got = append(got, string(*item.ID))
		}
		// What comes and goes between pages moves nothing else.
		if len(sizes) == 1 {
			s.addSecret(t, "a-new-one", "value")
			if err := s.Delete("demo-kv", vault.Secret, "secret-00"); err != nil {
				t.Fatal(err)
			}
		}
	}
	if diff := cmp.Diff([]int{25, 25, 10}, sizes); diff != "" {
		t.Errorf("page sizes, -want +got:\n%s", diff)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestVersionsArePaged(t *testing.T) {
	s := newStand(t)
	var want []string
	for i := range 52 {
		want = append(want, s.addSecret(t, "rotated", fmt.Sprint(i)))
	}
	slices.Reverse(want)
	client := s.secrets(t)
	var got []string
	count := 0
	for pager := client.NewListSecretPropertiesVersionsPager("rotated", nil); pager.More(); {
		page, err := pager.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Value {
			got = append(got, item.ID.Version())
		}
		if count++; count == 1 {
			s.addSecret(t, "rotated", "newer than all that was listed")
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if count != 3 {
		t.Errorf("%d pages, want 3", count)
	}
}

func TestMaxResults(t *testing.T) {
	s := newStand(t)
	for i := range 3 {
		s.addSecret(t, fmt.Sprintf("secret-%d", i), "value")
	}
	type page struct {
		Value    []struct{ ID string }
		NextLink *string
	}
	read := func(path string) page {
		answer := s.send(t, http.MethodGet, path, "", nil)
		if answer.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", path, answer.Code, answer.Body)
		}
		var p page
		if err := json.Unmarshal(answer.Body.Bytes(), &p); err != nil {
			t.Fatal(err)
		}
		return p
	}
	first := read("/secrets?api-version=7.4&maxresults=2")
	if len(first.Value) != 2 || first.NextLink == nil {
		t.Fatalf("got %+v, want two and a link", first)
	}
	const prefix = "https://demo-kv.vault.azure.net:443"
	second := read((*first.NextLink)[len(prefix):])
	if len(second.Value) != 1 || second.NextLink != nil || second.Value[0].ID != demoURL+"secrets/secret-2" {
		t.Errorf("got %+v, want the third secret and no link", second)
	}
	// A page that ends where the list does has no link to an empty one.
	if all := read("/secrets?api-version=7.4&maxresults=3"); all.NextLink != nil {
		t.Errorf("got the link %s after the last secret", *all.NextLink)
	}
	for _, bad := range []string{"maxresults=0", "maxresults=26", "maxresults=many", "$skiptoken=%21", "$skiptoken=e30x"} {
		answer := s.send(t, http.MethodGet, "/secrets?api-version=7.4&"+bad, "", nil)
		if answer.Code != http.StatusBadRequest {
			t.Errorf("%s: %d %s, want 400", bad, answer.Code, answer.Body)
		}
	}
}
