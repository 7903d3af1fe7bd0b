package webhook

import (
	"net/http"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
)

func TestComplexity(t *testing.T) {
	for name, tc := range map[string]struct {
		json string
		want complexity
	}{
		"nothing":                 {``, complexity{}},
		"a map":                   {`{"a":1,"b":{"c":2}}`, complexity{elements: 2, fields: 1}},
		"a list":                  {`{"a":[1,2,3]}`, complexity{elements: 4}},
		"maps in a list":          {`[{},{},null]`, complexity{elements: 5}},
		"a string with brackets":  {`{"a,{[":"],}{\"[{,","b":"\\"}`, complexity{elements: 1, fields: 1}},
		"a string without an end": {`{"a":"[[[`, complexity{elements: 1}},
		"more ends than starts":   {`}]},,`, complexity{fields: 2}},
	} {
		if got := complexityOf([]byte(tc.json)); got != tc.want {
			t.Errorf("%s: %+v, want %+v", name, got, tc.want)
		}
	}
}

// What takes too much memory to be decoded is refused in words, on every path: a failure would
// be a pass where failurePolicy is Ignore.
func TestTooComplexIsAVerdict(t *testing.T) {
	pod := string(raw(t, asking()))
	wide := func(list, element string, n int) []byte {
		return []byte(strings.Replace(pod, `"spec":{`, `"spec":{"`+list+`":[`+strings.TrimSuffix(strings.Repeat(element+",", n), ",")+`],`, 1))
	}
	for name, object := range map[string][]byte{
		"a million volumes":      wide("volumes", "{}", 1_000_000),
		"volumes that are null":  wide("volumes", "null", 100_000),
		"containers":             wide("initContainers", "{}", 50_000),
		"lists in an odd place":  wide("tolerations", "[]", 50_000),
		"a map of many keys":     []byte(strings.Replace(pod, `"metadata":{`, `"metadata":{"managedFields":[{"fieldsV1":{`+strings.Repeat(`"a":1,`, 300_000)+`"b":1}}],`, 1)),
		"keys that are repeated": []byte(strings.Replace(pod, `"spec":{`, `"spec":{`+strings.Repeat(`"nodeName":"",`, 250_000), 1)),
	} {
		t.Run(name, func(t *testing.T) {
			a := newCluster(inPlace()...).admission()
			review := reviewOf([]byte("{}"))
			body := strings.Replace(string(marshal(t, review)), `"object":{}`, `"object":`+string(object), 1)
			for path, handler := range map[string]http.Handler{MutatePath: a.Mutate(), ValidatePath: a.Validate()} {
				got := answerTo(t, post(handler, path, []byte(body)))
				if got.Allowed || !strings.Contains(got.Result.Message, "most that is checked") || !strings.Contains(got.Result.Message, "Fix: ") {
					t.Errorf("%s: %v %+v", path, got.Allowed, got.Result)
				}
			}
		})
	}
}

// An update of an object that is too complex is judged as a creation: what is stored is no
// excuse for what replaces it, and a smaller object may replace it.
func TestTooComplexBefore(t *testing.T) {
	deployment := workloads()[0]
	a := newCluster(inPlace()...).admission()
	review := changeOf(t, deployment, workloadOf(t, deployment, asking()), nil)
	review.Request.Operation = admissionv1.Update
	review.Request.OldObject.Raw = []byte(`{"spec":[` + strings.TrimSuffix(strings.Repeat("{},", maxElements), ",") + `]}`)
	if got := answerOf(t, a.ValidateWorkload(), review); !got.Allowed {
		t.Errorf("a good one is refused: %+v", got.Result)
	}
	bad := asking()
	bad.Annotations["azure.keyvault.injector/objekts"] = "a"
	review.Request.Object.Raw = raw(t, workloadOf(t, deployment, bad))
	if got := answerOf(t, a.ValidateWorkload(), review); got.Allowed {
		t.Error("a bad one is admitted")
	}
}
