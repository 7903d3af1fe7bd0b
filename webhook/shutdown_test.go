package webhook

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"akv-injector/inject/provider"
)

// A request that is under way when the server's context ends is answered, with all that
// the answer needs.
func TestRequestOutlivesTheServersContext(t *testing.T) {
	cl := newCluster(inPlace()...)
	a := cl.admission()
	server, end := context.WithCancel(t.Context())
	a.ensure = func(ctx context.Context, _ string, _ provider.Class) (string, error) {
		end()
		return "created", ctx.Err()
	}
	r := httptest.NewRequestWithContext(server, http.MethodPost, MutatePath+"?timeout=5s",
		bytes.NewReader(marshal(t, reviewOf(raw(t, asking())))))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	a.Mutate().ServeHTTP(w, r)
	if server.Err() == nil {
		t.Fatal("no class was written")
	}
	if w.Code != http.StatusOK {
		t.Errorf("HTTP %d: %s", w.Code, w.Body)
	}
}
