package serving

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-logr/logr/funcr"
)

func TestProbes(t *testing.T) {
	var lines []string
	p := NewProbes(funcr.New(func(_, args string) { lines = append(lines, args) }, funcr.Options{}))
	var certificate, crd error
	p.Add("certificate", func(*http.Request) error { return certificate })
	p.Add("controllers", func(*http.Request) error { return crd })
	get := func(path string) (int, string) {
		w := httptest.NewRecorder()
		p.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w.Code, w.Body.String()
	}
	certificate, crd = errors.New("no tls.crt"), errors.New("no CRD")
	steps := []struct {
		certificate, crd error
		code             int
		body             string
	}{
		{errors.New("no tls.crt"), errors.New("no CRD"), 503, "not ready\ncertificate: no tls.crt\ncontrollers: no CRD\n"},
		{nil, errors.New("no CRD"), 503, "not ready\ncontrollers: no CRD\n"},
		{nil, nil, 200, "ok\n"},
		{nil, nil, 200, "ok\n"},
		{errors.New("expired"), nil, 503, "not ready\ncertificate: expired\n"},
	}
	for i, s := range steps {
		certificate, crd = s.certificate, s.crd
		if code, body := get("/readyz"); code != s.code || body != s.body {
			t.Errorf("step %d: %d %q, want %d %q", i, code, body, s.code, s.body)
		}
		if code, _ := get("/healthz"); code != 200 {
			t.Errorf("step %d: /healthz is %d", i, code)
		}
	}
	if n := len(lines); n != 4 {
		t.Errorf("%d lines, want one a change:\n%s", n, strings.Join(lines, "\n"))
	}
}
