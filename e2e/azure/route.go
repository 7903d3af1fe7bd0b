package azure

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"akv-injector/e2e/azure/cloud"
)

// ServeHTTP passes a request to the service that its host names.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	host := cloud.HostOf(r)
	if cloud.IsLogin(host) {
		s.entra.ServeHTTP(w, r)
		return
	}
	if _, ok := s.cloud.VaultOf(host); ok {
		s.vaults.ServeHTTP(w, r)
		return
	}
	if account, ok := s.cloud.AccountOf(host); ok {
		s.queues.Serve(w, r, account)
		return
	}
	http.Error(w, fmt.Sprintf("no service here has the host name %q", host), http.StatusMisdirectedRequest)
}

// lookup returns the address of a host, and reports whether it exists: every login host
// does, and each vault and storage account of this cloud, as in Azure's DNS.
func (s *Server) lookup(host string) (netip.Addr, bool) {
	name, isVault := s.cloud.VaultOf(host)
	account, isAccount := s.cloud.AccountOf(host)
	if cloud.IsLogin(host) || isVault && s.vaults.HasVault(name) || isAccount && s.queues.HasAccount(account) {
		return s.front.Addr().Addr(), true
	}
	return netip.Addr{}, false
}

// getCertificate returns the certificate of the host that a client asks for. As in Azure
// it has a wildcard for vaults and storage accounts, so that none need exist.
func (s *Server) getCertificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	host := strings.ToLower(hello.ServerName)
	if _, ok := s.cloud.VaultOf(host); ok {
		host = "*." + s.cloud.VaultSuffix
	} else if _, ok := s.cloud.AccountOf(host); ok {
		host = "*." + s.cloud.QueueSuffix
	} else if !cloud.IsLogin(host) {
		return nil, fmt.Errorf("no service here has the host name %q", hello.ServerName)
	}
	return s.authority.Certificate(host)
}

// logged writes a line for each request. The path names what was asked for; everything
// that is secret is elsewhere.
func (s *Server) logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		started := time.Now()
		seen := &statusWriter{ResponseWriter: w}
		defer func() {
			fmt.Fprintf(s.options.Log, "%s %s %s%s %d %s\n", started.UTC().Format(time.RFC3339), r.Method, cloud.HostOf(r), r.URL.EscapedPath(), seen.status, time.Since(started).Round(time.Millisecond))
		}()
		next.ServeHTTP(seen, r)
	})
}

// statusWriter records the status of an answer, 0 if there is none yet.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController find what the writer can do.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
