package azure

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// Identity is a user-assigned managed identity. In JSON it reads as az prints it.
type Identity struct {
	// ClientID is what a workload says that it is; PrincipalID is what roles are
	// assigned to. They are made up unless given.
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

// CreateIdentity makes a managed identity, or gives the one of that name and
// resource group.
func (s *Server) CreateIdentity(identity Identity) (Identity, error) {
	return s.directory.createIdentity(identity)
}

// Identity finds a managed identity. The empty resource group is the default one.
func (s *Server) Identity(resourceGroup, name string) (Identity, error) {
	return s.directory.identity(resourceGroup, name)
}

// Identities lists the managed identities by resource id.
func (s *Server) Identities() []Identity { return s.directory.listIdentities() }

// DeleteIdentity removes a managed identity with its federated credentials. What
// it was assigned stays behind, as in Azure.
func (s *Server) DeleteIdentity(resourceGroup, name string) error {
	return s.directory.deleteIdentity(resourceGroup, name)
}

func (d *directory) createIdentity(identity Identity) (Identity, error) {
	if !identityName.MatchString(identity.Name) {
		return Identity{}, badRequest("The name %q of a managed identity is not 3 to 128 letters, digits, '-' and '_', starting with a letter or digit.", identity.Name)
	}
	for field, id := range map[string]string{"client id": identity.ClientID, "principal id": identity.PrincipalID} {
		if id != "" && uuid.Validate(id) != nil {
			return Identity{}, badRequest("The %s %q is not a GUID.", field, id)
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	id := d.identityID(identity.ResourceGroup, identity.Name)
	if existing := d.identities[fold(id)]; existing != nil {
		return *existing, nil
	}
	made := identity
	made.ID = id
	made.TenantID = d.tenant
	made.Type = "Microsoft.ManagedIdentity/userAssignedIdentities"
	made.ResourceGroup = cmp.Or(made.ResourceGroup, defaultResourceGroup)
	made.Location = cmp.Or(made.Location, defaultLocation)
	made.ClientID = cmp.Or(made.ClientID, uuid.NewString())
	made.PrincipalID = cmp.Or(made.PrincipalID, uuid.NewString())
	made.federated = nil
	if made.Tags == nil {
		made.Tags = map[string]string{}
	}
	for _, other := range d.identities {
		if strings.EqualFold(other.ClientID, made.ClientID) || strings.EqualFold(other.PrincipalID, made.PrincipalID) {
			return Identity{}, conflict("The managed identity %s has that client id or principal id already.", other.ID)
		}
	}
	d.identities[fold(id)] = &made
	return made, nil
}

func (d *directory) identity(resourceGroup, name string) (Identity, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	found, err := d.findIdentity(resourceGroup, name)
	if err != nil {
		return Identity{}, err
	}
	return *found, nil
}

func (d *directory) listIdentities() []Identity {
	d.mu.RLock()
	defer d.mu.RUnlock()
	all := make([]Identity, 0, len(d.identities))
	for _, id := range slices.Sorted(maps.Keys(d.identities)) {
		all = append(all, *d.identities[id])
	}
	return all
}

func (d *directory) deleteIdentity(resourceGroup, name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	found, err := d.findIdentity(resourceGroup, name)
	if err != nil {
		return err
	}
	delete(d.identities, fold(found.ID))
	return nil
}

// findIdentity wants the lock held.
func (d *directory) findIdentity(resourceGroup, name string) (*Identity, error) {
	id := d.identityID(resourceGroup, name)
	if found := d.identities[fold(id)]; found != nil {
		return found, nil
	}
	return nil, notFound("The Resource 'Microsoft.ManagedIdentity/userAssignedIdentities/%s' under resource group '%s' was not found.",
		name, cmp.Or(resourceGroup, defaultResourceGroup))
}

// client finds the identity of a client id, with its federated credentials.
func (d *directory) client(clientID string) (Identity, bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	for _, identity := range d.identities {
		if strings.EqualFold(identity.ClientID, clientID) {
			found := *identity
			found.federated = slices.Clone(identity.federated)
			return found, true
		}
	}
	return Identity{}, false
}

func (d *directory) identityID(resourceGroup, name string) string {
	return fmt.Sprintf("%s/providers/Microsoft.ManagedIdentity/userAssignedIdentities/%s", d.groupID(resourceGroup), name)
}

func (d *directory) groupID(resourceGroup string) string {
	return fmt.Sprintf("/subscriptions/%s/resourceGroups/%s", d.subscription, cmp.Or(resourceGroup, defaultResourceGroup))
}
