package azure

import (
	"cmp"
	"crypto/x509"
	"fmt"
	"io"
	"net/netip"
	"time"

	"github.com/google/uuid"

	"akv-injector/e2e/azure/cloud"
	"akv-injector/e2e/azure/entra"
)

// Options are where a stand-in for Azure listens and how it is set up. The zero value
// is valid.
type Options struct {
	// Address is the IP address to listen on, and the one that every host name
	// resolves to; empty is 127.0.0.1.
	Address string
	// HTTPSPort is where all hosts are served. Clients that use real host names connect
	// to 443; 0 is any free port, for clients that use [Server.Transport].
	HTTPSPort int
	// DNSPort is where the DNS server listens, with UDP and TCP; 0 is any free port.
	DNSPort int
	// AdminSocket is the path of the unix socket of the admin API; empty is
	// admin.sock in Dir.
	AdminSocket string
	// Dir is the folder for the certificate authority's certificate; empty is a
	// temporary one, which Stop removes.
	Dir string

	// Cloud is where the tenant and the vaults are; empty is [cloud.Public]. Login
	// hosts of other clouds answer that the tenant does not exist.
	Cloud cloud.Name
	// TenantID is the tenant of all identities and vaults; empty is a random one.
	TenantID string
	// OtherTenants exist, and have no application.
	OtherTenants []string
	// IssuerCAs are trusted when the issuer of an assertion is asked for its keys;
	// see also [Server.TrustIssuers].
	IssuerCAs *x509.CertPool
	// TokenLifetime is the lifetime of access tokens; 0 is [entra.DefaultTokenLifetime].
	// The SDKs renew a token 5 minutes before its end, so a shorter one is used once.
	TokenLifetime time.Duration

	// Log gets a line for each request: never a token, a form or a value. Nil logs
	// nothing.
	Log io.Writer
	// Now is the clock of tokens and objects; nil is time.Now.
	Now func() time.Time
}

func (o Options) complete() (Options, netip.Addr, error) {
	o.Cloud = cmp.Or(o.Cloud, cloud.Public)
	if _, ok := o.Cloud.Hosts(); !ok {
		return o, netip.Addr{}, fmt.Errorf("cloud %q: there is no such cloud; the public one is %s", o.Cloud, cloud.Public)
	}
	o.TenantID = cmp.Or(o.TenantID, uuid.NewString())
	for _, tenant := range append([]string{o.TenantID}, o.OtherTenants...) {
		if uuid.Validate(tenant) != nil {
			return o, netip.Addr{}, fmt.Errorf("tenant %q: it must be a GUID", tenant)
		}
	}
	address, err := netip.ParseAddr(cmp.Or(o.Address, "127.0.0.1"))
	if err != nil || !address.Is4() || address.IsUnspecified() {
		return o, netip.Addr{}, fmt.Errorf("address %q: it must be one IPv4 address, for host names resolve to it", o.Address)
	}
	for name, port := range map[string]int{"HTTPS": o.HTTPSPort, "DNS": o.DNSPort} {
		if port < 0 || port > 65535 {
			return o, netip.Addr{}, fmt.Errorf("%s port %d: it must be 0 to 65535", name, port)
		}
	}
	if o.TokenLifetime == 0 {
		o.TokenLifetime = entra.DefaultTokenLifetime
	}
	if o.TokenLifetime < time.Second {
		return o, netip.Addr{}, fmt.Errorf("token lifetime %s: clients are told whole seconds", o.TokenLifetime)
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o, address, nil
}
