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
			r.Target.Template, r.Target.Kind = true, "Deployment"
			r.Target.Owner = &metav1.ObjectMeta{Annotations: map[string]string{annotation.ReloaderSecrets: "a,db"}}
		}, []string{"warning spec.containers[0].env[0].valueFrom.secretKeyRef"}},
		"a reloader for another Secret": {func(r *ruled) {
			r.Sync("db")
			r.App().Env = []corev1.EnvVar{{Name: "A", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "db"}}}}}
			r.Target.Template, r.Target.Kind = true, "Deployment"
			r.Target.Owner = &metav1.ObjectMeta{Annotations: map[string]string{annotation.ReloaderSecrets: "a"}}
		}, []string{"error spec.containers[0].env[0].valueFrom.secretKeyRef"}},
		"Wave": {func(r *ruled) {
			r.owned("Deployment", map[string]string{annotation.Wave: "true"}, nil)
		}, []string{"warning spec.containers[0].env[0].valueFrom.secretKeyRef"}},
		"Wave on the template": {func(r *ruled) {
			r.owned("Deployment", nil, map[string]string{annotation.Wave: "true"})
		}, []string{"error spec.containers[0].env[0].valueFrom.secretKeyRef"}},
		"Wave of a kind that it does not watch": {func(r *ruled) {
			r.owned("ReplicaSet", map[string]string{annotation.Wave: "true"}, nil)
		}, []string{"error spec.containers[0].env[0].valueFrom.secretKeyRef"}},
		"the reloader's integration for classes": {func(r *ruled) {
			r.owned("Deployment", map[string]string{annotation.ReloaderClasses: "pay.*"}, nil)
		}, []string{"warning spec.containers[0].env[0].valueFrom.secretKeyRef"}},
		"a Secret that the reloader ignores": {func(r *ruled) {
			r.owned("Deployment", map[string]string{annotation.ReloaderAuto: "true"}, nil)
			r.Class.Spec.SecretObjects[0].Annotations = map[string]string{"reloader.stakater.com/ignore": "true"}
		}, []string{"error spec.containers[0].env[0].valueFrom.secretKeyRef"}},
	})
}

// owned is the template of a workload with annotations, which reads a synced Secret by a variable.
func (r *ruled) owned(kind string, own, template map[string]string) {
	r.Sync("db")
	r.App().Env = []corev1.EnvVar{{Name: "A", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "db"}}}}}
	r.Target.Template, r.Target.Kind = true, kind
	r.Target.Owner = &metav1.ObjectMeta{Annotations: own}
	for k, v := range template {
		r.Annotate(k, v)
	}
}
