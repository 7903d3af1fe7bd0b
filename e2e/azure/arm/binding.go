package arm

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// IdentityBinding binds a managed identity to a cluster. Its JSON is as az prints it.
// https://learn.microsoft.com/azure/aks/identity-bindings-concepts
type IdentityBinding struct {
	ID            string            `json:"id"`
	Name          string            `json:"name"`
	ResourceGroup string            `json:"resourceGroup"`
	Type          string            `json:"type"`
	Properties    BindingProperties `json:"properties"`
}

// BindingProperties are what is bound, and the issuer of the tokens by which it is reached.
type BindingProperties struct {
	ManagedIdentity   BoundIdentity `json:"managedIdentity"`
	OIDCIssuer        BindingIssuer `json:"oidcIssuer"`
	ProvisioningState string        `json:"provisioningState"`
}

// BoundIdentity is the managed identity of a binding.
type BoundIdentity struct {
	ClientID   string `json:"clientId"`
	ObjectID   string `json:"objectId"`
	ResourceID string `json:"resourceId"`
	TenantID   string `json:"tenantId"`
}

// BindingIssuer is an issuer of AKS's own, one for each managed identity.
type BindingIssuer struct {
	URL string `json:"oidcIssuerUrl"`
}

// BindingSubject is that of the tokens of AKS's own issuers.
const BindingSubject = "aks-identity-binding"

var bindingName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,98}[A-Za-z0-9]$`)

// BindingsIssuedBy sets where the issuers for identity bindings are: that of an identity is below it, by its client id.
func (s *Subscription) BindingsIssuedBy(base string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bindingIssuers = strings.TrimSuffix(base, "/")
}

// CreateBinding binds a managed identity to a cluster, and gives the identity the one federated credential that all its bindings share.
func (s *Subscription) CreateBinding(group, cluster, name, identityID string) (IdentityBinding, error) {
	if !bindingName.MatchString(name) {
		return IdentityBinding{}, BadRequest("The name %q of an identity binding is not 2 to 100 letters, digits, '-' and '_'.", name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.findCluster(group, cluster)
	if err != nil {
		return IdentityBinding{}, err
	}
	identity := s.identities[fold(identityID)]
	if identity == nil {
		return IdentityBinding{}, NotFound("The managed identity '%s' was not found.", identityID)
	}
	if s.bindingIssuers == "" {
		return IdentityBinding{}, BadRequest("Identity bindings are a preview, and not registered for the subscription.")
	}
	for _, other := range c.bindings {
		if fold(other.Name) != fold(name) && fold(other.Properties.ManagedIdentity.ResourceID) == fold(identity.ID) {
			return IdentityBinding{}, Conflict("The managed identity is bound to the cluster by '%s'.", other.Name)
		}
	}
	issuer := s.bindingIssuers + "/" + identity.ClientID
	if !slices.ContainsFunc(identity.federated, func(f FederatedCredential) bool { return f.Issuer == issuer }) {
		if len(identity.federated) == maxFederated {
			return IdentityBinding{}, BadRequest("Too many Federated Identity Credentials. Managed Identity can only have at most %d Federated Identity Credentials.", maxFederated)
		}
		identity.federated = append(identity.federated, FederatedCredential{
			ID: identity.ID + "/federatedIdentityCredentials/aks-identity-binding", Name: "aks-identity-binding", ResourceGroup: identity.ResourceGroup,
			Issuer: issuer, Subject: BindingSubject, Audiences: []string{DefaultAudience},
			Type: "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials",
		})
	}
	b := IdentityBinding{
		ID: c.ID + "/identityBindings/" + name, Name: name, ResourceGroup: c.ResourceGroup, Type: "Microsoft.ContainerService/managedClusters/identityBindings",
		Properties: BindingProperties{
			ManagedIdentity: BoundIdentity{ClientID: identity.ClientID, ObjectID: identity.PrincipalID, ResourceID: identity.ID, TenantID: identity.TenantID},
			OIDCIssuer:      BindingIssuer{issuer}, ProvisioningState: "Succeeded",
		},
	}
	c.bindings[fold(name)] = b
	return b, nil
}

// Bindings lists the identity bindings of a cluster.
func (s *Subscription) Bindings(group, cluster string) ([]IdentityBinding, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	c, err := s.findCluster(group, cluster)
	if err != nil {
		return nil, err
	}
	all := make([]IdentityBinding, 0, len(c.bindings))
	for _, name := range slices.Sorted(maps.Keys(c.bindings)) {
		all = append(all, c.bindings[name])
	}
	return all, nil
}

// DeleteBinding removes an identity binding. The federated credential stays, as in Azure, even if it was the last.
func (s *Subscription) DeleteBinding(group, cluster, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.findCluster(group, cluster)
	if err != nil {
		return err
	}
	if _, ok := c.bindings[fold(name)]; !ok {
		return NotFound("The identity binding '%s' of the cluster '%s' was not found.", name, cluster)
	}
	delete(c.bindings, fold(name))
	return nil
}

// Bound reports whether an identity is bound to a cluster whose tokens have an issuer.
func (s *Subscription) Bound(issuer, clientID string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, c := range s.clusters {
		for _, b := range c.bindings {
			if c.OIDCIssuer.issuer == issuer && strings.EqualFold(b.Properties.ManagedIdentity.ClientID, clientID) {
				return true
			}
		}
	}
	return false
}
