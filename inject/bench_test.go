package inject_test

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject"
	"akv-injector/inject/annotation"
	"akv-injector/inject/facts"
	"akv-injector/inject/provider"
	"akv-injector/inject/workload"
)

// fill replaces the containers of a pod with ordinary ones, each of about 2 KB of JSON.
func fill(pod *corev1.Pod, containers int) {
	pod.Spec.Containers = nil
	for i := range containers {
		c := corev1.Container{
			Name: fmt.Sprintf("app-%d", i), Image: "registry.example/team/app:1.2.3",
			Args:  []string{"--listen=:8080", "--log-format=json", "--config=/etc/app/config.yaml"},
			Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: int32(8080 + i), Protocol: corev1.ProtocolTCP}},
			Resources: corev1.ResourceRequirements{
				Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("100m"), corev1.ResourceMemory: resource.MustParse("128Mi")},
				Limits:   corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("256Mi")},
			},
			ReadinessProbe: &corev1.Probe{PeriodSeconds: 10, ProbeHandler: corev1.ProbeHandler{
				HTTPGet: &corev1.HTTPGetAction{Path: "/healthz", Port: intstr.FromString("http"), Scheme: corev1.URISchemeHTTP},
			}},
			TerminationMessagePath: "/dev/termination-log", TerminationMessagePolicy: corev1.TerminationMessageReadFile,
			ImagePullPolicy: corev1.PullIfNotPresent,
		}
		for j := range 10 {
			c.Env = append(c.Env, corev1.EnvVar{Name: fmt.Sprintf("SETTING_NUMBER_%d", j), Value: "an ordinary value of some length"})
		}
		for j := range 4 {
			volume := fmt.Sprintf("config-%d", j)
			c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: volume, MountPath: "/etc/app/" + volume, ReadOnly: true})
			if i == 0 {
				pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: volume, VolumeSource: corev1.VolumeSource{
					ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: volume}},
				}})
			}
		}
		pod.Spec.Containers = append(pod.Spec.Containers, c)
	}
}

func BenchmarkDecide(b *testing.B) {
	const objects = "DB-Password\ntls.pem=cert/frontend\napi/token=secret/partner-api-token\n"
	for _, size := range []struct {
		name       string
		containers int
	}{{"small", 1}, {"typical", 3}, {"large", 20}} {
		pod, ns, known := asking(map[string]string{annotation.Objects: objects, annotation.Objects + ".shared-kv": "key/signing"})
		fill(pod, size.containers)
		b.Run(size.name, func(b *testing.B) {
			b.ReportMetric(float64(len(encode(b, pod))), "pod-bytes")
			bench(b, pod, ns, known, true)
		})
	}

	// The most frequent input of a validating webhook: a volume that was written by hand.
	pod, ns, known := asking(nil)
	fill(pod, 3)
	pod.Annotations = nil
	readOnly := true
	pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: "secrets", VolumeSource: corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{
		Driver: provider.DriverName, ReadOnly: &readOnly, VolumeAttributes: map[string]string{"secretProviderClass": "payments"},
	}}})
	for i := range pod.Spec.Containers {
		c := &pod.Spec.Containers[i]
		c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: "secrets", MountPath: "/mnt/secrets-store", ReadOnly: true})
	}
	known.Classes = map[string]*facts.Class{"payments": facts.NewClass(&secretsstorev1.SecretProviderClass{Spec: secretsstorev1.SecretProviderClassSpec{
		Provider: provider.ProviderAzure,
		Parameters: map[string]string{
			"keyvaultName": "payments-kv", "clientID": "11111111-1111-1111-1111-111111111111", "tenantID": "22222222-2222-2222-2222-222222222222",
			"objects": "array:\n  - |\n    objectName: DB-Password\n    objectType: secret\n  - |\n    objectName: frontend\n    objectType: cert\n",
		},
	}})}
	b.Run("by-hand", func(b *testing.B) { bench(b, pod, ns, known, false) })

	plain := pod.DeepCopy()
	plain.Spec.Volumes = plain.Spec.Volumes[:4]
	b.Run("nothing-of-ours", func(b *testing.B) { bench(b, plain, ns, known, false) })
}

func bench(b *testing.B, pod *corev1.Pod, ns *corev1.Namespace, known facts.Facts, wantInjected bool) {
	b.Helper()
	target := &workload.Target{Meta: &pod.ObjectMeta, Spec: &pod.Spec, Mutating: true}
	b.ReportAllocs()
	for b.Loop() {
		d := inject.Decide(inject.Parse(target, ns, inject.Settings{}), known)
		if d.Injected != wantInjected || len(d.Findings) > 0 {
			b.Fatalf("injected %v, findings %v", d.Injected, d.Findings)
		}
	}
}
