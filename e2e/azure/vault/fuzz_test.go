package vault_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"akv-injector/e2e/azure/vault"
)

// Whatever is asked, the answer is JSON: of an error its code and message, and
// of a token nothing.
func FuzzRequests(f *testing.F) {
	for _, seed := range []struct{ method, target, body string }{
		{"GET", "/secrets?api-version=7.4", ""},
		{"GET", "/secrets?api-version=7.4&maxresults=1&$skiptoken=eyJOZXh0TWFya2VyIjoiYSJ9", ""},
		{"GET", "/secrets/one/?api-version=7.4", ""},
		{"GET", "/secrets/one/versions?api-version=7.6-preview.2", ""},
		{"GET", "/secrets/off/0123456789abcdef0123456789abcdef?api-version=2016-10-01", ""},
		{"PUT", "/secrets/one?api-version=7.4", `{"value":"x","attributes":{"enabled":false,"nbf":1,"exp":null},"tags":{"a":"b"}}`},
		{"PATCH", "/secrets/one/?api-version=7.4", `{"attributes":{"enabled":true},"contentType":"text"}`},
		{"DELETE", "/secrets/one?api-version=7.4", ""},
		{"GET", "/deletedsecrets/gone?api-version=7.4", ""},
		{"POST", "/deletedsecrets/gone/recover?api-version=7.4", ""},
		{"DELETE", "/deletedsecrets/gone?api-version=7.4", ""},
		{"POST", "/keys/k/create?api-version=7.4", `{"kty":"EC","crv":"P-521","key_ops":["sign"]}`},
		{"GET", "/keys/tls?api-version=7.4", ""},
		{"GET", "/certificates/tls/policy?api-version=7.4", ""},
		{"POST", "/certificates/c/create?api-version=7.4", `{"policy":{"key_props":{"kty":"EC"},"x509_props":{"subject":"CN=a","sans":{"dns_names":["a.b"]}}}}`},
		{"GET", "/secrets/a%2Fb%zz?api-version=7.4", ""},
		{"OPTIONS", "//secrets//?api-version=%00;", "\x00"},
	} {
		f.Add(seed.method, seed.target, seed.body, true)
		f.Add(seed.method, seed.target, seed.body, false)
	}
	f.Fuzz(func(t *testing.T, method, target, body string, authenticated bool) {
		// RSA takes too long to be made over and over.
		if strings.Contains(body, "RSA") || strings.Contains(target, "/create") && !strings.Contains(body, `"EC"`) {
			t.Skip()
		}
		path, query, _ := strings.Cut(target, "?")
		u := &url.URL{Scheme: "https", Host: "demo-kv.vault.azure.net", RawQuery: query}
		if plain, err := url.PathUnescape(path); err == nil {
			u.Path, u.RawPath = plain, path
		} else {
			u.Path = path
		}
		s := &stand{now: start}
		s.Service = vault.New(s.config())
		for _, err := range []error{
			s.CreateVault("demo-kv"), set(s, "one"), set(s, "off"), set(s, "gone"),
			s.SetAttributes("demo-kv", vault.Secret, "off", "", vault.Attributes{Enabled: new(false)}),
			s.Delete("demo-kv", vault.Secret, "gone"),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		r := (&http.Request{
			Method: method, URL: u, Host: u.Host, Header: http.Header{},
			Body: http.NoBody, ContentLength: int64(len(body)),
		}).WithContext(t.Context())
		if body != "" {
			r.Body = readCloser{strings.NewReader(body)}
		}
		if authenticated {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)

		if strings.Contains(w.Body.String(), token) {
			t.Errorf("the answer has the token: %s", w.Body)
		}
		if calls := s.Audit(); len(calls) != 1 || calls[0].Status != w.Code {
			t.Errorf("the audit is %+v, the status %d", calls, w.Code)
		}
		switch {
		case w.Code == http.StatusNoContent:
			if w.Body.Len() != 0 {
				t.Errorf("no content, but %s", w.Body)
			}
			return
		case !authenticated && w.Code != http.StatusUnauthorized:
			t.Errorf("without a token: %d %s", w.Code, w.Body)
		case w.Code < 300:
			if !json.Valid(w.Body.Bytes()) {
				t.Errorf("%d with no JSON: %q", w.Code, w.Body)
			}
			return
		case w.Code >= http.StatusInternalServerError:
			t.Errorf("%d %s", w.Code, w.Body)
		}
		var got refusal
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || got.Error.Code == "" || got.Error.Message == "" {
			t.Errorf("%d without a code and a message: %v in %q", w.Code, err, w.Body)
		}
	})
}

func set(s *stand, name string) error {
	_, err := s.SetSecret("demo-kv", name, "value", vault.Attributes{})
	return err
}

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }
