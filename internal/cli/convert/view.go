package convert

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject/provider"
	"akv-injector/inject/workload"
)

// view is all that two pods must have in common to be equal here.
type view struct {
	Account string
	// Label of the workload identity webhook.
	Label string
	// UseBinding is the annotation that lets the pod's own SDKs use an identity binding.
	UseBinding string
	Mounts     []mountView
}

// mountView is one mount of vault objects in one container.
type mountView struct {
	Container, Path string
	Source          source
	// Interval that the volume asks for, empty where it does not.
	Interval string
}

// viewOf looks at a pod and at the classes that its volumes name.
func viewOf(meta *metav1.ObjectMeta, spec *corev1.PodSpec, class func(name string) *secretsstorev1.SecretProviderClass) view {
	v := view{Account: workload.AccountOf(spec), Label: meta.Labels[provider.LabelUseWorkloadIdentity], UseBinding: meta.Annotations[provider.AnnotationUseBinding]}
	for i := range spec.Volumes {
		name, ok := provider.ClassName(&spec.Volumes[i])
		if !ok {
			continue
		}
		csi := spec.Volumes[i].CSI
		found := class(name)
		if found == nil {
			continue
		}
		for _, c := range slices.Concat(spec.InitContainers, spec.Containers) {
			for _, m := range c.VolumeMounts {
				if m.Name == spec.Volumes[i].Name {
					v.Mounts = append(v.Mounts, mountView{c.Name, cleanPath(m.MountPath), sourceOf(found), csi.VolumeAttributes[provider.AttributeInterval]})
				}
			}
		}
	}
	v.sort()
	return v
}

func (v view) sort() {
	slices.SortFunc(v.Mounts, func(a, b mountView) int {
		return cmp.Or(cmp.Compare(a.Container, b.Container), cmp.Compare(a.Path, b.Path))
	})
}

// difference says what pods of two views do not have in common, or "".
func (v view) difference(to view) string {
	if v.Account != to.Account {
		return fmt.Sprintf("they would run as the service account %q instead of %q", to.Account, v.Account)
	}
	if v.Label != to.Label {
		return fmt.Sprintf("their label %s would be %q instead of %q", provider.LabelUseWorkloadIdentity, to.Label, v.Label)
	}
	if v.UseBinding != to.UseBinding {
		return fmt.Sprintf("their annotation %s would be %q instead of %q", provider.AnnotationUseBinding, to.UseBinding, v.UseBinding)
	}
	if len(v.Mounts) != len(to.Mounts) {
		return fmt.Sprintf("their containers would have %d mounts of vault objects instead of %d", len(to.Mounts), len(v.Mounts))
	}
	for i, want := range v.Mounts {
		got := to.Mounts[i]
		if want.Interval == "" {
			// The plan always writes one. What no driver reads makes no difference.
			got.Interval = ""
		}
		if a, b := asText(want), asText(got); a != b {
			return fmt.Sprintf("they would mount %s instead of %s", b, a)
		}
	}
	return ""
}

// asText compares what the types cannot: objects may be none or empty.
func asText(m mountView) string {
	b, err := json.Marshal(m)
	if err != nil {
		panic("strings are always JSON: " + err.Error())
	}
	return string(b)
}
