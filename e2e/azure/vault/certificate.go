package vault

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"time"
)

// CreateCertificate makes a new version of a self-signed certificate, and the
// certificate if there is none, with its managed secret and key, as Azure does.
// The subject is like "CN=example.com,O=Example"; a common name that is a host's
// becomes an alternative name too, because TLS clients look at nothing else. The
// attributes' ContentType is the secret's: application/x-pkcs12 (the default) or
// application/x-pem-file. NotBefore and Expires are those of the certificate.
func (s *Service) CreateCertificate(vault, name, subject string, a Attributes) (string, error) {
	p := policy{Secret: secretProps{ContentType: a.ContentType}, X509: x509Props{Subject: subject}}
	fail := func(err error) (string, error) {
		return "", fmt.Errorf("vault %s: %s/%s: %w", vault, Certificate, name, err)
	}
	if parsed, err := parseSubject(subject); err == nil && dnsName.MatchString(parsed.CommonName) {
		p.X509.SANs.DNSNames = []string{parsed.CommonName}
	}
	now := s.config.Now()
	if err := p.complete(now); err != nil {
		return fail(err)
	}
	made, err := p.selfSign(now, a.NotBefore, a.Expires)
	if err != nil {
		return fail(err)
	}
	var id string
	err = s.within(vault, Certificate, name, func(v *contents) error {
		_, cert, err := s.addCertificate(v, name, &p, made, a.change())
		if err == nil {
			id = cert.id
		}
		return err
	})
	return id, err
}

// addCertificate stores a certificate with its two parts. It wants s.mu held.
func (s *Service) addCertificate(v *contents, name string, p *policy, made *pair, c change) (*object, *version, error) {
	if err := v.reserve(Certificate, name, "create"); err != nil {
		return nil, nil, err
	}
	if _, ok := v.objects[Certificate][fold(name)]; !ok {
		for _, kind := range []Kind{Secret, Key} {
			if err := v.reserve(kind, name, "create"); err != nil {
				return nil, nil, err
			}
			if _, ok := v.objects[kind][fold(name)]; ok {
				return nil, nil, existsConflict(kind, name)
			}
		}
	}
	c.contentType = &p.Secret.ContentType
	c.notBefore = unixTime{given: true, at: &made.notBefore}
	c.expires = unixTime{given: true, at: &made.expires}
	if err := c.check(); err != nil {
		return nil, nil, err
	}
	// The three have one id, one clock reading and one set of attributes.
	cert := s.newVersion(c)
	secret, key := *cert, *cert
	cert.cert, cert.contentType = &made.cert, ""
	secret.value = made.secret
	key.key, key.contentType = made.key, ""
	v.add(Secret, name, &secret).managed = true
	v.add(Key, name, &key).managed = true
	o := v.add(Certificate, name, cert)
	if o.policy != nil {
		p.Attributes.Created = o.policy.Attributes.Created
	}
	o.policy = p
	s.config.Created(v.name, Certificate, name, cert.id)
	return o, cert, nil
}

// certificateBundle is a certificate in an answer, certificateItem in a list.
type certificateBundle struct {
	ID          string            `json:"id"`
	KID         string            `json:"kid"`
	SID         string            `json:"sid"`
	Thumbprint  string            `json:"x5t"`
	CER         string            `json:"cer"`
	ContentType string            `json:"contentType,omitempty"`
	Attributes  attributesJSON    `json:"attributes"`
	Tags        map[string]string `json:"tags,omitempty"`
	Policy      policy            `json:"policy"`
	Pending     pendingLink       `json:"pending"`
	*deletionJSON
}

type pendingLink struct {
	ID string `json:"id"`
}

type certificateItem struct {
	ID         string            `json:"id"`
	Thumbprint string            `json:"x5t"`
	Attributes attributesJSON    `json:"attributes"`
	Tags       map[string]string `json:"tags,omitempty"`
	Subject    string            `json:"subject"`
	*deletionJSON
}

func (c *call) certificateBundle(o *object, v *version) certificateBundle {
	return certificateBundle{
		ID:           c.id(o, v),
		KID:          c.url(Key, o.name, v.id),
		SID:          c.url(Secret, o.name, v.id),
		Thumbprint:   v.cert.thumbprint,
		CER:          base64.StdEncoding.EncodeToString(v.cert.der),
		Attributes:   v.attributes(),
		Tags:         v.tags,
		Policy:       o.policy.with(c.url(Certificate, o.name, "policy")),
		Pending:      pendingLink{ID: c.url(Certificate, o.name, "pending")},
		deletionJSON: c.deletion(o),
	}
}

func (c *call) certificateItem(o *object, v *version, id string) certificateItem {
	return certificateItem{
		ID: id, Thumbprint: v.cert.thumbprint, Attributes: v.attributes(), Tags: v.tags, deletionJSON: c.deletion(o),
	}
}

func getPolicy(c *call) (any, error) {
	o, err := c.contents.find(Certificate, c.name)
	if err != nil {
		return nil, err
	}
	return o.policy.with(c.url(Certificate, o.name, "policy")), nil
}

// operationJSON is how the making of a certificate goes: here it is always done.
type operationJSON struct {
	ID            string `json:"id"`
	Issuer        issuer `json:"issuer"`
	Cancellation  bool   `json:"cancellation_requested"`
	Status        string `json:"status"`
	StatusDetails any    `json:"status_details"`
	Target        string `json:"target"`
	RequestID     string `json:"request_id"`
}

func (c *call) operation(o *object) operationJSON {
	return operationJSON{
		ID:        c.url(Certificate, o.name, "pending"),
		Issuer:    o.policy.Issuer,
		Status:    "completed",
		Target:    c.url(Certificate, o.name),
		RequestID: o.newest().id,
	}
}

// createCertificate answers POST /certificates/{name}/create: the certificate
// is there when the answer is, and its operation completed.
func createCertificate(c *call) (any, error) {
	var body struct {
		Policy     *policy            `json:"policy"`
		Attributes *attributesRequest `json:"attributes"`
		Tags       map[string]string  `json:"tags"`
	}
	if err := c.decode(&body); err != nil {
		return nil, err
	}
	p := body.Policy
	if p == nil {
		existing, err := c.contents.find(Certificate, c.name)
		if err != nil {
			return nil, badParameter("Required property 'policy' is missing.")
		}
		p = new(*existing.policy)
	}
	var now time.Time
	var made *pair
	err := c.unlocked(func() error {
		now = c.service.config.Now()
		if err := p.complete(now); err != nil {
			return err
		}
		var err error
		made, err = p.selfSign(now, nil, nil)
		return err
	})
	if err != nil {
		return nil, err
	}
	o, _, err := c.service.addCertificate(c.contents, c.name, p, made, body.Attributes.change(nil, body.Tags))
	if err != nil {
		return nil, err
	}
	c.status = http.StatusAccepted
	return c.operation(o), nil
}

func getPending(c *call) (any, error) {
	o, err := c.contents.find(Certificate, c.name)
	if err != nil {
		return nil, err
	}
	return c.operation(o), nil
}
