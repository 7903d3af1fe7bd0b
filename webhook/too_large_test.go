package webhook

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A request that is too large to be read is refused: a failure would be a pass where
// failurePolicy is Ignore. Without its uid, which the API server writes first, there is no way
// to answer.
func TestTooLargeIsAVerdict(t *testing.T) {
	a := newCluster(inPlace()...).admission()
	const head = `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{`
	fill := `"object":{"a":"` + strings.Repeat(`\u003c`, maxBody/6) + `"}}}`
	for name, tc := range map[string]struct {
		body string
		uid  string
	}{
		"as the API server writes it":  {head + `"uid":"u-1","kind":{"group":"","version":"v1"},` + fill, "u-1"},
		"something before the uid":     {head + `"name":"a","extra":{"b":["c"]},"uid":"u-2",` + fill, "u-2"},
		"no uid":                       {head + fill, ""},
		"an empty uid":                 {head + `"uid":"",` + fill, ""},
		"a uid that is no text":        {head + `"uid":{},` + fill, ""},
		"the uid behind a large field": {head + strings.Replace(fill, `"object"`, `"uid2"`, 1), ""},
		"no review":                    {strings.Repeat("[", maxBody+1), ""},
	} {
		for _, announced := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, announced %t", name, announced), func(t *testing.T) {
				r := httptest.NewRequest(http.MethodPost, ValidatePath, bytes.NewReader([]byte(tc.body)))
				r.Header.Set("Content-Type", "application/json")
				if !announced {
					r.ContentLength = -1
				}
				w := httptest.NewRecorder()
				a.Validate().ServeHTTP(w, r)
				if tc.uid == "" {
					if w.Code != http.StatusRequestEntityTooLarge {
						t.Errorf("HTTP %d, want 413", w.Code)
					}
					return
				}
				got := answerTo(t, w)
				if got.Allowed || string(got.UID) != tc.uid || got.Result.Code != http.StatusRequestEntityTooLarge || !strings.Contains(got.Result.Message, "Fix: ") {
					t.Errorf("allowed %t, uid %q: %+v", got.Allowed, got.UID, got.Result)
				}
			})
		}
	}
}
