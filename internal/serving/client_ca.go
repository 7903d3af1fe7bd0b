package serving

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// RequireClientCA returns an option for TLS by which clients must show a certificate that a CA
// in the file has signed. Where the API server is set up to show one, nobody else who reaches
// the port is answered.
func RequireClientCA(file string) (func(*tls.Config), error) {
	pem, err := os.ReadFile(file) //nolint:gosec // The operator names it, by a flag.
	if err != nil {
		return nil, fmt.Errorf("the CA of clients: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("the CA of clients: %s: %w", file, errors.New("no certificate in PEM"))
	}
	return func(config *tls.Config) {
		config.ClientAuth = tls.RequireAndVerifyClientCert
		config.ClientCAs = pool
	}, nil
}
