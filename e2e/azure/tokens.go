package azure

import (
	"context"
	"time"

	"akv-injector/e2e/azure/cloud"
	"akv-injector/e2e/azure/entra"
	"akv-injector/e2e/azure/faults"
	"akv-injector/e2e/azure/vault"
)

// The methods below do what the methods of [entra.Service] do: of the same name, but
// for SetTokenFault, which is SetFault there.

func (s *Server) SetTokenFault(fault *faults.Fault) error { return s.entra.SetFault(fault) }

func (s *Server) SetTokenLifetime(lifetime time.Duration) error {
	return s.entra.SetTokenLifetime(lifetime)
}

func (s *Server) TrustIssuers(pem []byte) error { return s.entra.TrustIssuers(pem) }

func (s *Server) TokenRequests() []entra.TokenRequest { return s.entra.TokenRequests() }

// authenticate checks a bearer token for the vaults. Entra ID and Key Vault do not know
// each other's types; this is where they meet.
func (s *Server) authenticate(ctx context.Context, bearer, audience string) (vault.Caller, error) {
	caller, err := s.entra.Authenticate(ctx, bearer, audience)
	return vault.Caller(caller), err
}

// authenticateStorage checks a bearer token for storage, and returns whose it is.
func (s *Server) authenticateStorage(ctx context.Context, bearer string) (principal string, err error) {
	caller, err := s.entra.Authenticate(ctx, bearer, cloud.StorageAudience)
	return caller.ObjectID, err
}
