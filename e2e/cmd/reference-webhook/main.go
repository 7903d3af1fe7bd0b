// Command reference-webhook is what webhooks are compared with: an answer that is always the same, which is
// the limit of any webhook in Go, and a webhook of controller-runtime that reads the pod and allows it,
// which is the floor of those that are written with it.
package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	runtimememory "runtime"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	ctrladmission "sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

func main() {
	address := flag.String("address", "127.0.0.1:0", "where it listens")
	cert := flag.String("cert", "", "file of the certificate")
	key := flag.String("key", "", "file of the key")
	mode := flag.String("mode", "constant", "constant or decode")
	flag.Parse()
	if err := serve(*address, *cert, *key, *mode); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve(address, cert, key, mode string) error {
	var handler http.Handler
	switch mode {
	case "constant":
		answer, err := json.Marshal(&admissionv1.AdmissionReview{
			TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"},
			Response: &admissionv1.AdmissionResponse{UID: "none", Allowed: true},
		})
		if err != nil {
			return err
		}
		handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(answer)
		})
	case "decode":
		scheme := runtime.NewScheme()
		if err := corev1.AddToScheme(scheme); err != nil {
			return err
		}
		decoder := ctrladmission.NewDecoder(scheme)
		handler = &ctrladmission.Webhook{Handler: ctrladmission.HandlerFunc(func(_ context.Context, r ctrladmission.Request) ctrladmission.Response {
			pod := &corev1.Pod{}
			if err := decoder.Decode(r, pod); err != nil {
				return ctrladmission.Errored(http.StatusBadRequest, err)
			}
			return ctrladmission.Allowed("")
		})}
	default:
		return errors.New("-mode is constant or decode")
	}
	mux := http.NewServeMux()
	mux.Handle("/", handler)
	mux.HandleFunc("/metrics", func(w http.ResponseWriter, _ *http.Request) {
		var memory runtimememory.MemStats
		runtimememory.ReadMemStats(&memory)
		fmt.Fprintf(w, "go_memstats_mallocs_total %d\ngo_memstats_alloc_bytes_total %d\n", memory.Mallocs, memory.TotalAlloc)
	})
	mux.HandleFunc("/healthz", func(http.ResponseWriter, *http.Request) {})
	server := &http.Server{
		Addr: address, Handler: mux, ReadHeaderTimeout: 30 * time.Second,
		TLSConfig: &tls.Config{MinVersion: tls.VersionTLS13, NextProtos: []string{"h2", "http/1.1"}},
	}
	return server.ListenAndServeTLS(cert, key)
}
