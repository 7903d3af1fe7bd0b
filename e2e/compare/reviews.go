package compare

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	admissionv1 "k8s.io/api/admission/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Templates is how many templates the pods of a run come from.
const Templates = 1000

// Where a review has what differs: in each request the uid, and the end of the pod's name; in each template its number.
const (
	uidMark      = "00000000-0000-4000-8000-000000000000"
	nameMark     = "nnnnnnnn"
	templateMark = "template-tttt"
)

// Reviews are AdmissionReviews of one pod's shape, which differ as those of a cluster do.
type Reviews struct {
	Name string
	// parts are the text between the marks; marks[i] stands behind parts[i].
	parts [][]byte
	marks []string
	size  int
}

// NewReviews makes reviews of a pod, which has the marks in it.
func NewReviews(name string, pod []byte, namespace string) (*Reviews, error) {
	review, err := json.Marshal(&admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"},
		Request: &admissionv1.AdmissionRequest{
			UID:         uidMark,
			Kind:        metav1.GroupVersionKind{Version: "v1", Kind: "Pod"},
			Resource:    metav1.GroupVersionResource{Version: "v1", Resource: "pods"},
			RequestKind: &metav1.GroupVersionKind{Version: "v1", Kind: "Pod"}, RequestResource: &metav1.GroupVersionResource{Version: "v1", Resource: "pods"},
			Namespace: namespace, Operation: admissionv1.Create,
			UserInfo: authenticationv1.UserInfo{
				Username: "system:serviceaccount:kube-system:replicaset-controller", UID: "5d5a4b6e-9d1c-4a8e-9f5d-0a4f4a1b3c2d",
				Groups: []string{"system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated"},
			},
			Object: runtime.RawExtension{Raw: pod}, DryRun: new(bool),
			Options: runtime.RawExtension{Raw: []byte(`{"kind":"CreateOptions","apiVersion":"meta.k8s.io/v1"}`)},
		},
	})
	if err != nil {
		return nil, err
	}
	r := &Reviews{Name: name, size: len(review)}
	for rest := review; ; {
		at, mark := len(rest), ""
		for _, m := range []string{uidMark, nameMark, templateMark} {
			if i := bytes.Index(rest, []byte(m)); i >= 0 && i < at {
				at, mark = i, m
			}
		}
		r.parts = append(r.parts, rest[:at])
		if mark == "" {
			break
		}
		r.marks = append(r.marks, mark)
		rest = rest[at+len(mark):]
	}
	for _, m := range []string{uidMark, nameMark, templateMark} {
		if !strings.Contains(strings.Join(r.marks, " "), m) {
			return nil, fmt.Errorf("the reviews of %s do not differ in %q", name, m)
		}
	}
	return r, nil
}

// Size of a review in bytes: all are alike.
func (r *Reviews) Size(int) int { return r.size }

// Append appends the review with a number.
func (r *Reviews) Append(to []byte, number int) []byte {
	for i, part := range r.parts {
		to = append(to, part...)
		if i >= len(r.marks) {
			break
		}
		switch r.marks[i] {
		case uidMark:
			to = fmt.Appendf(to, "%08x-0000-4000-8000-%012x", uint32(number), number)
		case nameMark:
			to = fmt.Appendf(to, "%08d", number%100_000_000)
		case templateMark:
			to = fmt.Appendf(to, "template-%04d", number%Templates)
		}
	}
	return to
}

// Pod is a pod that asks for two objects of a vault, and for an identity, with a number of containers as programs
// of companies have them.
func Pod(namespace string, containers int) *corev1.Pod {
	pod := &corev1.Pod{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{
			Name: "web-6d4cf56db6-" + nameMark, Namespace: namespace,
			Labels:      map[string]string{"app.kubernetes.io/name": "web", "app.kubernetes.io/part-of": templateMark, "pod-template-hash": "6d4cf56db6", "azure.workload.identity/use": "true"},
			Annotations: map[string]string{},
		},
	}
	for i := range containers {
		c := corev1.Container{
			Name: fmt.Sprintf("app-%d", i), Image: fmt.Sprintf("registry.example/team/app-%d:1.%d.0", i, i),
			Env:   []corev1.EnvVar{{Name: "LOG_LEVEL", Value: "info"}},
			Ports: []corev1.ContainerPort{{Name: fmt.Sprintf("http-%d", i), ContainerPort: int32(8080 + i)}},
		}
		if containers > 1 {
			c.Command, c.Args = []string{"/app/server"}, []string{"--config=/etc/app/config.yaml", "--listen=:8080", "--template=" + templateMark}
			for e := range 6 {
				c.Env = append(c.Env, corev1.EnvVar{Name: fmt.Sprintf("FEATURE_%d_ENDPOINT", e), Value: fmt.Sprintf("https://service-%d.internal.example:8443/v1", e)})
			}
			c.Env = append(c.Env, corev1.EnvVar{Name: "POD_IP", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "status.podIP"}}})
			c.VolumeMounts = []corev1.VolumeMount{{Name: "config", MountPath: "/etc/app", ReadOnly: true}, {Name: "tmp", MountPath: "/tmp"}}
			c.ReadinessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/ready", Port: intstr.FromInt32(c.Ports[0].ContainerPort)}}}
		}
		pod.Spec.Containers = append(pod.Spec.Containers, c)
	}
	if containers > 1 {
		pod.Spec.Volumes = []corev1.Volume{
			{Name: "config", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "config"}}}},
			{Name: "tmp", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
		}
	}
	return pod
}

// Patched are the reviews after a change of their pod.
func (r *Reviews) Patched(change func(pod []byte) ([]byte, error)) (*Reviews, error) {
	var text []byte
	for i, part := range r.parts {
		text = append(text, part...)
		if i < len(r.marks) {
			text = append(text, r.marks[i]...)
		}
	}
	review := &admissionv1.AdmissionReview{}
	if err := json.Unmarshal(text, review); err != nil {
		return nil, err
	}
	pod, err := change(review.Request.Object.Raw)
	if err != nil {
		return nil, err
	}
	return NewReviews(r.Name, pod, review.Request.Namespace)
}
