package webhook

import (
	"reflect"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"
)

// oddities are what decoders of JSON disagree about.
var oddities = []string{
	`{"metadata":null,"spec":{"containers":[null],"volumes":null}}`,
	`{"metadata":{"labels":{"a":null},"annotations":{}},"spec":{"containers":[]}}`,
	`{"metadata":{"name":"a","name":"b"}}`,
	`{"metadata":{"Name":"a","NAME":"b"},"SPEC":{}}`,
	`{"spec":{"terminationGracePeriodSeconds":1e2}}`,
	`{"spec":{"terminationGracePeriodSeconds":1.0}}`,
	`{"spec":{"terminationGracePeriodSeconds":-0}}`,
	`{"spec":{"terminationGracePeriodSeconds":9223372036854775808}}`,
	`{"spec":{"priority":2147483648}}`,
	`{"spec":{"terminationGracePeriodSeconds":"1"}}`,
	`{"spec":{"hostNetwork":null,"hostPID":"true"}}`,
	`{"metadata":{"name":"\ud800","labels":{"\u0061":"\u00e9\n"}}}`,
	`{"metadata":{"name":"a` + "\xff" + `"}}`,
	`{"metadata":{"name":"a` + "\x01" + `"}}`,
	`{"metadata":{"creationTimestamp":null,"deletionTimestamp":"2026-01-02T03:04:05Z","managedFields":[{"fieldsV1":{"f:a":{"f:a":{},"f:a":{}}}}]}}`,
	`{"metadata":{"creationTimestamp":"yesterday"}}`,
	`{"spec":{"containers":[{"resources":{"limits":{"cpu":1,"memory":"1Gi","x":"1.5e3"}},"ports":[{"containerPort":80}],"livenessProbe":{"httpGet":{"port":"http"}}}]}}`,
	`{"spec":{"containers":[{"resources":{"limits":{"cpu":"many"}}}]}}`,
	`{"spec":{"containers":{"a":1}}}`,
	`{"spec":{"volumes":[{"csi":{"driver":"secrets-store.csi.k8s.io","readOnly":true,"volumeAttributes":{"a":"b"}}}]}}`,
	`{"kind":"Pod","apiVersion":"v1"} `,
	`{"kind":"Pod"}{}`,
	`{"kind":"Pod",}`,
	` null`, `[]`, `"a"`, ``, `{`,
	`{"spec":{"parameters":{"a":1}}}`,
	`{"request":{"uid":"a","object":{"a":1,"a":2},"userInfo":{"extra":{"a":["b",null]}},"dryRun":null,"options":null}}`,
	`{"request":{"object": {"a" : [1, 2.50, 1e999]} ,"oldObject":null}}`,
}

// agree checks what decodeQuickly makes of a text against the decoder of the API server: it decodes only what that takes
// without an objection, into the same.
func agree(t *testing.T, text []byte) {
	t.Helper()
	for _, empty := range []func() any{
		func() any { return &corev1.Pod{} },
		func() any { return workloads()[0].empty() },
		func() any { return &secretsstorev1.SecretProviderClass{} },
		func() any { return &admissionv1.AdmissionReview{} },
	} {
		quick, whole := empty(), empty()
		if !decodeQuickly(text, quick) {
			continue
		}
		duplicates, err := decodeStrictly(text, whole)
		if err != nil || len(duplicates) > 0 {
			t.Fatalf("%T of %q is decoded quickly, and the API server's decoder says %v %v", whole, text, err, duplicates)
		}
		if !reflect.DeepEqual(quick, whole) {
			t.Fatalf("%T of %q is decoded quickly as\n%#v\nand by the API server's decoder as\n%#v", whole, text, quick, whole)
		}
	}
}

func TestDecodersAgree(t *testing.T) {
	for _, text := range oddities {
		agree(t, []byte(text))
	}
	for _, text := range [][]byte{raw(t, asking()), raw(t, podOf(20)), marshal(t, reviewOf(raw(t, podOf(3))))} {
		agree(t, text)
		if pod, review := (&corev1.Pod{}), (&admissionv1.AdmissionReview{}); !decodeQuickly(text, pod) || !decodeQuickly(text, review) {
			t.Errorf("what comes every day is not decoded quickly: %s", text)
		}
	}
}

// FuzzDecode looks for a text that the two decoders take differently.
func FuzzDecode(f *testing.F) {
	for _, text := range oddities {
		f.Add([]byte(text))
	}
	f.Add(raw(f, podOf(2)))
	f.Add(marshal(f, reviewOf(raw(f, asking()))))
	f.Fuzz(func(t *testing.T, text []byte) { agree(t, text) })
}
