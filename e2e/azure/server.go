package azure

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"time"

	"akv-injector/e2e/azure/admin"
	"akv-injector/e2e/azure/arm"
	"akv-injector/e2e/azure/cloud"
	"akv-injector/e2e/azure/dns"
	"akv-injector/e2e/azure/entra"
	"akv-injector/e2e/azure/eventgrid"
	"akv-injector/e2e/azure/front"
	"akv-injector/e2e/azure/queue"
	"akv-injector/e2e/azure/vault"
)

// Server is a running stand-in for Azure. Its methods are what an administrator can do
// there and what can go wrong there; they may be called at once.
type Server struct {
	options      Options
	cloud        cloud.Hosts
	subscription *arm.Subscription
	entra        *entra.Service
	vaults       *vault.Service
	queues       *queue.Service
	events       *eventgrid.Service
	authority    *front.Authority
	front        *front.Listener
	dns          *dns.Server
	admin        *admin.Listener
	ownDir       bool

	vaultChanges sync.Mutex // held to create or delete a vault, which takes two steps
}

// Start starts a stand-in for Azure. It runs until Stop; ctx is for the start.
func Start(ctx context.Context, options Options) (*Server, error) {
	options, address, err := options.complete()
	if err != nil {
		return nil, fmt.Errorf("azure: %w", err)
	}
	s := &Server{options: options}
	if err := s.start(ctx, address); err != nil {
		return nil, errors.Join(fmt.Errorf("azure: %w", err), s.Stop())
	}
	return s, nil
}

func (s *Server) start(ctx context.Context, address netip.Addr) error {
	s.cloud, _ = s.options.Cloud.Hosts() // options.complete has checked the name
	s.subscription = arm.New(s.cloud, s.options.TenantID)
	var err error
	if s.entra, err = entra.New(entra.Config{
		Cloud:        s.cloud,
		Tenants:      append([]string{s.options.TenantID}, s.options.OtherTenants...),
		Subscription: s.subscription,
		IssuerCAs:    s.options.IssuerCAs,
		Now:          s.options.Now,
	}); err != nil {
		return err
	}
	if err := s.entra.SetTokenLifetime(s.options.TokenLifetime); err != nil {
		return err
	}
	s.queues = queue.New(s.authenticateStorage, s.subscription.AllowedQueue, s.options.Now)
	s.events = eventgrid.New(s.subscription.VaultScope, s.queues.Put, s.entra.EventGridToken, s.options.Now)
	s.vaults = vault.New(vault.Config{
		Created:       s.created,
		Authenticate:  s.authenticate,
		Allowed:       s.subscription.Allowed,
		Resource:      s.resource,
		TenantID:      s.options.TenantID,
		LoginEndpoint: s.cloud.LoginEndpoint(),
		Now:           s.options.Now,
	})
	if s.authority, err = front.NewAuthority(); err != nil {
		return err
	}
	if err := s.makeDir(); err != nil {
		return err
	}
	config := &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: s.getCertificate,
		// A resumed connection checks no certificate, so that a faulty one would not be
		// noticed.
		SessionTicketsDisabled: true,
	}
	s.front = front.New(s.logged(s), config, netip.AddrPortFrom(address, uint16(s.options.HTTPSPort)))
	if err := s.front.Open(ctx); err != nil {
		return err
	}
	if s.dns, err = dns.Start(ctx, netip.AddrPortFrom(address, uint16(s.options.DNSPort)), s.lookup); err != nil {
		return err
	}
	api := &admin.API{Subscription: s.subscription, Entra: s.entra, Vaults: s.vaults, Server: s}
	s.admin, err = admin.Listen(ctx, s.AdminSocket(), api.Handler())
	return err
}

func (s *Server) makeDir() (err error) {
	if s.options.Dir == "" {
		s.options.Dir, err = os.MkdirTemp("", "azure-")
		if err != nil {
			return err
		}
		s.ownDir = true
	} else if err := os.MkdirAll(s.options.Dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(s.CAFile(), s.authority.PEM(), 0o644)
}

// Stop stops the server and removes the folder that it made. A second call does nothing.
func (s *Server) Stop() error {
	var errs []error
	if s.events != nil {
		s.events.Stop()
	}
	if s.front != nil {
		errs = append(errs, s.front.Close())
	}
	if s.dns != nil {
		errs = append(errs, s.dns.Close())
	}
	if s.admin != nil {
		errs = append(errs, s.admin.Close())
	}
	if s.ownDir {
		errs = append(errs, os.RemoveAll(s.options.Dir))
	}
	return errors.Join(errs...)
}

// Pause makes Azure unreachable: new connections are refused, others are broken. Names
// still resolve, the admin API answers, and nothing is lost.
func (s *Server) Pause() error { return s.front.Shut() }

// Resume ends a pause, at the same port.
func (s *Server) Resume(ctx context.Context) error { return s.front.Open(ctx) }

// SetCertificateFault makes the server present wrong certificates, or good ones again.
// Open connections are broken, so that clients see the new certificate.
func (s *Server) SetCertificateFault(ctx context.Context, fault front.CertificateFault) error {
	switch fault {
	case front.CertificateGood, front.CertificateExpired, front.CertificateUnknownAuthority, front.CertificateWrongHost:
	default:
		return arm.BadRequest("The certificate fault %q is none of %s, %s, %s.", fault, front.CertificateExpired, front.CertificateUnknownAuthority, front.CertificateWrongHost)
	}
	s.authority.SetFault(fault)
	return s.front.Reopen(ctx)
}

// SetDNSDelay makes every DNS answer late; 0 ends the delay.
func (s *Server) SetDNSDelay(delay time.Duration) { s.dns.SetDelay(delay) }

// Vault is the data plane, to fill vaults and to read their audit.
func (s *Server) Vault() *vault.Service { return s.vaults }

// TenantID is the tenant of all identities and vaults.
func (s *Server) TenantID() string { return s.options.TenantID }

// SubscriptionID is the subscription of all resources.
func (s *Server) SubscriptionID() string { return s.subscription.ID() }

// CAFile is the certificate, in PEM, that clients have to trust.
func (s *Server) CAFile() string { return filepath.Join(s.options.Dir, "ca.crt") }

// Certificate is one of a host, which clients trust that trust the others.
func (s *Server) Certificate(host string) (*tls.Certificate, error) {
	return s.authority.Certificate(host)
}

// CA is the content of CAFile.
func (s *Server) CA() []byte { return s.authority.PEM() }

// AdminSocket is the unix socket of the admin API.
func (s *Server) AdminSocket() string {
	if s.options.AdminSocket != "" {
		return s.options.AdminSocket
	}
	return filepath.Join(s.options.Dir, "admin.sock")
}

// HTTPSAddress is where all hosts are served.
func (s *Server) HTTPSAddress() netip.AddrPort { return s.front.Addr() }

// DNSAddress is where the DNS server listens, with UDP and TCP.
func (s *Server) DNSAddress() netip.AddrPort { return s.dns.Address() }

// LoginEndpoint is the URL of Entra ID, the authority host of the SDKs.
func (s *Server) LoginEndpoint() string { return s.cloud.LoginEndpoint() }

// VaultURL is the address of a vault, for the SDKs. The vault need not exist.
func (s *Server) VaultURL(name string) string { return s.cloud.VaultURI(name) }
