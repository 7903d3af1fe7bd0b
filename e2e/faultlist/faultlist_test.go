package faultlist

import (
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	got := table([]Row{
		{Broken: "b", ID: "AKVD002", Says: "x|y", Fix: "Do it by hand."},
		{Broken: "a", ID: "AKVD001", Says: "old", Fix: "az a -n shop-web-0a1b2c --issuer https://127.0.0.1:1234 --client 11111111-1111-1111-1111-111111111111 | cat", Ran: true},
	})
	want := "2 faults.\n\n| what was broken | the check says | fix |\n| --- | --- | --- |\n" +
		"| a | AKVD001: … old … | `az a -n shop-web-HASH --issuer ISSUER --client CLIENT-ID \\| cat` *(run)* |\n" +
		"| b | AKVD002: … x\\|y … | Do it by hand. |\n"
	if got != want {
		t.Errorf("%s", got)
	}
	if strings.Count(got, "\n") != 6 {
		t.Error("a line too many")
	}
}
