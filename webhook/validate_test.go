package webhook

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"akv-injector/inject/annotation"
)

// injected is asking() after the mutating webhook.
func injected(t *testing.T, a *Admission) *corev1.Pod {
	t.Helper()
	object := raw(t, asking())
	pod := &corev1.Pod{}
	if err := json.Unmarshal(applied(t, object, answerOf(t, a.Mutate(), reviewOf(object))), pod); err != nil {
		t.Fatal(err)
	}
	return pod
}

func TestValidateFindsWhatWasUndone(t *testing.T) {
	cases := map[string]struct {
		undo   func(*corev1.Pod)
		fields []string
	}{
		"nothing":   {undo: func(*corev1.Pod) {}},
		"mount":     {undo: func(p *corev1.Pod) { p.Spec.Containers[0].VolumeMounts = nil }, fields: []string{"spec.containers[0].volumeMounts"}},
		"read-only": {undo: func(p *corev1.Pod) { p.Spec.Containers[0].VolumeMounts[0].ReadOnly = false }, fields: []string{"spec.containers[0].volumeMounts[0].readOnly"}},
		"label":     {undo: func(p *corev1.Pod) { delete(p.Labels, annotation.LabelInjected) }, fields: []string{"metadata.labels[azure.keyvault.injector/injected]"}},
		"all": {
			undo: func(p *corev1.Pod) { *p = *asking() },
			fields: []string{
				"spec.volumes", "spec.containers[0].volumeMounts", "metadata.labels",
				"metadata.annotations[azure.keyvault.injector/status]",
			},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			a := newCluster(inPlace()...).admission()
			pod := injected(t, a)
			c.undo(pod)
			answer := answerOf(t, a.Validate(), reviewOf(raw(t, pod)))
			if answer.Allowed != (c.fields == nil) {
				t.Fatalf("allowed is %v: %+v", answer.Allowed, answer.Result)
			}
			if answer.Allowed {
				return
			}
			var fields []string
			for _, cause := range answer.Result.Details.Causes {
				fields = append(fields, cause.Field)
				if !strings.Contains(answer.Result.Message, "\n"+cause.Field+": ") {
					t.Errorf("the message does not name %s:\n%s", cause.Field, answer.Result.Message)
				}
			}
			if diff := cmp.Diff(c.fields, fields); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
			if answer.Result.Code != 422 || !strings.Contains(answer.Result.Message, "another webhook changed the pod") {
				t.Errorf("want a 422 that says why: %+v", answer.Result)
			}
			if strings.Contains(answer.Result.Message, "keyvaultName") {
				t.Errorf("the message quotes the patch:\n%s", answer.Result.Message)
			}
		})
	}
}

// A pod that a controller made is not refused for what its template says; whether a
// controller made it is not for the pod to say alone.
func TestHandWritten(t *testing.T) {
	controller := []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "x", UID: "x", Controller: new(true)}}
	builtin := authenticationv1.UserInfo{
		Username: "system:serviceaccount:kube-system:replicaset-controller",
		Groups:   []string{"system:serviceaccounts", "system:serviceaccounts:kube-system"},
	}
	cases := map[string]struct {
		owners  []metav1.OwnerReference
		user    authenticationv1.UserInfo
		allowed bool
	}{
		"bare pod":                {user: authenticationv1.UserInfo{Username: "jane"}},
		"jane, with a reference":  {owners: controller, user: authenticationv1.UserInfo{Username: "jane"}},
		"account without owner":   {user: builtin},
		"built-in controller":     {owners: controller, user: builtin, allowed: true},
		"kube-controller-manager": {owners: controller, user: authenticationv1.UserInfo{Username: "system:kube-controller-manager"}, allowed: true},
		"another controller": {owners: controller, user: authenticationv1.UserInfo{
			Username: "system:serviceaccount:argo:c", Groups: []string{"system:serviceaccounts", "system:serviceaccounts:argo"},
		}, allowed: true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			cl := newCluster(append(inPlace(), legacyClass())...)
			pod := handWritten(t, "{name: secrets, mountPath: /s/p, subPath: DB-Password, readOnly: true}")
			pod.OwnerReferences = c.owners
			review := reviewOf(raw(t, pod))
			review.Request.UserInfo = c.user
			answer := answerOf(t, cl.admission().Validate(), review)
			if answer.Allowed != c.allowed {
				t.Fatalf("allowed is %v: %+v", answer.Allowed, answer.Result)
			}
			if c.allowed && !strings.Contains(strings.Join(answer.Warnings, "\n"), "AKV001 subpath") {
				t.Errorf("want a warning of AKV001, got %q", answer.Warnings)
			}
			if !strings.Contains(answer.AuditAnnotations["findings"], "AKV001 spec.containers[0].volumeMounts[0].subPath") {
				t.Errorf("audit annotations: %v", answer.AuditAnnotations)
			}
		})
	}
}

func TestFieldOf(t *testing.T) {
	cases := map[string]string{
		"/spec/volumes/-": "spec.volumes",
		"/spec/containers/12/volumeMounts/0/readOnly":     "spec.containers[12].volumeMounts[0].readOnly",
		"/metadata/labels/azure.workload.identity~1use":   "metadata.labels[azure.workload.identity/use]",
		"/metadata/annotations/a~01b":                     "metadata.annotations.a~1b",
		"/spec/volumes/1/csi/volumeAttributes/rotationPo": "spec.volumes[1].csi.volumeAttributes.rotationPo",
		"/":   "",
		"":    "",
		"/-":  "",
		"/0/": "0",
	}
	for pointer, want := range cases {
		t.Run(pointer, func(t *testing.T) {
			if got := fieldOf(pointer); got != want {
				t.Errorf("%q, want %q", got, want)
			}
		})
	}
}
