package admin

import (
	"context"
	"net/http"

	"akv-injector/e2e/azure/arm"
	"akv-injector/e2e/azure/vault"
)

// always makes an operation of a function without input and error.
func always[Out any](get func() Out) func(context.Context, nothing) (Out, error) {
	return func(context.Context, nothing) (Out, error) { return get(), nil }
}

// act makes an operation of a function without a result.
func act[In any](do func(context.Context, In) error) func(context.Context, In) (nothing, error) {
	return func(ctx context.Context, in In) (nothing, error) { return nothing{}, do(ctx, in) }
}

func (a *API) serveIdentities(mux *http.ServeMux) {
	opCreateIdentity.serve(mux, func(_ context.Context, in arm.Identity) (arm.Identity, error) {
		return a.Subscription.CreateIdentity(in)
	})
	opShowIdentity.serve(mux, func(_ context.Context, in named) (arm.Identity, error) {
		return a.Subscription.Identity(in.ResourceGroup, in.Name)
	})
	opListIdentities.serve(mux, always(a.Subscription.Identities))
	opDeleteIdentity.serve(mux, act(func(_ context.Context, in named) error {
		return a.Subscription.DeleteIdentity(in.ResourceGroup, in.Name)
	}))
	opCreateFederated.serve(mux, func(_ context.Context, in federatedInput) (arm.FederatedCredential, error) {
		return a.Subscription.CreateFederatedCredential(in.Identity.ResourceGroup, in.Identity.Name, in.Credential)
	})
	opListFederated.serve(mux, func(_ context.Context, in named) ([]arm.FederatedCredential, error) {
		return a.Subscription.FederatedCredentials(in.ResourceGroup, in.Name)
	})
	opDeleteFederated.serve(mux, act(func(_ context.Context, in federatedInput) error {
		return a.Subscription.DeleteFederatedCredential(in.Identity.ResourceGroup, in.Identity.Name, in.Credential.Name)
	}))
}

func (a *API) serveRoles(mux *http.ServeMux) {
	opAssignRole.serve(mux, func(_ context.Context, in roleInput) (arm.RoleAssignment, error) {
		return a.Subscription.AssignRoleAs(in.Name, in.Role, in.Assignee, in.Scope)
	})
	opListAssignments.serve(mux, always(a.Subscription.RoleAssignments))
	opUnassignRole.serve(mux, act(func(_ context.Context, in roleInput) error {
		return a.Subscription.UnassignRole(in.Role, in.Assignee, in.Scope)
	}))
	opDeleteAssignment.serve(mux, act(func(_ context.Context, in named) error {
		a.Subscription.DeleteAssignment(in.Name)
		return nil
	}))
}

func (a *API) serveClusters(mux *http.ServeMux) {
	opChangeCluster.serve(mux, func(_ context.Context, in arm.ClusterChange) (arm.Cluster, error) {
		return a.Subscription.ChangeCluster(in)
	})
	opCreateBinding.serve(mux, func(_ context.Context, in bindingInput) (arm.IdentityBinding, error) {
		return a.Subscription.CreateBinding(in.Group, in.Cluster, in.Name, in.Identity)
	})
	opListBindings.serve(mux, func(_ context.Context, in bindingInput) ([]arm.IdentityBinding, error) {
		return a.Subscription.Bindings(in.Group, in.Cluster)
	})
	opDeleteBinding.serve(mux, act(func(_ context.Context, in bindingInput) error {
		return a.Subscription.DeleteBinding(in.Group, in.Cluster, in.Name)
	}))
}

func (a *API) serveVaults(mux *http.ServeMux) {
	opCreateVault.serve(mux, func(_ context.Context, in named) (arm.Vault, error) {
		return a.Server.CreateVault(in.ResourceGroup, in.Name)
	})
	opListVaults.serve(mux, always(a.Subscription.Vaults))
	opDeleteVault.serve(mux, act(func(_ context.Context, in named) error { return a.Server.DeleteVault(in.Name) }))
}

func (a *API) serveObjects(mux *http.ServeMux) {
	opSetSecret.serve(mux, func(_ context.Context, in objectInput) (Object, error) {
		version, err := a.Vaults.SetSecret(in.Vault, in.Name, in.Value, in.Attributes)
		if err != nil {
			return Object{}, err
		}
		return a.secret(in.Vault, in.Name, version)
	})
	opShowSecret.serve(mux, func(_ context.Context, in objectInput) (Object, error) {
		return a.secret(in.Vault, in.Name, in.Version)
	})
	opCreateKey.serve(mux, func(_ context.Context, in objectInput) (Object, error) {
		version, err := a.Vaults.CreateKey(in.Vault, in.Name, in.KeyType, in.Attributes)
		if err != nil {
			return Object{}, err
		}
		return a.version(in.Vault, vault.Key, in.Name, version)
	})
	opCreateCertificate.serve(mux, func(_ context.Context, in objectInput) (Object, error) {
		version, err := a.Vaults.CreateCertificate(in.Vault, in.Name, in.Subject, in.Attributes)
		if err != nil {
			return Object{}, err
		}
		return a.version(in.Vault, vault.Certificate, in.Name, version)
	})
	opListObjects.serve(mux, func(_ context.Context, in objectInput) ([]Object, error) {
		found, err := a.Vaults.List(in.Vault, in.Kind)
		return a.objects(in.Vault, found, false), err
	})
	opListVersions.serve(mux, func(_ context.Context, in objectInput) ([]Object, error) {
		found, err := a.Vaults.Versions(in.Vault, in.Kind, in.Name)
		return a.objects(in.Vault, found, true), err
	})
	opSetAttributes.serve(mux, func(_ context.Context, in objectInput) (Object, error) {
		if err := a.Vaults.SetAttributes(in.Vault, in.Kind, in.Name, in.Version, in.Attributes); err != nil {
			return Object{}, err
		}
		return a.version(in.Vault, in.Kind, in.Name, in.Version)
	})
	opDeleteObject.serve(mux, act(func(_ context.Context, in objectInput) error { return a.Vaults.Delete(in.Vault, in.Kind, in.Name) }))
	opRecoverObject.serve(mux, act(func(_ context.Context, in objectInput) error { return a.Vaults.Recover(in.Vault, in.Kind, in.Name) }))
	opPurgeObject.serve(mux, act(func(_ context.Context, in objectInput) error { return a.Vaults.Purge(in.Vault, in.Kind, in.Name) }))
}

func (a *API) serveFaults(mux *http.ServeMux) {
	opSetTokenFault.serve(mux, act(func(_ context.Context, in faultInput) error { return a.Entra.SetFault(in.Fault) }))
	opSetVaultFault.serve(mux, act(func(_ context.Context, in faultInput) error { return a.Server.SetVaultFault(in.Vault, in.Fault) }))
	opSetCertificateFault.serve(mux, act(func(ctx context.Context, in certificateInput) error {
		return a.Server.SetCertificateFault(ctx, in.Fault)
	}))
	opSetDNSDelay.serve(mux, act(func(_ context.Context, in durationInput) error { a.Server.SetDNSDelay(in.Duration); return nil }))
	opPause.serve(mux, act(func(context.Context, nothing) error { return a.Server.Pause() }))
	opResume.serve(mux, act(func(ctx context.Context, _ nothing) error { return a.Server.Resume(ctx) }))
	opSetTokenLifetime.serve(mux, act(func(_ context.Context, in durationInput) error { return a.Entra.SetTokenLifetime(in.Duration) }))
	opTrustIssuers.serve(mux, act(func(_ context.Context, in pemInput) error { return a.Entra.TrustIssuers(in.PEM) }))
}
