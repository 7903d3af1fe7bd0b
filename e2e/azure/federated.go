package azure

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

// FederatedCredential lets tokens of another issuer stand for an identity. All
// three must be the token's, to the letter: since 2024 Entra ID compares with
// case, and it never forgave a missing slash.
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
// replaces the one of that name. No audience is [DefaultAudience].
func (s *Server) CreateFederatedCredential(resourceGroup, identity string, credential FederatedCredential) (FederatedCredential, error) {
	return s.directory.createFederated(resourceGroup, identity, credential)
}

// FederatedCredentials lists an identity's federated credentials.
func (s *Server) FederatedCredentials(resourceGroup, identity string) ([]FederatedCredential, error) {
	return s.directory.listFederated(resourceGroup, identity)
}

// DeleteFederatedCredential takes a federated credential from an identity. Tokens
// that were given for it stay good until they expire.
func (s *Server) DeleteFederatedCredential(resourceGroup, identity, name string) error {
	return s.directory.deleteFederated(resourceGroup, identity, name)
}

func (d *directory) createFederated(resourceGroup, identity string, credential FederatedCredential) (FederatedCredential, error) {
	if len(credential.Audiences) == 0 {
		credential.Audiences = []string{DefaultAudience}
	}
	if err := credential.validate(); err != nil {
		return FederatedCredential{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	owner, err := d.findIdentity(resourceGroup, identity)
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
			return FederatedCredential{}, conflict("Issuer and subject combination already exists for this Managed Identity.")
		}
	}
	switch {
	case at >= 0:
		owner.federated[at] = credential
	case len(owner.federated) == maxFederated:
		return FederatedCredential{}, badRequest("Too many Federated Identity Credentials. Managed Identity can only have at most %d Federated Identity Credentials.", maxFederated)
	default:
		owner.federated = append(owner.federated, credential)
	}
	return credential, nil
}

func (c *FederatedCredential) validate() error {
	if !federatedName.MatchString(c.Name) {
		return badRequest("The name %q of a federated credential is not 3 to 120 letters, digits, '-' and '_', starting with a letter or digit.", c.Name)
	}
	if issuer, err := url.Parse(c.Issuer); err != nil || issuer.Scheme != "https" || issuer.Host == "" {
		return badRequest("The issuer %q of a federated credential is not an https URL.", c.Issuer)
	}
	if c.Subject == "" {
		return badRequest("A federated credential needs a subject, such as system:serviceaccount:NAMESPACE:NAME.")
	}
	if len(c.Audiences) != 1 || c.Audiences[0] == "" {
		return badRequest("A federated credential has exactly one audience; for Kubernetes it is %s.", DefaultAudience)
	}
	return nil
}

func (d *directory) listFederated(resourceGroup, identity string) ([]FederatedCredential, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	owner, err := d.findIdentity(resourceGroup, identity)
	if err != nil {
		return nil, err
	}
	return append([]FederatedCredential{}, owner.federated...), nil
}

func (d *directory) deleteFederated(resourceGroup, identity, name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	owner, err := d.findIdentity(resourceGroup, identity)
	if err != nil {
		return err
	}
	at := owner.indexFederated(name)
	if at < 0 {
		return notFound("The federated credential '%s' of the managed identity '%s' in resource group '%s' was not found.",
			name, identity, cmp.Or(resourceGroup, defaultResourceGroup))
	}
	owner.federated = slices.Delete(owner.federated, at, at+1)
	return nil
}

func (i *Identity) indexFederated(name string) int {
	return slices.IndexFunc(i.federated, func(c FederatedCredential) bool { return fold(c.Name) == fold(name) })
}
