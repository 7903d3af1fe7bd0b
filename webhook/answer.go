package webhook

import (
	"encoding/base64"
	"encoding/json"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"akv-injector/internal/text"
)

// appendAnswer appends the AdmissionReview with a response, as json.Marshal writes it.
func appendAnswer(b []byte, response *admissionv1.AdmissionResponse) ([]byte, error) {
	if response.Result != nil {
		answer, err := json.Marshal(&admissionv1.AdmissionReview{
			TypeMeta: metav1.TypeMeta{APIVersion: reviewVersion, Kind: reviewKind},
			Response: response,
		})
		return append(b, answer...), err
	}
	b = append(b, `{"kind":"`+reviewKind+`","apiVersion":"`+reviewVersion+`","response":{"uid":`...)
	b = text.AppendJSON(b, string(response.UID))
	if response.Allowed {
		b = append(b, `,"allowed":true`...)
	} else {
		b = append(b, `,"allowed":false`...)
	}
	if len(response.Patch) > 0 {
		b = append(b, `,"patch":"`...)
		b = base64.StdEncoding.AppendEncode(b, response.Patch)
		b = append(b, '"')
	}
	if response.PatchType != nil {
		b = append(b, `,"patchType":`...)
		b = text.AppendJSON(b, string(*response.PatchType))
	}
	if len(response.AuditAnnotations) > 0 {
		b = append(b, `,"auditAnnotations":`...)
		b = text.AppendJSONMap(b, response.AuditAnnotations)
	}
	if len(response.Warnings) > 0 {
		b = append(b, `,"warnings":`...)
		b = text.AppendJSONList(b, response.Warnings)
	}
	return append(b, `}}`...), nil
}
