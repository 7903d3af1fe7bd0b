package webhook

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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
	b = appendText(b, string(response.UID))
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
		b = appendText(b, string(*response.PatchType))
	}
	if len(response.AuditAnnotations) > 0 {
		b = append(b, `,"auditAnnotations":`...)
		b = appendTexts(b, response.AuditAnnotations)
	}
	if len(response.Warnings) > 0 {
		b = append(b, `,"warnings":[`...)
		for i, warning := range response.Warnings {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendText(b, warning)
		}
		b = append(b, ']')
	}
	return append(b, `}}`...), nil
}

// appendText appends a string in JSON, as json.Marshal writes it.
func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			escaped, err := json.Marshal(s)
			if err != nil {
				panic("a string is always JSON: " + err.Error())
			}
			return append(b, escaped...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

// appendTexts appends a map of strings, by key.
func appendTexts(b []byte, m map[string]string) []byte {
	b = append(b, '{')
	for i, key := range slices.Sorted(maps.Keys(m)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(b, key)
		b = append(b, ':')
		b = appendText(b, m[key])
	}
	return append(b, '}')
}
