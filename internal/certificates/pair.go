package certificates

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"slices"
	"time"
)

// pair is a certificate and its key, in PEM as they are stored and read.
type pair struct {
	certPEM, keyPEM []byte
	cert            *x509.Certificate
	key             crypto.Signer
}

// caName is what the names of our CAs begin with.
const caName = "akv-injector-ca-"

// skew is how far clocks may be apart: certificates are valid from before they are made.
const skew = 5 * time.Minute

const (
	pemCertificate = "CERTIFICATE"
	pemKey         = "PRIVATE KEY"
)

// newCA makes a CA that signs serving certificates alone.
func newCA(now time.Time, validity time.Duration) (*pair, error) {
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	const shown = 4
	return issue(nil, &x509.Certificate{
		SerialNumber: serial,
		// Each has a name of its own: a verifier finds the right one among several at once.
		Subject:   pkix.Name{CommonName: caName + hex.EncodeToString(serial.Bytes()[:shown])},
		NotBefore: now.Add(-skew), NotAfter: now.Add(validity),
		KeyUsage: x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
	})
}

// newLeaf makes a serving certificate for names, which may be IP addresses.
func (ca *pair) newLeaf(now time.Time, validity time.Duration, names []string) (*pair, error) {
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	until := now.Add(validity)
	if until.After(ca.cert.NotAfter) {
		until = ca.cert.NotAfter
	}
	leaf := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "akv-injector"},
		NotBefore: now.Add(-skew), NotAfter: until,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true,
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			leaf.IPAddresses = append(leaf.IPAddresses, ip)
		} else {
			leaf.DNSNames = append(leaf.DNSNames, name)
		}
	}
	return issue(ca, leaf)
}

// issue makes a key and has ca sign for it; without a CA the certificate signs itself.
func issue(ca *pair, template *x509.Certificate) (*pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	parent, signer := template, crypto.Signer(key)
	if ca != nil {
		parent, signer = ca.cert, ca.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		return nil, fmt.Errorf("making a certificate: %w", err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return parsePair(
		pem.EncodeToMemory(&pem.Block{Type: pemCertificate, Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: pemKey, Bytes: encoded}),
	)
}

func newSerial() (*big.Int, error) {
	const bits = 127 // positive, and at most 20 octets
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), bits))
	if err != nil {
		return nil, err
	}
	return serial.SetBit(serial, bits-1, 1), nil // of one length, and never 0
}

// parsePair reads what parsePair has given.
func parsePair(certPEM, keyPEM []byte) (*pair, error) {
	certs, err := parseCerts(certPEM)
	switch {
	case err != nil:
		return nil, err
	case len(certs) != 1:
		return nil, fmt.Errorf("there are %d certificates, and not one", len(certs))
	}
	block, rest := pem.Decode(keyPEM)
	if block == nil || block.Type != pemKey || len(bytes.TrimSpace(rest)) > 0 {
		return nil, errors.New("there is no key in PKCS #8")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("the key cannot be read") // the error may quote it
	}
	signer, ok := key.(*ecdsa.PrivateKey)
	if !ok || !signer.PublicKey.Equal(certs[0].PublicKey) {
		return nil, errors.New("the key is not that of the certificate")
	}
	return &pair{certPEM: certPEM, keyPEM: keyPEM, cert: certs[0], key: signer}, nil
}

// parseCerts reads certificates, and nothing else.
func parseCerts(text []byte) (certs []*x509.Certificate, err error) {
	for len(bytes.TrimSpace(text)) > 0 {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil || block.Type != pemCertificate {
			return nil, errors.New("there is something else than certificates")
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("a certificate cannot be read: %w", err)
		}
		certs = append(certs, cert)
	}
	return certs, nil
}

// problem is why a CA cannot sign now, or "".
func (p *pair) caProblem(now time.Time) string {
	switch c := p.cert; {
	case !c.IsCA || c.KeyUsage&x509.KeyUsageCertSign == 0:
		return "it is no CA"
	case now.Before(c.NotBefore):
		return "it is not valid yet"
	case now.After(c.NotAfter):
		return "it has expired"
	}
	return ""
}

// leafProblem is why a serving certificate has to be made anew, or "".
func (p *pair) leafProblem(now time.Time, ca *pair, names []string) string {
	c := p.cert
	has := slices.Clone(c.DNSNames)
	for _, ip := range c.IPAddresses {
		has = append(has, ip.String())
	}
	slices.Sort(has)
	wanted := slices.Clone(names)
	slices.Sort(wanted)
	const parts = 3 // renewed when two of three parts of its life are over
	switch {
	case !slices.Equal(has, wanted):
		return "it is for other names"
	case c.CheckSignatureFrom(ca.cert) != nil:
		return "another CA has signed it"
	case now.Before(c.NotBefore):
		return "it is not valid yet"
	case now.After(c.NotAfter.Add(-c.NotAfter.Sub(c.NotBefore) / parts)):
		return "it ends soon"
	}
	return ""
}
