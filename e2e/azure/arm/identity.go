package arm

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// Identity is a user-assigned managed identity. Its JSON is as az prints it.
type Identity struct {
	// ClientID is the id that a workload asks for a token with; roles are assigned to
	// the PrincipalID. Both are random unless given.
	ClientID      string            `json:"clientId"`
	ID            string            `json:"id"`
	Location      string            `json:"location"`
	Name          string            `json:"name"`
	PrincipalID   string            `json:"principalId"`
	ResourceGroup string            `json:"resourceGroup"`
	Tags          map[string]string `json:"tags"`
	TenantID      string            `json:"tenantId"`
	Type          string            `json:"type"`

	federated []FederatedCredential
}

const (
	defaultResourceGroup = "stand-in"
	defaultLocation      = "westeurope"
)

var identityName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{2,127}$`)

// CreateIdentity makes a managed identity, or returns the one of that name and
// resource group.
func (s *Subscription) CreateIdentity(identity Identity) (Identity, error) {
	if !identityName.MatchString(identity.Name) {
		return Identity{}, BadRequest("The name %q of a managed identity is not 3 to 128 letters, digits, '-' and '_', starting with a letter or digit.", identity.Name)
	}
	for field, id := range map[string]string{"client id": identity.ClientID, "principal id": identity.PrincipalID} {
		if id != "" && uuid.Validate(id) != nil {
			return Identity{}, BadRequest("The %s %q is not a GUID.", field, id)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	id := s.identityID(identity.ResourceGroup, identity.Name)
	if existing := s.identities[fold(id)]; existing != nil {
		return *existing, nil
	}
	made := identity
	made.ID = id
	made.TenantID = s.tenant
	made.Type = "Microsoft.ManagedIdentity/userAssignedIdentities"
	made.ResourceGroup = cmp.Or(made.ResourceGroup, defaultResourceGroup)
	made.Location = cmp.Or(made.Location, defaultLocation)
	made.ClientID = cmp.Or(made.ClientID, uuid.NewString())
	made.PrincipalID = cmp.Or(made.PrincipalID, uuid.NewString())
	made.federated = nil
	if made.Tags == nil {
		made.Tags = map[string]string{}
	}
	for _, other := range s.identities {
		if strings.EqualFold(other.ClientID, made.ClientID) || strings.EqualFold(other.PrincipalID, made.PrincipalID) {
			return Identity{}, Conflict("The managed identity %s has that client id or principal id already.", other.ID)
		}
	}
	s.identities[fold(id)] = &made
	return made, nil
}

// Identity finds a managed identity. The empty resource group is the default one.
func (s *Subscription) Identity(resourceGroup, name string) (Identity, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	found, err := s.findIdentity(resourceGroup, name)
	if err != nil {
		return Identity{}, err
	}
	return *found, nil
}

// Identities lists the managed identities by resource id.
func (s *Subscription) Identities() []Identity {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := make([]Identity, 0, len(s.identities))
	for _, id := range slices.Sorted(maps.Keys(s.identities)) {
		all = append(all, *s.identities[id])
	}
	return all
}

// DeleteIdentity removes a managed identity with its federated credentials. Its role
// assignments stay, as in Azure.
func (s *Subscription) DeleteIdentity(resourceGroup, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, err := s.findIdentity(resourceGroup, name)
	if err != nil {
		return err
	}
	delete(s.identities, fold(found.ID))
	return nil
}

// findIdentity needs the lock held.
func (s *Subscription) findIdentity(resourceGroup, name string) (*Identity, error) {
	id := s.identityID(resourceGroup, name)
	if found := s.identities[fold(id)]; found != nil {
		return found, nil
	}
	return nil, NotFound("The Resource 'Microsoft.ManagedIdentity/userAssignedIdentities/%s' under resource group '%s' was not found.",
		name, cmp.Or(resourceGroup, defaultResourceGroup))
}

// Client finds the identity of a client id, with its federated credentials.
func (s *Subscription) Client(clientID string) (client Identity, federated []FederatedCredential, ok bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, identity := range s.identities {
		if strings.EqualFold(identity.ClientID, clientID) {
			return *identity, slices.Clone(identity.federated), true
		}
	}
	return Identity{}, nil, false
}

func (s *Subscription) identityID(resourceGroup, name string) string {
	return fmt.Sprintf("%s/providers/Microsoft.ManagedIdentity/userAssignedIdentities/%s", s.groupID(resourceGroup), name)
}

func (s *Subscription) groupID(resourceGroup string) string {
	return fmt.Sprintf("/subscriptions/%s/resourceGroups/%s", s.id, cmp.Or(resourceGroup, defaultResourceGroup))
}
