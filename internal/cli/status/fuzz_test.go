package status

import (
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject/provider"
	"akv-injector/keyvault"
)

// FuzzJudge: whatever stands in classes, records and events, each recorded object has an
// item, and each item a verdict with a reason, unless all is well.
func FuzzJudge(f *testing.F) {
	f.Add("array:\n- |\n  objectName: DB-Password\n  objectType: secret\n", "secret/DB-Password", "v1", "v2", "MountVolume.SetUp failed for volume \"store\" : rpc error: code = Unknown desc = no", "file", true)
	f.Add("array:\n- |\n  objectName: token\n  objectType: secret\n  objectVersionHistory: 3\n", "secret/token/1", "v1", "v1", "", "", true)
	f.Add("array:\n- |\n  objectName: a\n  objectType: key\n  objectVersion: v1\n", "key/a", "v1", "v2", "no", "$(A)", false)
	f.Add("array:\n- objectName: a\n", "", "", "", "", "", true)
	f.Fuzz(func(t *testing.T, objects, id, mountedID, newestID, message, subPath string, enabled bool) {
		snapshot := &Snapshot{
			Pods: []corev1.Pod{{
				ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", UID: "uid-1"},
				Spec: corev1.PodSpec{
					Containers: []corev1.Container{{Name: "app", VolumeMounts: []corev1.VolumeMount{{Name: "store", SubPath: subPath}}}},
					Volumes: []corev1.Volume{{Name: "store", VolumeSource: corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{
						Driver: provider.DriverName, VolumeAttributes: map[string]string{"secretProviderClass": "class"},
					}}}},
				},
				Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{
					Name: "app", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(noon)}},
				}}},
			}},
			Records: []secretsstorev1.SecretProviderClassPodStatus{{
				ObjectMeta: metav1.ObjectMeta{Namespace: "shop"},
				Status: secretsstorev1.SecretProviderClassPodStatusStatus{
					PodName: "web", SecretProviderClassName: "class", Mounted: true,
					Objects: []secretsstorev1.SecretProviderClassObject{{ID: id, Version: mountedID}},
				},
			}},
			Classes: byNamespace([]secretsstorev1.SecretProviderClass{{
				ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "class"},
				Spec: secretsstorev1.SecretProviderClassSpec{Provider: provider.ProviderAzure, Parameters: map[string]string{
					"keyvaultName": "shop-kv", "objects": objects,
				}},
			}}),
			Events: []corev1.Event{{
				InvolvedObject: corev1.ObjectReference{Kind: "Pod", UID: "uid-1"}, Reason: "FailedMount", Message: message, LastTimestamp: metav1.NewTime(noon),
			}},
			Rotation: rotates,
		}
		newest := version(newestID, time.Minute)
		newest.Enabled = enabled
		answers := []Answer{{}, holds(), holds(newest), holds(newest, version(mountedID, time.Hour)), {State: &keyvault.State{Versions: []keyvault.Version{newest}, Truncated: true}}}
		mounts := snapshot.Mounts()
		if len(mounts) == 0 || !slices.ContainsFunc(mounts, func(m Mount) bool { return m.Object == id }) {
			t.Fatalf("%q is in none of %+v", id, mounts)
		}
		for i := range mounts {
			for _, a := range answers {
				item := Judge(&mounts[i], a, snapshot.Rotation, noon)
				if !slices.Contains([]Status{Current, Stale, Empty, Pending, Unknown}, item.Status) || item.Status != Current && len(item.Reasons) == 0 {
					t.Fatalf("no verdict: %+v", item)
				}
				if item.Status == Current && (item.Mounted == nil || item.Newest == nil) {
					t.Fatalf("current without versions: %+v", item)
				}
			}
		}
	})
}
