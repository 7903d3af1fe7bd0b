package azure

import (
	"akv-injector/e2e/azure/admin"
	"akv-injector/e2e/azure/vault"
)

// Info returns where the server listens, and its tenant.
func (s *Server) Info() admin.Info {
	return admin.Info{
		TenantID:       s.TenantID(),
		SubscriptionID: s.SubscriptionID(),
		Cloud:          s.options.Cloud,
		LoginEndpoint:  s.LoginEndpoint(),
		CAFile:         s.CAFile(),
		HTTPSAddress:   s.HTTPSAddress().String(),
		DNSAddress:     s.DNSAddress().String(),
		AdminSocket:    s.AdminSocket(),
	}
}

// Audit returns the requests to the token endpoint and to the vaults.
func (s *Server) Audit() admin.Audit {
	return admin.Audit{TokenRequests: s.TokenRequests(), VaultCalls: append([]vault.Call{}, s.vaults.Audit()...)}
}

// ClearAudit forgets these requests.
func (s *Server) ClearAudit() {
	s.entra.ClearAudit()
	s.vaults.ClearAudit()
}
