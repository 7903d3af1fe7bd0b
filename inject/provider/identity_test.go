package provider

import (
	"strings"
	"testing"
)

func TestClientIDProblem(t *testing.T) {
	for id, ok := range map[string]bool{
		"11111111-1111-1111-1111-111111111111": true, "ABCDEFab-cdef-ABCD-0000-999999999999": true,
		"": false, "my-identity": false, "11111111111111111111111111111111": false, "{11111111-1111-1111-1111-111111111111}": false,
		"g1111111-1111-1111-1111-111111111111": false, "11111111-1111-1111-1111-11111111111": false, "11111111_1111-1111-1111-111111111111": false,
		"\x101111111-1111-1111-1111-111111111111": false, "1111111@-1111-1111-1111-111111111111": false,
	} {
		if problem := ClientIDProblem(id); !problem.Found() != ok {
			t.Errorf("%q: %q", id, problem)
		}
	}
}

func TestTenantProblem(t *testing.T) {
	for id, ok := range map[string]bool{
		"22222222-2222-2222-2222-222222222222": true, "contoso.onmicrosoft.com": true, "contoso.com": true,
		"": false, "contoso": false, "contoso.": false, ".com": false, "a..b": false, "-a.com": false, "a-.com": false, "a b.com": false,
		"https://contoso.com": false, strings.Repeat("a.", 127) + "com": false,
	} {
		if problem := TenantProblem(id); !problem.Found() != ok {
			t.Errorf("%q: %q", id, problem)
		}
	}
}

func TestClouds(t *testing.T) {
	for name, want := range map[string]string{
		"AzurePublicCloud": "AzurePublicCloud", "azurepubliccloud": "AzurePublicCloud", "AzureCloud": "AzurePublicCloud",
		"AzureUSGovernment": "AzureUSGovernmentCloud", "AZUREUSGOVERNMENTCLOUD": "AzureUSGovernmentCloud",
		"AzureChinaCloud": "AzureChinaCloud", "AzureGermanCloud": "AzureGermanCloud",
		"AzureStackCloud": "", "": "", "public": "",
	} {
		if problem := CloudProblem(name); !problem.Found() != (want != "") {
			t.Errorf("%q: %q", name, problem)
		}
		if got := CanonicalCloud(name); want != "" && got != want {
			t.Errorf("%q is %q, want %q", name, got, want)
		}
	}
}
