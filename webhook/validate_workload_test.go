package webhook

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admission/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"akv-injector/inject/annotation"
)

const safeMount = "{name: secrets, mountPath: /s, readOnly: true}"

// unsafeMount is what AKV001 refuses.
const unsafeMount = "{name: secrets, mountPath: /s/p, subPath: DB-Password, readOnly: true}"

// workloadOf is a workload of some kind whose template is the pod.
func workloadOf(tb testing.TB, k kind, pod *corev1.Pod) client.Object {
	tb.Helper()
	template := map[string]any{"metadata": pod.ObjectMeta, "spec": pod.Spec}
	spec := map[string]any{"template": template}
	if k.Kind == "CronJob" {
		spec = map[string]any{"jobTemplate": map[string]any{"spec": spec}}
	}
	o := k.empty()
	text := marshal(tb, map[string]any{
		"apiVersion": k.GroupVersion().String(), "kind": k.Kind,
		"metadata": map[string]any{"name": "web", "namespace": "shop"}, "spec": spec,
	})
	if err := json.Unmarshal(text, o); err != nil {
		tb.Fatal(err)
	}
	return o
}

// changeOf is the API server's request about an object of a kind. Without before it is a
// creation, without now a deletion.
func changeOf(tb testing.TB, k kind, now, before client.Object) *admissionv1.AdmissionReview {
	tb.Helper()
	review := reviewOf(nil)
	r := review.Request
	r.Name = "web"
	r.Kind = metav1.GroupVersionKind{Group: k.Group, Version: k.Version, Kind: k.Kind}
	r.Resource = metav1.GroupVersionResource{Group: k.Group, Version: k.Version, Resource: k.resource.Resource}
	if now != nil {
		r.Object.Raw = raw(tb, now)
	}
	if before != nil {
		r.Operation = admissionv1.Update
		r.OldObject.Raw = raw(tb, before)
	}
	if now == nil {
		r.Operation = admissionv1.Delete
	}
	return review
}

func templateField(k kind) string {
	if k.Kind == "CronJob" {
		return "spec.jobTemplate.spec.template."
	}
	return "spec.template."
}

func TestWorkloadsOfEachKind(t *testing.T) {
	for _, k := range workloads() {
		t.Run(k.Kind, func(t *testing.T) {
			cl := newCluster(append(inPlace(), legacyClass())...)
			handler := cl.admission().ValidateWorkload()
			safe := workloadOf(t, k, handWritten(t, safeMount))
			unsafePod := func() *corev1.Pod { return handWritten(t, unsafeMount) }
			wrong, field := "AKV001 subpath", "spec.containers[0].volumeMounts[0].subPath"
			if k.Kind == "Job" || k.Kind == "CronJob" {
				// Their pods end: a subPath is only a warning there.
				wrong, field = "AKV010 class-twice", "spec.volumes[1].csi.volumeAttributes[secretProviderClass]"
				unsafePod = func() *corev1.Pod {
					pod := handWritten(t, safeMount)
					again := *pod.Spec.Volumes[0].DeepCopy()
					again.Name = "again"
					pod.Spec.Volumes = append(pod.Spec.Volumes, again)
					pod.Spec.Containers[0].VolumeMounts = append(pod.Spec.Containers[0].VolumeMounts, corev1.VolumeMount{Name: "again", MountPath: "/again", ReadOnly: true})
					return pod
				}
			}
			unsafe := workloadOf(t, k, unsafePod())

			if got := answerOf(t, handler, changeOf(t, k, safe, nil)); !got.Allowed || len(got.Warnings) > 0 {
				t.Errorf("a safe one: %+v", got)
			}
			for name, review := range map[string]*admissionv1.AdmissionReview{
				"created": changeOf(t, k, unsafe, nil), "updated": changeOf(t, k, unsafe, safe),
			} {
				got := answerOf(t, handler, review)
				if got.Allowed || got.Result.Code != http.StatusUnprocessableEntity {
					t.Fatalf("%s: allowed is %v: %+v", name, got.Allowed, got.Result)
				}
				if got.Result.Details.Kind != k.Kind || got.Result.Details.Group != k.Group || !strings.HasPrefix(got.Result.Message, k.Kind+` "web" is refused:`) {
					t.Errorf("%s: %+v", name, got.Result)
				}
				if got := got.Result.Details.Causes[0].Field; got != templateField(k)+field {
					t.Errorf("%s: the field is %q", name, got)
				}
			}

			bumped := unsafePod()
			bumped.Spec.Containers[0].Image = "app:2"
			restarted := withAnnotation(unsafePod(), "kubectl.kubernetes.io/restartedAt", "now")
			for name, now := range map[string]*corev1.Pod{"bumped": bumped, "restarted": restarted, "unchanged": unsafePod()} {
				got := answerOf(t, handler, changeOf(t, k, workloadOf(t, k, now), unsafe))
				if !got.Allowed {
					t.Fatalf("%s: refused: %s", name, got.Result.Message)
				}
				if !strings.Contains(strings.Join(got.Warnings, "\n"), wrong) {
					t.Errorf("%s: warnings %q", name, got.Warnings)
				}
			}
			counted := counters(t, cl)
			if counted["findings_total kind="+k.Kind+",outcome=refused,rule="+wrong[:6]+",severity=error"] != 2 ||
				counted["findings_total kind="+k.Kind+",outcome=warned,rule="+wrong[:6]+",severity=warning"] != 3 {
				t.Errorf("counted %v", counted)
			}
		})
	}
}

// Whatever is wrong with it, these are never refused.
func TestWorkloadsLetThrough(t *testing.T) {
	controller := []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "Deployment", Name: "web", UID: "x", Controller: new(true)}}
	now := metav1.NewTime(time.Unix(1, 0))
	cases := map[string]struct {
		owners  []metav1.OwnerReference
		user    authenticationv1.UserInfo
		deleted *metav1.Time
		change  func(*admissionv1.AdmissionRequest)
		refused bool
	}{
		"a person's":                  {user: users["user"], refused: true},
		"a person's, with an owner":   {user: users["user"], owners: controller, refused: true},
		"a Deployment's ReplicaSet":   {user: users["builtin-controller"], owners: controller},
		"kube-system without owner":   {user: users["builtin-controller"], refused: true},
		"another controller's":        {user: users["controller"], owners: controller},
		"being deleted":               {user: users["user"], deleted: &now},
		"status":                      {user: users["user"], change: func(r *admissionv1.AdmissionRequest) { r.SubResource = "status" }},
		"scale":                       {user: users["user"], change: func(r *admissionv1.AdmissionRequest) { r.SubResource = "scale" }},
		"deletion":                    {user: users["user"], change: func(r *admissionv1.AdmissionRequest) { r.Operation = admissionv1.Delete }},
		"what is stored is no object": {user: users["user"], change: func(r *admissionv1.AdmissionRequest) { r.OldObject.Raw = []byte(`{"kind":7}`) }},
	}
	replicaSet := workloads()[3]
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			cl := newCluster(append(inPlace(), legacyClass())...)
			of := func(mount string) client.Object {
				o := workloadOf(t, replicaSet, handWritten(t, mount))
				o.SetOwnerReferences(c.owners)
				o.SetDeletionTimestamp(c.deleted)
				return o
			}
			review := changeOf(t, replicaSet, of(unsafeMount), of(safeMount))
			review.Request.UserInfo = c.user
			if c.change != nil {
				c.change(review.Request)
			}
			if got := answerOf(t, cl.admission().ValidateWorkload(), review); got.Allowed == c.refused {
				t.Errorf("allowed is %v: %+v", got.Allowed, got.Result)
			}
		})
	}
}

// What cannot be read is a verdict, and names what was expected.
func TestUnreadableWorkloads(t *testing.T) {
	deployment := workloads()[0]
	cases := map[string]struct {
		change func(*admissionv1.AdmissionRequest)
		says   string
	}{
		"a pod":             {func(r *admissionv1.AdmissionRequest) { r.Resource.Resource, r.Resource.Group = "pods", "" }, `"pods", expected deployments.apps`},
		"another version":   {func(r *admissionv1.AdmissionRequest) { r.Kind.Version = "v1beta1" }, "expected Deployment of apps/v1"},
		"a kind of another": {func(r *admissionv1.AdmissionRequest) { r.Kind.Kind = "StatefulSet" }, "expected Deployment of apps/v1"},
		"empty":             {func(r *admissionv1.AdmissionRequest) { r.Object.Raw = nil }, "request.object is empty, expected a Deployment"},
		"a field twice": {func(r *admissionv1.AdmissionRequest) {
			r.Object.Raw = []byte(`{"apiVersion":"apps/v1","kind":"Deployment","spec":{},"spec":{}}`)
		}, "ambiguous"},
		"containers of another type": {func(r *admissionv1.AdmissionRequest) {
			r.Object.Raw = []byte(`{"apiVersion":"apps/v1","kind":"Deployment","spec":{"template":{"spec":{"containers":7}}}}`)
		}, "not a Deployment in JSON"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			review := changeOf(t, deployment, workloadOf(t, deployment, asking()), nil)
			c.change(review.Request)
			got := answerOf(t, newCluster(inPlace()...).admission().ValidateWorkload(), review)
			if got.Allowed || got.Result.Code != http.StatusBadRequest || !strings.Contains(got.Result.Message, c.says) {
				t.Errorf("want a 400 that says %q, got %+v", c.says, got.Result)
			}
		})
	}
}

// A dry run says what pods will get; a real apply is quiet.
func TestDescription(t *testing.T) {
	deployment := workloads()[0]
	cases := map[string]struct {
		pod    *corev1.Pod
		dryRun bool
		told   bool
	}{
		"dry run":                    {pod: asking(), dryRun: true, told: true},
		"real":                       {pod: asking()},
		"dry run of what is by hand": {pod: handWritten(t, safeMount), dryRun: true, told: true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			cl := newCluster(append(inPlace(), legacyClass())...)
			review := changeOf(t, deployment, workloadOf(t, deployment, c.pod), nil)
			review.Request.DryRun = &c.dryRun
			got := answerOf(t, cl.admission().ValidateWorkload(), review)
			if !got.Allowed || len(got.Patch) > 0 || len(cl.ensured) > 0 {
				t.Fatalf("%+v; wrote %v", got, cl.ensured)
			}
			// A generated class is looked for on a dry run alone.
			if looked := cl.live.gets > 0; looked != (c.dryRun && c.pod.Annotations[annotation.Objects] != "") {
				t.Errorf("%d live reads", cl.live.gets)
			}
			if told := strings.Contains(strings.Join(got.Warnings, "\n"), "DB-Password"); told != c.told {
				t.Errorf("warnings %q", got.Warnings)
			}
		})
	}
}

func TestDescriptionComesBehindWarnings(t *testing.T) {
	var many []string
	for i := range 500 {
		many = append(many, fmt.Sprintf("/mnt/secrets-store/file-%d", i))
	}
	got := warningLines(findingsOf(1, "x"), "a", "b")
	if diff := cmp.Diff([]string{"spec.containers[0]: AKV003 mount-not-readonly: x", "a", "b"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	got = warningLines(findingsOf(1, "x"), many...)
	if last := got[len(got)-1]; !strings.HasSuffix(last, "more: kubectl akv preview") {
		t.Errorf("the last line is %q", last)
	}
	if total := len(strings.Join(got, "")); total > maxWarnings {
		t.Errorf("%d characters", total)
	}
}

// An update is decided on with the facts of both sides, and stale ones refuse nothing.
func TestWorkloadOnAStaleCache(t *testing.T) {
	deployment := workloads()[0]
	cl := newCluster(inPlace()...)
	cl.cached.items = append(inPlace()[1:], namespace(map[string]string{annotation.AllowedVaults: "other-*"}))
	review := changeOf(t, deployment, workloadOf(t, deployment, asking()), nil)
	if got := answerOf(t, cl.admission().ValidateWorkload(), review); !got.Allowed {
		t.Error(got.Result.Message)
	}
}

// Templates that are larger than any node could run are bounded, the old one too.
func TestAbsurdWorkloads(t *testing.T) {
	deployment := workloads()[0]
	pod := handWritten(t, unsafeMount)
	for i := range 900 {
		v := *pod.Spec.Volumes[0].DeepCopy()
		v.Name = fmt.Sprintf("v%d", i)
		v.CSI.VolumeAttributes["secretProviderClass"] = v.Name
		pod.Spec.Volumes = append(pod.Spec.Volumes, v)
	}
	cl := newCluster(inPlace()...)
	big := workloadOf(t, deployment, pod)
	w := post(cl.admission().ValidateWorkload(), ValidateWorkloadPath, marshal(t, changeOf(t, deployment, big, big)))
	if w.Code != http.StatusOK || cl.live.gets > 20 {
		t.Errorf("HTTP %d after %d live reads", w.Code, cl.live.gets)
	}
}
