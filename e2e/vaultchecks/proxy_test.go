package vaultchecks_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"akv-injector/e2e/azure"
)

// proxyTo leads every host to the stand-in, as a company's proxy leads out of its network:
// the program finds it by HTTPS_PROXY, and talks to Azure's own names.
func proxyTo(t *testing.T, server *azure.Server) (url string) {
	t.Helper()
	var tunnels sync.WaitGroup
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect || !strings.HasSuffix(r.Host, ":443") {
			http.Error(w, "only CONNECT to port 443", http.StatusMethodNotAllowed)
			return
		}
		out, err := (&net.Dialer{}).DialContext(r.Context(), "tcp", server.HTTPSAddress().String())
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		in, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			out.Close()
			return
		}
		_, _ = io.WriteString(in, "HTTP/1.1 200 Connection established\r\n\r\n")
		for _, way := range []struct{ to, from net.Conn }{{out, in}, {in, out}} {
			tunnels.Go(func() {
				_, _ = io.Copy(way.to, way.from) // until one of them closes
				out.Close()
				in.Close()
			})
		}
	}))
	t.Cleanup(proxy.Close)
	return proxy.URL
}
