package classes_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"akv-injector/e2e/cluster"
)

// settle waits until every replica's cache has a namespace's new, stricter setting: until
// it would no longer inject a pod there that it injected before. A replica decides on
// its cache as long as that lets a pod pass, so its answer tells what the cache holds.
// Each is asked itself, and for a dry run; the API server would ask any.
func (a *attack) settle() {
	a.t.Helper()
	ca, err := os.ReadFile(a.c.CAFile)
	if err != nil {
		a.t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13}}
	defer transport.CloseIdleConnections()
	httpClient := &http.Client{Transport: transport, Timeout: patience}
	review := a.review()
	for i, r := range a.c.Injector.Replicas() {
		soon.Require(a.t, fmt.Sprintf("replica %d to know of the namespace's change", i), func(ctx context.Context) (bool, string) {
			response, err := ask(ctx, httpClient, "https://"+r.Address()+"/mutate-v1-pod", review)
			if err != nil {
				return false, err.Error()
			}
			return !response.Allowed || len(response.Patch) == 0, "it still injects"
		})
	}
}

// review asks for what the victim asked for.
func (a *attack) review() []byte {
	a.t.Helper()
	pod, err := json.Marshal(cluster.Pod(a.namespace, "settle", "DB-Password"))
	if err != nil {
		a.t.Fatal(err)
	}
	dryRun := true
	review, err := json.Marshal(&admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"},
		Request: &admissionv1.AdmissionRequest{
			UID: "settle", Namespace: a.namespace, Operation: admissionv1.Create, DryRun: &dryRun,
			Kind:     metav1.GroupVersionKind{Version: "v1", Kind: "Pod"},
			Resource: metav1.GroupVersionResource{Version: "v1", Resource: "pods"},
			Object:   runtime.RawExtension{Raw: pod},
		},
	})
	if err != nil {
		a.t.Fatal(err)
	}
	return review
}

func ask(ctx context.Context, httpClient *http.Client, url string, review []byte) (*admissionv1.AdmissionResponse, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(review))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := httpClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	got := &admissionv1.AdmissionReview{}
	if err := json.Unmarshal(body, got); err != nil || got.Response == nil {
		return nil, fmt.Errorf("HTTP %d: %s", answer.StatusCode, body)
	}
	return got.Response, nil
}
