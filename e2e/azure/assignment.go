package azure

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// RoleAssignment gives a principal a role at a scope and below.
type RoleAssignment struct {
	ID                 string `json:"id"`
	Name               string `json:"name"`
	PrincipalID        string `json:"principalId"`
	PrincipalType      string `json:"principalType"`
	RoleDefinitionID   string `json:"roleDefinitionId"`
	RoleDefinitionName string `json:"roleDefinitionName"`
	Scope              string `json:"scope"`
	Type               string `json:"type"`

	role *role
	at   scope
}

// AssignRole gives a role, by name or id, to an assignee, which is the principal
// id or the client id of an identity. The scope is a resource id; see
// [Server.VaultScope] and [Server.ObjectScope]. An assignment that exists is given
// back as it is.
func (s *Server) AssignRole(role, assignee, scope string) (RoleAssignment, error) {
	return s.directory.assign(role, assignee, scope)
}

// RoleAssignments lists all assignments, the oldest first.
func (s *Server) RoleAssignments() []RoleAssignment {
	s.directory.mu.RLock()
	defer s.directory.mu.RUnlock()
	return append([]RoleAssignment{}, s.directory.assignments...)
}

// UnassignRole takes a role away. An empty role is any role, an empty scope any
// scope; that nothing matched is no error, as it is none for az.
func (s *Server) UnassignRole(role, assignee, scope string) error {
	return s.directory.unassign(role, assignee, scope)
}

// VaultScope is the scope of a whole vault.
func (s *Server) VaultScope(vault string) (string, error) {
	found, err := s.directory.vault(vault)
	if err != nil {
		return "", err
	}
	return found.ID, nil
}

// ObjectScope is the scope of one object of a vault, such as "secrets" and its name.
func (s *Server) ObjectScope(vault, kind, name string) (string, error) {
	id, err := s.VaultScope(vault)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s/%s/%s", id, kind, name), nil
}

func (d *directory) assign(roleName, assignee, scopeID string) (RoleAssignment, error) {
	role, err := findRole(roleName)
	if err != nil {
		return RoleAssignment{}, err
	}
	at, err := parseScope(scopeID)
	if err != nil {
		return RoleAssignment{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if at.subscription != fold(d.subscription) {
		return RoleAssignment{}, notFound("The subscription '%s' could not be found.", at.subscription)
	}
	if at.vault != "" && (d.vaults[at.vault] == nil || fold(d.vaults[at.vault].ResourceGroup) != at.group) {
		return RoleAssignment{}, notFound("The Resource 'Microsoft.KeyVault/vaults/%s' under resource group '%s' was not found.", at.vault, at.group)
	}
	principal, err := d.principal(assignee)
	if err != nil {
		return RoleAssignment{}, err
	}
	for _, existing := range d.assignments {
		if existing.role == role && existing.at == at && existing.PrincipalID == principal {
			return existing, nil
		}
	}
	made := RoleAssignment{
		Name:               uuid.NewString(),
		PrincipalID:        principal,
		PrincipalType:      "ServicePrincipal",
		RoleDefinitionID:   fmt.Sprintf("/subscriptions/%s/providers/Microsoft.Authorization/roleDefinitions/%s", d.subscription, role.id),
		RoleDefinitionName: role.name,
		Scope:              scopeID,
		Type:               "Microsoft.Authorization/roleAssignments",
		role:               role,
		at:                 at,
	}
	made.ID = fmt.Sprintf("%s/providers/%s/%s", strings.TrimSuffix(scopeID, "/"), made.Type, made.Name)
	d.assignments = append(d.assignments, made)
	return made, nil
}

func (d *directory) unassign(roleName, assignee, scopeID string) error {
	var (
		role *role
		at   scope
		err  error
	)
	if roleName != "" {
		if role, err = findRole(roleName); err != nil {
			return err
		}
	}
	if scopeID != "" {
		if at, err = parseScope(scopeID); err != nil {
			return err
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	principal, err := d.principal(assignee)
	if err != nil {
		return err
	}
	d.assignments = slices.DeleteFunc(d.assignments, func(a RoleAssignment) bool {
		return a.PrincipalID == principal && (role == nil || a.role == role) && (scopeID == "" || a.at == at)
	})
	return nil
}

// principal finds the principal id of an assignee. One whose identity is gone can
// still be named by the principal id, or nobody could clean up after it. It wants
// the lock held.
func (d *directory) principal(assignee string) (string, error) {
	for _, identity := range d.identities {
		if strings.EqualFold(identity.PrincipalID, assignee) || strings.EqualFold(identity.ClientID, assignee) {
			return identity.PrincipalID, nil
		}
	}
	for _, assignment := range d.assignments {
		if strings.EqualFold(assignment.PrincipalID, assignee) {
			return assignment.PrincipalID, nil
		}
	}
	return "", badRequest("Cannot find user or service principal in graph database for '%s'. It is the principal id or the client id of a managed identity.", assignee)
}

// allowed says whether a principal may do a data action on an object of a vault
// ("secrets/NAME"), or on the vault where object is empty.
func (d *directory) allowed(principal, vault, object, action string) bool {
	d.mu.RLock()
	defer d.mu.RUnlock()
	resource := d.vaults[fold(vault)]
	if resource == nil {
		return false
	}
	there := scope{fold(d.subscription), fold(resource.ResourceGroup), fold(vault), fold(object)}
	for _, assignment := range d.assignments {
		if strings.EqualFold(assignment.PrincipalID, principal) && assignment.at.covers(there) && assignment.role.allows(action) {
			return true
		}
	}
	return false
}
