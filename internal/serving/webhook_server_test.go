package serving

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/go-logr/logr"
)

func TestWebhookServer(t *testing.T) {
	_, pair := pairIn(t, "webhooks")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	listener.Close()
	s := NewWebhookServer("127.0.0.1", port, &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{pair}}, logr.Discard())
	entered, finish := make(chan struct{}), make(chan struct{})
	s.Register("/slow", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-finish
		_, _ = io.WriteString(w, "done")
	}))
	if s.StartedChecker()(nil) == nil {
		t.Error("started before it was")
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Start(ctx) }()
	eventually(t, "the server to take connections", func() bool { return s.StartedChecker()(nil) == nil })

	roots := x509.NewCertPool()
	roots.AddCert(pair.Leaf)
	client := &http.Client{Transport: &http.Transport{
		ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13},
	}, Timeout: 10 * time.Second}
	type answer struct {
		proto, body string
		err         error
	}
	answers := make(chan answer, 1)
	go func() {
		response, err := client.Get("https://" + s.address + "/slow")
		if err != nil {
			answers <- answer{err: err}
			return
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		answers <- answer{response.Proto, string(body), err}
	}()
	<-entered
	stop()
	// The end waits for the request that is under way.
	eventually(t, "new connections to be refused", func() bool { return s.StartedChecker()(nil) != nil })
	close(finish)
	if got := <-answers; got.err != nil || got.body != "done" || got.proto != "HTTP/1.1" {
		t.Errorf("%+v, want the answer, over HTTP/1.1", got)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
