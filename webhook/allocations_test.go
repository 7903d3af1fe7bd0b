//go:build !race && !compare

package webhook

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-logr/logr"

	"akv-injector/inject/annotation"
)

// TestAllocations bounds what an admission allocates, which is what most of its time depends on. Who needs more raises the
// bound here, and says in the commit what for. It does not run with the race detector, under which pools drop things at random.
func TestAllocations(t *testing.T) {
	type bound struct{ mutate, validate float64 }
	for name, c := range map[string]struct {
		object []byte
		bound
	}{
		"small":   {raw(t, asking()), bound{168, 242}},
		"typical": {raw(t, podOf(3)), bound{197, 258}},
		"large":   {raw(t, withAnnotation(podOf(20), annotation.Objects+".shared-kv", "key/signing")), bound{545, 430}},
	} {
		cl := newCluster(inPlace()...)
		a := cl.admission()
		a.log = logr.Discard()
		allocated := func(handler http.Handler, body []byte) float64 {
			return testing.AllocsPerRun(200, func() {
				cl.ensured = cl.ensured[:0]
				r := httptest.NewRequest(http.MethodPost, "/?timeout=5s", bytes.NewReader(body))
				r.Header.Set("Content-Type", "application/json")
				w := httptest.NewRecorder()
				handler.ServeHTTP(w, r)
				if w.Code != http.StatusOK {
					t.Fatal(w.Body)
				}
			})
		}
		if got := allocated(a.Mutate(), marshal(t, reviewOf(c.object))); got > c.mutate {
			t.Errorf("%s: a mutation allocates %.0f times, at most %.0f", name, got, c.mutate)
		}
		back := applied(t, c.object, answerOf(t, a.Mutate(), reviewOf(c.object)))
		if got := allocated(a.Validate(), marshal(t, reviewOf(back))); got > c.validate {
			t.Errorf("%s: a validation allocates %.0f times, at most %.0f", name, got, c.validate)
		}
	}
}
