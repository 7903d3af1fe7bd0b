package vault

import (
	"slices"
	"time"
)

// The two forms that a certificate's secret can have.
const (
	contentPEM = "application/x-pem-file"
	contentPFX = "application/x-pkcs12"
)

// policy says how the next version of a certificate is made, in Key Vault's
// JSON: it is what a create request sends, and what a certificate answers.
type policy struct {
	ID              string            `json:"id,omitempty"`
	Key             keyProps          `json:"key_props"`
	Secret          secretProps       `json:"secret_props"`
	X509            x509Props         `json:"x509_props"`
	LifetimeActions []lifetimeAction  `json:"lifetime_actions,omitempty"`
	Issuer          issuer            `json:"issuer"`
	Attributes      *policyAttributes `json:"attributes,omitempty"`
}

type keyProps struct {
	Exportable *bool  `json:"exportable,omitempty"`
	Type       string `json:"kty,omitempty"`
	Size       int    `json:"key_size,omitempty"`
	Curve      string `json:"crv,omitempty"`
	Reuse      bool   `json:"reuse_key"`
}

type secretProps struct {
	ContentType string `json:"contentType,omitempty"`
}

type x509Props struct {
	Subject          string           `json:"subject"`
	SANs             alternativeNames `json:"sans"`
	EKUs             []string         `json:"ekus,omitempty"`
	KeyUsage         []string         `json:"key_usage,omitempty"`
	ValidityMonths   int              `json:"validity_months,omitempty"`
	BasicConstraints basicConstraints `json:"basic_constraints"`
}

type alternativeNames struct {
	DNSNames []string `json:"dns_names,omitempty"`
	Emails   []string `json:"emails,omitempty"`
}

type basicConstraints struct {
	CA bool `json:"ca"`
}

type lifetimeAction struct {
	Trigger struct {
		Percentage int `json:"lifetime_percentage,omitempty"`
		Days       int `json:"days_before_expiry,omitempty"`
	} `json:"trigger"`
	Action struct {
		Type string `json:"action_type"`
	} `json:"action"`
}

type issuer struct {
	Name string `json:"name,omitempty"`
}

// policyAttributes is a policy's own, without a recovery level.
type policyAttributes struct {
	Enabled bool  `json:"enabled"`
	Created int64 `json:"created"`
	Updated int64 `json:"updated"`
}

// complete puts in Azure's defaults, and refuses what the stand-in cannot make.
func (p *policy) complete(now time.Time) error {
	spec := keySpec{Type: p.Key.Type, Size: p.Key.Size, Curve: p.Key.Curve}
	if spec.Type == "" {
		spec.Type = "RSA"
	}
	if err := spec.complete(); err != nil {
		return err
	}
	p.Key.Type, p.Key.Size, p.Key.Curve = spec.Type, spec.Size, spec.Curve
	if p.Key.Exportable == nil {
		p.Key.Exportable = new(true)
	}
	if p.Key.Reuse {
		return badParameter("The policy's reuse_key is not offered by this stand-in.")
	}
	if p.Secret.ContentType == "" {
		p.Secret.ContentType = contentPFX
	}
	if p.Secret.ContentType != contentPEM && p.Secret.ContentType != contentPFX {
		return badParameter("The contentType %q is not supported: must be %s or %s.", p.Secret.ContentType, contentPFX, contentPEM)
	}
	if p.X509.Subject == "" {
		return badParameter("The policy's x509_props have no subject.")
	}
	if p.X509.BasicConstraints.CA {
		return badParameter("A certificate authority is not offered by this stand-in.")
	}
	if p.X509.ValidityMonths == 0 {
		p.X509.ValidityMonths = 12
	}
	if p.X509.ValidityMonths < 0 || p.X509.ValidityMonths > 1200 {
		return badParameter("The validity_months %d are out of range.", p.X509.ValidityMonths)
	}
	p.X509.EKUs = []string{"1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"} // server, client
	p.X509.KeyUsage = []string{"digitalSignature"}
	if p.Key.Type == "RSA" {
		p.X509.KeyUsage = append(p.X509.KeyUsage, "keyEncipherment")
	}
	if p.Issuer.Name == "" {
		p.Issuer.Name = "Self"
	}
	if p.Issuer.Name != "Self" {
		return badParameter("The issuer %q is not offered by this stand-in: only Self is.", p.Issuer.Name)
	}
	if p.LifetimeActions == nil {
		var renew lifetimeAction
		renew.Trigger.Percentage = 80
		renew.Action.Type = "AutoRenew"
		p.LifetimeActions = []lifetimeAction{renew}
	}
	p.ID = ""
	p.Attributes = &policyAttributes{Enabled: true, Created: now.Unix(), Updated: now.Unix()}
	return nil
}

func (p *policy) with(id string) policy {
	answer := *p
	answer.ID = id
	answer.X509.EKUs = slices.Clone(p.X509.EKUs)
	return answer
}
