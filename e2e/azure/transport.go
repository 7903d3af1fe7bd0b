package azure

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strings"
)

// Transport returns a transport for SDK clients in this process: it trusts the server's
// authority and connects to the server for every host, with the real names in TLS and
// HTTP. A vault that does not exist is not found, as by DNS.
func (s *Server) Transport() *http.Transport {
	dialer := &net.Dialer{}
	return &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: s.authority.Pool()},
		ForceAttemptHTTP2: true, // a DialContext turns it off
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			host, _, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			host = strings.ToLower(host)
			if _, isVault := s.cloud.VaultOf(host); isVault {
				if _, exists := s.lookup(host); !exists {
					return nil, &net.OpError{Op: "dial", Net: network, Err: &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}}
				}
			}
			return dialer.DialContext(ctx, network, s.front.Addr().String())
		},
	}
}

// Client is an HTTP client over a transport of its own; the SDKs take it as
// policy.ClientOptions.Transport.
func (s *Server) Client() *http.Client { return &http.Client{Transport: s.Transport()} }
