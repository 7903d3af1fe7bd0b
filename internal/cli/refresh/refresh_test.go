package refresh

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic/fake"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	clienttesting "k8s.io/client-go/testing"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
	"akv-injector/internal/cli/status"
)

const namespace = "shop"

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func pod(name string) *corev1.Pod {
	p := &corev1.Pod{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, UID: types.UID("uid-" + name), Labels: map[string]string{"app": "web"}},
		Status:     corev1.PodStatus{Phase: corev1.PodRunning},
	}
	p.Spec.Volumes = []corev1.Volume{{Name: "secrets", VolumeSource: corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{
		Driver: provider.DriverName, VolumeAttributes: map[string]string{provider.AttributeClass: "class"},
	}}}}
	return p
}

func record(podName, version string, written time.Time) *secretsstorev1.SecretProviderClassPodStatus {
	r := &secretsstorev1.SecretProviderClassPodStatus{
		TypeMeta:   metav1.TypeMeta{APIVersion: secretsstorev1.SchemeGroupVersion.String(), Kind: "SecretProviderClassPodStatus"},
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: podName + "-shop-class", CreationTimestamp: metav1.NewTime(now.Add(-24 * time.Hour))},
		Status: secretsstorev1.SecretProviderClassPodStatusStatus{
			PodName: podName, SecretProviderClassName: "class", Mounted: true,
			Objects: []secretsstorev1.SecretProviderClassObject{{ID: "secret/DB-Password", Version: version}},
		},
	}
	r.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "driver", Operation: metav1.ManagedFieldsOperationUpdate, Time: &metav1.Time{Time: written}}}
	return r
}

// driver is its CSIDriver and DaemonSet.
func driver(version string) []runtime.Object {
	return []runtime.Object{
		&storagev1.CSIDriver{
			TypeMeta: metav1.TypeMeta{APIVersion: "storage.k8s.io/v1", Kind: "CSIDriver"}, ObjectMeta: metav1.ObjectMeta{Name: provider.DriverName},
			Spec: storagev1.CSIDriverSpec{RequiresRepublish: new(true)},
		},
		&appsv1.DaemonSet{
			TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: "DaemonSet"}, ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "driver"},
			Spec: appsv1.DaemonSetSpec{Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{
				Image: "driver:v" + version, Args: []string{"--provider-volume=/p", "--enable-secret-rotation=true", "--rotation-poll-interval=2m"},
			}}}}},
		},
	}
}

func cluster(t *testing.T, objects ...runtime.Object) *fake.FakeDynamicClient {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, secretsstorev1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	return fake.NewSimpleDynamicClient(scheme, objects...)
}

func lines(t *testing.T, client *fake.FakeDynamicClient, change func(*Refresher)) ([]string, error) {
	t.Helper()
	r := &Refresher{
		Client: client, Now: func() time.Time { return now }, Timeout: time.Minute,
		Cluster: &status.Cluster{Client: client, Scope: status.Scope{Namespace: namespace}},
	}
	if change != nil {
		change(r)
	}
	var all []string
	err := r.Run(t.Context(), func(l Line) { all = append(all, fmt.Sprintf("%s %s: %s", l.Pod, l.Result, l.Message)) })
	return all, err
}

// A pod is patched with its uid and one annotation, unless the driver would not look.
func TestRun(t *testing.T) {
	client := cluster(t, append(driver("1.6.0"), pod("old"), pod("young"), pod("unrecorded"),
		record("old", "v1", now.Add(-time.Hour)), record("young", "v1", now.Add(-time.Minute)))...)
	got, err := lines(t, client, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{
		"shop/old asked: ", "shop/unrecorded asked: ",
		"shop/young skipped: the driver wrote its files 1m ago, and skips them until 12:01:01Z (its --rotation-poll-interval is 2m)",
	} {
		if i >= len(got) || !strings.HasPrefix(got[i], want) {
			t.Errorf("told %q, want line %d to begin with %q", got, i, want)
		}
	}
	var patched []string
	for _, action := range client.Actions() {
		patch, ok := action.(clienttesting.PatchAction)
		if !ok {
			continue
		}
		patched = append(patched, patch.GetName())
		var sent struct {
			Metadata struct {
				UID         string
				Annotations map[string]string
			}
		}
		if err := json.Unmarshal(patch.GetPatch(), &sent); err != nil {
			t.Fatal(err)
		}
		if sent.Metadata.UID != "uid-"+patch.GetName() || len(sent.Metadata.Annotations) != 1 || sent.Metadata.Annotations[annotation.RefreshedAt] != "2026-03-01T12:00:00.000Z" {
			t.Errorf("the patch is %s", patch.GetPatch())
		}
	}
	if fmt.Sprint(patched) != "[old unrecorded]" {
		t.Errorf("patched %v", patched)
	}
}

// What arrives is told, and so is that nothing does.
func TestWait(t *testing.T) {
	client := cluster(t, append(driver("1.6.0"), pod("web"), record("web", "v1", now.Add(-time.Hour)))...)
	client.PrependReactor("patch", "pods", func(clienttesting.Action) (bool, runtime.Object, error) {
		content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(record("web", "v2", now))
		if err != nil {
			return true, nil, err
		}
		records := secretsstorev1.SchemeGroupVersion.WithResource("secretproviderclasspodstatuses")
		return false, nil, client.Tracker().Update(records, &unstructured.Unstructured{Object: content}, namespace)
	})
	got, err := lines(t, client, func(r *Refresher) { r.Wait = true })
	if err != nil || len(got) != 1 || got[0] != "shop/web arrived: class secret/DB-Password has version v2" {
		t.Errorf("told %q (%v)", got, err)
	}
	clock := now
	got, err = lines(t, cluster(t, append(driver("1.6.0"), pod("web"), record("web", "v1", now.Add(-time.Hour)))...), func(r *Refresher) {
		r.Wait = true
		r.Now = func() time.Time { clock = clock.Add(4 * time.Second); return clock }
	})
	if err != nil || len(got) != 1 || !strings.HasPrefix(got[0], "shop/web unchanged: ") {
		t.Errorf("told %q (%v)", got, err)
	}
}

func TestRefused(t *testing.T) {
	if _, err := lines(t, cluster(t, append(driver("1.5.3"), pod("web"))...), nil); !errors.Is(err, ErrLoop) {
		t.Errorf("with driver 1.5.3: %v", err)
	}
	for name, tc := range map[string]struct {
		err  error
		want string
	}{
		"forbidden": {apierrors.NewForbidden(corev1.Resource("pods"), "web", errors.New("no")), "you may not patch it (kubectl auth can-i patch pods -n shop)"},
		"gone":      {apierrors.NewNotFound(corev1.Resource("pods"), "web"), "it was deleted meanwhile"},
		"another":   {apierrors.NewConflict(corev1.Resource("pods"), "web", errors.New("uid")), "it was deleted meanwhile"},
		"any":       {errors.New("a\nb"), "a b"},
	} {
		client := cluster(t, append(driver("1.6.0"), pod("web"))...)
		client.PrependReactor("patch", "pods", func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, tc.err })
		got, err := lines(t, client, nil)
		if err != nil || len(got) != 1 || got[0] != "shop/web failed: "+tc.want {
			t.Errorf("%s: told %q (%v)", name, got, err)
		}
	}
}

func TestPods(t *testing.T) {
	deployment := &appsv1.Deployment{
		TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"}, ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "web"},
		Spec: appsv1.DeploymentSpec{Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}},
	}
	idle := deployment.DeepCopy()
	idle.Name, idle.Spec.Selector.MatchLabels["app"] = "idle", "idle"
	other := pod("other")
	other.Labels = nil
	client := cluster(t, deployment, idle, pod("web-1"), pod("web-2"), other)
	names, err := Pods(t.Context(), client, namespace, []string{"deploy/web", "pod/other", "web-1"})
	if err != nil || fmt.Sprint(names) != "[other web-1 web-2]" {
		t.Errorf("%v, %v", names, err)
	}
	for _, word := range []string{"deployments.apps/absent", "sts/web", "deploy/idle"} {
		if names, err := Pods(t.Context(), client, namespace, []string{word}); err == nil {
			t.Errorf("%s has the pods %v", word, names)
		}
	}
	for word, fine := range map[string]bool{"web-1": true, "po/web-1": true, "statefulsets.apps/db": true, "ds/x": true, "job/x": false, "deploy/": false, "/x": false} {
		if err := Check(word); (err == nil) != fine {
			t.Errorf("%q: %v", word, err)
		}
	}
}
