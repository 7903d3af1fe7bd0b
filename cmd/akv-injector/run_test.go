package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr"

	"akv-injector/internal/testing/await"
)

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// While the API server does not answer the program lives, says why it is not ready,
// and stops when it is told to.
func TestRunWaitsForTheCluster(t *testing.T) {
	var asked atomic.Int32
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		http.Error(w, "etcd is down", http.StatusServiceUnavailable)
	}))
	defer api.Close()
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(kubeconfig, fmt.Appendf(nil, `
apiVersion: v1
kind: Config
clusters: [{name: a, cluster: {server: %q}}]
contexts: [{name: a, context: {cluster: a}}]
current-context: a
`, api.URL), 0o600); err != nil {
		t.Fatal(err)
	}

	probes := freeAddress(t)
	o, problems := parseOptions([]string{
		alone, "--kubeconfig=" + kubeconfig, "--health-probe-address=" + probes, "--metrics-address=0",
		"--cert-dir=" + t.TempDir(), "--shutdown-delay=10ms",
	}, environment(nil))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	done := make(chan error, 1)
	go func() { done <- run(ctx, o, logr.Discard()) }()

	get := func(path string) (int, string) {
		answer, err := http.Get("http://" + probes + path)
		if err != nil {
			return 0, err.Error()
		}
		defer func() { _ = answer.Body.Close() }()
		body, _ := io.ReadAll(answer.Body)
		return answer.StatusCode, string(body)
	}
	var code int
	var body string
	poll := await.Poll{Limit: 10 * time.Second, Every: 10 * time.Millisecond}
	poll.Require(t, "the API server's answer in /readyz", func(context.Context) (bool, string) {
		code, body = get("/readyz")
		return strings.Contains(body, "unable to handle"), body
	})
	if code != http.StatusServiceUnavailable || !strings.Contains(body, "cluster: the API server does not answer: the server is currently unable to handle the request") ||
		!strings.Contains(body, "certificate: no serving certificate") {
		t.Errorf("/readyz is %d %q", code, body)
	}
	if code, body := get("/healthz"); code != http.StatusOK {
		t.Errorf("/healthz is %d %q", code, body)
	}
	stop()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(5 * time.Second):
		t.Error("it does not stop")
	}
	if asked.Load() == 0 {
		t.Error("nobody asked the API server")
	}
}

// Answers from the client may not wait for a limit of our own.
func TestRestConfig(t *testing.T) {
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(kubeconfig, []byte(`{"apiVersion":"v1","kind":"Config","clusters":[{"name":"a","cluster":{"server":"https://a"}}],"contexts":[{"name":"a","context":{"cluster":"a"}}],"current-context":"a"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	config, err := restConfig(kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	if config.QPS >= 0 || !strings.HasPrefix(config.UserAgent, "akv-injector/") || config.Host != "https://a" {
		t.Errorf("QPS %v, user agent %q, host %q", config.QPS, config.UserAgent, config.Host)
	}
}
