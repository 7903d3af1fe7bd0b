package admin

import (
	"context"
	"time"

	"akv-injector/e2e/azure/arm"
	"akv-injector/e2e/azure/faults"
	"akv-injector/e2e/azure/front"
	"akv-injector/e2e/azure/vault"
)

// The calls below do what the methods of azure.Server of the same name do.

func (c *Client) Info(ctx context.Context) (Info, error) { return opInfo.call(ctx, c, nothing{}) }

func (c *Client) CreateIdentity(ctx context.Context, identity arm.Identity) (arm.Identity, error) {
	return opCreateIdentity.call(ctx, c, identity)
}

func (c *Client) Identity(ctx context.Context, resourceGroup, name string) (arm.Identity, error) {
	return opShowIdentity.call(ctx, c, named{resourceGroup, name})
}

func (c *Client) Identities(ctx context.Context) ([]arm.Identity, error) {
	return opListIdentities.call(ctx, c, nothing{})
}

func (c *Client) DeleteIdentity(ctx context.Context, resourceGroup, name string) error {
	_, err := opDeleteIdentity.call(ctx, c, named{resourceGroup, name})
	return err
}

func (c *Client) CreateFederatedCredential(ctx context.Context, resourceGroup, identity string, credential arm.FederatedCredential) (arm.FederatedCredential, error) {
	return opCreateFederated.call(ctx, c, federatedInput{named{resourceGroup, identity}, credential})
}

func (c *Client) FederatedCredentials(ctx context.Context, resourceGroup, identity string) ([]arm.FederatedCredential, error) {
	return opListFederated.call(ctx, c, named{resourceGroup, identity})
}

func (c *Client) DeleteFederatedCredential(ctx context.Context, resourceGroup, identity, name string) error {
	_, err := opDeleteFederated.call(ctx, c, federatedInput{named{resourceGroup, identity}, arm.FederatedCredential{Name: name}})
	return err
}

// AssignRole assigns a role; name is the assignment's, or "".
func (c *Client) AssignRole(ctx context.Context, name, role, assignee, scope string) (arm.RoleAssignment, error) {
	return opAssignRole.call(ctx, c, roleInput{Role: role, Assignee: assignee, Scope: scope, Name: name})
}

func (c *Client) DeleteAssignment(ctx context.Context, id string) error {
	_, err := opDeleteAssignment.call(ctx, c, named{Name: id})
	return err
}

func (c *Client) ChangeCluster(ctx context.Context, change arm.ClusterChange) (arm.Cluster, error) {
	return opChangeCluster.call(ctx, c, change)
}

func (c *Client) CreateBinding(ctx context.Context, group, cluster, name, identityID string) (arm.IdentityBinding, error) {
	return opCreateBinding.call(ctx, c, bindingInput{Group: group, Cluster: cluster, Name: name, Identity: identityID})
}

func (c *Client) Bindings(ctx context.Context, group, cluster string) ([]arm.IdentityBinding, error) {
	return opListBindings.call(ctx, c, bindingInput{Group: group, Cluster: cluster})
}

func (c *Client) DeleteBinding(ctx context.Context, group, cluster, name string) error {
	_, err := opDeleteBinding.call(ctx, c, bindingInput{Group: group, Cluster: cluster, Name: name})
	return err
}

func (c *Client) RoleAssignments(ctx context.Context) ([]arm.RoleAssignment, error) {
	return opListAssignments.call(ctx, c, nothing{})
}

func (c *Client) UnassignRole(ctx context.Context, role, assignee, scope string) error {
	_, err := opUnassignRole.call(ctx, c, roleInput{Role: role, Assignee: assignee, Scope: scope})
	return err
}

func (c *Client) CreateVault(ctx context.Context, resourceGroup, name string) (arm.Vault, error) {
	return opCreateVault.call(ctx, c, named{resourceGroup, name})
}

func (c *Client) Vaults(ctx context.Context) ([]arm.Vault, error) {
	return opListVaults.call(ctx, c, nothing{})
}

func (c *Client) DeleteVault(ctx context.Context, name string) error {
	_, err := opDeleteVault.call(ctx, c, named{Name: name})
	return err
}

// The calls on objects do what the methods of [vault.Service] do, and return the object
// as it is then.

func (c *Client) SetSecret(ctx context.Context, vaultName, name, value string, a vault.Attributes) (Object, error) {
	return opSetSecret.call(ctx, c, objectInput{Vault: vaultName, Kind: vault.Secret, Name: name, Value: value, Attributes: a})
}

// ShowSecret returns a secret with its value; version "" is the newest.
func (c *Client) ShowSecret(ctx context.Context, vaultName, name, version string) (Object, error) {
	return opShowSecret.call(ctx, c, objectInput{Vault: vaultName, Kind: vault.Secret, Name: name, Version: version})
}

func (c *Client) CreateKey(ctx context.Context, vaultName, name, keyType string, a vault.Attributes) (Object, error) {
	return opCreateKey.call(ctx, c, objectInput{Vault: vaultName, Kind: vault.Key, Name: name, KeyType: keyType, Attributes: a})
}

func (c *Client) CreateCertificate(ctx context.Context, vaultName, name, subject string, a vault.Attributes) (Object, error) {
	return opCreateCertificate.call(ctx, c, objectInput{Vault: vaultName, Kind: vault.Certificate, Name: name, Subject: subject, Attributes: a})
}

func (c *Client) Objects(ctx context.Context, vaultName string, kind vault.Kind) ([]Object, error) {
	return opListObjects.call(ctx, c, objectInput{Vault: vaultName, Kind: kind})
}

func (c *Client) Versions(ctx context.Context, vaultName string, kind vault.Kind, name string) ([]Object, error) {
	return opListVersions.call(ctx, c, objectInput{Vault: vaultName, Kind: kind, Name: name})
}

func (c *Client) SetAttributes(ctx context.Context, vaultName string, kind vault.Kind, name, version string, a vault.Attributes) (Object, error) {
	return opSetAttributes.call(ctx, c, objectInput{Vault: vaultName, Kind: kind, Name: name, Version: version, Attributes: a})
}

func (c *Client) DeleteObject(ctx context.Context, vaultName string, kind vault.Kind, name string) error {
	_, err := opDeleteObject.call(ctx, c, objectInput{Vault: vaultName, Kind: kind, Name: name})
	return err
}

func (c *Client) RecoverObject(ctx context.Context, vaultName string, kind vault.Kind, name string) error {
	_, err := opRecoverObject.call(ctx, c, objectInput{Vault: vaultName, Kind: kind, Name: name})
	return err
}

func (c *Client) PurgeObject(ctx context.Context, vaultName string, kind vault.Kind, name string) error {
	_, err := opPurgeObject.call(ctx, c, objectInput{Vault: vaultName, Kind: kind, Name: name})
	return err
}

func (c *Client) SetTokenFault(ctx context.Context, fault *faults.Fault) error {
	_, err := opSetTokenFault.call(ctx, c, faultInput{Fault: fault})
	return err
}

func (c *Client) SetVaultFault(ctx context.Context, vaultName string, fault *faults.Fault) error {
	_, err := opSetVaultFault.call(ctx, c, faultInput{vaultName, fault})
	return err
}

func (c *Client) SetCertificateFault(ctx context.Context, fault front.CertificateFault) error {
	_, err := opSetCertificateFault.call(ctx, c, certificateInput{fault})
	return err
}

func (c *Client) SetDNSDelay(ctx context.Context, delay time.Duration) error {
	_, err := opSetDNSDelay.call(ctx, c, durationInput{delay})
	return err
}

func (c *Client) Pause(ctx context.Context) error {
	_, err := opPause.call(ctx, c, nothing{})
	return err
}

func (c *Client) Resume(ctx context.Context) error {
	_, err := opResume.call(ctx, c, nothing{})
	return err
}

func (c *Client) SetTokenLifetime(ctx context.Context, lifetime time.Duration) error {
	_, err := opSetTokenLifetime.call(ctx, c, durationInput{lifetime})
	return err
}

func (c *Client) TrustIssuers(ctx context.Context, pem []byte) error {
	_, err := opTrustIssuers.call(ctx, c, pemInput{pem})
	return err
}

func (c *Client) Audit(ctx context.Context) (Audit, error) { return opAudit.call(ctx, c, nothing{}) }

func (c *Client) ClearAudit(ctx context.Context) error {
	_, err := opClearAudit.call(ctx, c, nothing{})
	return err
}
