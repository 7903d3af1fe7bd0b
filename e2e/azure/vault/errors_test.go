package vault_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"akv-injector/e2e/azure/vault"
)

func TestErrors(t *testing.T) {
	s := newStand(t)
	version := s.addSecret(t, "there", "value")
	s.addSecret(t, "gone", "value")
	if err := s.Delete("demo-kv", vault.Secret, "gone"); err != nil {
		t.Fatal(err)
	}
	const (
		v            = "?api-version=7.4"
		unknown      = "0123456789abcdef0123456789abcdef"
		notFoundTail = " was not found in this key vault. If you recently deleted this secret you may be able to recover it using the correct recovery command. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182"
	)
	big := strings.Repeat("x", 26<<10)
	for _, c := range []struct {
		method, path, body string
		status             int
		code, message      string
	}{
		{"GET", "/secrets/none" + v, "", 404, "SecretNotFound", "A secret with (name/id) none" + notFoundTail},
		{"GET", "/secrets/none/" + version + v, "", 404, "SecretNotFound", "A secret with (name/id) none" + notFoundTail},
		{"GET", "/secrets/there/" + unknown + v, "", 404, "SecretNotFound", "A secret with (name/id) there/" + unknown + notFoundTail},
		{"GET", "/secrets/none/versions" + v, "", 404, "SecretNotFound", ""},
		{"PATCH", "/secrets/none" + v, "{}", 404, "SecretNotFound", ""},
		{"DELETE", "/secrets/none" + v, "", 404, "SecretNotFound", ""},
		{"GET", "/keys/none" + v, "", 404, "KeyNotFound", ""},
		{"GET", "/certificates/none" + v, "", 404, "CertificateNotFound", ""},
		{"GET", "/certificates/none/policy" + v, "", 404, "CertificateNotFound", ""},
		{"GET", "/deletedsecrets/there" + v, "", 404, "SecretNotFound", "Deleted Secret not found: there"},
		{"POST", "/deletedkeys/none/recover" + v, "", 404, "KeyNotFound", "Deleted Key not found: none"},
		{"DELETE", "/deletedcertificates/none" + v, "", 404, "CertificateNotFound", "Deleted Certificate not found: none"},

		{"GET", "/secrets/there/latest" + v, "", 400, "BadParameter", "The request URI contains an invalid version: latest"},
		{"GET", "/secrets/db_password" + v, "", 400, "BadParameter", "The request URI contains an invalid name: db_password"},
		{"GET", "/secrets/a%2Fb" + v, "", 400, "BadParameter", "The request URI contains an invalid name: a/b"},
		{"GET", "/secrets//" + version + v, "", 400, "BadParameter", ""},
		{"PUT", "/secrets/" + strings.Repeat("n", 128) + v, `{"value":"x"}`, 400, "BadParameter", ""},
		{"GET", "/secrets/there", "", 400, "BadParameter", "The query parameter api-version is required."},
		{"GET", "/secrets/there?api-version=", "", 400, "BadParameter", ""},
		{"GET", "/secrets/there?api-version=latest", "", 400, "BadParameter", `The api-version "latest" is not supported.`},
		{"GET", "/secrets/there?api-version=7.4;a", "", 400, "BadParameter", ""},
		{"PUT", "/secrets/there" + v, "", 400, "BadParameter", "The request's body is missing."},
		{"PUT", "/secrets/there" + v, "{", 400, "BadParameter", ""},
		{"PUT", "/secrets/there" + v, "null", 400, "BadParameter", "Required property 'value' is missing."},
		{"PUT", "/secrets/there" + v, `{"contentType":"text"}`, 400, "BadParameter", "Required property 'value' is missing."},
		{"PUT", "/secrets/there" + v, `{"value":7}`, 400, "BadParameter", "Property 'value' has an invalid value."},
		{"PUT", "/secrets/there" + v, `{"value":"` + big + `"}`, 400, "BadParameter", "The value has 26624 bytes; at most 25600 are allowed."},
		{"PUT", "/secrets/there" + v, `{"value":"x","contentType":"` + big[:256] + `"}`, 400, "BadParameter", ""},
		{"PUT", "/secrets/there" + v, `{"value":"x","tags":{"a":"` + big[:257] + `"}}`, 400, "BadParameter", ""},
		{"PUT", "/secrets/there" + v, `{"value":"x","attributes":{"exp":"tomorrow"}}`, 400, "BadParameter", ""},
		{"PUT", "/secrets/there" + v, `{"value":"x","attributes":{"exp":-1}}`, 400, "BadParameter", ""},
		{"PUT", "/secrets/there" + v, `{"value":"` + strings.Repeat("x", 2<<20) + `"}`, 400, "BadParameter", ""},
		{"POST", "/keys/one/create" + v, `{"kty":"oct"}`, 400, "BadParameter", ""},
		{"POST", "/keys/one/create" + v, `{"kty":"RSA","key_size":1}`, 400, "BadParameter", ""},
		{"POST", "/keys/one/create" + v, `{"kty":"EC","crv":"P-256K"}`, 400, "BadParameter", ""},
		{"POST", "/certificates/one/create" + v, `{}`, 400, "BadParameter", "Required property 'policy' is missing."},
		{"POST", "/certificates/one/create" + v, `{"policy":{}}`, 400, "BadParameter", ""},
		{"POST", "/certificates/one/create" + v, `{"policy":{"x509_props":{"subject":"CN=a"},"issuer":{"name":"DigiCert"}}}`, 400, "BadParameter", ""},
		{"POST", "/certificates/one/create" + v, `{"policy":{"x509_props":{"subject":"CN=a"},"secret_props":{"contentType":"text"}}}`, 400, "BadParameter", ""},
		{"POST", "/secrets/there/backup" + v, "", 400, "BadParameter", "POST secrets/{name}/backup is not offered by this stand-in for Key Vault."},
		{"POST", "/certificates/one/import" + v, "{}", 400, "BadParameter", ""},

		{"PUT", "/secrets/gone" + v, `{"value":"x"}`, 409, "Conflict", "Secret gone is currently in a deleted but recoverable state, and its name cannot be reused; in this state, the secret can only be recovered or purged."},

		{"POST", "/secrets/there" + v, "", 405, "MethodNotAllowed", "The method POST is not allowed on /secrets/there; allowed: GET, PUT, PATCH, DELETE."},
		{"DELETE", "/secrets/there/" + version + v, "", 405, "MethodNotAllowed", ""},
		{"POST", "/secrets" + v, "", 405, "MethodNotAllowed", ""},
		{"GET", "/" + v, "", 404, "NotFound", ""},
		{"GET", "/storage" + v, "", 404, "NotFound", ""},
		{"GET", "/secrets/a/b/c" + v, "", 404, "NotFound", ""},
	} {
		answer := s.send(t, c.method, c.path, c.body, nil)
		where := c.method + " " + c.path
		if answer.Code != c.status {
			t.Errorf("%s: %d, want %d: %s", where, answer.Code, c.status, answer.Body)
			continue
		}
		var got refusal
		if err := json.Unmarshal(answer.Body.Bytes(), &got); err != nil {
			t.Errorf("%s: %v in %s", where, err, answer.Body)
			continue
		}
		if got.Error.Code != c.code || got.Error.Message == "" || (c.message != "" && got.Error.Message != c.message) {
			t.Errorf("%s:\ngot  %s: %s\nwant %s: %s", where, got.Error.Code, got.Error.Message, c.code, c.message)
		}
		if content := answer.Header().Get("Content-Type"); content != "application/json; charset=utf-8" {
			t.Errorf("%s: Content-Type %s", where, content)
		}
	}
	if value, err := s.SecretValue("demo-kv", "there", ""); err != nil || value != "value" {
		t.Errorf("after all that the secret is %q, %v", value, err)
	}
}

func TestHosts(t *testing.T) {
	s := newStand(t)
	for host, want := range map[string]int{
		"demo-kv.vault.azure.net:8443":    http.StatusOK,
		"DEMO-KV.Vault.Azure.Net":         http.StatusOK,
		"demo-kv.vault.azure.net.":        http.StatusOK,
		"demo-kv.vault.usgovcloudapi.net": http.StatusOK,
		"other-kv.vault.azure.net":        http.StatusNotFound,
		"vault.azure.net":                 http.StatusNotFound,
		"demo-kv.example.com":             http.StatusNotFound,
		"a.demo-kv.vault.azure.net":       http.StatusNotFound,
		"demo-kv":                         http.StatusNotFound,
		"127.0.0.1:443":                   http.StatusNotFound,
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+host+"/secrets?api-version=7.4", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != want || (want == http.StatusNotFound) != strings.Contains(w.Body.String(), `"VaultNotFound"`) {
			t.Errorf("host %q: %d %s, want %d", host, w.Code, w.Body, want)
		}
	}
}
