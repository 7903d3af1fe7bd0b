package rules

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"
)

func readsSecret(name, key string) []corev1.EnvVar {
	return []corev1.EnvVar{{Name: "A", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
		LocalObjectReference: corev1.LocalObjectReference{Name: name}, Key: key,
	}}}}
}

func TestSyncedWithoutMount(t *testing.T) {
	env := []string{"warning spec.containers[0].env[0].valueFrom.secretKeyRef"}
	testRule(t, "AKV027", map[string]ruleCase{
		"mounted": {func(r *ruled) {
			r.App().Env = readsSecret("db", "k")
			r.Facts.SyncedBy = map[string][]string{"db": {"other", "payments"}}
		}, nil},
		"not mounted": {func(r *ruled) {
			r.App().Env = readsSecret("db", "k")
			r.Facts.SyncedBy = map[string][]string{"db": {"other"}}
		}, env},
		"without any volume": {func(r *ruled) {
			r.App().Env, r.App().VolumeMounts, r.Pod.Pod.Spec.Volumes = readsSecret("db", "k"), nil, nil
			r.Facts.SyncedBy = map[string][]string{"db": {"other"}}
		}, env},
		"twice": {func(r *ruled) {
			r.App().Env = append(readsSecret("db", "a"), readsSecret("db", "b")...)
			r.Facts.SyncedBy = map[string][]string{"db": {"other"}}
		}, env},
		"nobody syncs it": {func(r *ruled) {
			r.App().Env = readsSecret("db", "k")
			r.Facts.SyncedBy = map[string][]string{"db": nil}
		}, nil},
		"by a volume": {func(r *ruled) {
			r.Pod.Pod.Spec.Volumes = append(r.Pod.Pod.Spec.Volumes, corev1.Volume{Name: "s", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "db"}}})
			r.Facts.SyncedBy = map[string][]string{"db": {"other"}}
		}, []string{"warning spec.volumes[1].secret.secretName"}},
		"by envFrom": {func(r *ruled) {
			r.App().EnvFrom = []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "db"}, Optional: new(true)}}}
			r.Facts.SyncedBy = map[string][]string{"db": {"other"}}
		}, []string{"warning spec.containers[0].envFrom[0].secretRef"}},
	})
}

func TestSyncedKeys(t *testing.T) {
	sync := func(r *ruled) {
		r.Class.Spec.SecretObjects = []*secretsstorev1.SecretObject{{SecretName: "db", Type: "Opaque", Data: []*secretsstorev1.SecretObjectData{nil, {ObjectName: "DB-Password", Key: " password "}}}}
	}
	place := []string{"warning spec.containers[0].env[0].valueFrom.secretKeyRef.key"}
	testRule(t, "AKV023", map[string]ruleCase{
		"the key":          {func(r *ruled) { sync(r); r.App().Env = readsSecret("db", "password") }, nil},
		"another":          {func(r *ruled) { sync(r); r.App().Env = readsSecret("db", "passwort") }, place},
		"another Secret's": {func(r *ruled) { sync(r); r.App().Env = readsSecret("other", "passwort") }, nil},
		"of two classes": {func(r *ruled) {
			sync(r)
			r.App().Env = readsSecret("db", "user")
			r.Facts.SyncedBy = map[string][]string{"db": {"other", "payments"}}
		}, nil},
		"of a volume": {func(r *ruled) {
			sync(r)
			r.Pod.Pod.Spec.Volumes = append(r.Pod.Pod.Spec.Volumes, corev1.Volume{Name: "s", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{
				SecretName: "db", Items: []corev1.KeyToPath{{Key: "password", Path: "a"}, {Key: "user", Path: "b"}},
			}}})
		}, []string{"warning spec.volumes[1].secret.items[1].key"}},
	})
}
