package vault

import (
	"crypto"
	"crypto/rand"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"regexp"
	"strings"
	"time"

	"software.sslmate.com/src/go-pkcs12"
)

// x509Part is what a version of a certificate holds: no private key.
type x509Part struct {
	der        []byte
	thumbprint string // SHA-1, as JSON has it
}

// pair is a new certificate with all that Key Vault makes of it.
type pair struct {
	cert               x509Part
	notBefore, expires time.Time
	key                *jsonWebKey
	secret             string
}

// selfSign makes what a policy asks for. Nil times are the policy's: from ten
// minutes ago, as in Azure, for its months.
func (p *policy) selfSign(now time.Time, notBefore, expires *time.Time) (*pair, error) {
	subject, err := parseSubject(p.X509.Subject)
	if err != nil {
		return nil, err
	}
	spec := keySpec{Type: p.Key.Type, Size: p.Key.Size, Curve: p.Key.Curve}
	if err := spec.complete(); err != nil {
		return nil, err
	}
	signer, err := spec.generate()
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               subject,
		DNSNames:              p.X509.SANs.DNSNames,
		EmailAddresses:        p.X509.SANs.Emails,
		NotBefore:             now.Add(-10 * time.Minute),
		NotAfter:              now.AddDate(0, p.X509.ValidityMonths, 0),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true,
	}
	if p.Key.Type == "RSA" {
		template.KeyUsage |= x509.KeyUsageKeyEncipherment
	}
	if notBefore != nil {
		template.NotBefore = *notBefore
	}
	if expires != nil {
		template.NotAfter = *expires
	}
	if !template.NotAfter.After(template.NotBefore) {
		return nil, badParameter("The certificate would expire at %s, before it is valid at %s.",
			template.NotAfter.UTC().Format(time.RFC3339), template.NotBefore.UTC().Format(time.RFC3339))
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, signer.Public(), signer)
	if err != nil {
		return nil, badParameter("The policy gives no certificate: %v", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, badParameter("The policy gives no certificate: %v", err)
	}
	made := &pair{
		cert:      x509Part{der: der, thumbprint: thumbprint(der)},
		notBefore: cert.NotBefore,
		expires:   cert.NotAfter,
	}
	if made.key, err = spec.publicKey(signer.Public()); err != nil {
		return nil, err
	}
	made.secret, err = encodePair(p.Secret.ContentType, cert, signer)
	return made, err
}

func thumbprint(der []byte) string {
	sum := sha1.Sum(der) // what x5t is, by definition
	return base64URL(sum[:])
}

// encodePair writes a certificate and its private key as the secret has them.
// The PKCS #12 form is the old one, without a password, because that is what
// Azure gives: the CSI driver's provider reads no newer one.
func encodePair(contentType string, cert *x509.Certificate, key crypto.Signer) (string, error) {
	if contentType == contentPFX {
		pfx, err := pkcs12.LegacyDES.Encode(key, cert, nil, "")
		return base64.StdEncoding.EncodeToString(pfx), err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", err
	}
	private := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	public := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})
	return string(private) + string(public), nil
}

// parseSubject reads "CN=example.com, O=Example". What has no "=" is a common
// name alone.
func parseSubject(subject string) (pkix.Name, error) {
	var name pkix.Name
	if !strings.Contains(subject, "=") {
		name.CommonName = strings.TrimSpace(subject)
		return name, nil
	}
	for part := range strings.SplitSeq(subject, ",") {
		key, value, ok := strings.Cut(part, "=")
		value = strings.TrimSpace(value)
		if !ok || value == "" {
			return name, badParameter("The subject %q is invalid at %q: write NAME=VALUE pairs with commas between them.", subject, part)
		}
		switch strings.ToUpper(strings.TrimSpace(key)) {
		case "CN":
			name.CommonName = value
		case "O":
			name.Organization = append(name.Organization, value)
		case "OU":
			name.OrganizationalUnit = append(name.OrganizationalUnit, value)
		case "L":
			name.Locality = append(name.Locality, value)
		case "ST", "S":
			name.Province = append(name.Province, value)
		case "C":
			name.Country = append(name.Country, value)
		default:
			return name, badParameter("The subject %q has %q, which is none of CN, O, OU, L, ST, C.", subject, strings.TrimSpace(key))
		}
	}
	return name, nil
}

var dnsName = regexp.MustCompile(`^(\*\.)?[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?(\.[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?)*$`)
