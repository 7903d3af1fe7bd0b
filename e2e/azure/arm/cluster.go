package arm

import (
	"fmt"
	"maps"
)

// Cluster is a managed cluster of AKS as a resource. What runs in it is not looked at. Its JSON is as az prints it.
type Cluster struct {
	ID              string                  `json:"id"`
	Name            string                  `json:"name"`
	ResourceGroup   string                  `json:"resourceGroup"`
	OIDCIssuer      ClusterIssuer           `json:"oidcIssuerProfile"`
	SecurityProfile ClusterSecurity         `json:"securityProfile"`
	Addons          map[string]ClusterAddon `json:"addonProfiles"`

	bindings map[string]IdentityBinding // by name, in lower case
}

// ClusterIssuer is the profile of a cluster's OIDC issuer.
type ClusterIssuer struct {
	Enabled   bool   `json:"enabled"`
	IssuerURL string `json:"issuerUrl,omitempty"`

	issuer string
}

// ClusterSecurity is the part of a cluster's security profile that is looked at.
type ClusterSecurity struct {
	WorkloadIdentity *ClusterSwitch `json:"workloadIdentity"`
}

// ClusterSwitch is on or off.
type ClusterSwitch struct {
	Enabled bool `json:"enabled"`
}

// ClusterAddon is an add-on with its settings, which are texts.
type ClusterAddon struct {
	Enabled bool              `json:"enabled"`
	Config  map[string]string `json:"config"`
}

// SecretsProvider is the add-on of the Secrets Store CSI driver.
const SecretsProvider = "azureKeyvaultSecretsProvider"

// ClusterChange is what an administrator changes of a cluster. What is not set stays.
type ClusterChange struct {
	Group                    string `json:"group"`
	Name                     string `json:"name"`
	OIDCIssuer               bool   `json:"oidcIssuer,omitempty"`
	WorkloadIdentity         bool   `json:"workloadIdentity,omitempty"`
	SecretsProvider          bool   `json:"secretsProvider,omitempty"`
	SecretRotation           bool   `json:"secretRotation,omitempty"`
	RotationInterval         string `json:"rotationInterval,omitempty"`
	NeedsTheSecretsProvider  bool   `json:"needsTheSecretsProvider,omitempty"`
	RefusesTheSecretProvider bool   `json:"refusesTheSecretsProvider,omitempty"`
}

// AddCluster adds a cluster that has none of its features on. The issuer is that of its tokens, once it is on.
func (s *Subscription) AddCluster(group, name, issuer string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clusters[fold(group+"/"+name)] = &Cluster{
		ID: fmt.Sprintf("%s/providers/Microsoft.ContainerService/managedClusters/%s", s.groupID(group), name), Name: name, ResourceGroup: group,
		OIDCIssuer: ClusterIssuer{issuer: issuer}, Addons: map[string]ClusterAddon{},
		bindings: map[string]IdentityBinding{},
	}
}

// ChangeCluster changes a cluster, and returns it. The zero change shows it.
func (s *Subscription) ChangeCluster(change ClusterChange) (Cluster, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.findCluster(change.Group, change.Name)
	if err != nil {
		return Cluster{}, err
	}
	addon := c.Addons[SecretsProvider]
	switch {
	case change.WorkloadIdentity && !change.OIDCIssuer && !c.OIDCIssuer.Enabled:
		return Cluster{}, BadRequest("Enabling workload identity requires the OIDC issuer to be enabled.")
	case change.NeedsTheSecretsProvider && !addon.Enabled:
		return Cluster{}, BadRequest("The addon \"azure-keyvault-secrets-provider\" is not installed.")
	case change.RefusesTheSecretProvider && addon.Enabled:
		return Cluster{}, BadRequest("The azure-keyvault-secrets-provider addon is already enabled for this managed cluster.")
	}
	if change.OIDCIssuer {
		c.OIDCIssuer.Enabled, c.OIDCIssuer.IssuerURL = true, c.OIDCIssuer.issuer
	}
	if change.WorkloadIdentity {
		c.SecurityProfile.WorkloadIdentity = &ClusterSwitch{Enabled: true}
	}
	config := maps.Clone(addon.Config)
	if config == nil {
		config = map[string]string{"enableSecretRotation": "false", "rotationPollInterval": "2m"}
	}
	if change.SecretRotation {
		config["enableSecretRotation"] = "true"
	}
	if change.RotationInterval != "" {
		config["rotationPollInterval"] = change.RotationInterval
	}
	if addon.Enabled || change.SecretsProvider {
		c.Addons[SecretsProvider] = ClusterAddon{Enabled: true, Config: config}
	}
	shown := *c
	shown.Addons = maps.Clone(c.Addons)
	return shown, nil
}

// findCluster needs the lock held.
func (s *Subscription) findCluster(group, name string) (*Cluster, error) {
	if c := s.clusters[fold(group+"/"+name)]; c != nil {
		return c, nil
	}
	return nil, NotFound("The Resource 'Microsoft.ContainerService/managedClusters/%s' under resource group '%s' was not found.", name, group)
}
