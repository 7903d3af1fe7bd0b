package webhook

import (
	"encoding/json"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// FuzzAnswer holds what is written by hand against what json.Marshal writes.
func FuzzAnswer(f *testing.F) {
	f.Add("a-1", true, []byte(`[{"op":"add"}]`), "classes", "a,b", "careful", "", byte(0xff))
	f.Add("", false, []byte{}, "", "", "", "no", byte(0))
	f.Add("\u2028<&>", true, []byte(nil), "\xff", "é\n", "\"\\", "\x7f", byte(3))
	f.Fuzz(func(t *testing.T, uid string, allowed bool, patch []byte, key, value, warning, message string, which byte) {
		response := &admissionv1.AdmissionResponse{UID: types.UID(uid), Allowed: allowed}
		if which&1 != 0 {
			response.Patch = patch
		}
		if which&2 != 0 {
			response.PatchType = new(admissionv1.PatchTypeJSONPatch)
		}
		if which&4 != 0 {
			response.AuditAnnotations = map[string]string{key: value, "findings": value}
		}
		if which&8 != 0 {
			response.Warnings = []string{warning, key}
		}
		if which&16 != 0 {
			response.Result = &metav1.Status{Message: message}
		}
		want, err := json.Marshal(&admissionv1.AdmissionReview{TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"}, Response: response})
		if err != nil {
			t.Fatal(err)
		}
		got, err := appendAnswer([]byte("before"), response)
		if err != nil || string(got) != "before"+string(want) {
			t.Errorf("%v\n%s, want\n%s", err, got, want)
		}
	})
}
