package doctor_test

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"k8s.io/client-go/rest"
)

// front stands before the API server: all goes through, but for answers that a test gives in its place. A version of Kubernetes that is too old,
// and an issuer that the world knows, are not to be had here otherwise.
type front struct {
	kubeconfig string
	// issuer is a server that answers as the cluster's OIDC issuer does, and caFile has the CA of its certificate.
	issuer, caFile string

	mu      sync.Mutex
	answers map[string]string
	names   string // the issuer that the document at the issuer names
}

const discoveryPath = "/.well-known/openid-configuration"

func newFront(t *testing.T, config *rest.Config) *front {
	t.Helper()
	f := &front{answers: map[string]string{}}
	transport, err := rest.TransportFor(config)
	if err != nil {
		t.Fatal(err)
	}
	target, err := url.Parse(config.Host)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		answer, ok := f.answers[r.URL.Path]
		f.mu.Unlock()
		if !ok {
			proxy.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, answer)
	}))
	t.Cleanup(server.Close)
	dir := t.TempDir()
	f.kubeconfig = filepath.Join(dir, "kubeconfig")
	write := func(file, text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(f.kubeconfig, fmt.Sprintf(`{"apiVersion":"v1","kind":"Config","current-context":"a","contexts":[{"name":"a","context":{"cluster":"a"}}],"clusters":[{"name":"a","cluster":{"server":%q}}]}`, server.URL))

	issuer := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		_ = json.NewEncoder(w).Encode(map[string]string{"issuer": f.names})
	}))
	t.Cleanup(issuer.Close)
	f.issuer, f.caFile = issuer.URL, filepath.Join(dir, "ca.crt")
	write(f.caFile, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: issuer.Certificate().Raw})))
	f.issuedBy(f.issuer, f.issuer)
	return f
}

// answer answers a path with a text; the empty one lets it through again.
func (f *front) answer(path, text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if text == "" {
		delete(f.answers, path)
	} else {
		f.answers[path] = text
	}
}

// issuedBy sets the issuer of the cluster's tokens, and what the document there names.
func (f *front) issuedBy(issuer, names string) {
	f.answer(discoveryPath, fmt.Sprintf(`{"issuer":%q}`, issuer))
	f.mu.Lock()
	defer f.mu.Unlock()
	f.names = names
}
