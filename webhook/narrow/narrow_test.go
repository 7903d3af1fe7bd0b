package narrow_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	k8sruntime "k8s.io/apimachinery/pkg/runtime"
	kjson "sigs.k8s.io/json"

	"akv-injector/internal/testing/narrowed"
	"akv-injector/webhook/narrow"
)

var wide = narrow.Limits{Elements: 1 << 30, Fields: 1 << 30}

// atOnce is the turn of somebody who is alone.
func atOnce(string) bool { return true }

// A pod is read only when it is its turn, which is asked for with its namespace.
func TestTurn(t *testing.T) {
	for _, mine := range []bool{true, false} {
		var asked []string
		_, pod, ok := narrow.Review([]byte(reviewOf(whole)), wide, func(namespace string) bool {
			asked = append(asked, namespace)
			return mine
		})
		if ok != mine || (pod != nil) != mine || !slices.Equal(asked, []string{"shop"}) {
			t.Errorf("its turn is %t: read %t, %v, asked for %q", mine, ok, pod, asked)
		}
	}
}

// agree checks what is read of a text against the API server's decoder, which must take it without an objection, into the
// same. It reports whether the pod and the review were read.
func agree(t *testing.T, text []byte) (asPod, asReview bool) {
	t.Helper()
	if !utf8.Valid(text) {
		return false, false
	}
	pod, asPod := narrow.Pod(text)
	if asPod {
		same(t, text, pod, &corev1.Pod{})
	}
	review, within, asReview := narrow.Review(text, wide, atOnce)
	if asReview {
		same(t, text, review, &admissionv1.AdmissionReview{})
		same(t, review.Request.Object.Raw, within, &corev1.Pod{})
	}
	return asPod, asReview
}

func same(t *testing.T, text []byte, narrow, whole any) {
	t.Helper()
	duplicates, err := kjson.UnmarshalStrict(text, whole, kjson.DisallowDuplicateFields)
	if err != nil || len(duplicates) > 0 {
		t.Fatalf("%T is read of %q, and the API server's decoder says %v %v", whole, text, err, duplicates)
	}
	narrowed.Clear(whole)
	if !reflect.DeepEqual(narrow, whole) {
		t.Fatalf("%T of %q is read as\n%#v\nand by the API server's decoder as\n%#v", whole, text, narrow, whole)
	}
}

// reviewOf is a review of a pod in JSON.
func reviewOf(pod string) string {
	return `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"a-1","kind":{"group":"","version":"v1","kind":"Pod"},` +
		`"resource":{"group":"","version":"v1","resource":"pods"},"namespace":"shop","operation":"CREATE","userInfo":{"username":"u","groups":["g"],` +
		`"extra":{"authentication.kubernetes.io/pod-name":["a"]}},"object":` + pod + `,"oldObject":null,"dryRun":false,"options":{"kind":"CreateOptions","apiVersion":"meta.k8s.io/v1"}}}`
}

// whole is a pod with much of what pods have.
const whole = `{"kind":"Pod","apiVersion":"v1","metadata":{"name":"web-1","generateName":"web-","namespace":"shop","creationTimestamp":null,
"labels":{"a":"b"},"annotations":{"azure.keyvault.injector/objects":"DB-Password\nAPI-Key \u003c \"x\""},
"ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"web","uid":"1","controller":true,"blockOwnerDeletion":true}],
"managedFields":[{"manager":"kubectl","operation":"Update","apiVersion":"v1","time":"2026-01-02T03:04:05Z","fieldsType":"FieldsV1","fieldsV1":{"f:metadata":{"f:labels":{".":{},"f:a":{}}},"f:spec":{"f:containers":{"k:{\"name\":\"app-0\"}":{".":{},"f:image":{}}}}}}]},
"spec":{"volumes":[{"name":"t","projected":{"sources":[{"serviceAccountToken":{"expirationSeconds":3607,"path":"token"}},{"configMap":{"name":"kube-root-ca.crt","items":[{"key":"ca.crt","path":"ca.crt"}]}},
{"downwardAPI":{"items":[{"path":"namespace","fieldRef":{"apiVersion":"v1","fieldPath":"metadata.namespace"}}]}}],"defaultMode":420}},{"name":"e","emptyDir":{"sizeLimit":"1Gi"}},
{"name":"s","csi":{"driver":"secrets-store.csi.k8s.io","readOnly":true,"volumeAttributes":{"secretProviderClass":"a"}}},{"name":"p","ephemeral":{"volumeClaimTemplate":{"spec":{"accessModes":["ReadWriteOnce"]}}}}],
"initContainers":[{"name":"i","image":"i","restartPolicy":"Always"}],
"containers":[{"name":"app","image":"x","command":["a"],"args":[],"ports":[{"containerPort":80,"protocol":"TCP"}],"env":[{"name":"A","value":"\t"},{"name":"CPU","valueFrom":{"resourceFieldRef":{"resource":"limits.cpu","divisor":"0"}}},
{"name":"S","valueFrom":{"secretKeyRef":{"name":"s","key":"k","optional":false}}}],"envFrom":[{"secretRef":{"name":"x"}}],"resources":{"limits":{"cpu":"100m","memory":"1.5Gi"}},
"volumeMounts":[{"name":"t","readOnly":true,"mountPath":"/var/run/secrets/kubernetes.io/serviceaccount"},{"name":"s","mountPath":"/s","subPath":"a"}],
"livenessProbe":{"httpGet":{"path":"/","port":"http","scheme":"HTTP"},"timeoutSeconds":1},"readinessProbe":{"tcpSocket":{"port":80}},"securityContext":{"runAsUser":65532,"capabilities":{"drop":["ALL"]}}}],
"restartPolicy":"Always","nodeSelector":{"kubernetes.io/os":"linux"},"serviceAccountName":"a","serviceAccount":"a","automountServiceAccountToken":false,"securityContext":{"fsGroup":1000},
"imagePullSecrets":[{"name":"r"}],"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[{"matchExpressions":[{"key":"a","operator":"In","values":["b"]}]}]}}},
"tolerations":[{"key":"a","operator":"Exists","effect":"NoExecute","tolerationSeconds":300}],"readinessGates":[{"conditionType":"a/b"}],"os":{"name":"linux"},"enableServiceLinks":true,"newerThanUs":{"a":[1,2.5e3,null,true]}},"status":{"phase":"Pending"}}`

// odd are pods that decoders of JSON disagree about.
var odd = []string{
	`{"metadata":null,"spec":{"containers":[null],"volumes":null}}`,
	`{"metadata":{"labels":{"a":null},"annotations":{}},"spec":{"containers":[],"nodeSelector":{}}}`,
	`{"metadata":{"name":"a","name":"b"}}`,
	`{"metadata":{"labels":{"a":"b","a":"c"}}}`,
	`{"new":{"a":1,"a":2}}`, `{"new":1,"new":2}`, `{"metadata":{"managedFields":[{"fieldsV1":{"f:a":{},"f:a":{}}}]}}`,
	`{"metadata":{"Name":"a","NAME":"b"},"SPEC":{}}`,
	`{"metadata":{"n\u0061me":"a"}}`, `{"metadata":{"name":"a","n\u0061me":"b"}}`,
	`{"spec":{"activeDeadlineSeconds":1e2}}`, `{"spec":{"activeDeadlineSeconds":1.0}}`, `{"spec":{"activeDeadlineSeconds":-0}}`, `{"spec":{"activeDeadlineSeconds":01}}`,
	`{"spec":{"activeDeadlineSeconds":9223372036854775808}}`, `{"spec":{"activeDeadlineSeconds":9223372036854775807}}`, `{"spec":{"activeDeadlineSeconds":"1"}}`,
	`{"spec":{"priority":2147483648}}`, `{"spec":{"priority":-2147483648}}`, `{"spec":{"priority":"1"}}`, `{"spec":{"priority":{}}}`,
	`{"spec":{"hostNetwork":null,"hostPID":"true"}}`, `{"spec":{"hostPID":1}}`, `{"spec":{"hostPID":True}}`,
	`{"metadata":{"name":"\ud800","labels":{"\u0061":"\u00e9\n"}}}`, `{"metadata":{"name":"\ud800"}}`, `{"metadata":{"name":"\ud83d\ude00\/"}}`, `{"metadata":{"name":"\x"}}`, `{"metadata":{"name":"\u12"}}`,
	"{\"metadata\":{\"name\":\"a\x01\"}}", "{\"metadata\":{\"name\":\"aaaaaaaaaaaaaaaaaaaa\x1f\"}}", "{\"metadata\":{\"name\":\"aaaaaaaaaaaaaaaaaaaa\x7f\u00e9\"}}",
	`{"metadata":{"deletionTimestamp":"2026-01-02T03:04:05Z"}}`, `{"metadata":{"creationTimestamp":"yesterday"}}`, `{"metadata":{"creationTimestamp":"2026-01-02T03:04:05+01:00"}}`, `{"metadata":{"creationTimestamp":5}}`,
	`{"spec":{"containers":[{"resources":{"limits":{"cpu":1,"memory":"1Gi","x":"1.5e3"}}}]}}`, `{"spec":{"containers":[{"resources":{"limits":{"cpu":"many"}}}]}}`, `{"spec":{"containers":[{"resources":{"limits":{"cpu":""}}}]}}`,
	`{"spec":{"containers":[{"resources":{"limits":{"cpu":"1k","a":"1Ki","b":"1K","c":"1u","d":".5","e":"1."}}}]}}`, `{"spec":{"containers":[{"resources":{"limits":{"cpu":null}}}]}}`,
	`{"spec":{"volumes":[{"emptyDir":{"sizeLimit":"1Gi"}}]}}`, `{"spec":{"volumes":[{"emptyDir":{"sizeLimit":5}}]}}`, `{"spec":{"volumes":[{"emptyDir":{"sizeLimit":null}}]}}`,
	`{"spec":{"containers":[{"livenessProbe":{"httpGet":{"port":null}}}]}}`, `{"spec":{"containers":[{"livenessProbe":{"httpGet":{"port":80.5}}}]}}`,
	`{"spec":{"containers":{"a":1}}}`, `{"spec":[]}`, `{"spec":"a"}`, `{"spec":{"containers":[[]]}}`,
	`{"kind":"Pod","apiVersion":"v1"} `, `{"kind":"Pod"}{}`, `{"kind":"Pod",}`, `{"kind":"Pod" "a":1}`, `{"kind"}`, `{,}`, `[,]`, `{"a":[1,]}`, `{"a":[1 2]}`,
	` null`, `[]`, `"a"`, ``, `{`, `{"a`, `{"a":`, `{"a":"\`, `{"a":-}`, `{"a":1.}`, `{"a":1e}`, `{"a":1e+}`, `{"a":nul}`, `{"a":tru`, `{"":1}`,
	`{"status":{"phase":1}}`, `{"status":{"conditions":[{"lastProbeTime":null,"status":"True","type":"a"}]}}`,
}

// reviews are odd ones.
var reviews = []string{
	reviewOf(`null`), reviewOf(`"a"`), reviewOf(`{}`), reviewOf(whole), reviewOf("\n"+whole+"\t") + " ",
	`{"request":{"uid":"a","object":{"a":1,"a":2},"userInfo":{"extra":{"a":["b",null]}},"dryRun":null,"options":null}}`,
	`{"request":{"object":{},"kind":{"version":"v1","kind":"Pod"}}}`, `{"request":{"kind":{"version":"v1","kind":"Pod"},"object":{},"oldObject":{"a" : [1, 2.50, 1e999]} }}`,
	`{"request":{"kind":{"version":"v1","kind":"Pod"},"object":{},"object":{}}}`, `{"request":{"kind":{"version":"v1","kind":"Pod"},"object":{},"kind":{"version":"v1","kind":"Node"}}}`,
	`{"response":{"uid":"a","allowed":true},"request":{"kind":{"version":"v1","kind":"Pod"},"object":{}}}`, `{"response":{"patch":"YQ=="},"request":{"kind":{"version":"v1","kind":"Pod"},"object":{}}}`,
	`{"request":null}`, `{}`,
}

func TestOddities(t *testing.T) {
	for _, text := range append(append([]string{}, odd...), reviews...) {
		agree(t, []byte(text))
		agree(t, []byte(reviewOf(text)))
	}
}

// What comes every day is read, and does not go the long way.
func TestEveryDay(t *testing.T) {
	if asPod, _ := agree(t, []byte(whole)); !asPod {
		t.Error("the pod is not read")
	}
	if _, asReview := agree(t, []byte(reviewOf(whole))); !asReview {
		t.Error("the review is not read")
	}
	// As Go writes it.
	pod := &corev1.Pod{}
	if err := json.Unmarshal([]byte(whole), pod); err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(pod)
	if err != nil {
		t.Fatal(err)
	}
	review, err := json.Marshal(&admissionv1.AdmissionReview{Request: &admissionv1.AdmissionRequest{Kind: podKind, Namespace: "shop", Object: k8sruntime.RawExtension{Raw: raw}}})
	if err != nil {
		t.Fatal(err)
	}
	if asPod, _ := agree(t, raw); !asPod {
		t.Errorf("not read: %s", raw)
	}
	if _, asReview := agree(t, review); !asReview {
		t.Errorf("not read: %s", review)
	}
}

func TestLimits(t *testing.T) {
	const many = 100
	// The pod, its spec and the list; the elements of that, and the commas between them.
	elements := reviewOf(`{"spec":{"containers":[` + strings.Repeat(`{},`, many-1) + `{}]},"kind":"Pod"}`)
	// The commas between the labels, and the one of the pod itself.
	var labels []string
	for i := range many {
		labels = append(labels, fmt.Sprintf(`"l%d":""`, i))
	}
	fields := reviewOf(`{"metadata":{"labels":{` + strings.Join(labels, ",") + `}},"kind":"Pod"}`)
	for _, c := range []struct {
		body   string
		limits narrow.Limits
		want   bool
	}{
		{elements, narrow.Limits{Elements: 3 + 2*many - 1, Fields: 1000}, true},
		{elements, narrow.Limits{Elements: 3 + 2*many - 2, Fields: 1000}, false},
		{fields, narrow.Limits{Elements: 1000, Fields: many}, true},
		{fields, narrow.Limits{Elements: 1000, Fields: many - 1}, false},
	} {
		if _, _, ok := narrow.Review([]byte(c.body), c.limits, atOnce); ok != c.want {
			t.Errorf("%.120s… with %+v: read is %t, want %t", c.body, c.limits, ok, c.want)
		}
	}
}

// FuzzPod looks for a text that is read otherwise than the API server does.
func FuzzPod(f *testing.F) {
	for _, text := range append(append([]string{whole}, odd...), reviews...) {
		f.Add([]byte(text))
		f.Add([]byte(reviewOf(text)))
	}
	f.Fuzz(func(t *testing.T, text []byte) { agree(t, text) })
}

// What goes beyond the limits is not read to its end: a million empty volumes would take a quarter of a gigabyte.
func TestLimitsHoldWhileReading(t *testing.T) {
	body := []byte(reviewOf(`{"spec":{"volumes":[` + strings.Repeat(`{},`, 1_000_000) + `{}]}}`))
	limits := narrow.Limits{Elements: 30_000, Fields: 200_000}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, _, ok := narrow.Review(body, limits, atOnce)
	runtime.ReadMemStats(&after)
	if allocated := (after.TotalAlloc - before.TotalAlloc) >> 20; ok || allocated > 32 {
		t.Errorf("read: %t, %d MiB allocated", ok, allocated)
	}
}
