package inject_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/inject"
	"akv-injector/inject/annotation"
	"akv-injector/inject/facts"
	"akv-injector/inject/provider"
	"akv-injector/inject/workload"
)

func TestTooLargePodsAreNotChecked(t *testing.T) {
	mounts := func(n int) []corev1.VolumeMount {
		list := make([]corev1.VolumeMount, n)
		for i := range list {
			list[i] = corev1.VolumeMount{Name: "secrets", MountPath: fmt.Sprintf("/m/%d", i), SubPath: "a"}
		}
		return list
	}
	containers := func(n, each int) []corev1.Container {
		list := make([]corev1.Container, n)
		for i := range list {
			list[i] = corev1.Container{Name: fmt.Sprintf("c-%d", i), VolumeMounts: mounts(each)}
		}
		return list
	}
	volumes := func(n int) []corev1.Volume {
		list := make([]corev1.Volume, n)
		for i := range list {
			list[i] = corev1.Volume{Name: fmt.Sprintf("v-%d", i), VolumeSource: corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{
				Driver: provider.DriverName, VolumeAttributes: map[string]string{"secretProviderClass": "own"},
			}}}
		}
		return list
	}
	vaults := func(n int) map[string]string {
		annotations := map[string]string{}
		for i := range n {
			annotations[fmt.Sprintf("%s.vault-%d", annotation.Objects, i)] = "a"
		}
		return annotations
	}
	one := containers(1, 0)
	for name, c := range map[string]struct {
		annotations map[string]string
		spec        corev1.PodSpec
		field       string
		fits        bool
	}{
		"volumes":                {spec: corev1.PodSpec{Containers: one, Volumes: volumes(1001)}, field: "spec.volumes"},
		"volumes that fit":       {spec: corev1.PodSpec{Containers: one, Volumes: volumes(1000)}, fits: true},
		"containers":             {spec: corev1.PodSpec{Containers: containers(501, 0)}, field: "spec.containers"},
		"init containers":        {spec: corev1.PodSpec{Containers: one, InitContainers: containers(501, 0)}, field: "spec.initContainers"},
		"mounts of one":          {spec: corev1.PodSpec{Containers: containers(1, 1001)}, field: "spec.containers[0].volumeMounts"},
		"mounts of all":          {spec: corev1.PodSpec{Containers: containers(6, 1000)}, field: "spec.containers"},
		"mounts that fit":        {spec: corev1.PodSpec{Containers: containers(5, 1000)}, fits: true},
		"annotations":            {annotations: map[string]string{"any": strings.Repeat("a", 256<<10)}, spec: corev1.PodSpec{Containers: one}, field: "metadata.annotations"},
		"vaults by containers":   {annotations: vaults(200), spec: corev1.PodSpec{Containers: containers(200, 0)}, field: "metadata.annotations"},
		"variables by the list":  {annotations: map[string]string{annotation.Objects: "a", annotation.Vault: "kv1", annotation.Env: strings.Repeat("A=a,", 501)}, spec: corev1.PodSpec{Containers: one}, field: "metadata.annotations[" + annotation.Env + "]"},
		"hundreds of containers": {annotations: vaults(2), spec: corev1.PodSpec{Containers: containers(500, 0)}, fits: true},
	} {
		t.Run(name, func(t *testing.T) {
			target := &workload.Target{Meta: &metav1.ObjectMeta{Name: "web", Annotations: c.annotations}, Spec: &c.spec}
			d := inject.Decide(inject.Parse(target, nil, inject.Settings{}), facts.Facts{})
			var fields []string
			for _, f := range d.Findings {
				if f.Type == field.ErrorTypeTooMany || f.Type == field.ErrorTypeTooLong {
					fields = append(fields, f.Place.String())
				}
			}
			if c.fits {
				if len(fields) > 0 {
					t.Errorf("too large: %v", d.Findings)
				}
				return
			}
			if diff := cmp.Diff([]string{c.field}, fields); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if len(d.Errors()) == 0 || len(d.Patch) > 0 {
				t.Errorf("findings %v, %d patches; want it refused", d.Findings, len(d.Patch))
			}
		})
	}
}

// Pods of a drained node can start again. But a controller reference, which any user can
// write, does not bypass the fence.
func TestTooLargePodsOfControllers(t *testing.T) {
	spec := corev1.PodSpec{Volumes: make([]corev1.Volume, 1001)}
	for origin, refused := range map[workload.Origin]bool{
		workload.FromUser: true, workload.FromController: true, workload.FromBuiltinController: false,
	} {
		for _, asks := range []bool{false, true} {
			meta := &metav1.ObjectMeta{}
			if asks {
				meta.Annotations = map[string]string{annotation.Objects: "a"}
			}
			target := &workload.Target{Meta: meta, Spec: &spec, Origin: origin}
			request := inject.Parse(target, nil, inject.Settings{})
			d := inject.Decide(request, facts.Facts{})
			if got := len(d.Errors()) > 0; got != (refused || asks) || len(d.Findings) != 1 {
				t.Errorf("origin %d, asks %t: %v", origin, asks, d.Findings)
			}
			if needs := request.Needs(); len(needs.Classes)+len(needs.ServiceAccounts) > 0 || needs.CSIDriver {
				t.Errorf("looks up %v", needs)
			}
		}
	}
}
