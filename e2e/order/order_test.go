// Package order_test holds akv-injector against the workload identity webhook's place in
// the API server's order: it is called after ours, for pods that had no label.
package order_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"akv-injector/e2e/cluster"
	"akv-injector/e2e/controlplane"
	"akv-injector/e2e/injector"
	"akv-injector/e2e/workloadidentity"
	"akv-injector/inject"
	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
	"akv-injector/internal/testing/await"
)

// Names as azure-workload-identity 1.6.0 installs them.
const (
	identityConfiguration = workloadidentity.Configuration
	identityWebhook       = "mutation.azure-workload-identity.io"
)

// tokenVolume is what it calls the volume of a pod called "pod", as all are here.
var tokenVolume = workloadidentity.VolumeName("pod")

// TestOrder has one cluster, in which one webhook after the other has the identity
// webhook's part.
func TestOrder(t *testing.T) {
	c := cluster.Start(t, controlplane.Options{}, injector.Options{})
	t.Run("a name that sorts before ours sees no label", func(t *testing.T) { seesNoLabel(t, c) })
	t.Run("the identity webhook's name sees what we set", func(t *testing.T) { seesWhatWeSet(t, c) })
	startIdentityWebhook(t, c)
	t.Run("the identity webhook serves our pods", func(t *testing.T) { servesOurPods(t, c) })
	t.Run("the identity webhook serves pods of controllers", func(t *testing.T) { servesPodsOfControllers(t, c) })
}

// seesWhatWeSet records what a webhook of the same name and selector is asked, and adds a
// volume as the real one does, so that ours is called again.
func seesWhatWeSet(t *testing.T, c *cluster.Cluster) {
	recorder := &recorder{}
	install(t, c, identityConfiguration, recorder)

	c.Namespace(t, "ordered", nil)
	pod := cluster.Pod("ordered", "pod", "DB-Password")
	name := c.Create(t, pod)

	seen := recorder.pods()
	if len(seen) == 0 {
		t.Fatal("the identity webhook was not called, so the label came too late or not at all")
	}
	first := seen[0]
	if first.Labels[provider.LabelUseWorkloadIdentity] != "true" {
		t.Errorf("the identity webhook saw the labels %v", first.Labels)
	}
	if first.Spec.ServiceAccountName != cluster.Account {
		t.Errorf("the identity webhook saw the service account %q, want %q", first.Spec.ServiceAccountName, cluster.Account)
	}
	if classes := cluster.Classes(first); len(classes) != 1 || classes[0] != name {
		t.Errorf("the identity webhook saw the classes %v, want %s", classes, name)
	}
	volumes := map[string]int{}
	for _, v := range pod.Spec.Volumes {
		volumes[v.Name]++
	}
	if volumes[tokenVolume] != 1 || volumes["akv-payments-kv"] != 1 {
		t.Errorf("the stored pod has the volumes %v", volumes)
	}
	// A sidecar that came after us gets no secrets, and the status still says who did.
	for _, container := range pod.Spec.Containers {
		mounts := 0
		for _, m := range container.VolumeMounts {
			if m.Name == "akv-payments-kv" {
				mounts++
			}
		}
		want := 1
		if container.Name == "late-sidecar" {
			want = 0
		}
		if mounts != want {
			t.Errorf("the container %s has %d mounts of the secrets, want %d", container.Name, mounts, want)
		}
	}
	status, err := inject.ParseStatus(pod.Annotations[annotation.Status])
	if err != nil {
		t.Fatal(err)
	}
	if len(status.Containers) != 1 || status.Containers[0] != "app" {
		t.Errorf("the status names the containers %v, want app alone", status.Containers)
	}
}

// seesNoLabel is the other side: it shows that the order of names is what the other tests
// rest on.
func seesNoLabel(t *testing.T, c *cluster.Cluster) {
	recorder := &recorder{}
	install(t, c, "aaa-"+identityConfiguration, recorder)
	c.Namespace(t, "disordered", nil)
	c.Create(t, cluster.Pod("disordered", "pod", "DB-Password"))
	if n := len(recorder.pods()); n != 0 {
		t.Errorf("a webhook that sorts before ours was called %d times, for a pod that came without the label", n)
	}
}

// recorder is a mutating webhook that keeps what it was asked.
type recorder struct {
	mu   sync.Mutex
	seen []*corev1.Pod
}

func (r *recorder) pods() []*corev1.Pod {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.seen
}

func (r *recorder) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = nil
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	review := &admissionv1.AdmissionReview{}
	pod := &corev1.Pod{}
	if err == nil {
		err = json.Unmarshal(body, review)
	}
	if err == nil {
		err = json.Unmarshal(review.Request.Object.Raw, pod)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	r.seen = append(r.seen, pod)
	r.mu.Unlock()
	review.Response = &admissionv1.AdmissionResponse{UID: review.Request.UID, Allowed: true}
	if !hasVolume(pod, tokenVolume) {
		kind := admissionv1.PatchTypeJSONPatch
		review.Response.PatchType = &kind
		review.Response.Patch = []byte(`[
			{"op": "add", "path": "/spec/volumes/-", "value": {"name": "` + tokenVolume + `", "emptyDir": {}}},
			{"op": "add", "path": "/spec/containers/-", "value": {"name": "late-sidecar", "image": "registry.example/sidecar"}}
		]`)
	}
	review.Request = nil
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(review); err != nil {
		panic(err)
	}
}

func hasVolume(pod *corev1.Pod, name string) bool {
	for _, v := range pod.Spec.Volumes {
		if v.Name == name {
			return true
		}
	}
	return false
}

// install serves the recorder and registers it as the identity webhook is, for one test.
func install(t *testing.T, c *cluster.Cluster, configuration string, r *recorder) {
	t.Helper()
	pair, err := c.ServingCertificate(configuration, "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := tls.X509KeyPair(pair.Cert, pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(r)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	server.StartTLS()
	t.Cleanup(server.Close) // when it is not called any more: cleanups run last to first
	ca, err := os.ReadFile(c.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	fail, never, ifNeeded := admissionregistrationv1.Fail, admissionregistrationv1.SideEffectClassNone, admissionregistrationv1.IfNeededReinvocationPolicy
	object := &admissionregistrationv1.MutatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: configuration},
		Webhooks: []admissionregistrationv1.MutatingWebhook{{
			Name:                    identityWebhook,
			FailurePolicy:           &fail,
			SideEffects:             &never,
			ReinvocationPolicy:      &ifNeeded,
			AdmissionReviewVersions: []string{"v1"},
			ObjectSelector:          &metav1.LabelSelector{MatchLabels: map[string]string{provider.LabelUseWorkloadIdentity: "true"}},
			ClientConfig:            admissionregistrationv1.WebhookClientConfig{URL: &server.URL, CABundle: ca},
			Rules: []admissionregistrationv1.RuleWithOperations{{
				Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create},
				Rule:       admissionregistrationv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"pods"}},
			}},
		}},
	}
	if err := c.API.Create(t.Context(), object); err != nil {
		t.Fatal(err)
	}
	if err := c.CreateNamespace(t.Context(), "called-"+configuration, nil, nil); err != nil {
		t.Fatal(err)
	}
	awaitCalled(t.Context(), t, c, r, "called-"+configuration, true)
	t.Cleanup(func() {
		ctx := context.Background() // the test's own is over
		if err := c.API.Delete(ctx, object); err != nil {
			t.Error(err)
			return
		}
		awaitCalled(ctx, t, c, r, "called-"+configuration, false)
	})
}

// awaitCalled waits until the API server acts on a configuration, or on its end, of which
// it learns by watching: until a pod with the label, where nobody has opted in, is shown to
// the recorder, or is not. Then the recorder forgets it.
func awaitCalled(ctx context.Context, t *testing.T, c *cluster.Cluster, r *recorder, namespace string, called bool) {
	t.Helper()
	what := fmt.Sprintf("the recorder's being called to be %t", called)
	err := await.Poll{Limit: time.Minute}.Until(ctx, what, func(ctx context.Context) (bool, string) {
		r.forget()
		pod := cluster.Pod(namespace, "pod", "")
		pod.Annotations, pod.Labels = nil, map[string]string{provider.LabelUseWorkloadIdentity: "true"}
		err := c.API.Create(ctx, pod, client.DryRunAll)
		return err == nil && len(r.pods()) > 0 == called, fmt.Sprint(err)
	})
	if err != nil {
		t.Error(err)
	}
	r.forget()
}
