package rules

import (
	"testing"

	"akv-injector/inject/annotation"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestEnvFromSyncedSecret(t *testing.T) {
	testRule(t, "AKV006", map[string]ruleCase{
		"a variable": {func(r *ruled) {
			r.Sync("db")
			r.App().Env = []corev1.EnvVar{{Name: "A", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "db"}}}}}
		}, []string{"error spec.containers[0].env[0].valueFrom.secretKeyRef"}},
		"all variables": {func(r *ruled) {
			r.Sync("db")
			r.App().EnvFrom = []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "db"}}}}
		}, []string{"error spec.containers[0].envFrom[0].secretRef"}},
		"of a Secret that nothing syncs": {func(r *ruled) {
			r.App().Env = []corev1.EnvVar{{Name: "A", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "db"}}}}}
		}, nil},
		"a pod that ends": {func(r *ruled) {
			r.Sync("db")
			r.App().Env = []corev1.EnvVar{{Name: "A", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "db"}}}}}
			r.Pod.Pod.Spec.RestartPolicy = corev1.RestartPolicyOnFailure
		}, []string{"warning spec.containers[0].env[0].valueFrom.secretKeyRef"}},
		"an init container": {func(r *ruled) {
			r.Sync("db")
			r.App().Env = []corev1.EnvVar{{Name: "A", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "db"}}}}}
			r.Pod.Pod.Spec.InitContainers = []corev1.Container{{Name: "init", Env: r.App().Env}}
			r.App().Env = nil
		}, []string{"warning spec.initContainers[0].env[0].valueFrom.secretKeyRef"}},
		"a native sidecar": {func(r *ruled) {
			r.Sync("db")
			r.App().Env = []corev1.EnvVar{{Name: "A", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "db"}}}}}
			always := corev1.ContainerRestartPolicyAlways
			r.Pod.Pod.Spec.InitContainers = []corev1.Container{{Name: "init", Env: r.App().Env, RestartPolicy: &always}}
			r.App().Env = nil
		}, []string{"error spec.initContainers[0].env[0].valueFrom.secretKeyRef"}},
		"nothing restarts a pod of its own": {func(r *ruled) {
			r.Sync("db")
			r.App().Env = []corev1.EnvVar{{Name: "A", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "db"}}}}}
			r.Annotate(annotation.ReloaderAuto, "true")
		}, []string{"error spec.containers[0].env[0].valueFrom.secretKeyRef"}},
		"a reloader restarts the template": {func(r *ruled) {
			r.Sync("db")
			r.App().Env = []corev1.EnvVar{{Name: "A", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "db"}}}}}
			r.Target.Template = true
			r.Annotate(annotation.ReloaderAuto, "true")
		}, []string{"warning spec.containers[0].env[0].valueFrom.secretKeyRef"}},
		"a reloader restarts the workload": {func(r *ruled) {
			r.Sync("db")
			r.App().Env = []corev1.EnvVar{{Name: "A", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "db"}}}}}
			r.Target.Template = true
			r.Target.Owner = &metav1.ObjectMeta{Annotations: map[string]string{annotation.ReloaderSecrets: "a,db"}}
		}, []string{"warning spec.containers[0].env[0].valueFrom.secretKeyRef"}},
		"a reloader for another Secret": {func(r *ruled) {
			r.Sync("db")
			r.App().Env = []corev1.EnvVar{{Name: "A", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "db"}}}}}
			r.Target.Template = true
			r.Target.Owner = &metav1.ObjectMeta{Annotations: map[string]string{annotation.ReloaderSecrets: "a"}}
		}, []string{"error spec.containers[0].env[0].valueFrom.secretKeyRef"}},
		"Wave": {func(r *ruled) {
			r.Sync("db")
			r.App().Env = []corev1.EnvVar{{Name: "A", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "db"}}}}}
			r.Target.Template = true
			r.Target.Owner = &metav1.ObjectMeta{Annotations: map[string]string{annotation.Wave: "true"}}
		}, []string{"warning spec.containers[0].env[0].valueFrom.secretKeyRef"}},
	})
}
