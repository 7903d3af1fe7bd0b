package serving

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	ctrlwebhook "sigs.k8s.io/controller-runtime/pkg/webhook"
)

func TestDrain(t *testing.T) {
	stop, tell := context.WithCancel(t.Context())
	d := NewDrain(100 * time.Millisecond)
	ctx := d.After(stop)
	if err := d.Ready(nil); err != nil || ctx.Err() != nil {
		t.Fatalf("before: %v, %v", err, ctx.Err())
	}
	began := time.Now()
	tell()
	eventually(t, "unready", func() bool { return d.Ready(nil) != nil })
	if ctx.Err() != nil {
		t.Error("ended with the beginning of the drain")
	}
	<-ctx.Done()
	if took := time.Since(began); took < 100*time.Millisecond {
		t.Errorf("ended after %s", took)
	}
}

func TestDrainEndsConnections(t *testing.T) {
	stop, tell := context.WithCancel(t.Context())
	d := NewDrain(time.Hour)
	d.After(stop)
	mux := http.NewServeMux()
	d.Closing(registrarFunc(mux.Handle)).Register("/", http.NotFoundHandler())
	header := func() string {
		recorder := httptest.NewRecorder()
		mux.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil))
		return recorder.Header().Get("Connection")
	}
	if got := header(); got != "" {
		t.Errorf("before: Connection: %s, want it kept", got)
	}
	tell()
	eventually(t, "unready", func() bool { return d.Ready(nil) != nil })
	if got := header(); got != "close" {
		t.Errorf("during the drain: Connection: %q, want it closed", got)
	}
}

type registrarFunc func(string, http.Handler)

func (f registrarFunc) Register(path string, handler http.Handler) { f(path, handler) }

// A real server is stopped while it handles a request: the request is answered, new ones
// are answered during the delay, and then the port closes.
func TestDrainOfTheServer(t *testing.T) {
	dir := t.TempDir()
	writeCertificate(t, dir, "server", time.Now().Add(time.Hour))
	certificate := runCertificate(t, dir)
	eventually(t, "the certificate", func() bool { return certificate.Ready(nil) == nil })

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	_ = listener.Close()
	server := ctrlwebhook.NewServer(ctrlwebhook.Options{
		Host: "127.0.0.1", Port: port,
		TLSOpts: []func(*tls.Config){func(c *tls.Config) { c.GetCertificate, c.MinVersion = certificate.Get, tls.VersionTLS13 }},
	})

	const quickPath, slowPath = "/quick", "/slow"
	entered, release := make(chan struct{}, 1), make(chan struct{})
	server.Register(quickPath, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.Register(slowPath, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		entered <- struct{}{}
		<-release
	}))

	stop, tell := context.WithCancel(context.Background())
	defer tell()
	drain := NewDrain(300 * time.Millisecond)
	stopped := make(chan error, 1)
	go func() { stopped <- server.Start(drain.After(stop)) }()

	transport := &http.Transport{
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
		ForceAttemptHTTP2: true,
		DisableKeepAlives: true,
	}
	defer transport.CloseIdleConnections()
	call := func(path string) (int, error) {
		url := "https://127.0.0.1:" + strconv.Itoa(port) + path
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, http.NoBody)
		if err != nil {
			return 0, err
		}
		answer, err := transport.RoundTrip(r)
		if err != nil {
			return 0, err
		}
		_ = answer.Body.Close()
		return answer.StatusCode, nil
	}
	eventually(t, "the server", func() bool { code, err := call(quickPath); return err == nil && code == 200 })

	type result struct {
		code int
		err  error
	}
	slow := make(chan result, 1)
	go func() {
		code, err := call(slowPath)
		slow <- result{code, err}
	}()
	<-entered
	tell()
	eventually(t, "unready", func() bool { return drain.Ready(nil) != nil })
	if code, err := call(quickPath); err != nil || code != 200 {
		t.Errorf("during the delay: %d, %v", code, err)
	}
	eventually(t, "the end of new requests", func() bool { _, err := call(quickPath); return err != nil })
	select {
	case err := <-stopped:
		t.Fatalf("stopped with a request under way: %v", err)
	default:
	}
	close(release)
	if got := <-slow; got.err != nil || got.code != 200 {
		t.Errorf("the request under way: %d, %v", got.code, got.err)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}
