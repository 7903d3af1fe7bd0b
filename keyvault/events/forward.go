package events

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"time"
)

// forwarded marks a delivery that another replica has handed on, so that it is not handed on again.
const forwarded = "Akv-Injector-Forwarded"

const (
	// maxPeers are the replicas that are tried.
	maxPeers       = 16
	forwardTimeout = 3 * time.Second
)

// forwarder hands deliveries to the replica that leads. They keep their token, and are checked
// there as if Event Grid had called it.
type forwarder struct {
	peers  string
	client *http.Client
}

func newForwarder(peers string, certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)) *forwarder {
	return &forwarder{peers: peers, client: &http.Client{
		Timeout: forwardTimeout,
		Transport: &http.Transport{
			DisableKeepAlives: true, // pods come and go
			TLSClientConfig: &tls.Config{
				MinVersion: tls.VersionTLS12,
				// Replicas are called by address, for which no certificate is made out. They serve
				// with the same one, and that is what is checked.
				InsecureSkipVerify: true, //nolint:gosec // see VerifyConnection
				VerifyConnection: func(state tls.ConnectionState) error {
					own, err := certificate(&tls.ClientHelloInfo{})
					if err != nil {
						return err
					}
					if len(state.PeerCertificates) == 0 || len(own.Certificate) == 0 || !bytes.Equal(state.PeerCertificates[0].Raw, own.Certificate[0]) {
						return x509.CertificateInvalidError{Detail: "a replica serves with another certificate"}
					}
					return nil
				},
			},
		},
	}}
}

// send hands a delivery on, and reports whether a replica has taken it.
func (f *forwarder) send(r *http.Request, body []byte) bool {
	if f.peers == "" {
		return false
	}
	host, port, err := net.SplitHostPort(f.peers)
	if err != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(r.Context(), 2*forwardTimeout)
	defer cancel()
	addresses, err := net.DefaultResolver.LookupHost(ctx, host)
	if err != nil {
		return false
	}
	answers := make(chan error, maxPeers)
	asked := 0
	for _, address := range addresses[:min(len(addresses), maxPeers)] {
		asked++
		go func() { answers <- f.post(ctx, net.JoinHostPort(address, port), r.Header, body) }()
	}
	for range asked {
		if <-answers == nil {
			return true
		}
	}
	return false
}

var errNotTaken = errors.New("not taken")

func (f *forwarder) post(ctx context.Context, address string, header http.Header, body []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+address+"/events", bytes.NewReader(body))
	if err != nil {
		return err
	}
	for _, name := range []string{"Authorization", "Content-Type", "Ce-Specversion", "Ce-Type"} {
		if value := header.Get(name); value != "" {
			request.Header.Set(name, value)
		}
	}
	request.Header.Set(forwarded, "1")
	response, err := f.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 4<<10))
	if response.StatusCode != http.StatusOK {
		return errNotTaken
	}
	return nil
}
