package front

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"sync"
	"time"
)

// CertificateFault is what is wrong with the certificates of all hosts.
type CertificateFault string

// The faults that clients meet: a middlebox with an authority of its own, a certificate
// for another host, one that has expired.
const (
	CertificateGood             CertificateFault = ""
	CertificateUnknownAuthority CertificateFault = "unknown-authority"
	CertificateWrongHost        CertificateFault = "wrong-host"
	CertificateExpired          CertificateFault = "expired"
)

// validity is longer than any run.
const validity = 7 * 24 * time.Hour

// Authority signs the certificates of every host that the stand-in answers for. Its key
// is only in memory. Certificates follow the machine's clock, whatever the clock of
// tokens is: clients compare them with the machine's.
type Authority struct {
	cert    *x509.Certificate
	key     *ecdsa.PrivateKey
	leafKey *ecdsa.PrivateKey

	mu     sync.Mutex
	fault  CertificateFault
	leaves map[leafName]*tls.Certificate
}

type leafName struct {
	host  string
	fault CertificateFault
}

// NewAuthority returns an authority with a key of its own.
func NewAuthority() (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	leafKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	a := &Authority{key: key, leafKey: leafKey, leaves: map[leafName]*tls.Certificate{}}
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: "Stand-in for Azure", Organization: []string{"End-to-end tests"}},
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		IsCA:                  true,
		BasicConstraintsValid: true,
		NotBefore:             time.Now().Add(-time.Hour), // a clock may be set back a little
		NotAfter:              time.Now().Add(validity),
	}
	der, err := sign(template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	a.cert, err = x509.ParseCertificate(der)
	return a, err
}

func sign(template, parent *x509.Certificate, public *ecdsa.PublicKey, signer *ecdsa.PrivateKey) ([]byte, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	template.SerialNumber = serial
	return x509.CreateCertificate(rand.Reader, template, parent, public, signer)
}

// PEM is the authority's own certificate, which clients have to trust.
func (a *Authority) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

// Pool has the same certificate as PEM.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// SetFault makes the certificates wrong, or good again. Connections that clients have
// already are not affected.
func (a *Authority) SetFault(fault CertificateFault) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.fault = fault
}

// Certificate returns the certificate of a host, which is made at the first request.
// What is wrong with it is up to the fault that is set.
func (a *Authority) Certificate(host string) (*tls.Certificate, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	name := leafName{host, a.fault}
	if made := a.leaves[name]; made != nil {
		return made, nil
	}
	made, err := a.newLeaf(host, a.fault)
	if err != nil {
		return nil, fmt.Errorf("certificate for %s: %w", host, err)
	}
	a.leaves[name] = made
	return made, nil
}

func (a *Authority) newLeaf(host string, fault CertificateFault) (*tls.Certificate, error) {
	signer := a
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: host},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		NotBefore:   time.Now().Add(-time.Hour),
		NotAfter:    time.Now().Add(validity),
	}
	switch fault {
	case CertificateUnknownAuthority:
		other, err := NewAuthority()
		if err != nil {
			return nil, err
		}
		signer = other
	case CertificateWrongHost:
		host = "other.example"
	case CertificateExpired:
		template.NotBefore, template.NotAfter = time.Now().Add(-48*time.Hour), time.Now().Add(-24*time.Hour)
	case CertificateGood:
	}
	if ip := net.ParseIP(host); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{host}
	}
	der, err := sign(template, signer.cert, &a.leafKey.PublicKey, signer.key)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der, signer.cert.Raw}, PrivateKey: a.leafKey}, nil
}
