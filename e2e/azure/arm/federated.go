package arm

import (
	"cmp"
	"net/url"
	"regexp"
	"slices"
)

// DefaultAudience is the audience of tokens that are exchanged in the public
// cloud, and the one that az fills in.
const DefaultAudience = "api://AzureADTokenExchange"

// maxFederated is how many federated credentials Azure allows an identity.
const maxFederated = 20

// FederatedCredential lets tokens of another issuer stand for an identity. Issuer,
// subject and audience must equal the token's: since 2024 Entra ID compares with case,
// and a missing slash has always been a difference.
type FederatedCredential struct {
	Audiences     []string `json:"audiences"`
	ID            string   `json:"id"`
	Issuer        string   `json:"issuer"`
	Name          string   `json:"name"`
	ResourceGroup string   `json:"resourceGroup"`
	Subject       string   `json:"subject"`
	Type          string   `json:"type"`
}

var federatedName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{2,119}$`)

// CreateFederatedCredential adds a federated credential to an identity, or
// replaces the one of that name. Without an audience it gets [DefaultAudience].
func (s *Subscription) CreateFederatedCredential(resourceGroup, identity string, credential FederatedCredential) (FederatedCredential, error) {
	if len(credential.Audiences) == 0 {
		credential.Audiences = []string{DefaultAudience}
	}
	if err := credential.validate(); err != nil {
		return FederatedCredential{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	owner, err := s.findIdentity(resourceGroup, identity)
	if err != nil {
		return FederatedCredential{}, err
	}
	credential.ID = owner.ID + "/federatedIdentityCredentials/" + credential.Name
	credential.ResourceGroup = owner.ResourceGroup
	credential.Type = "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials"
	credential.Audiences = slices.Clone(credential.Audiences)

	at := owner.indexFederated(credential.Name)
	for i, other := range owner.federated {
		if i != at && other.Issuer == credential.Issuer && other.Subject == credential.Subject {
			return FederatedCredential{}, Conflict("Issuer and subject combination already exists for this Managed Identity.")
		}
	}
	switch {
	case at >= 0:
		owner.federated[at] = credential
	case len(owner.federated) == maxFederated:
		return FederatedCredential{}, BadRequest("Too many Federated Identity Credentials. Managed Identity can only have at most %d Federated Identity Credentials.", maxFederated)
	default:
		owner.federated = append(owner.federated, credential)
	}
	return credential, nil
}

func (c *FederatedCredential) validate() error {
	if !federatedName.MatchString(c.Name) {
		return BadRequest("The name %q of a federated credential is not 3 to 120 letters, digits, '-' and '_', starting with a letter or digit.", c.Name)
	}
	if issuer, err := url.Parse(c.Issuer); err != nil || issuer.Scheme != "https" || issuer.Host == "" {
		return BadRequest("The issuer %q of a federated credential is not an https URL.", c.Issuer)
	}
	if c.Subject == "" {
		return BadRequest("A federated credential needs a subject, such as system:serviceaccount:NAMESPACE:NAME.")
	}
	if len(c.Audiences) != 1 || c.Audiences[0] == "" {
		return BadRequest("A federated credential has exactly one audience; for Kubernetes it is %s.", DefaultAudience)
	}
	return nil
}

// FederatedCredentials lists an identity's federated credentials.
func (s *Subscription) FederatedCredentials(resourceGroup, identity string) ([]FederatedCredential, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	owner, err := s.findIdentity(resourceGroup, identity)
	if err != nil {
		return nil, err
	}
	return append([]FederatedCredential{}, owner.federated...), nil
}

// DeleteFederatedCredential removes a federated credential from an identity. Tokens
// already given for it stay valid until they expire.
func (s *Subscription) DeleteFederatedCredential(resourceGroup, identity, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	owner, err := s.findIdentity(resourceGroup, identity)
	if err != nil {
		return err
	}
	at := owner.indexFederated(name)
	if at < 0 {
		return NotFound("The federated credential '%s' of the managed identity '%s' in resource group '%s' was not found.",
			name, identity, cmp.Or(resourceGroup, defaultResourceGroup))
	}
	owner.federated = slices.Delete(owner.federated, at, at+1)
	return nil
}

func (i *Identity) indexFederated(name string) int {
	return slices.IndexFunc(i.federated, func(c FederatedCredential) bool { return fold(c.Name) == fold(name) })
}
