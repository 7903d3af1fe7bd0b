package azure

import (
	"context"
	"net/http"

	"akv-injector/e2e/azure/arm"
	"akv-injector/e2e/azure/vault"
)

// Info says where the server is and what it is.
func (s *Server) Info() Info {
	return Info{
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

// Audit gives what was asked of the token endpoint and of the vaults.
func (s *Server) Audit() Audit {
	return Audit{TokenRequests: s.TokenRequests(), VaultCalls: append([]vault.Call{}, s.vaults.Audit()...)}
}

func (s *Server) adminHandler() http.Handler {
	mux := http.NewServeMux()
	opInfo.serve(mux, always(s.Info))
	s.serveIdentities(mux)
	s.serveRoles(mux)
	s.serveVaults(mux)
	s.serveObjects(mux)
	s.serveFaults(mux)
	opAudit.serve(mux, always(s.Audit))
	opClearAudit.serve(mux, act(func(context.Context, nothing) error { s.ClearAudit(); return nil }))
	return mux
}

// always makes an operation of what takes nothing and cannot fail.
func always[Out any](get func() Out) func(context.Context, nothing) (Out, error) {
	return func(context.Context, nothing) (Out, error) { return get(), nil }
}

// act makes an operation of what gives nothing back.
func act[In any](do func(context.Context, In) error) func(context.Context, In) (nothing, error) {
	return func(ctx context.Context, in In) (nothing, error) { return nothing{}, do(ctx, in) }
}

func (s *Server) serveIdentities(mux *http.ServeMux) {
	opCreateIdentity.serve(mux, func(_ context.Context, in arm.Identity) (arm.Identity, error) { return s.CreateIdentity(in) })
	opShowIdentity.serve(mux, func(_ context.Context, in named) (arm.Identity, error) { return s.Identity(in.ResourceGroup, in.Name) })
	opListIdentities.serve(mux, always(s.Identities))
	opDeleteIdentity.serve(mux, act(func(_ context.Context, in named) error { return s.DeleteIdentity(in.ResourceGroup, in.Name) }))
	opCreateFederated.serve(mux, func(_ context.Context, in federatedInput) (arm.FederatedCredential, error) {
		return s.CreateFederatedCredential(in.Identity.ResourceGroup, in.Identity.Name, in.Credential)
	})
	opListFederated.serve(mux, func(_ context.Context, in named) ([]arm.FederatedCredential, error) {
		return s.FederatedCredentials(in.ResourceGroup, in.Name)
	})
	opDeleteFederated.serve(mux, act(func(_ context.Context, in federatedInput) error {
		return s.DeleteFederatedCredential(in.Identity.ResourceGroup, in.Identity.Name, in.Credential.Name)
	}))
}

func (s *Server) serveRoles(mux *http.ServeMux) {
	opAssignRole.serve(mux, func(_ context.Context, in roleInput) (arm.RoleAssignment, error) {
		return s.AssignRole(in.Role, in.Assignee, in.Scope)
	})
	opListAssignments.serve(mux, always(s.RoleAssignments))
	opUnassignRole.serve(mux, act(func(_ context.Context, in roleInput) error {
		return s.UnassignRole(in.Role, in.Assignee, in.Scope)
	}))
}

func (s *Server) serveVaults(mux *http.ServeMux) {
	opCreateVault.serve(mux, func(_ context.Context, in named) (arm.Vault, error) { return s.CreateVault(in.ResourceGroup, in.Name) })
	opListVaults.serve(mux, always(s.Vaults))
	opDeleteVault.serve(mux, act(func(_ context.Context, in named) error { return s.DeleteVault(in.Name) }))
}

func (s *Server) serveObjects(mux *http.ServeMux) {
	opSetSecret.serve(mux, func(_ context.Context, in objectInput) (Object, error) {
		version, err := s.vaults.SetSecret(in.Vault, in.Name, in.Value, in.Attributes)
		if err != nil {
			return Object{}, err
		}
		return s.secret(in.Vault, in.Name, version)
	})
	opShowSecret.serve(mux, func(_ context.Context, in objectInput) (Object, error) {
		return s.secret(in.Vault, in.Name, in.Version)
	})
	opCreateKey.serve(mux, func(_ context.Context, in objectInput) (Object, error) {
		version, err := s.vaults.CreateKey(in.Vault, in.Name, in.KeyType, in.Attributes)
		if err != nil {
			return Object{}, err
		}
		return s.version(in.Vault, vault.Key, in.Name, version)
	})
	opCreateCertificate.serve(mux, func(_ context.Context, in objectInput) (Object, error) {
		version, err := s.vaults.CreateCertificate(in.Vault, in.Name, in.Subject, in.Attributes)
		if err != nil {
			return Object{}, err
		}
		return s.version(in.Vault, vault.Certificate, in.Name, version)
	})
	opListObjects.serve(mux, func(_ context.Context, in objectInput) ([]Object, error) {
		found, err := s.vaults.List(in.Vault, in.Kind)
		return s.objects(in.Vault, found, false), err
	})
	opListVersions.serve(mux, func(_ context.Context, in objectInput) ([]Object, error) {
		found, err := s.vaults.Versions(in.Vault, in.Kind, in.Name)
		return s.objects(in.Vault, found, true), err
	})
	opSetAttributes.serve(mux, func(_ context.Context, in objectInput) (Object, error) {
		if err := s.vaults.SetAttributes(in.Vault, in.Kind, in.Name, in.Version, in.Attributes); err != nil {
			return Object{}, err
		}
		return s.version(in.Vault, in.Kind, in.Name, in.Version)
	})
	opDeleteObject.serve(mux, act(func(_ context.Context, in objectInput) error { return s.vaults.Delete(in.Vault, in.Kind, in.Name) }))
	opRecoverObject.serve(mux, act(func(_ context.Context, in objectInput) error { return s.vaults.Recover(in.Vault, in.Kind, in.Name) }))
	opPurgeObject.serve(mux, act(func(_ context.Context, in objectInput) error { return s.vaults.Purge(in.Vault, in.Kind, in.Name) }))
}

func (s *Server) serveFaults(mux *http.ServeMux) {
	opSetTokenFault.serve(mux, act(func(_ context.Context, in faultInput) error { return s.SetTokenFault(in.Fault) }))
	opSetVaultFault.serve(mux, act(func(_ context.Context, in faultInput) error { return s.SetVaultFault(in.Vault, in.Fault) }))
	opSetCertificateFault.serve(mux, act(func(ctx context.Context, in certificateInput) error {
		return s.SetCertificateFault(ctx, in.Fault)
	}))
	opSetDNSDelay.serve(mux, act(func(_ context.Context, in durationInput) error { s.SetDNSDelay(in.Duration); return nil }))
	opPause.serve(mux, act(func(context.Context, nothing) error { return s.Pause() }))
	opResume.serve(mux, act(func(ctx context.Context, _ nothing) error { return s.Resume(ctx) }))
	opSetTokenLifetime.serve(mux, act(func(_ context.Context, in durationInput) error { return s.SetTokenLifetime(in.Duration) }))
	opTrustIssuers.serve(mux, act(func(_ context.Context, in pemInput) error { return s.TrustIssuers(in.PEM) }))
}

// secret describes a version of a secret, with its value.
func (s *Server) secret(vaultName, name, version string) (Object, error) {
	found, err := s.version(vaultName, vault.Secret, name, version)
	if err != nil {
		return Object{}, err
	}
	value, err := s.vaults.SecretValue(vaultName, name, found.Version())
	found.Value = &value
	return found, err
}
