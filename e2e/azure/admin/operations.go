package admin

import (
	"time"

	"akv-injector/e2e/azure/arm"
	"akv-injector/e2e/azure/cloud"
	"akv-injector/e2e/azure/entra"
	"akv-injector/e2e/azure/faults"
	"akv-injector/e2e/azure/front"
	"akv-injector/e2e/azure/vault"
)

// The operations of the admin API.
var (
	opInfo = operation[nothing, Info]{"info"}

	opCreateIdentity = operation[arm.Identity, arm.Identity]{"identity/create"}
	opShowIdentity   = operation[named, arm.Identity]{"identity/show"}
	opListIdentities = operation[nothing, []arm.Identity]{"identity/list"}
	opDeleteIdentity = operation[named, nothing]{"identity/delete"}

	opCreateFederated = operation[federatedInput, arm.FederatedCredential]{"federated-credential/create"}
	opListFederated   = operation[named, []arm.FederatedCredential]{"federated-credential/list"}
	opDeleteFederated = operation[federatedInput, nothing]{"federated-credential/delete"}

	opAssignRole      = operation[roleInput, arm.RoleAssignment]{"role-assignment/create"}
	opListAssignments = operation[nothing, []arm.RoleAssignment]{"role-assignment/list"}
	opUnassignRole    = operation[roleInput, nothing]{"role-assignment/delete"}

	opDeleteAssignment = operation[named, nothing]{"role-assignment/delete-by-id"}

	opChangeCluster = operation[arm.ClusterChange, arm.Cluster]{"cluster/change"}
	opCreateBinding = operation[bindingInput, arm.IdentityBinding]{"binding/create"}
	opListBindings  = operation[bindingInput, []arm.IdentityBinding]{"binding/list"}
	opDeleteBinding = operation[bindingInput, nothing]{"binding/delete"}

	opCreateVault = operation[named, arm.Vault]{"vault/create"}
	opListVaults  = operation[nothing, []arm.Vault]{"vault/list"}
	opDeleteVault = operation[named, nothing]{"vault/delete"}

	opSetSecret         = operation[objectInput, Object]{"secret/set"}
	opShowSecret        = operation[objectInput, Object]{"secret/show"}
	opCreateKey         = operation[objectInput, Object]{"key/create"}
	opCreateCertificate = operation[objectInput, Object]{"certificate/create"}
	opListObjects       = operation[objectInput, []Object]{"object/list"}
	opListVersions      = operation[objectInput, []Object]{"object/list-versions"}
	opSetAttributes     = operation[objectInput, Object]{"object/set-attributes"}
	opDeleteObject      = operation[objectInput, nothing]{"object/delete"}
	opRecoverObject     = operation[objectInput, nothing]{"object/recover"}
	opPurgeObject       = operation[objectInput, nothing]{"object/purge"}

	opSetTokenFault       = operation[faultInput, nothing]{"fault/token"}
	opSetVaultFault       = operation[faultInput, nothing]{"fault/vault"}
	opSetCertificateFault = operation[certificateInput, nothing]{"fault/certificate"}
	opSetDNSDelay         = operation[durationInput, nothing]{"fault/dns-delay"}
	opPause               = operation[nothing, nothing]{"pause"}
	opResume              = operation[nothing, nothing]{"resume"}
	opSetTokenLifetime    = operation[durationInput, nothing]{"token-lifetime"}
	opTrustIssuers        = operation[pemInput, nothing]{"trust-issuers"}

	opAudit      = operation[nothing, Audit]{"audit"}
	opClearAudit = operation[nothing, nothing]{"audit/clear"}
)

// Info is where a stand-in listens, and what its tenant is.
type Info struct {
	TenantID       string     `json:"tenantId"`
	SubscriptionID string     `json:"subscriptionId"`
	Cloud          cloud.Name `json:"cloud"`
	LoginEndpoint  string     `json:"loginEndpoint"`
	CAFile         string     `json:"caFile"`
	HTTPSAddress   string     `json:"httpsAddress"`
	DNSAddress     string     `json:"dnsAddress"`
	AdminSocket    string     `json:"adminSocket"`
}

// Audit has the requests to the token endpoint and to the vaults, the oldest first.
type Audit struct {
	TokenRequests []entra.TokenRequest `json:"tokenRequests"`
	VaultCalls    []vault.Call         `json:"vaultCalls"`
}

type named struct {
	ResourceGroup string `json:"resourceGroup,omitempty"`
	Name          string `json:"name"`
}

type federatedInput struct {
	Identity   named                   `json:"identity"`
	Credential arm.FederatedCredential `json:"credential"`
}

type roleInput struct {
	Role     string `json:"role"`
	Assignee string `json:"assignee"`
	Scope    string `json:"scope"`
	// Name of the assignment; empty is a random one.
	Name string `json:"name,omitempty"`
}

type bindingInput struct {
	Group   string `json:"group"`
	Cluster string `json:"cluster"`
	Name    string `json:"name,omitempty"`
	// Identity is the id of the managed identity.
	Identity string `json:"identity,omitempty"`
}

type objectInput struct {
	Vault      string           `json:"vault"`
	Kind       vault.Kind       `json:"kind"`
	Name       string           `json:"name,omitempty"`
	Version    string           `json:"version,omitempty"`
	Value      string           `json:"value,omitempty"`
	KeyType    string           `json:"keyType,omitempty"`
	Subject    string           `json:"subject,omitempty"`
	Attributes vault.Attributes `json:"attributes"`
}

type faultInput struct {
	Vault string        `json:"vault,omitempty"`
	Fault *faults.Fault `json:"fault"` // null clears
}

type certificateInput struct {
	Fault front.CertificateFault `json:"fault"`
}

type durationInput struct {
	Duration time.Duration `json:"duration"`
}

type pemInput struct {
	PEM []byte `json:"pem"`
}
